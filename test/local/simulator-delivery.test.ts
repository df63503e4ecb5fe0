import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import {
  type Client,
  completeReport,
  createReport,
  GENERATION_MS,
  getToken,
  linkOf,
  openSimulator,
  rawBody,
} from '../setup/simulator.ts'

const QUERY = 'SELECT Month, CustomerName FROM AzureUsage'

let simulator: Simulator
let client: Client

beforeEach(async () => {
  ;({ simulator, client } = await openSimulator({ generationMilliseconds: GENERATION_MS }))
  return () => simulator.close()
})

const completed = (fields?: object) => completeReport({ simulator, client }, QUERY, fields)

describe('a signed link', () => {
  it('opens for an hour and not a moment longer', async () => {
    const { link } = await completed()
    simulator.advance(3_600_000 - 1)
    expect((await fetch(link)).status).toBe(200)
    simulator.advance(1)
    expect((await fetch(link)).status).toBe(403)
  })

  it('does not open when anything of it was changed', async () => {
    const [one, two] = [await completed(), await completed()]
    const later = one.link.replace('2025-05-01', '2025-05-02')
    const resigned = one.link.replace(/sig=(.)/, (_, character) => (character === 'A' ? 'sig=B' : 'sig=A'))
    const swapped = one.link.replace(one.reportId, two.reportId)
    for (const link of [later, swapped, resigned]) expect((await fetch(link)).status).toBe(403)
  })

  it('refuses a token and notes that one was sent', async () => {
    const { link } = await completed()
    const answer = await fetch(link, { headers: { authorization: `Bearer ${await getToken(simulator)}` } })
    expect(answer.status).toBe(400)
    expect(simulator.requests.filter(({ note }) => note !== undefined)).toHaveLength(1)
  })

  it('gives ranges of the encoded bytes under one ETag', async () => {
    const { link, bytes } = await completed()
    const whole = await rawBody(link)
    expect(whole).toMatchObject({
      status: 200,
      body: bytes,
      headers: { 'accept-ranges': 'bytes', 'content-length': String(bytes.length) },
    })
    const etag = String(whole.headers.etag)
    const rest = await rawBody(link, { range: 'bytes=100-', 'if-match': etag })
    expect(rest).toMatchObject({
      status: 206,
      body: bytes.subarray(100),
      headers: { etag, 'content-encoding': 'gzip' },
    })
    expect(rest.headers['content-range']).toBe(`bytes 100-${bytes.length - 1}/${bytes.length}`)
    expect((await rawBody(link, { range: 'bytes=10-19' })).body).toEqual(bytes.subarray(10, 20))
    expect((await rawBody(link, { range: 'bytes=-7' })).body).toEqual(bytes.subarray(-7))
    expect((await rawBody(link, { range: `bytes=${bytes.length}-` })).status).toBe(416)
    expect((await rawBody(link, { range: 'bytes=0-', 'if-match': '"other"' })).status).toBe(412)
  })

  it('gives the very file that was set for the query when the report was asked for', async () => {
    const system = { QueryId: 'd1a4d75e-5ca8-4847-845f-ee0a9be6f07b' }
    const before = await completed(system)
    const [one, two] = [Buffer.from('a,b\r\n1,2\r\n'), Buffer.from('a\r\n')]
    simulator.serveFile(system.QueryId.toUpperCase(), one)
    const reportId = await createReport(client, QUERY, system)
    simulator.serveFile(system.QueryId, two)
    simulator.advance(GENERATION_MS)
    expect(await (await fetch(await linkOf(client, reportId))).text()).toBe(one.toString())
    expect(simulator.served(reportId)).toMatchObject({ header: [], rows: [], text: one.toString() })
    expect(simulator.served(before.reportId)?.header).not.toEqual([])
  })
})

describe('faults', () => {
  it('hit the call they name, counted from their registration, and no other', async () => {
    await client.get('ScheduledDataset')
    simulator.fault({ endpoint: 'listDatasets', nth: 2, effect: { status: 429, headers: { 'Retry-After': '7' } } })
    simulator.fault({ endpoint: 'listReports', nth: 'all', effect: { status: 400, message: 'no quota left' } })
    expect((await client.get('ScheduledDataset')).status).toBe(200)
    const headers = { authorization: `Bearer ${await getToken(simulator)}` }
    const throttled = await fetch(`${simulator.baseUrl}/ScheduledDataset`, { headers })
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '7'])
    expect((await client.get('ScheduledDataset')).status).toBe(200)
    const refused = { status: 400, envelope: { message: 'no quota left', statusCode: 400 } }
    for (const _ of [1, 2]) expect(await client.get('ScheduledReport')).toMatchObject(refused)
  })

  it('drop a call before it is done, and lose the answer of one that was', async () => {
    simulator.fault({ endpoint: 'createReport', effect: 'drop' })
    await expect(createReport(client, QUERY)).rejects.toThrow('fetch failed')
    expect(simulator.reports()).toHaveLength(0)
    simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    await expect(createReport(client, QUERY)).rejects.toThrow('fetch failed')
    expect(simulator.reports()).toHaveLength(1)
    expect(
      simulator.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/ScheduledReport')),
    ).toHaveLength(2)
  })
})
