import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDefaultHttpClient, createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline'
import { TableClient, type TableServiceClientOptions } from '@azure/data-tables'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { failed, isFailure } from '../../src/core/failures.ts'
import { type Column, createEntityEncoder, type Entity, isReject } from '../../src/core/report/entities.ts'
import { openLandingTable } from '../../src/services/storage/landing-table.ts'
import type { RetryLimits } from '../../src/services/storage/retry-policy.ts'
import { freshName } from '../setup/storage.ts'

const PLAIN: TableServiceClientOptions = { allowInsecureConnection: true }
const NO_RETRIES: RetryLimits = { callMs: 10_000, tryMs: 10_000, waitMs: 10_000 }
const QUICK_RETRIES: RetryLimits = { callMs: 300, tryMs: 300, waitMs: 1 }
const IN_FLIGHT = { inFlight: 3 }

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

function azuriteClient(options: TableServiceClientOptions = PLAIN): TableClient {
  return TableClient.fromConnectionString(inject('storage'), freshName('rows'), options)
}

async function freshTable() {
  const client = azuriteClient()
  const table = openLandingTable(client)
  await table.create()
  return { client, table }
}

type Made = { columns?: readonly Column[]; attempt?: number; prefix?: string; shards?: number; first?: number }

const TWO: readonly Column[] = [
  { name: 'Name', type: 'string' },
  { name: 'Cost', type: 'double' },
]

function entities(rows: readonly (readonly string[])[], made: Made = {}): Entity[] {
  const { columns = TWO, attempt = 1, prefix = '20250301_', shards = 16, first = 0 } = made
  const encoder = createEntityEncoder({ columns, prefix, shards, lineage: { attempt, reportId: 'r-1' } })
  return rows.map((fields, index) => {
    const entity = encoder.encode({ line: index + 2, fields, raw: '' }, first + index)
    if (isReject(entity)) throw new Error(entity.reason)
    return entity
  })
}

const simple = (count: number) => Array.from({ length: count }, (_, index) => [`row ${index}`, `${index}.5`])

async function* inPieces(all: readonly Entity[], size = 70): AsyncGenerator<readonly Entity[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

async function listed(client: TableClient): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  for await (const row of client.listEntities<Record<string, unknown>>()) rows.push(row)
  return rows
}

/** The row with every type the service stored, as it says itself. */
async function raw(client: TableClient, partitionKey: string, rowKey: string): Promise<Record<string, unknown>> {
  const request = createPipelineRequest({
    url: `${client.url}/${client.tableName}(PartitionKey='${partitionKey}',RowKey='${rowKey}')`,
    headers: createHttpHeaders({ Accept: 'application/json;odata=fullmetadata', 'x-ms-version': '2019-02-02' }),
    allowInsecureConnection: true,
  })
  const { bodyAsText } = await client.pipeline.sendRequest(createDefaultHttpClient(), request)
  return JSON.parse(bodyAsText ?? '')
}

it('the emulator drops properties named constructor or toString, as docs/limits.md says', async () => {
  const { client, table } = await freshTable()
  const names = ['constructor', 'toString', 'valueOf', 'Name']
  const columns: readonly Column[] = names.map((name) => ({ name, type: 'string' }))
  expect(await table.write(inPieces(entities([names], { columns })), IN_FLIGHT)).toMatchObject({ acknowledged: 1 })
  const [row = {}] = await listed(client)
  expect(names.filter((name) => row[name] === name)).toEqual(['Name'])
})

