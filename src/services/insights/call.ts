import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { isServiceId } from '../../core/names.ts'
import { readBody } from '../read-body.ts'
import { type RetryOptions, withRetry } from '../retry.ts'
import { reasonOf, safeAddress, safeText } from '../safe-text.ts'
import type { Credentials } from '../sign-in/credentials.ts'
import { type Answer, type Item, isEnvelope, readAnswer } from './answer.ts'
import { failureOf } from './refusals.ts'

/** No call takes longer. The adoption of reports whose create answer was lost relies on this limit. */
const CALL_LIMIT_MS = 60_000

/** No answer of the service comes near this size, in bytes. Reports are not downloaded here. */
const BODY_LIMIT = 16 * 1024 * 1024

/** No list of the service has more pages, items or bytes. */
const PAGE_LIMIT = 1000
const ITEM_LIMIT = 100_000
const LIST_LIMIT = 64 * 1024 * 1024

/** Says at the service where our reports and queries come from. */
export const DESCRIPTION = 'made by partner-insights-sync'

/** How to reach the service as one account. */
export type InsightsOptions = {
  readonly baseUrl: string
  readonly tokenHeader: 'Authorization' | 'X-AadUserTicket'
  readonly credentials: Credentials
  readonly clock: () => Date
  /** Without it no call is sent twice. */
  readonly retry?: RetryOptions
}

/** What is wrong with an id that is not one. */
export const NO_ID = 'this is no id: an id has at most 64 letters, digits and hyphens'

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** What follows the base address, with the query. */
  readonly path: string
  /** The call and what it is about, for messages. */
  readonly about: string
  readonly body?: object
  /** Where the service may take longer than usual. */
  readonly limitMs?: number
}

export type Send = (call: Call) => Promise<Answer | Failure>

export type ListCall = Pick<Call, 'path' | 'about'>

/** All items of a list, from all its pages. */
export type Listing = {
  readonly items: readonly Item[]
  readonly dataRedacted: boolean
  /** What the service says where nothing matches (404). */
  readonly nothing?: string
}

export type List = (call: ListCall) => Promise<Listing | Failure>

/**
 * Gives a function that sends calls to the service. A refused token is renewed once. Reading and deleting are repeated
 * after a transient error. Creating and changing never are: the service may have done what an answer that got lost
 * says.
 */
export function openSender(options: InsightsOptions, signal?: AbortSignal): Send {
  const { retry } = options
  return (call) => {
    const send = () => sendWithToken(options, call, signal)
    const mayRepeat = call.method === 'GET' || call.method === 'DELETE'
    return retry && mayRepeat ? withRetry(send, retry, signal) : send()
  }
}

/** Reads a list page by page. A page that cannot be read fails the whole list. */
export async function listPages(send: Send, baseUrl: string, { path, about }: ListCall): Promise<Listing | Failure> {
  const items: Item[] = []
  const seen = new Set<string>()
  let dataRedacted = false
  let bytes = 0
  let next: string | Failure | undefined = path
  while (next !== undefined && !isFailure(next)) {
    if (seen.has(next) || seen.size === PAGE_LIMIT) {
      return failed('unavailable', `${about}: the links between its pages form a circle; it is tried again`)
    }
    seen.add(next)
    const answer: Answer | Failure = await send({ method: 'GET', path: next, about })
    if (isFailure(answer)) return answer
    if (answer.status === 404 && seen.size === 1) return { items, dataRedacted, nothing: answer.message }
    if (answer.status >= 400) return failureOf(answer, about)
    bytes += answer.bytes
    if (items.length + answer.items.length > ITEM_LIMIT || bytes > LIST_LIMIT) return tooLong(about)
    // Not spread into the arguments of one call: there is no room on the stack for so many.
    for (const item of answer.items) items.push(item)
    dataRedacted ||= answer.dataRedacted
    next = answer.nextLink === undefined ? undefined : nextPath(baseUrl, next, answer.nextLink, about)
  }
  return isFailure(next) ? next : { items, dataRedacted }
}

function tooLong(about: string): Failure {
  const most = `${ITEM_LIMIT} items or ${LIST_LIMIT / 1024 / 1024} MiB`
  return failed('unavailable', `${about}: the list of the service has more than ${most}; it is tried again`)
}

/** Deletes one thing. Succeeds also where there is nothing to delete. */
export async function deleteOne(send: Send, of: ListCall, id: string): Promise<Failure | undefined> {
  const call = callOf({ method: 'DELETE', path: of.path, about: of.about }, id)
  if (isFailure(call)) return call
  const answer = await send(call)
  if (isFailure(answer)) return answer
  return answer.status >= 400 && answer.status !== 404 ? failureOf(answer, call.about) : undefined
}

/** The call about one thing, whose id ends its path. An id of another form could lead to another endpoint. */
export function callOf(call: Call, id: string): Call | Failure {
  if (!isServiceId(id)) return failed('query-refused', `${call.about} "${safeText(id)}": ${NO_ID}`)
  return { ...call, path: `${call.path}/${id}`, about: `${call.about} ${id}` }
}

/** Writes fields as the query of an address; fields that are undefined are left out. */
export function queryOf(fields: Readonly<Record<string, string | boolean | undefined>>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')
}

