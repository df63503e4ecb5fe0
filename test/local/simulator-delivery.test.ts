import { get } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts'
import { type Client, connect, createReport, getToken, linkOf, rawBody } from './simulator-client.ts'

const QUERY = 'SELECT Month, CustomerName FROM AzureUsage'
const MARCH = { QueryStartTime: '2025-03-01T00:00:00Z', QueryEndTime: '2025-03-31T23:59:59Z' }
const NOW = new Date('2025-05-01T12:00:00Z')
const SECOND = 1000

let simulator: Simulator
let client: Client

beforeEach(async () => {
  simulator = await startSimulator({ now: () => NOW, generationMilliseconds: SECOND })
  client = await connect(simulator)
})
afterEach(() => simulator.close())

async function completed(fields: object = MARCH): Promise<{ reportId: string; link: string; bytes: Buffer }> {
  const reportId = await createReport(client, QUERY, fields)
  simulator.advance(SECOND)
  const bytes = simulator.served(reportId)?.bytes ?? Buffer.alloc(0)
  return { reportId, link: await linkOf(client, reportId), bytes }
}

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
    simulator.advance(SECOND)
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

  it.each([0, 1, 500])('cut a download after %i bytes', async (cutAt) => {
    const { link, bytes } = await completed()
    simulator.fault({ endpoint: 'download', effect: { cutAt } })
    const received: Buffer[] = []
    await new Promise<void>((resolve) => {
      get(link, (answer) => {
        expect(answer.headers['content-length']).toBe(String(bytes.length))
        answer.on('data', (chunk) => received.push(chunk)).on('error', () => resolve())
      })
    })
    expect(Buffer.concat(received)).toEqual(bytes.subarray(0, cutAt))
    expect((await rawBody(link)).body).toEqual(bytes)
  })
})