describe('a landing table', () => {
  it('holds every type as it was meant, and says so itself', async () => {
    const { client, table } = await freshTable()
    const columns: Column[] = [
      { name: 'Text', type: 'string' },
      { name: 'No text', type: 'string' },
      { name: 'Whole', type: 'double' },
      { name: 'Cost', type: 'double' },
      { name: 'NoCost', type: 'double' },
      { name: 'Count', type: 'int64' },
      { name: 'Flag', type: 'boolean' },
      { name: 'Day', type: 'datetime' },
      { name: 'Id', type: 'guid' },
      { name: 'Month', type: 'month' },
    ]
    const guid = '0F8FAD5B-d9cb-469f-a165-70867728950e'
    const row = [
      'Zoë',
      '',
      '1',
      '-0.0000000001',
      '',
      '9223372036854775807',
      'yes',
      '4/17/2023 1:02:03 PM',
      guid,
      'APR-2023',
    ]
    expect(await table.write(inPieces(entities([row], { columns, attempt: 4 })), IN_FLIGHT)).toEqual({
      acknowledged: 1,
      operations: 1,
      refused: [],
    })
    const [stored] = await listed(client)
    const { etag, timestamp, ...values } = stored ?? {}
    expect(values).toEqual({
      partitionKey: '20250301_000',
      rowKey: '000000000',
      Text: 'Zoë',
      No_x0020_text: '',
      Whole: 1,
      Cost: -1e-10,
      Count: 9223372036854775807n,
      Flag: true,
      Day: new Date('2023-04-17T13:02:03Z'),
      Id: { type: 'Guid', value: guid },
      Month: 'APR-2023',
      Month_month: new Date('2023-04-01T00:00:00Z'),
      _attempt: 4,
      _reportId: 'r-1',
      _line: 2,
    })
    // Of doubles the emulator does not say so; the test of the wire does.
    expect(await raw(client, '20250301_000', '000000000')).toMatchObject({
      'Count@odata.type': 'Edm.Int64',
      'Day@odata.type': 'Edm.DateTime',
      'Id@odata.type': 'Edm.Guid',
      'Month_month@odata.type': 'Edm.DateTime',
    })
  })

  it('holds awkward text unchanged', async () => {
    const { client, table } = await freshTable()
    const texts = [
      'a "quoted" \\ word',
      'line\r\nline\nline\u2028line\u2029',
      '\r\n--changeset_8f1a3b52--\r\nHTTP/1.1 400 Bad\r\n',
      '{"json":{"in":"a cell"}}',
      'boundary=changesetresponse_x PUT DELETE http://elsewhere/x',
      '東京 😀 \u0001 \u007f é',
      "it's % + / ? #",
      '',
    ]
    const rows = entities(texts.map((text) => [text, '1']))
    expect(await table.write(inPieces(rows), IN_FLIGHT)).toMatchObject({ acknowledged: texts.length })
    expect((await listed(client)).map((row) => row.Name)).toEqual(texts)
  })

  it('holds each row once in full transactions, and replaces rows whole when written again', async () => {
    const { client, table } = await freshTable()
    await table.create()
    expect(await table.write(inPieces(entities(simple(1_650))), IN_FLIGHT)).toEqual({
      acknowledged: 1_650,
      operations: 17,
      refused: [],
    })
    const narrow: Column[] = [{ name: 'Name', type: 'string' }]
    const again = entities([['new']], { columns: narrow, attempt: 2, first: 7 })
    expect(await table.write(inPieces(again), IN_FLIGHT)).toEqual({ acknowledged: 1, operations: 1, refused: [] })
    const rows = await listed(client)
    expect(rows.map((row) => Number(row.rowKey)).sort((a, b) => a - b)).toEqual(simple(1_650).map((_, index) => index))
    const seventh = rows.find((row) => row.rowKey === '000000007')
    expect(seventh).toMatchObject({ Name: 'new', _attempt: 2 })
    expect(seventh).not.toHaveProperty('Cost')
  })

  it('takes rows with gaps and partitions out of order', async () => {
    const { client, table } = await freshTable()
    const all = entities(simple(450)).filter((_, index) => index % 3 !== 0)
    const mixed = [...all.slice(150), ...all.slice(0, 150)]
    expect(await table.write(inPieces(mixed), IN_FLIGHT)).toMatchObject({ acknowledged: 300 })
    expect(await listed(client)).toHaveLength(300)
  })

  it('splits transactions below 4 MiB as they are in UTF-8', async () => {
    const { client, table } = await freshTable()
    const columns: Column[] = Array.from({ length: 16 }, (_, index) => ({ name: `C${index}`, type: 'string' }))
    const row = columns.map(() => 'é'.repeat(32_000))
    const large = entities([row, row, row, row, row, row, row], { columns })
    expect(await table.write(inPieces(large), IN_FLIGHT)).toEqual({ acknowledged: 7, operations: 2, refused: [] })
    expect(await listed(client)).toHaveLength(7)
  })

  it('leaves out the one row the service refuses, and says which', async () => {
    const { client, table } = await freshTable()
    const good = entities(simple(10))
    const bad = good.map((entity, index) =>
      index === 6 ? { ...entity, json: entity.json.replace('row 6', 'x'.repeat(40_000)) } : entity,
    )
    expect(await table.write(inPieces(bad), IN_FLIGHT)).toEqual({
      acknowledged: 9,
      operations: 2,
      refused: [{ rowKey: '000000006', code: 'PropertyValueTooLarge' }],
    })
    expect((await listed(client)).map(({ rowKey }) => rowKey)).toEqual(
      good.filter((_, index) => index !== 6).map(({ rowKey }) => rowKey),
    )
  })

  it('fails where the table is missing', async () => {
    const table = openLandingTable(azuriteClient())
    expect(await table.write(inPieces(entities(simple(1))), IN_FLIGHT)).toMatchObject({
      kind: 'storage',
      message: expect.stringContaining('TableNotFound (404)'),
    })
  })
})

