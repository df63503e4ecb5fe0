import { gunzipSync } from 'node:zlib'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadedAt } from '../../local/simulator/preliminary.ts'
import type { Served } from '../../local/simulator/served.ts'
import type { Simulator } from '../../local/simulator/simulator.ts'
import type { Effect } from '../../local/simulator/switches.ts'
import { CATALOG, findDataset } from '../../src/core/catalog.ts'
import { type Client, connect, createReport, linkOf, MARCH, openSimulator, rawBody } from '../setup/simulator.ts'

const QUERY = 'SELECT Month, SubscriptionId, UsageQuantity FROM AzureUsage'
const HEADER = 'Month,SubscriptionId,UsageQuantity'

let simulator: Simulator
let client: Client

beforeEach(async () => {
  ;({ simulator, client } = await openSimulator({ rows: 5 }))
  return () => simulator.close()
})

async function spoilt(...effects: readonly Effect[]) {
  for (const effect of effects) simulator.fault({ endpoint: 'report', effect })
  const reportId = await createReport(client, QUERY, MARCH)
  const link = await linkOf(client, reportId)
  const { body, headers } = await rawBody(link)
  return { body, headers, link, served: simulator.served(reportId) as Served }
}

async function textOf(...effects: readonly Effect[]): Promise<string> {
  return gunzipSync((await spoilt(...effects)).body).toString('utf8')
}

const headerOf = (text: string) => text.split(/\r?\n/)[0]

describe('a report', () => {
  it('is as it should be when nothing is switched on, and so is the next one after a fault', async () => {
    const text = await textOf()
    expect(headerOf(text)).toBe(HEADER)
    expect(text.match(/\r\n/g)).toHaveLength(6)
    expect(await textOf('headerOnly')).toBe(`${HEADER}\r\n`)
    expect(await textOf()).toBe(text)
  })

  it('has a BOM, other line ends, or both', async () => {
    const text = await textOf()
    expect(await textOf('bom')).toBe(`\ufeff${text}`)
    expect(await textOf('lf')).toBe(text.replaceAll('\r\n', '\n'))
    expect((await textOf('mixedEnds')).split(/(?<=\n)/).map((line) => line.endsWith('\r\n'))).toEqual([
      ...[true, false, true],
      ...[false, true, false],
    ])
    expect(await textOf('bom', 'lf')).toBe(`\ufeff${text.replaceAll('\r\n', '\n')}`)
  })

  it('is parted by tabs under another name and type', async () => {
    const { body, link, headers } = await spoilt('tsv')
    expect(headerOf(gunzipSync(body).toString('utf8'))).toBe(HEADER.replaceAll(',', '\t'))
    expect(new URL(link).pathname).toMatch(/\.tsv$/)
    expect(headers['content-type']).toBe('text/tab-separated-values')
  })

  it('lacks, gains and doubles columns, and says so in what it served', async () => {
    const missing = await spoilt({ missingColumn: 'subscriptionid' })
    expect(missing.served.header).toEqual(['Month', 'UsageQuantity'])
    expect(headerOf(gunzipSync(missing.body).toString())).toBe('Month,UsageQuantity')
    expect(missing.served.rows.every((row) => row.length === 2)).toBe(true)
    expect(headerOf(await textOf({ newColumn: 'Extra' }))).toBe(`${HEADER},Extra`)
    const twice = await spoilt({ columnTwice: 'Month' })
    expect(headerOf(gunzipSync(twice.body).toString())).toBe(`${HEADER},Month`)
    expect(twice.served.rows.every((row) => row[0] === row[3])).toBe(true)
  })

  it('has another header: capitals, or twice', async () => {
    const text = await textOf()
    expect(headerOf(await textOf('headerCase'))).toBe(HEADER.toUpperCase())
    expect(await textOf('headerTwice')).toBe(`${HEADER}\r\n${text}`)
  })

  it('ends with a record that has one cell too many', async () => {
    expect(await textOf('badLastRow')).toBe(`${await textOf()}x,x,x,one too many\r\n`)
  })

  it('holds one row of the month before, the last one', async () => {
    const { served } = await spoilt('outsideWindow')
    expect(served.rows.map(([month]) => month)).toEqual([...Array(4).fill('2025-03-01'), '2025-02-01'])
  })

  it('holds no byte, and says that it is no gzip', async () => {
    const { body, headers } = await spoilt('nothing')
    expect([body.length, headers['content-length'], headers['content-encoding']]).toEqual([0, '0', undefined])
  })

  it('is half of a gzip, or several of them', async () => {
    const whole = await spoilt()
    const half = await spoilt('truncatedGzip')
    expect(half.body).toEqual(whole.body.subarray(0, whole.body.length / 2))
    expect(() => gunzipSync(half.body)).toThrow('unexpected end of file')
    const members = await spoilt('members')
    expect(members.body.toString('latin1').split('\x1f\x8b\x08')).toHaveLength(4)
    expect(gunzipSync(members.body)).toEqual(gunzipSync(whole.body))
  })

  it('runs for ever', async () => {
    simulator.fault({ endpoint: 'report', effect: 'stuck' })
    const reportId = await createReport(client, QUERY, MARCH)
    expect((await client.get(`ScheduledReport/execution/${reportId}`)).status).toBe(404)
    const running = await client.get(`ScheduledReport/execution/${reportId}?executionStatus=Running`)
    expect(running.envelope.value).toHaveLength(1)
  })

  it('does not heed the query times, or leaves out what begins at their end', async () => {
    const months = async (effect: Effect, fields: object) => {
      simulator.fault({ endpoint: 'report', effect })
      const reportId = await createReport(client, QUERY, fields)
      return [...new Set(simulator.served(reportId)?.rows.map(([month]) => month))]
    }
    expect(await months('timesIgnored', MARCH)).toHaveLength(6)
    const toApril = { ...MARCH, QueryEndTime: '2025-04-01T00:00:00Z' }
    expect(await months('lf', toApril)).toEqual(['2025-03-01', '2025-04-01'])
    expect(await months('endExclusive', toApril)).toEqual(['2025-03-01'])
  })

  it('holds fewer and other rows of a month until the day on which the service loads it is over', async () => {
    const april = { QueryStartTime: '2025-04-01T00:00:00Z', QueryEndTime: '2025-04-30T23:59:59Z' }
    // A token does not last for days.
    const rows = async (fields: object) =>
      simulator.served(await createReport(await connect(simulator), QUERY, fields))?.rows ?? []
    const [march, whole] = [await rows(MARCH), await rows(april)]
    simulator.fault({ endpoint: 'report', effect: 'preliminary', nth: 'all' })
    // March was loaded on the 5th of April. It is the 1st of May at noon: 30.5 of the 35 days until the 6th have passed.
    expect(await rows(MARCH)).toEqual(march)
    const first = await rows(april)
    expect(first.slice(1)).toEqual(whole.slice(1, 4))
    expect(first.map(([month]) => month)).toEqual(['2025-04-01', '2025-04-01', '2025-04-01', '2025-04-01'])
    simulator.advance(86_400_000)
    const next = await rows(april)
    expect(next.slice(1)).toEqual(first.slice(1))
    expect(new Set([whole[0], first[0], next[0]].map(String)).size).toBe(3)
    simulator.advance(4.5 * 86_400_000 - 86_400_000 - 1)
    expect(await rows(april)).not.toEqual(whole)
    simulator.advance(1)
    expect(await rows(april)).toEqual(whole)
  })

  it.each([
    ['MSLearn', '2025-03-31', '2025-04-04'],
    ['TeamsUsageMeetingsAndCalls', '2025-03-31', '2025-04-16'],
    ['OfficeUsage', '2024-12-01', '2025-01-16'],
    ['CSPRevenueDetails', '2025-02-01', '2025-03-06'],
    ['CPORM365Usage', '2025-03-14', '2025-04-15'],
  ])('of %s that begins on %s is preliminary until %s', (name, start, loaded) => {
    const dataset = findDataset(CATALOG, name)
    expect(dataset && loadedAt(dataset, new Date(start))).toEqual(new Date(loaded))
  })
})

