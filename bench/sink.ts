import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pathToFileURL } from 'node:url'
import { rowHash } from './sink-hash.ts'
import { openRows, type SinkRows } from './sink-rows.ts'
import { answerOf, readTransaction, type SinkChange } from './sink-transaction.ts'

/** What the sink took since the last read of the tally. Rows with the same values and types give the same hash. */
export type Tally = {
  readonly rows: number
  readonly deleted: number
  readonly hash: string
  readonly requests: number
  readonly largestBody: number
}

/**
 * What goes wrong with one transaction in `every`. `busy`: the sink answers 503 and takes nothing. `omit`: it takes all rows
 * but the last, which gets no answer. `delay`: it answers late. `cut`: it takes nothing and drops the connection.
 */
export type Fault = { readonly kind: 'busy' | 'omit' | 'delay' | 'cut'; readonly every: number }

export type Sink = { readonly origin: string; close(): Promise<void> }

const DELAY_MS = 50

/** The largest body that the service takes ("Performing entity group transactions"). */
const BODY_LIMIT = 4 * 1024 * 1024

/**
 * Answers table transactions and lists of rows as Table Storage does. Keeps the number of rows, a hash of them, and their
 * keys. `GET /tally` gives the tally and resets it. `PUT /fault` with a `Fault` sets what goes wrong from now on, and an
 * empty body removes it. `PUT /count-only` with `true` turns the hash and the keys off for long runs.
 */
export async function startSink(): Promise<Sink> {
  const state: State = {
    standing: openRows(),
    rows: 0,
    deleted: 0,
    high: 0,
    low: 0,
    requests: 0,
    largestBody: 0,
    transactions: 0,
    countOnly: false,
    fault: undefined,
  }
  const server = createServer(async (request, response) => {
    const body = await readBody(request)
    if (request.url === '/tally') return void response.end(JSON.stringify(takeTally(state)))
    if (request.url === '/fault') return void response.end(setFault(state, body))
    if (request.url === '/count-only') return void response.end(setCountOnly(state, body))
    state.requests++
    if (request.method === 'GET') return void answerList(state, request.url ?? '', response)
    if (!request.url?.endsWith('/$batch')) return void response.writeHead(204).end()
    state.transactions++
    state.largestBody = Math.max(state.largestBody, body.length)
    answer(state, body.toString(), body.length, request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { origin: `http://127.0.0.1:${port}`, close: () => close(server) }
}

type State = {
  readonly standing: SinkRows
  rows: number
  deleted: number
  high: number
  low: number
  requests: number
  largestBody: number
  transactions: number
  countOnly: boolean
  fault: Fault | undefined
}

function takeTally(state: State): Tally {
  const { rows, deleted, high, low, requests, largestBody } = state
  Object.assign(state, { rows: 0, deleted: 0, high: 0, low: 0, requests: 0, largestBody: 0, transactions: 0 })
  return { rows, deleted, hash: `${high.toString(16)}-${low.toString(16)}`, requests, largestBody }
}

function setFault(state: State, body: Buffer): string {
  state.fault = body.length > 0 ? (JSON.parse(body.toString()) as Fault) : undefined
  state.transactions = 0
  return ''
}

function setCountOnly(state: State, body: Buffer): string {
  state.countOnly = body.toString() === 'true'
  return ''
}

function answer(state: State, body: string, bytes: number, request: IncomingMessage, response: ServerResponse): void {
  const kind = state.fault && state.transactions % state.fault.every === 0 ? state.fault.kind : 'none'
  if (kind === 'cut') return void request.socket.destroy()
  if (kind === 'busy') return void response.writeHead(503).end('{"odata.error":{"code":"ServerBusy"}}')
  const changes = bytes > BODY_LIMIT ? 'RequestBodyTooLarge' : readTransaction(body)
  if (typeof changes === 'string') return void response.writeHead(400).end(`{"odata.error":{"code":"${changes}"}}`)
  const taken = kind === 'omit' ? changes.slice(0, -1) : changes
  for (const change of taken) take(state, change)
  response.writeHead(202, { 'Content-Type': 'multipart/mixed; boundary=batchresponse_sink' })
  const send = () => response.end(answerOf(taken))
  if (kind === 'delay') setTimeout(send, DELAY_MS)
  else send()
}

function answerList(state: State, url: string, response: ServerResponse): void {
  const filter = new URL(url, 'http://sink').searchParams.get('$filter') ?? ''
  const value = state.standing.firstOf(filter)
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ value }))
}

/** Adds up the hashes: the order of the rows does not change the sum, but a repeated row does. */
function take(state: State, { method, address, json }: SinkChange): void {
  if (method === 'DELETE') {
    state.deleted++
    state.standing.remove(address)
    return
  }
  state.rows++
  if (state.countOnly) return
  state.standing.add(address)
  const [high, low] = rowHash(method, json)
  state.high = (state.high + high) >>> 0
  state.low = (state.low + low) >>> 0
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function close(server: ReturnType<typeof createServer>): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { origin } = await startSink()
  process.send?.(origin)
}