const rangeOf = (prefix: string) => ({ keyFrom: prefix, keyTo: `${prefix}~` })
const RANGE = rangeOf('20250301_g0123456789ab_')
const NEXT = '20250301_g0123456789ac_'
const inRange = { prefix: RANGE.keyFrom }
const never = () => false

describe('removing', () => {
  it('deletes all rows of a generation, whatever their shards, and none of any other', async () => {
    const { client, table } = await freshTable()
    await table.write(inPieces(entities(simple(1_300), { ...inRange, shards: 3 })), IN_FLIGHT)
    for (const prefix of [NEXT, '20250301_g0123456789aa_', '20250401_g0123456789ab_']) {
      await table.write(inPieces(entities(simple(20), { prefix })), IN_FLIGHT)
    }
    expect(await table.remove(RANGE, never)).toMatchObject({ isDone: true })
    const left = (await listed(client)).map(({ partitionKey }) => String(partitionKey))
    expect(left.filter((key) => key.startsWith(RANGE.keyFrom))).toEqual([])
    expect(left).toHaveLength(60)
    expect(await table.remove(RANGE, never)).toEqual({ isDone: true, operations: 1 })
  })

  it('goes on where it was interrupted, until no row is left', async () => {
    const { client, table } = await freshTable()
    await table.write(inPieces(entities(simple(2_300), inRange)), IN_FLIGHT)
    const parts: boolean[] = []
    for (let isDone = false; !isDone; parts.push(isDone)) {
      const removed = await table.remove(RANGE, () => true)
      if (isFailure(removed)) throw new Error(removed.message)
      isDone = removed.isDone
    }
    expect(parts).toEqual([false, false, false, true])
    expect(await listed(client)).toEqual([])
  })

  it('finds nothing in a table that is missing', async () => {
    const table = openLandingTable(azuriteClient())
    expect(await table.remove(RANGE, never)).toEqual({ isDone: true, operations: 1 })
    expect(await table.count(RANGE, never)).toEqual({ rows: 0, operations: 1 })
  })

  it('ends well when the answer to a deletion is lost', async () => {
    const { client, table } = await freshTable()
    await table.write(inPieces(entities(simple(250), inRange)), IN_FLIGHT)
    const target = new URL(client.url)
    let lost = 0
    const origin = await listen((request, response) => {
      const { method, url, headers } = request
      const onward = forward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        const isLost = url?.includes('$batch') && lost++ === 0
        if (isLost) return void answer.resume().on('end', () => request.socket.destroy())
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      request.pipe(onward)
    })
    const connection = inject('storage').replace(/TableEndpoint=[^;]+/, `TableEndpoint=${origin}${target.pathname}`)
    const behind = TableClient.fromConnectionString(connection, client.tableName, PLAIN)
    expect(await openLandingTable(behind, QUICK_RETRIES).remove(RANGE, never)).toMatchObject({ isDone: true })
    expect(lost).toBeGreaterThan(1)
    expect(await listed(client)).toEqual([])
  })

  it('fails where deletions are never acknowledged', async () => {
    const row = { PartitionKey: `${RANGE.keyFrom}000`, RowKey: '000000001' }
    const { client, batches } = await sink(() => answerOf([]), JSON.stringify({ value: [row] }))
    expect(await openLandingTable(client).remove(RANGE, never)).toMatchObject({ kind: 'storage' })
    expect(batches.length).toBeGreaterThan(1)
  })

  it('and counting fail where the rows cannot be listed', async () => {
    const table = openLandingTable(new TableClient(await deadAddress(), 'Rows', PLAIN), NO_RETRIES)
    const refused = { kind: 'storage', message: expect.not.stringMatching(/\?|sig/) }
    expect(await table.remove(RANGE, never)).toMatchObject(refused)
    expect(await table.count(RANGE, never)).toMatchObject(refused)
    expect(await table.partitionAfter('')).toMatchObject(refused)
  })
})

