import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { TableClient } from '@azure/data-tables'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { answerOf, readTransaction, type SinkChange } from '../../bench/sink-transaction.ts'
import { isFailure } from '../../src/core/failures.ts'
import type { Entity } from '../../src/core/report/entities.ts'
import { type LandingTable, openLandingTable } from '../../src/services/storage/landing-table.ts'
import { RETRY_LIMITS, type RetryLimits } from '../../src/services/storage/retry-policy.ts'

const QUICK: RetryLimits = { callMs: 2_000, tryMs: 100, waitMs: 1 }
const MULTIPART = { 'Content-Type': 'multipart/mixed; boundary=batchresponse_x' }
const BODY_LIMIT = 4 * 1024 * 1024

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

type Reply = { readonly status: number; readonly body: string } | 'cut' | 'hang' | undefined

/** A service that takes rows; `judge` may say otherwise of a transaction, knowing its changes and how many came before. */
async function service(judge: (changes: readonly SinkChange[], sent: number) => Reply, limits = QUICK) {
  const rows = new Map<string, string>()
  const seen = { bodies: [] as number[], open: 0, most: 0 }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    seen.most = Math.max(seen.most, ++seen.open)
    const body = await read(request)
    const changes = readTransaction(body.toString())
    if (typeof changes === 'string') throw new Error(changes)
    seen.bodies.push(body.length)
    const reply = judge(changes, seen.bodies.length)
    seen.open--
    if (reply === 'hang') return
    if (reply === 'cut') return void request.socket.destroy()
    if (reply) return void response.writeHead(reply.status, MULTIPART).end(reply.body)
    for (const { address, json } of changes) rows.set(address, json)
    response.writeHead(202, MULTIPART).end(answerOf(changes))
  }
  const server = createServer((request, response) => void handle(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/account`
  const client = new TableClient(origin, 'Rows', { allowInsecureConnection: true })
  const table: LandingTable = openLandingTable(client, limits)
  return { table, rows, seen }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function entity(number: number, text = ''): Entity {
  const partitionKey = `20250301_${String(Math.floor(number / 100) % 16).padStart(3, '0')}`
  const rowKey = String(number).padStart(9, '0')
  const json = `{"PartitionKey":"${partitionKey}","RowKey":"${rowKey}","Text":"${text}"}`
  return { partitionKey, rowKey, json, bytes: Buffer.byteLength(json) }
}

const many = (count: number) => Array.from({ length: count }, (_, number) => entity(number))

async function* inGroups(all: readonly Entity[]): AsyncGenerator<readonly Entity[]> {
  for (let at = 0; at < all.length; at += 70) yield all.slice(at, at + 70)
}

const refusing = (code: string, index?: number): Reply => {
  const value = index === undefined ? 'One of the rows is wrong.' : `${index}:The row is wrong.`
  const error = JSON.stringify({ 'odata.error': { code, message: { lang: 'en-US', value } } })
  const part = `--changesetresponse_x\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-ID: 1\r\n\r\n${error}\r\n`
  return { status: 202, body: `boundary=changesetresponse_x\r\n\r\n${part}--changesetresponse_x--\r\n` }
}

const rowKeyOf = ({ json }: SinkChange): string => /"RowKey":"(\d+)"/.exec(json)?.[1] ?? ''

describe('a service that is busy, slow and breaks off', () => {
  const troubles = fc.array(fc.constantFrom('busy', 'slow', 'cut', 'none', 'none'), { minLength: 1, maxLength: 12 })

  it('gets every row once', async () => {
    await fc.assert(
      fc.asyncProperty(troubles, fc.integer({ min: 1, max: 900 }), async (list, count) => {
        const { table, rows } = await service((_, sent) => {
          const trouble = list[sent - 1] ?? 'none'
          if (trouble === 'busy') return { status: 503, body: '{"odata.error":{"code":"ServerBusy"}}' }
          return trouble === 'none' ? undefined : trouble === 'cut' ? 'cut' : 'hang'
        })
        const written = await table.write(inGroups(many(count)), { inFlight: 3 })
        expect(written).toEqual({ acknowledged: count, operations: Math.ceil(count / 100), refused: [] })
        expect([...rows.values()].sort()).toEqual(many(count).map(({ json }) => json))
      }),
      { numRuns: 15 },
    )
  })

  it.each<[string, Reply]>([
    ['is busy', { status: 503, body: '{"odata.error":{"code":"ServerBusy"}}' }],
    ['never answers', 'hang'],
    ['breaks off', 'cut'],
  ])('is given up in time when it %s for ever', async (_, reply) => {
    const limits = { callMs: 400, tryMs: 150, waitMs: 10 }
    const { table, seen } = await service(() => reply, limits)
    const started = performance.now()
    expect(await table.write(inGroups(many(100)), { inFlight: 3 })).toMatchObject({ kind: 'storage' })
    expect(performance.now() - started).toBeLessThan(limits.callMs + 1_000)
    expect(seen.bodies.length).toBeGreaterThan(1)
  })

  it('is given up within the 30 seconds that the lease allows', () => {
    expect(RETRY_LIMITS.callMs).toBeLessThanOrEqual(30_000)
    expect(RETRY_LIMITS.tryMs).toBeLessThan(RETRY_LIMITS.callMs)
  })

  it('is asked again no sooner than it wants', async () => {
    const times: number[] = []
    const server = createServer((request, response) => {
      times.push(performance.now())
      request.resume()
      response.writeHead(times.length === 1 ? 503 : 204, { 'Retry-After': '1' }).end()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    closers.push(() => server.close())
    const address = server.address()
    const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/account`
    const client = new TableClient(origin, 'Rows', { allowInsecureConnection: true })
    await openLandingTable(client, { ...QUICK, tryMs: 2_000, callMs: 5_000 }).create()
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990)
  })
})

