/** The fault proxy: stands before a server and cuts the calls it is told to. */

import { once } from 'node:events'
import {
  Agent,
  createServer,
  request as forwardRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer, request as forwardSecurely, Agent as SecureAgent } from 'node:https'
import type { Socket } from 'node:net'
import type { Certificate } from './certificate.ts'

/** A call that reached the proxy, numbered from 1. `path` includes the query, `body` is read as UTF-8. */
export type ProxiedRequest = {
  readonly n: number
  readonly method: string
  readonly path: string
  readonly body?: string
}

/**
 * `pass`: the call is forwarded and answered. `before`: the connection is cut and the target never sees the call. `after`:
 * the target carries it out, then the connection is cut. `hang`: the target carries it out and no answer ever comes.
 */
export type ProxyEffect = 'pass' | 'before' | 'after' | 'hang'

export type StorageProxy = {
  /** `http://127.0.0.1:<port>`, or `https` with a certificate. */
  readonly origin: string
  readonly requests: readonly ProxiedRequest[]
  count(): number
  /** What the proxy has answered so far, in bytes on the wire: status lines, headers and bodies. */
  bytesAnswered(): number
  /** Cuts every call that is under way, also those that hang. */
  close(): Promise<void>
}

export type ServiceOrigins = { readonly blob: string; readonly queue: string; readonly table: string }

type ProxyOptions = {
  readonly target: string
  /** Of the target, which then speaks https; so does the proxy, in its name. */
  readonly certificate?: Certificate
  /** Decides about a call before it is forwarded. The call waits for the decision. */
  readonly onRequest?: (request: ProxiedRequest) => ProxyEffect | Promise<ProxyEffect>
}
type Answer = { readonly status: number; readonly headers: readonly string[]; readonly body: Buffer }

/**
 * Stands before one service of Azurite, or any HTTP server, counts its calls and cuts those that `onRequest` names.
 * Method, path, headers and body are forwarded as they came, so the signature of a storage call stays valid.
 */
export async function startProxy(options: ProxyOptions): Promise<StorageProxy> {
  const { target, certificate, onRequest = () => 'pass' } = options
  const requests: ProxiedRequest[] = []
  const sockets = new Set<Socket>()
  const agent = certificate
    ? new SecureAgent({ keepAlive: true, ca: certificate.certificate })
    : new Agent({ keepAlive: true })
  const server = certificate
    ? createSecureServer({ cert: certificate.certificate, key: certificate.key })
    : createServer()
  server.on('request', async (incoming: IncomingMessage, response: ServerResponse) => {
    try {
      await handle(incoming, response)
    } catch {
      incoming.socket.destroy()
    }
  })
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const origin = `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`
  return {
    origin,
    requests,
    count: () => requests.length,
    bytesAnswered: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    close: () => close(server, agent),
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse) {
    const body = await readAll(incoming)
    const effect = await onRequest(record(requests, incoming, body))
    if (effect === 'before') return void incoming.socket.destroy()
    const answer = await forward(target, agent, incoming, body)
    if (effect === 'after') return void incoming.socket.destroy()
    if (effect === 'hang') return
    response.writeHead(answer.status, [...answer.headers])
    response.end(answer.body)
  }
}

function record(requests: ProxiedRequest[], { method = '', url = '' }: IncomingMessage, body: Buffer): ProxiedRequest {
  const text = body.length > 0 && { body: body.toString('utf8') }
  const request = { n: requests.length + 1, method, path: url, ...text }
  requests.push(request)
  return request
}

async function close(server: Server, agent: Agent): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  agent.destroy()
  await closed
}

/** A proxy before each service of a storage account, and the connection string that leads through them. */
export type StorageProxies = Readonly<Record<keyof ServiceOrigins, StorageProxy>> & {
  readonly all: readonly StorageProxy[]
  readonly connectionString: string
  close(): Promise<void>
}

/** Starts a proxy before each service that a connection string names. `certificate`: that of the services. */
export async function startStorageProxies(
  connectionString: string,
  certificate?: Certificate,
): Promise<StorageProxies> {
  const targets = serviceOrigins(connectionString)
  const before = (target: string) => startProxy({ target, ...(certificate && { certificate }) })
  const [blob, queue, table] = await Promise.all([before(targets.blob), before(targets.queue), before(targets.table)])
  const all = [blob, queue, table]
  const through = { blob: blob.origin, queue: queue.origin, table: table.origin }
  return {
    blob,
    queue,
    table,
    all,
    connectionString: proxiedConnectionString(connectionString, through),
    close: async () => void (await Promise.all(all.map((proxy) => proxy.close()))),
  }
}

/** The origins in a storage connection string: the targets of proxies. */
export function serviceOrigins(connectionString: string): ServiceOrigins {
  const origin = (service: string) =>
    new RegExp(`${service}Endpoint=(https?://[^/;]+)`).exec(connectionString)?.[1] ?? ''
  return { blob: origin('Blob'), queue: origin('Queue'), table: origin('Table') }
}

/** A connection string that goes through these proxies. A service that is not named keeps its own endpoint. */
export function proxiedConnectionString(connectionString: string, proxies: Partial<ServiceOrigins>): string {
  const own = serviceOrigins(connectionString)
  const { blob, queue, table } = { ...own, ...proxies }
  return connectionString
    .replace(`BlobEndpoint=${own.blob}`, `BlobEndpoint=${blob}`)
    .replace(`QueueEndpoint=${own.queue}`, `QueueEndpoint=${queue}`)
    .replace(`TableEndpoint=${own.table}`, `TableEndpoint=${table}`)
}

async function forward(target: string, agent: Agent, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { protocol, hostname, port } = new URL(target)
  const { method, url: path, rawHeaders: headers } = incoming
  const send = protocol === 'https:' ? forwardSecurely : forwardRequest
  const outgoing = send({ hostname, port, method, path, headers, agent, setHost: false })
  const answered = once(outgoing, 'response')
  outgoing.end(body)
  const [response] = (await answered) as [IncomingMessage]
  return { status: response.statusCode ?? 502, headers: response.rawHeaders, body: await readAll(response) }
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