describe('the next partition', () => {
  it('is asked for as one row, and found behind an empty page', async () => {
    const asked: URLSearchParams[] = []
    const origin = await listen((request, response) => {
      asked.push(new URL(request.url ?? '', 'http://x').searchParams)
      const isFirst = asked.length === 1
      const more = { 'x-ms-continuation-nextpartitionkey': 'p', 'x-ms-continuation-nextrowkey': 'r' }
      response.writeHead(200, { 'Content-Type': 'application/json', ...(isFirst && more) })
      response.end(JSON.stringify({ value: isFirst ? [] : [{ PartitionKey: 'q', RowKey: '1' }] }))
    })
    const table = openLandingTable(new TableClient(origin, 'Rows', PLAIN), NO_RETRIES)
    expect(await table.partitionAfter('o')).toBe('q')
    expect(asked.map((query) => query.get('$top'))).toEqual(['1', '1'])
    expect(asked.map((query) => query.get('NextPartitionKey'))).toEqual([null, 'p'])
  })
})

describe('counting', () => {
  it('gives the rows of a generation and of no other', async () => {
    const { table } = await freshTable()
    await table.write(inPieces(entities(simple(1_300), inRange)), IN_FLIGHT)
    await table.write(inPieces(entities(simple(20), { prefix: NEXT })), IN_FLIGHT)
    expect(await table.count(RANGE, never)).toEqual({ rows: 1_300, operations: 2 })
  })

  it('goes on where it was interrupted, by whole partitions, and all parts are the whole', async () => {
    const { table } = await freshTable()
    await table.write(inPieces(entities(simple(4_650), { ...inRange, shards: 3 })), IN_FLIGHT)
    const starts: string[] = []
    let rows = 0
    for (let keyFrom: string | undefined = RANGE.keyFrom; keyFrom !== undefined; ) {
      const part = await table.count({ ...RANGE, keyFrom }, () => true)
      if (isFailure(part)) throw new Error(part.message)
      starts.push(keyFrom)
      rows += part.rows
      keyFrom = part.next
    }
    expect(rows).toBe(4_650)
    expect(starts).toEqual([RANGE.keyFrom, `${RANGE.keyFrom}001`, `${RANGE.keyFrom}002`])
  })
})

type Part = { readonly status?: number; readonly id?: number | undefined; readonly body?: string }

function answerOf(parts: readonly Part[]): string {
  const texts = parts.map(({ status = 204, id, body = '' }) => {
    const number = id === undefined ? '' : `Content-ID: ${id}\r\n`
    return `--changesetresponse_x\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 ${status} Said\r\n${number}\r\n${body}\r\n`
  })
  return `--batchresponse_y\r\nContent-Type: multipart/mixed; boundary=changesetresponse_x\r\n\r\n${texts.join('')}--changesetresponse_x--\r\n--batchresponse_y--\r\n`
}

const allOf = (count: number): Part[] => Array.from({ length: count }, (_, index) => ({ id: index + 1 }))

/** The content ids of the changes in a transaction's body. */
const idsIn = (body: string): number[] => Array.from(body.matchAll(/^Content-ID: (\d+)/gm), ([, id]) => Number(id))

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function deadAddress(): Promise<string> {
  const origin = await listen(() => undefined)
  for (const close of closers.splice(0)) close()
  return `${origin}/account?sv=1&sig=secret`
}

type Reply = string | { readonly status: number; readonly body: string }

