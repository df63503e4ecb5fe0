import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { proxiedConnectionString, type StorageProxy, serviceOrigins, startProxy } from '../../local/proxy.ts'
import { AWKWARD } from '../../local/simulator/awkward.ts'
import type { Served } from '../../local/simulator/served.ts'
import { windowId } from '../../src/core/time/window.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { reportRequests } from '../setup/insights.ts'
import { createWorld, type World } from '../setup/world.ts'
import { COLUMNS, DERIVED } from './azure-usage.ts'
import { type RawRow, rawRows } from './raw-rows.ts'
import { cellsOfText, cellsOfValue, landedCells, type TypedColumn } from './typed-cells.ts'

const FEED = { name: 'azure-usage', dataset: 'AzureUsage', from: '2025-04-01', to: '2025-07-01' }
const MONTHS = ['2025-04-01', '2025-05-01', '2025-06-01']
const NAMES = COLUMNS.map(({ name }) => name)
const DAY = 86_400_000

let world: World
let tables: StorageProxy
let rows: readonly RawRow[]

beforeAll(async () => {
  tables = await startProxy({ target: serviceOrigins(inject('storage')).table })
  world = await createWorld({
    feeds: [FEED],
    storage: proxiedConnectionString(inject('storage'), { table: tables.origin }),
  })
})
afterAll(async () => {
  await world.close()
  await tables.close()
})

const created = () => reportRequests(world.simulator)

const ofMonth = (month: string) =>
  rows.filter(({ PartitionKey }) => String(PartitionKey).startsWith(month.replaceAll('-', '')))

/** The column of a cell; throws for a cell beyond the last column. */
function columnAt(index: number): TypedColumn {
  const column = COLUMNS[index]
  if (!column) throw new Error(`no column is written down for cell ${index}`)
  return column
}

/** The report a month's rows say they came from, as the service made and sent it. */
function servedFor(month: string): Served {
  const reportIds = new Set(ofMonth(month).map((row) => String(row._reportId)))
  expect(reportIds.size).toBe(1)
  const served = world.simulator.served([...reportIds].join())
  if (!served) throw new Error(`the service never made the report of ${month}`)
  return served
}

describe('from the timer to the table row', () => {
  it('provision asks for one report of each due month', async () => {
    expect(await provision(world.services)).toMatchObject({ requested: 3, waiting: 0 })
    expect(created().map(({ body }) => JSON.parse(body))).toMatchObject([
      { ExecuteNow: true, QueryStartTime: '2025-06-01T00:00:00Z', QueryEndTime: '2025-06-30T23:59:59Z' },
      { ExecuteNow: true, QueryStartTime: '2025-05-01T00:00:00Z', QueryEndTime: '2025-05-31T23:59:59Z' },
      { ExecuteNow: true, QueryStartTime: '2025-04-01T00:00:00Z', QueryEndTime: '2025-04-30T23:59:59Z' },
    ])
  })

  it('the callbacks become queue messages, and ingest lands every report', async () => {
    await world.run()
    expect((await world.entries()).map(({ state }) => state)).toEqual(['landed', 'landed', 'landed'])
    rows = await rawRows(world.landingTable('AzureUsage'))
    expect(rows.length).toBeGreaterThan(3 * 1000)
  })

  it('status says that all three months are complete, and how many rows they have', async () => {
    const { feeds, timers } = await status(world.services)
    expect(timers.provision.finishedAt).toBeDefined()
    expect(feeds).toMatchObject([
      {
        name: 'azure-usage',
        table: 'AzureUsage',
        waiting: 0,
        complete: 3,
        problems: [],
        rows: rows.length,
        completeUntil: new Date('2025-07-01T00:00:00Z'),
      },
    ])
  })

  it('the service is asked nothing more, and keeps no report of ours', () => {
    expect(world.simulator.reports()).toEqual([])
    expect(world.simulator.requests.filter(({ note }) => note !== undefined)).toEqual([])
  })
})