async function sendWithToken(options: InsightsOptions, call: Call, signal?: AbortSignal): Promise<Answer | Failure> {
  const { credentials } = options
  const token = await unlessCancelled(credentials.token(), call, signal)
  if (isFailure(token)) return token
  const answer = await sendOnce(options, call, token, signal)
  if (isFailure(answer) || answer.status !== 401) return answer
  const renewed = await unlessCancelled(credentials.renew(token), call, signal)
  return isFailure(renewed) ? renewed : sendOnce(options, call, renewed, signal)
}

/**
 * Stops waiting for a token when the call is cancelled. The request for the token goes on, because other calls wait for
 * it too.
 */
async function unlessCancelled(
  token: Promise<string | Failure>,
  call: Call,
  signal: AbortSignal | undefined,
): Promise<string | Failure> {
  if (!signal) return token
  const cancelled = Promise.withResolvers<Failure>()
  const cancel = () => cancelled.resolve(failed('unavailable', `${call.about}: it was cancelled`))
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel, { once: true })
  return Promise.race([token, cancelled.promise]).finally(() => signal.removeEventListener('abort', cancel))
}

async function sendOnce(
  { baseUrl, tokenHeader, clock }: InsightsOptions,
  call: Call,
  token: string,
  signal: AbortSignal | undefined,
): Promise<Answer | Failure> {
  const url = new URL(`${baseUrl}${call.path}`)
  const limit = AbortSignal.timeout(call.limitMs ?? CALL_LIMIT_MS)
  try {
    const response = await fetch(url, {
      method: call.method,
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json',
        [tokenHeader]: tokenHeader === 'Authorization' ? `Bearer ${token}` : token,
      },
      signal: signal ? AbortSignal.any([limit, signal]) : limit,
      redirect: 'manual',
      ...(call.body && { body: JSON.stringify(call.body) }),
    })
    return await receive(call, url, response, clock)
  } catch (error) {
    const reason = signal?.aborted ? 'it was cancelled' : `${reasonOf(error)}; it is tried again`
    return failed('unavailable', `${call.about}: no answer from ${safeAddress(url)}: ${reason}`)
  }
}

/** Reads the answer to a call. Throws where its body ends too early, or is larger than any of the service. */
export async function receive(call: Call, url: URL, response: Response, clock: () => Date): Promise<Answer | Failure> {
  const { status, headers } = response
  if (status >= 300 && status < 400) return redirected(call, url, response)
  const body = await readBody(response, BODY_LIMIT)
  return isReadable(status, call.method, body)
    ? readAnswer(status, headers, body, clock())
    : unreadable(call, url, response)
}

/**
 * Whether an answer may be believed. Success, and 404, must come in the service's own form: a gateway answers with
 * pages too. Only a 404 and a deletion may come without a body.
 */
function isReadable(status: number, method: Call['method'], body: string): boolean {
  if (status >= 400 && status !== 404) return true
  const mayBeEmpty = status === 404 || method === 'DELETE'
  return isEnvelope(body) || (mayBeEmpty && body.trim() === '')
}

function unreadable(call: Call, url: URL, { status }: Response): Failure {
  const what = `${call.about}: ${safeAddress(url)} answered ${status} with something other than the service's JSON`
  return failed('unavailable', `${what}; it is tried again; if it happens again, check INSIGHTS_BASE_URL`)
}

/** A redirect is not followed: it could take the token to another host. */
function redirected(call: Call, url: URL, response: Response): Failure {
  const location = response.headers.get('location')
  const target = location && URL.canParse(location, url.href) ? new URL(location, url).origin : 'another address'
  const what = `${call.about}: ${safeAddress(url)} redirects to ${target}, which is not followed`
  return failed('link-refused', `${what}; set INSIGHTS_BASE_URL if the service has moved`)
}

/**
 * Gives the path and query of the next page. A link may be absolute, or relative to the base address. It is followed
 * only to the endpoint of the list, so that the token goes nowhere else.
 */
function nextPath(baseUrl: string, path: string, link: string, about: string): string | Failure {
  const base = new URL(baseUrl)
  const [endpoint = ''] = path.split('?')
  const pathname = `${base.pathname}${endpoint}`
  const target = resolveLink(base, pathname, link)
  const isSame = target?.origin === base.origin && target.pathname.toLowerCase() === pathname.toLowerCase()
  if (target && isSame && !target.username) return `${endpoint}${target.search}`
  const where = target ? target.origin : 'no address'
  const what = `${about}: the link to the next page leads to ${where}, outside INSIGHTS_BASE_URL`
  return failed('link-refused', `${what}; it is not followed`)
}

function resolveLink(base: URL, pathname: string, link: string): URL | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(link)) return URL.canParse(link, base.href) ? new URL(link, base) : undefined
  if (link.startsWith('?')) return new URL(`${base.origin}${pathname}${link}`)
  const isFromRoot = link.toLowerCase().startsWith(`${base.pathname.toLowerCase()}/`)
  const path = isFromRoot ? link : `${base.pathname}/${link.replace(/^\//, '')}`
  return URL.canParse(path, base.origin) ? new URL(path, base.origin) : undefined
}
