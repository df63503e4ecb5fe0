import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { callbackAddress } from '../../local/simulator/callbacks.ts'
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts'
import { type Client, connect, createReport, GENERATION_MS, openSimulator } from '../setup/simulator.ts'

const QUERY = 'SELECT Month, CustomerName FROM AzureUsage'

let simulator: Simulator
let client: Client

beforeEach(async () => {
  ;({ simulator, client } = await openSimulator({ generationMilliseconds: GENERATION_MS }))
  return () => simulator.close()
})

/** Creates a report and moves the clock to its completion. */
async function complete(fields: object): Promise<string> {
  const reportId = await createReport(client, QUERY, fields)
  simulator.advance(GENERATION_MS)
  return reportId
}

describe('a callback', () => {
  let receiver: Server
  let origin: string
  const calls: string[] = []

  beforeEach(async () => {
    calls.length = 0
    receiver = createServer((request, response) => {
      calls.push(`${request.method} ${request.url}`)
      response.writeHead(202).end()
    })
    await once(receiver.listen(0, '127.0.0.1'), 'listening')
    origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  })
  afterEach(() => {
    receiver.close()
    receiver.closeAllConnections()
  })

  const called = async (count: number) => {
    await waitUntil(`${count} calls have come`, () => calls.length >= count)
    return calls
  }

  it('comes once, by POST, when the clock passes the completion', async () => {
    const reportId = await complete({ CallbackUrl: `${origin}/hook/` })
    expect(await called(1)).toEqual([`POST /hook/${reportId}`])
    const second = await complete({ CallbackUrl: `${origin}/hook`, CallbackMethod: 'GET' })
    expect(await called(2)).toEqual([`POST /hook/${reportId}`, `GET /hook?reportId=${second}`])
  })

  it('does not wait for anybody to advance a running clock', async () => {
    const running = await startSimulator({ generationMilliseconds: 30 })
    const reportId = await createReport(await connect(running), QUERY, { CallbackUrl: `${origin}/hook` })
    expect(await called(1)).toEqual([`POST /hook/${reportId}`])
    await running.close()
  })

  it('is tried again when the connection fails', async () => {
    receiver.once('connection', (socket) => socket.destroy())
    const reportId = await complete({ CallbackUrl: `${origin}/hook` })
    expect(await called(1)).toEqual([`POST /hook/${reportId}`])
  })

  it('can be lost, doubled and forged', async () => {
    simulator.fault({ endpoint: 'callback', nth: 1, effect: 'lost' })
    simulator.fault({ endpoint: 'callback', nth: 2, effect: 'twice' })
    simulator.fault({ endpoint: 'callback', nth: 3, effect: 'forged' })
    await complete({ CallbackUrl: `${origin}/lost` })
    const twice = await complete({ CallbackUrl: `${origin}/twice` })
    expect(await called(2)).toEqual([`POST /twice/${twice}`, `POST /twice/${twice}`])
    const forged = await complete({ CallbackUrl: `${origin}/forged` })
    const [, , first, second] = await called(4)
    expect(first).toMatch(/^POST \/forged\/[0-9a-f-]{36}$/)
    expect(first).not.toBe(second)
    expect(second).toBe(`POST /forged/${forged}`)
  })

  it('comes too early once more, before the execution is completed', async () => {
    simulator.fault({ endpoint: 'callback', effect: 'early' })
    const reportId = await createReport(client, QUERY, { CallbackUrl: `${origin}/early` })
    expect(await called(1)).toEqual([`POST /early/${reportId}`])
    expect((await client.get(`ScheduledReport/execution/${reportId}`)).status).toBe(404)
    simulator.advance(GENERATION_MS)
    expect(await called(2)).toEqual([`POST /early/${reportId}`, `POST /early/${reportId}`])
  })

  it('comes for an older attempt once more, also when that was deleted', async () => {
    const { envelope } = await client.post('ScheduledQueries', { Name: 'same', Query: QUERY })
    const attempt = (number: number) => ({ QueryId: envelope.value?.[0]?.queryId, CallbackUrl: `${origin}/${number}` })
    const older = await complete(attempt(1))
    await called(1)
    await client.delete(`ScheduledReport/${older}`)
    simulator.fault({ endpoint: 'callback', effect: 'stale' })
    const newer = await complete(attempt(2))
    expect(await called(3)).toEqual([`POST /1/${older}`, `POST /1/${older}`, `POST /2/${newer}`])
  })

  it('is not sent when it is lost, and what was to come beside it is', async () => {
    simulator.fault({ endpoint: 'callback', effect: 'lost' })
    simulator.fault({ endpoint: 'callback', effect: 'forged' })
    const reportId = await complete({ CallbackUrl: `${origin}/forged` })
    const next = await complete({ CallbackUrl: `${origin}/next` })
    expect(await called(2)).toContain(`POST /next/${next}`)
    expect(calls.some((call) => call.includes(reportId))).toBe(false)
  })

  it('is not sent for a report deleted before it was ready', async () => {
    const reportId = await createReport(client, QUERY, { CallbackUrl: `${origin}/deleted` })
    await client.delete(`ScheduledReport/${reportId}`)
    simulator.advance(GENERATION_MS)
    const next = await complete({ CallbackUrl: `${origin}/next` })
    expect(await called(1)).toEqual([`POST /next/${next}`])
  })

  it('keeps a query its address has', () => {
    expect(callbackAddress('http://h/x/?k=1', 'POST', 'id')).toBe('http://h/x/id?k=1')
    expect(callbackAddress('http://h/x?k=1', 'GET', 'id')).toBe('http://h/x?k=1&reportId=id')
  })
})
