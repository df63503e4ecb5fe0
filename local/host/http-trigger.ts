import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { cookieHeader } from './cookies.ts'
import type { HttpData } from './core-types.ts'
import { matchRoute, pathSegments, type Route, type RouteMatch } from './routes.ts'
import type { Run } from './runner.ts'

/** The function key opens routes of level `function`; the admin key opens every route. */
export type Keys = { readonly functionKey: string; readonly adminKey: string }

type Answer = {
  readonly status: number
  readonly headers?: Record<string, string | string[]>
  readonly body?: Uint8Array
}

/**
 * The HTTP side of the host: routes, keys, and the shapes in which it hands a request to a function and takes its
 * response. The server is not listening yet.
 */
export function createHttpServer(run: Run, routes: readonly Route[], keys: Keys): Server {
  const server = createServer(async (request, response) => {
    try {
      send(server, response, await answer(request, run, routes, keys))
    } catch {
      // The caller has hung up, or the function gave a header that HTTP does not allow.
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end()
    }
  })
  return server
}

async function answer(request: IncomingMessage, run: Run, routes: readonly Route[], keys: Keys): Promise<Answer> {
  const url = requestUrl(request)
  const path = url && pathSegments(url.pathname)
  if (!path) return { status: 400 }
  const match = matchRoute(routes, request.method ?? 'GET', path)
  if (!match) return { status: 404 }
  if (!isAllowed(request, url, match.route, keys)) return { status: 401 }
  const http = await readRequest(request, url, match)
  const result = await run(match.route.fn, { binding: match.route.binding, data: { http } })
  if ('error' in result) return { status: 500 }
  return toAnswer(result.response.returnValue?.http)
}

function requestUrl({ headers, url }: IncomingMessage): URL | undefined {
  const text = `http://${headers.host ?? 'localhost'}${url}`
  return URL.canParse(text) ? new URL(text) : undefined
}

/** A key in the header counts, right or wrong, before one in the query. */
function isAllowed({ headers }: IncomingMessage, { searchParams }: URL, { authLevel }: Route, keys: Keys): boolean {
  if (authLevel === 'anonymous') return true
  const key = headers['x-functions-key'] ?? searchParams.get('code')
  return key === keys.adminKey || (authLevel === 'function' && key === keys.functionKey)
}

async function readRequest(request: IncomingMessage, url: URL, { parameters }: RouteMatch): Promise<HttpData> {
  const headers = Object.entries(request.headersDistinct).map(
    ([name, values = []]) => [name, values.join(',')] as const,
  )
  const names = [...new Set(url.searchParams.keys())]
  const body = Number(request.headers['content-length']) > 0 ? await readBody(request) : undefined
  return {
    method: request.method ?? 'GET',
    url: url.href,
    nullableHeaders: toNullable(headers),
    nullableQuery: toNullable(names.map((name) => [name, url.searchParams.getAll(name).join(',')])),
    nullableParams: toNullable(Object.entries(parameters)),
    ...(body && { body: { bytes: body } }),
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function toNullable(entries: readonly (readonly [string, string])[]): Record<string, { value: string }> {
  return Object.fromEntries(entries.map(([name, value]) => [name, { value }]))
}

/** A function that gives nothing answers 204, as in Azure. */
function toAnswer(http: HttpData | undefined): Answer {
  if (!http) return { status: 204 }
  const cookies = (http.cookies ?? []).map(cookieHeader)
  return {
    status: Number(http.statusCode),
    headers: { ...http.headers, ...(cookies.length > 0 && { 'set-cookie': cookies }) },
    body: http.body?.bytes ?? Buffer.from(http.body?.string ?? http.body?.json ?? ''),
  }
}

function send(server: Server, response: ServerResponse, { status, headers = {}, body }: Answer): void {
  // A connection kept open would hold up the stop of a server that is closing.
  if (!server.listening) response.shouldKeepAlive = false
  response.writeHead(status, headers)
  response.end(body)
}
