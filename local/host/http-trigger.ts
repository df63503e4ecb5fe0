/** HTTP triggers: from a request to a function and back. */

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Cookie, HttpData } from './core-types.ts'
import type { Run } from './invocation.ts'
import { matchRoute, pathSegments, type Route, type RouteMatch } from './routes.ts'

/** The function key opens routes of level `function`. The admin key opens every route. */
export type Keys = { readonly functionKey: string; readonly adminKey: string }

type Answer = {
  readonly status: number
  readonly headers?: Record<string, string | string[]>
  readonly body?: Uint8Array
}

/**
 * The HTTP side of the host: it checks route and key, hands the request to the function, and sends its response. The server
 * is not listening yet.
 */
export function createHttpServer(run: Run, routes: readonly Route[], keys: Keys): Server {
  const server = createServer(async (request, response) => {
    try {
      const { status, headers = {}, body } = await answer(request, run, routes, keys)
      // A connection that stays open would delay the stop of a server that is closing.
      if (!server.listening) response.shouldKeepAlive = false
      response.writeHead(status, headers).end(body)
    } catch {
      // The caller has hung up, or the function returned a header that HTTP does not allow.
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

/** A key in the header, right or wrong, counts before one in the query. */
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

/** A function that returns nothing answers 204, as in Azure. */
function toAnswer(http: HttpData | undefined): Answer {
  if (!http) return { status: 204 }
  const cookies = (http.cookies ?? []).map(cookieHeader)
  return {
    status: Number(http.statusCode),
    headers: { ...http.headers, ...(cookies.length > 0 && { 'set-cookie': cookies }) },
    body: http.body?.bytes ?? Buffer.from(http.body?.string ?? http.body?.json ?? ''),
  }
}

/** The `Set-Cookie` header that the host makes of a cookie. */
function cookieHeader({ name, value, expires, maxAge, domain, path, secure, sameSite, httpOnly }: Cookie): string {
  const seconds = expires?.value?.seconds
  const attributes = [
    `${name}=${encodeURIComponent(value)}`,
    seconds !== undefined && `expires=${new Date(seconds * 1000).toUTCString()}`,
    maxAge?.value !== undefined && `max-age=${maxAge.value}`,
    domain?.value !== undefined && `domain=${domain.value}`,
    `path=${path?.value ?? '/'}`,
    secure?.value === true && 'secure',
    sameSite !== undefined && sameSite !== 'none' && `samesite=${sameSite === 'explicitNone' ? 'none' : sameSite}`,
    httpOnly?.value === true && 'httponly',
  ]
  return attributes.filter((attribute) => attribute !== false).join('; ')
}
