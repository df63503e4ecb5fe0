/** Which route answers a request. */

import type { RegisteredFunction } from './core-module.ts'

export type AuthLevel = 'anonymous' | 'function' | 'admin'

export type Route = {
  readonly fn: RegisteredFunction
  readonly binding: string
  readonly methods: readonly string[]
  readonly authLevel: AuthLevel
  readonly segments: readonly Segment[]
  /** As written, with the prefix. The host prints it at start. */
  readonly path: string
}

type Segment = { readonly literal: string } | { readonly parameter: string; readonly optional: boolean }

export type RouteMatch = { readonly route: Route; readonly parameters: Readonly<Record<string, string>> }

/** Reads the HTTP trigger of a function. Throws one line when its template has something that the stand-in does not know. */
export function readRoute(
  fn: RegisteredFunction,
  binding: string,
  options: Record<string, unknown>,
  prefix: string,
): Route {
  const path = [prefix, String(options.route ?? fn.metadata.name)].flatMap((part) => part.split('/')).filter(Boolean)
  const methods = Array.isArray(options.methods) ? options.methods.map((method) => String(method).toUpperCase()) : []
  const segments = path.map(readSegment)
  const early = segments.slice(0, -1).some((segment) => 'parameter' in segment && segment.optional)
  if (early) throw new Error(`route "/${path.join('/')}": only the last parameter can be optional`)
  return { fn, binding, methods, authLevel: readAuthLevel(options.authLevel), segments, path: `/${path.join('/')}` }
}

/** The route that answers a request; fixed text goes before parameters. Undefined means 404, for a wrong method too. */
export function matchRoute(routes: readonly Route[], method: string, path: readonly string[]): RouteMatch | undefined {
  const matches = routes
    .filter((route) => route.methods.length === 0 || route.methods.includes(method))
    .flatMap((route) => matchPath(route, path) ?? [])
  return matches.sort((a, b) => precedence(a.route).localeCompare(precedence(b.route)))[0]
}

/** Cuts the path of a request into decoded segments. `%2F` stays as it is. Undefined when an escape is wrong. */
export function pathSegments(pathname: string): string[] | undefined {
  const raw = pathname.replace(/^\//, '').replace(/\/$/, '').split('/')
  try {
    return raw.map((segment) => decodeURIComponent(segment.replace(/%(2f)/gi, '%25$1')))
  } catch {
    return undefined
  }
}

function readSegment(text: string): Segment {
  const match = /^\{(\w+)(\?)?\}$/.exec(text)
  if (match?.[1]) return { parameter: match[1], optional: match[2] === '?' }
  if (/[{}*]/.test(text))
    throw new Error(`the stand-in does not know the route segment "${text}", only {name} and {name?}`)
  return { literal: text.toLowerCase() }
}

function readAuthLevel(level: unknown): AuthLevel {
  const text = String(level ?? 'anonymous').toLowerCase()
  if (text === 'anonymous' || text === 'function' || text === 'admin') return text
  throw new Error(`authLevel "${level}" is not one of anonymous, function, admin`)
}

function matchPath(route: Route, path: readonly string[]): RouteMatch | undefined {
  if (path.length > route.segments.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, segment] of route.segments.entries()) {
    const text = path[index]
    if ('literal' in segment && segment.literal !== text?.toLowerCase()) return undefined
    if ('literal' in segment) continue
    if (!text && !segment.optional) return undefined
    if (text) parameters[segment.parameter] = text
  }
  return { route, parameters }
}

/** Sorts fixed text before parameters at the first segment where two routes differ, as ASP.NET does. */
function precedence({ segments }: Route): string {
  return segments.map((segment) => ('literal' in segment ? '0' : segment.optional ? '2' : '1')).join('')
}