describe('a service that refuses some rows', () => {
  const bad = fc.uniqueArray(fc.integer({ min: 0, max: 449 }), { maxLength: 30 })

  it.each([
    ['and says which', true],
    ['and does not say which', false],
  ])('%s gets all the others', async (_, says) => {
    await fc.assert(
      fc.asyncProperty(bad, async (numbers) => {
        const keys = new Set(numbers.map((number) => String(number).padStart(9, '0')))
        const { table, rows } = await service((changes) => {
          const index = changes.findIndex((change) => keys.has(rowKeyOf(change)))
          return index === -1 ? undefined : refusing('EntityTooLarge', says ? index : undefined)
        })
        const written = await table.write(inGroups(many(450)), { inFlight: 3 })
        if (isFailure(written)) throw new Error(written.message)
        expect(written.acknowledged).toBe(450 - keys.size)
        expect(written.refused.map(({ rowKey }) => rowKey).sort()).toEqual([...keys].sort())
        expect(new Set(written.refused.map(({ code }) => code)).size).toBeLessThanOrEqual(1)
        expect(rows.size).toBe(450 - keys.size)
        expect([...rows.values()].filter((json) => keys.has(/"RowKey":"(\d+)"/.exec(json)?.[1] ?? ''))).toEqual([])
      }),
      { numRuns: 12 },
    )
  })

  it('is a failure when it refuses them all', async () => {
    const { table, seen } = await service(() => refusing('InvalidInput', 0))
    expect(await table.write(inGroups(many(5_000)), { inFlight: 3 })).toMatchObject({ kind: 'storage' })
    expect(seen.bodies.length).toBeLessThan(1_100)
  })
})

describe('transactions under load', () => {
  it('never pass 4 MiB, however the text encodes, and are no more than they need to be', async () => {
    const text = fc.tuple(fc.constantFrom('x', 'é', '東', '😀'), fc.integer({ min: 0, max: 90_000 }))
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 60 }), async (texts) => {
        const all = texts.map(([unit, times], number) => entity(number, unit.repeat(times)))
        const { table, rows, seen } = await service(() => undefined, RETRY_LIMITS)
        expect(await table.write(inGroups(all), { inFlight: 4 })).toMatchObject({ acknowledged: all.length })
        expect(Math.max(...seen.bodies)).toBeLessThan(BODY_LIMIT)
        const total = seen.bodies.reduce((sum, bytes) => sum + bytes, 0)
        expect(seen.bodies.length).toBeLessThanOrEqual(1 + Math.ceil(total / (BODY_LIMIT - 400_000)))
        expect([...rows.values()].sort()).toEqual(all.map(({ json }) => json).sort())
      }),
      { numRuns: 12 },
    )
  })

  it('are never more at once than was asked for', async () => {
    const { table, seen } = await service(() => undefined)
    await table.write(inGroups(many(6_000)), { inFlight: 5 })
    expect(seen.most).toBeLessThanOrEqual(5)
  })
})