describe('what landed', () => {
  it.each(MONTHS)('of %s equals, cell for cell, what the service made before it encoded the report', (month) => {
    const { header, rows: made } = servedFor(month)
    expect(header).toEqual(NAMES)
    const expected = made.map((row) => row.flatMap((value, index) => cellsOfValue(columnAt(index), value)))
    expect(ofMonth(month).map((row) => landedCells(COLUMNS, row))).toEqual(expected)
    expect(new Set(made.map((row) => row[NAMES.indexOf('Month')]))).toEqual(new Set([month]))
  })

  it.each(MONTHS)('of %s equals, cell for cell, what csv-parse reads from the bytes that were served', (month) => {
    const [header, ...records]: string[][] = parse(gunzipSync(servedFor(month).bytes))
    expect(header).toEqual(NAMES)
    const expected = records.map((row) => row.flatMap((text, index) => cellsOfText(columnAt(index), text)))
    expect(ofMonth(month).map((row) => landedCells(COLUMNS, row))).toEqual(expected)
  })

  it.each(MONTHS)(
    'of %s has a place, an order and a line that follow from its generation and the file',
    async (month) => {
      const start = month.replaceAll('-', '')
      const landing = (await world.entries()).find(({ window }) => windowId(window).startsWith(start))
      const records: string[][] = parse(gunzipSync(servedFor(month).bytes))
      let line = 1
      const expected = records.map((record, index) => {
        const startsAt = line
        line += 1 + record.reduce((breaks, cell) => breaks + (cell.match(/\r\n|\r|\n/g)?.length ?? 0), 0)
        const shard = String(Math.floor((index - 1) / 100) % 16).padStart(3, '0')
        const partition = `${start}_g${landing?.figures?.generation}_${shard}`
        return [partition, String(index - 1).padStart(9, '0'), startsAt, 1]
      })
      const landed = ofMonth(month).map((row) => [row.PartitionKey, row.RowKey, row._line, row._attempt])
      expect(landed).toEqual(expected.slice(1))
    },
  )

  it('has no property but columns, what is derived from the month, and where the row came from', () => {
    const own = ['PartitionKey', 'RowKey', 'Timestamp', '_attempt', '_line', '_reportId', ...NAMES, ...DERIVED]
    const found = new Set(rows.flatMap((row) => Object.keys(row).filter((name) => !name.includes('odata.'))))
    expect([...found].toSorted()).toEqual(own.toSorted())
  })

  it('stated its numbers as doubles on the wire, where the emulator does not tell them from integers', () => {
    const numbers = COLUMNS.filter(({ type }) => type === 'number').map(({ name }) => name)
    // Transactions of the ledger are written otherwise.
    const bodies = tables.requests.map(({ body }) => body ?? '')
    const body = bodies.find((each) => /^\{"PartitionKey"/m.test(each)) ?? ''
    const sent = [...body.matchAll(/^\{"PartitionKey".*\}$/gm)].map(([json]) => JSON.parse(json) as RawRow)
    expect(sent).toHaveLength(100)
    for (const row of sent) {
      for (const name of numbers.filter((column) => column in row)) {
        expect([typeof row[name], row[`${name}@odata.type`]]).toEqual(['number', 'Edm.Double'])
      }
    }
  })

  it.each(AWKWARD)('holds $name', ({ type, present }) => {
    const found = MONTHS.map(servedFor).every(({ columns, rows: made }) =>
      made.some((row) => row.some((value, index) => columns[index]?.type === type && present(value))),
    )
    expect(found).toBe(true)
  })
})

describe('a second run', () => {
  it('finishes its tick, asks for no report and changes no row', async () => {
    const [asked, before] = [created().length, (await status(world.services)).timers.provision]
    const written = tables.requests.filter(({ path }) => path.includes('$batch')).length
    world.clock.advance(DAY)
    await world.run()
    const { timers, feeds } = await status(world.services)
    expect(timers.provision).toMatchObject({ requested: 0, waiting: 0 })
    expect(timers.provision.finishedAt).not.toEqual(before.finishedAt)
    expect(feeds).toMatchObject([{ complete: 3, rows: rows.length }])
    expect(created()).toHaveLength(asked)
    expect(tables.requests.filter(({ path }) => path.includes('$batch'))).toHaveLength(written)
    expect(await rawRows(world.landingTable('AzureUsage'))).toEqual(rows)
  })
})