/** A service that answers each transaction as `reply` says, and every listing with `listing`. */
async function sink(reply: (body: string, count: number) => Reply | Promise<Reply>, listing = '{"value":[]}') {
  const batches: { url: string; body: string; headers: IncomingMessage['headers'] }[] = []
  const origin = await listen(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.method === 'GET') return void response.setHeader('Content-Type', 'application/json').end(listing)
    const body = Buffer.concat(chunks).toString()
    batches.push({ url: request.url ?? '', body, headers: request.headers })
    const said = await reply(body, batches.length)
    const { status, body: text } = typeof said === 'string' ? { status: 202, body: said } : said
    response.writeHead(status, { 'Content-Type': 'multipart/mixed; boundary=batchresponse_y' }).end(text)
  })
  const client = new TableClient(`${origin}/account?sv=1&sig=secret`, 'Rows', PLAIN)
  return { client, batches }
}

async function writeTo(reply: (body: string, count: number) => Reply | Promise<Reply>, rows = 10) {
  const { client, batches } = await sink(reply)
  return {
    result: await openLandingTable(client, QUICK_RETRIES).write(inPieces(entities(simple(rows))), IN_FLIGHT),
    batches,
  }
}

describe('acknowledged counts answers, not rows handed over', () => {
  it.each<[string, readonly Part[], number]>([
    ['all', allOf(10), 10],
    ['none', [], 0],
    ['one missing', allOf(10).filter(({ id }) => id !== 4), 9],
    ['in another order', allOf(10).toReversed(), 10],
    ['one twice, one missing', [...allOf(9), { id: 9 }], 9],
    ['an id nobody sent', [...allOf(9), { id: 11 }], 9],
    ['without ids', Array.from({ length: 9 }, () => ({})), 9],
    ['more than were sent', Array.from({ length: 12 }, () => ({})), 10],
    ['a status nobody understands', [...allOf(9), { id: 10, status: 102 }], 9],
  ])('%s', async (_, parts, acknowledged) => {
    expect((await writeTo(() => answerOf(parts))).result).toEqual({ acknowledged, operations: 1, refused: [] })
  })

  it('also where the answer is no multipart at all', async () => {
    expect((await writeTo(() => 'ok')).result).toEqual({ acknowledged: 0, operations: 1, refused: [] })
  })

  it('over many transactions', async () => {
    const { result } = await writeTo(
      (body) =>
        answerOf(
          idsIn(body)
            .map((id) => ({ id }))
            .slice(1),
        ),
      1_000,
    )
    expect(result).toEqual({ acknowledged: 990, operations: 10, refused: [] })
  })
})

describe('a refused transaction', () => {
  const refusedBody =
    '{"odata.error":{"code":"EntityTooLarge","message":{"lang":"en-US","value":"7:The entity is larger\\nRequestId:1"}}}'

  it('is a failure that names the row where it is no matter of the row', async () => {
    const { result } = await writeTo(() => answerOf([{ status: 403, id: 8, body: refusedBody }]))
    expect(result).toEqual(
      failed(
        'storage',
        'table Rows, partition 20250301_000, row 000000007: refused with EntityTooLarge (403); check the table, its storage account and the roles',
      ),
    )
  })

  it('is a failure where the whole is refused', async () => {
    const body = '{"odata.error":{"code":"AuthorizationFailure","message":{"lang":"en-US","value":"Not you."}}}'
    const { result } = await writeTo(() => ({ status: 403, body }))
    expect(result).toMatchObject({
      kind: 'storage',
      message: expect.stringContaining('refused with AuthorizationFailure (403)'),
    })
  })

  it('stops the writing', async () => {
    const { batches } = await writeTo(() => ({ status: 403, body: 'no' }), 5_000)
    expect(batches.length).toBeLessThanOrEqual(3 + 3)
  })

  it('is tried again while the service is busy, and a failure when it stays so', async () => {
    const busy = { status: 503, body: '{"odata.error":{"code":"ServerBusy"}}' }
    const { result, batches } = await writeTo((_, count) => (count < 3 ? busy : answerOf(allOf(10))))
    expect({ result, sent: batches.length }).toEqual({
      result: { acknowledged: 10, operations: 1, refused: [] },
      sent: 3,
    })
    expect((await writeTo(() => busy)).result).toMatchObject({ message: expect.stringContaining('ServerBusy (503)') })
  })

  it('is a failure without any address where nobody answers', async () => {
    const table = openLandingTable(new TableClient(await deadAddress(), 'Rows', PLAIN), NO_RETRIES)
    const result = await table.write(inPieces(entities(simple(1))), IN_FLIGHT)
    expect(result).toEqual(
      failed(
        'storage',
        'table Rows, partition 20250301_000: no answer (ECONNREFUSED); check the table, its storage account and the roles',
      ),
    )
  })
})

