import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Certificate } from '../../local/certificate.ts'

export type Received = {
  readonly method: string
  /** Path and query, as they were sent. */
  readonly url: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** `drop`: the connection ends without an answer. `hang`: the answer never comes. */
export type Reply =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: object | string }
  | 'drop'
  | 'hang'

export type ScriptedServer = {
  readonly origin: string
  readonly requests: Received[]
  /** What every request is answered with from now on; `nth` counts from 1 since then. */
  script(answer: (request: Received, nth: number) => Reply | Promise<Reply>): void
  close(): Promise<void>
}

/** A real server on a free loopback port that answers as it is told and keeps what it received. */
export async function startScripted(secure?: Certificate): Promise<ScriptedServer> {
  const requests: Received[] = []
  let answer: (request: Received, nth: number) => Reply | Promise<Reply> = () => ({ status: 500, body: 'no script' })
  let count = 0
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const received = await receive(request)
    requests.push(received)
    count += 1
    reply(response, await answer(received, count))
  }
  const server = secure
    ? createSecureServer({ cert: secure.certificate, key: secure.key }, handle)
    : createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    origin: secure ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    requests,
    script(next) {
      answer = next
      count = 0
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function receive(request: IncomingMessage): Promise<Received> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  }
}

function reply(response: ServerResponse, answer: Reply): void {
  if (answer === 'hang') return
  if (answer === 'drop') return void response.destroy()
  const { status = 200, headers = {}, body = '' } = answer
  const isText = typeof body === 'string'
  response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers })
  response.end(isText ? body : JSON.stringify(body))
}
