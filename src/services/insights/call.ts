import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { isServiceId } from '../../core/names.ts'
import { readBody } from '../read-body.ts'
import { type RetryOptions, withRetry } from '../retry.ts'
import { reasonOf, safeAddress, safeText } from '../safe-text.ts'
import type { Credentials } from '../sign-in/credentials.ts'
import { signInMethods } from '../sign-in/token-claims.ts'
import { type Answer, isEnvelope, readAnswer, readCorrelationId } from './answer.ts'
import { type CallLimit, openCallLimit } from './call-limit.ts'
import { correlationNote, failureOf } from './refusals.ts'

/** No call takes longer. The adoption of reports whose create answer was lost relies on this limit. */
const CALL_LIMIT_MS = 60_000

/** No answer of the service comes near this size, in bytes. Reports are not downloaded here. */
const BODY_LIMIT = 16 * 1024 * 1024

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

/** What all calls of an account share. */
type Line = InsightsOptions & { readonly limit: CallLimit }

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
  /** Asks whether the token has multi-factor. */
  readonly validatesMfa?: true
}

export type Send = (call: Call) => Promise<Answer | Failure>

export type ListCall = Pick<Call, 'path' | 'about'>

/**
 * Gives a function that opens senders of calls to the service, all of which keep one limit of calls. A refused token is
 * renewed once, and three times where it lacks multi-factor. After a 403 the next call takes a fresh one, once a minute at
 * most. Reading and deleting are repeated after a transient error, and wait a moment where the service takes no more calls.
 * Creating and changing are never repeated: the service may have done what an answer that got lost says. They do not wait
 * either: how many reports are asked for is decided before.
 */
export function senderOf(options: InsightsOptions): (signal?: AbortSignal) => Send {
  const { retry, credentials } = options
  const limit = openCallLimit(options.clock)
  const line: Line = { ...options, limit }
  return (signal) => async (call) => {
    // Signing in repeats itself what may be repeated.
    const token = await unlessCancelled(credentials.token(), call, signal)
    if (isFailure(token)) return token
    const send = () => sendWithToken(line, call, token, signal)
    if (!retry || (call.method !== 'GET' && call.method !== 'DELETE')) return send()
    const sendInTurn = async () => {
      await limit.waitForTurn(retry, signal)
      return send()
    }
    return withRetry(sendInTurn, retry, signal)
  }
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

async function sendWithToken(
  line: Line,
  call: Call,
  token: string,
  signal: AbortSignal | undefined,
): Promise<Answer | Failure> {
  const { credentials } = line
  let used = token
  let answer = await sendOnce(line, call, used, signal)
  for (let renewals = 0; !isFailure(answer) && renewals < renewalsFor(answer); renewals++) {
    const renewed = await unlessCancelled(credentials.renew(used), call, signal)
    if (isFailure(renewed)) return renewed
    used = renewed
    answer = await sendOnce(line, call, used, signal)
  }
  if (!isFailure(answer) && answer.status === 403) credentials.doubt(used)
  return answer
}

/** How many fresh tokens an answer is worth. That multi-factor is missing is said intermittently, so another may pass. */
function renewalsFor({ status, lacksMfa }: Answer): number {
  if (status !== 401) return 0
  return lacksMfa ? 3 : 1
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
  { baseUrl, tokenHeader, clock, limit }: Line,
  call: Call,
  token: string,
  signal: AbortSignal | undefined,
): Promise<Answer | Failure> {
  const url = new URL(`${baseUrl}${call.path}`)
  const timeout = AbortSignal.timeout(call.limitMs ?? CALL_LIMIT_MS)
  let response: Response | undefined
  try {
    response = await fetch(url, {
      method: call.method,
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json',
        [tokenHeader]: tokenHeader === 'Authorization' ? `Bearer ${token}` : token,
        ...(call.validatesMfa && { ValidateMfa: 'true' }),
      },
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      redirect: 'manual',
      ...(call.body && { body: JSON.stringify(call.body) }),
    })
    const answer = await receive(call, url, response, clock)
    if (isFailure(answer)) return answer
    limit.note(answer)
    return call.validatesMfa ? { ...answer, signInMethods: signInMethods(token) } : answer
  } catch (error) {
    const reason = signal?.aborted ? 'it was cancelled' : `${reasonOf(error)}; it is tried again`
    return failed('unavailable', `${call.about}: no answer from ${safeAddress(url)}${noteOf(response)}: ${reason}`)
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

/** By what Microsoft's support finds the call that was answered. */
function noteOf(response: Response | undefined): string {
  return correlationNote(response && readCorrelationId(response.headers))
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

function unreadable(call: Call, url: URL, response: Response): Failure {
  const answered = `${safeAddress(url)} answered ${response.status}${noteOf(response)}`
  const what = `${call.about}: ${answered} with something other than the service's JSON`
  return failed('unavailable', `${what}; it is tried again; if it happens again, check INSIGHTS_BASE_URL`)
}

/** A redirect is not followed: it could take the token to another host. */
function redirected(call: Call, url: URL, response: Response): Failure {
  const location = response.headers.get('location')
  const target = location && URL.canParse(location, url.href) ? new URL(location, url).origin : 'another address'
  const what = `${call.about}: ${safeAddress(url)} redirects to ${target}${noteOf(response)}, which is not followed`
  return failed('link-refused', `${what}; set INSIGHTS_BASE_URL if the service has moved`)
}