describe('a restatement', () => {
  let standing: Simulator
  let asked: Client

  beforeAll(async () => {
    ;({ simulator: standing, client: asked } = await openSimulator({ rows: 25 }))
    return () => standing.close()
  })

  const rows = async (query = QUERY, fields: object = MARCH) =>
    standing.served(await createReport(asked, query, fields))?.rows ?? []

  it('gives the next report fewer, more and changed rows, each on top of the one before', async () => {
    const earlier = await createReport(asked, QUERY, MARCH)
    const before = await rows()
    standing.restate({ dataset: 'azureusage', rows: 'fewer' })
    expect(await rows()).toEqual(before.slice(3))
    standing.restate({ dataset: 'AzureUsage', rows: 'more' })
    const more = await rows()
    expect(more.slice(0, 22)).toEqual(before.slice(3))
    expect(more).toHaveLength(25)
    standing.restate({ dataset: 'AzureUsage', rows: 'changed' })
    const changed = await rows()
    const differing = changed.flatMap((row, index) =>
      JSON.stringify(String(row)) === JSON.stringify(String(more[index])) ? [] : [index],
    )
    expect(differing).toEqual([0, 10, 20])
    expect(await rows()).toEqual(changed)
    expect(standing.served(earlier)?.rows).toEqual(before)
  })

  it('concerns its dataset and its window alone', async () => {
    const office = await rows('SELECT Month, WorkloadName FROM OfficeUsage')
    const both = { QueryStartTime: '2025-01-01T00:00:00Z', QueryEndTime: '2025-02-28T23:59:59Z' }
    const before = await rows(QUERY, both)
    const january = { from: '2025-01-01T00:00:00Z', to: '2025-02-01T00:00:00Z' }
    standing.restate({ dataset: 'AzureUsage', window: january, rows: 'fewer' })
    expect(await rows(QUERY, both)).toEqual(before.slice(3))
    expect(await rows('SELECT Month, WorkloadName FROM OfficeUsage')).toEqual(office)
  })

  it('leaves one row at least', async () => {
    const { simulator: one, client: ofOne } = await openSimulator({ rows: 1 })
    one.restate({ dataset: 'AzureUsage', rows: 'fewer' })
    expect(one.served(await createReport(ofOne, QUERY, MARCH))?.rows).toHaveLength(1)
    await one.close()
  })
})
