import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Answer, Item } from './answer.ts'
import type { ListCall, Send } from './call.ts'
import { correlationNote, failureOf } from './refusals.ts'

/** No list of the service has more pages, items or bytes. */
const PAGE_LIMIT = 1000
const ITEM_LIMIT = 100_000
const LIST_LIMIT = 64 * 1024 * 1024

/** All items of a list, from all its pages. */
export type Listing = {
  readonly items: readonly Item[]
  readonly dataRedacted: boolean
  /** What the service says where nothing matches (404). */
  readonly nothing?: string
  /** By what Microsoft's support finds the last answer. */
  readonly correlationId: string | undefined
}

export type List = (call: ListCall) => Promise<Listing | Failure>

/** Reads a list page by page. A page that cannot be read fails the whole list. */
export async function listPages(send: Send, baseUrl: string, { path, about }: ListCall): Promise<Listing | Failure> {
  const items: Item[] = []
  const seen = new Set<string>()
  let dataRedacted = false
  let correlationId: string | undefined
  let bytes = 0
  let next: string | Failure | undefined = path
  while (next !== undefined && !isFailure(next)) {
    if (seen.has(next) || seen.size === PAGE_LIMIT) {
      const what = `${about}: the links between its pages form a circle${correlationNote(correlationId)}`
      return failed('unavailable', `${what}; it is tried again`)
    }
    seen.add(next)
    const answer: Answer | Failure = await send({ method: 'GET', path: next, about })
    if (isFailure(answer)) return answer
    correlationId = answer.correlationId
    if (answer.status === 404 && seen.size === 1) {
      return { items, dataRedacted, nothing: answer.message, correlationId }
    }
    if (answer.status >= 400) return failureOf(answer, about)
    bytes += answer.bytes
    if (items.length + answer.items.length > ITEM_LIMIT || bytes > LIST_LIMIT) return tooLong(about)
    // Not spread into the arguments of one call: there is no room on the stack for so many.
    for (const item of answer.items) items.push(item)
    dataRedacted ||= answer.dataRedacted
    next = answer.nextLink === undefined ? undefined : nextPath(baseUrl, next, answer, answer.nextLink, about)
  }
  return isFailure(next) ? next : { items, dataRedacted, correlationId }
}

function tooLong(about: string): Failure {
  const most = `${ITEM_LIMIT} items or ${LIST_LIMIT / 1024 / 1024} MiB`
  return failed('unavailable', `${about}: the list of the service has more than ${most}; it is tried again`)
}

/**
 * Gives the path and query of the next page. A link may be absolute, or relative to the base address. It is followed
 * only to the endpoint of the list, so that the token goes nowhere else.
 */
function nextPath(
  baseUrl: string,
  path: string,
  { correlationId }: Answer,
  link: string,
  about: string,
): string | Failure {
  const base = new URL(baseUrl)
  const [endpoint = ''] = path.split('?')
  const pathname = `${base.pathname}${endpoint}`
  const target = resolveLink(base, pathname, link)
  const isSame = target?.origin === base.origin && target.pathname.toLowerCase() === pathname.toLowerCase()
  if (target && isSame && !target.username) return `${endpoint}${target.search}`
  const where = target ? target.origin : 'no address'
  const what = `${about}: the link to the next page leads to ${where}, outside INSIGHTS_BASE_URL${correlationNote(correlationId)}`
  return failed('link-refused', `${what}; it is not followed`)
}

function resolveLink(base: URL, pathname: string, link: string): URL | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(link)) return URL.canParse(link, base.href) ? new URL(link, base) : undefined
  if (link.startsWith('?')) return new URL(`${base.origin}${pathname}${link}`)
  const isFromRoot = link.toLowerCase().startsWith(`${base.pathname.toLowerCase()}/`)
  const path = isFromRoot ? link : `${base.pathname}/${link.replace(/^\//, '')}`
  return URL.canParse(path, base.origin) ? new URL(path, base.origin) : undefined
}