describe('transactions', () => {
  it('carry a signature in the address once, and nowhere inside', async () => {
    const { batches } = await writeTo(() => answerOf(allOf(10)))
    expect(batches[0]?.url).toBe('/account/$batch?sv=1&sig=secret')
    expect(batches[0]?.body).not.toContain('secret')
  })

  it('hold at most 100 rows, each once, of one partition', async () => {
    const { client, batches } = await sink((body) => answerOf(idsIn(body).map((id) => ({ id }))))
    const all = entities(simple(1_000)).filter((_, index) => index % 7 !== 0)
    const mixed = [...all.slice(333), ...all.slice(0, 333)]
    await openLandingTable(client).write(inPieces(mixed), IN_FLIGHT)
    const keys = batches.map(({ body }) =>
      Array.from(body.matchAll(/^PUT .*PartitionKey='(\w+)',RowKey='(\w+)'/gm), ([, partition, row]) => ({
        partition,
        row,
      })),
    )
    expect(keys.map((rows) => new Set(rows.map(({ partition }) => partition)).size)).toEqual(keys.map(() => 1))
    expect(Math.max(...keys.map((rows) => rows.length))).toBeLessThanOrEqual(100)
    expect(
      keys
        .flat()
        .map(({ row }) => row)
        .sort(),
    ).toEqual(all.map(({ rowKey }) => rowKey))
  })

  it('say the type of every value that JSON leaves open', async () => {
    const columns: Column[] = [
      { name: 'Cost', type: 'double' },
      { name: 'Count', type: 'int64' },
    ]
    const { client, batches } = await sink(() => answerOf(allOf(2)))
    const rows = entities(
      [
        ['1', '2'],
        ['1.5', '-3'],
      ],
      { columns, attempt: 9 },
    )
    await openLandingTable(client).write(inPieces(rows), IN_FLIGHT)
    const lineage = (line: number) =>
      `"_attempt@odata.type":"Edm.Int32","_attempt":9,"_reportId":"r-1","_line@odata.type":"Edm.Int32","_line":${line}`
    expect(batches[0]?.body.match(/^\{.*\}$/gm)).toEqual([
      `{"PartitionKey":"20250301_000","RowKey":"000000000","Cost@odata.type":"Edm.Double","Cost":1,"Count@odata.type":"Edm.Int64","Count":"2",${lineage(2)}}`,
      `{"PartitionKey":"20250301_000","RowKey":"000000001","Cost@odata.type":"Edm.Double","Cost":1.5,"Count@odata.type":"Edm.Int64","Count":"-3",${lineage(3)}}`,
    ])
  })

  it('are pulled from the source only while there is room', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { client, batches } = await sink(async (body) => {
      await held
      return answerOf(idsIn(body).map((id) => ({ id })))
    })
    let pulled = 0
    async function* counted() {
      for await (const piece of inPieces(entities(simple(2_000)), 100)) {
        pulled++
        yield piece
      }
    }
    const writing = openLandingTable(client).write(counted(), IN_FLIGHT)
    await expect.poll(() => batches.length).toBe(3)
    // The third transaction is known to be full once the fourth piece is there.
    expect(pulled).toBe(4)
    release()
    expect(await writing).toEqual({ acknowledged: 2_000, operations: 20, refused: [] })
  })

  it('are all answered before an error of the source is passed on', async () => {
    let answered = 0
    const { client } = await sink((body) => {
      answered++
      return answerOf(idsIn(body).map((id) => ({ id })))
    })
    async function* broken() {
      yield* inPieces(entities(simple(301)), 100)
      throw new Error('the archive broke')
    }
    await expect(openLandingTable(client).write(broken(), IN_FLIGHT)).rejects.toThrow('the archive broke')
    expect(answered).toBe(3)
  })
})
