import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { type Answer, failureOf, type Item } from './answer.ts'
import type { Send } from './call.ts'

/** Pages of one list; no list of the service is this long. */
const PAGE_LIMIT = 1000

export type Listing = {
  readonly items: readonly Item[]
  readonly dataRedacted: boolean
  /** What the service says where nothing matches (404). */
  readonly nothing?: string
}

/** Asks for one list: where it is, and what it is, for messages. */
export type ListCall = { readonly path: string; readonly about: string }

export type List = (call: ListCall) => Promise<Listing | Failure>

/** All items of a list, page by page. A page that cannot be had fails the whole list. */
export async function list(send: Send, baseUrl: string, { path, about }: ListCall): Promise<Listing | Failure> {
  const items: Item[] = []
  const seen = new Set<string>()
  let dataRedacted = false
  let next: string | Failure | undefined = path
  while (next !== undefined && !isFailure(next)) {
    if (seen.has(next) || seen.size === PAGE_LIMIT) return endless(about)
    seen.add(next)
    const answer: Answer | Failure = await send({ method: 'GET', path: next, about })
    if (isFailure(answer)) return answer
    if (answer.status === 404 && seen.size === 1) return { items, dataRedacted, nothing: answer.message }
    if (answer.status >= 400) return failureOf(answer, about)
    items.push(...answer.items)
    dataRedacted ||= answer.dataRedacted
    next = answer.nextLink === undefined ? undefined : nextPath(baseUrl, next, answer.nextLink, about)
  }
  return isFailure(next) ? next : { items, dataRedacted }
}

function endless(about: string): Failure {
  return failed('unavailable', `${about}: the links from page to page run in a circle; it is tried again`)
}

/**
 * Where the next page is, from the base address on. A link may be absolute or relative to the base; it is followed only
 * to the endpoint that was asked, so that the token goes nowhere else.
 */
function nextPath(baseUrl: string, path: string, link: string, about: string): string | Failure {
  const base = new URL(baseUrl)
  const endpoint = `${base.pathname}${path.split('?')[0]}`
  const target = resolve(base, endpoint, link)
  const isSame = target?.origin === base.origin && target.pathname.toLowerCase() === endpoint.toLowerCase()
  if (target && isSame && !target.username) return `${path.split('?')[0]}${target.search}`
  const where = target ? target.origin : 'what is no address'
  return failed(
    'link-refused',
    `${about}: the next page is at ${where}, outside of INSIGHTS_BASE_URL; it is not followed`,
  )
}

function resolve(base: URL, endpoint: string, link: string): URL | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(link)) return URL.canParse(link, base.href) ? new URL(link, base) : undefined
  if (link.startsWith('?')) return new URL(`${base.origin}${endpoint}${link}`)
  const isFromRoot = link.toLowerCase().startsWith(`${base.pathname.toLowerCase()}/`)
  const path = isFromRoot ? link : `${base.pathname}/${link.replace(/^\//, '')}`
  return URL.canParse(path, base.origin) ? new URL(path, base.origin) : undefined
}
