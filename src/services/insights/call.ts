import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { type RetryOptions, withRetry } from '../retry.ts'
import { withoutQuery } from '../safe-address.ts'
import { reasonOf } from '../safe-text.ts'
import type { Credentials } from '../sign-in/credentials.ts'
import { type Answer, isEnvelope, readAnswer } from './answer.ts'

/** No call may take longer, in milliseconds; the create call's limit is what the adoption of lost answers counts on. */
const CALL_LIMIT = 60_000

/** No answer of the service but a report comes near this size, in bytes; reports are downloaded elsewhere. */
const BODY_LIMIT = 16 * 1024 * 1024

export type InsightsOptions = {
  readonly baseUrl: string
  readonly tokenHeader: 'Authorization' | 'X-AadUserTicket'
  readonly credentials: Credentials
  readonly clock: () => Date
  /** How calls that may be repeated wait for their turn; without it nothing is sent twice. */
  readonly retry?: RetryOptions
}

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** From the base address on, with the query. */
  readonly path: string
  /** The call and its thing, for messages. */
  readonly about: string
  readonly body?: object
  /** Milliseconds, where the service may take longer than usual. */
  readonly limit?: number
}

export type Send = (call: Call) => Promise<Answer | Failure>

/**
 * Gives what sends calls to the service, with a token that is renewed once when it is refused. Reading and deleting are
 * repeated after passing trouble; creating and changing never are: their answer may be lost and their work done.
 */
export function openSender(options: InsightsOptions, signal?: AbortSignal): Send {
  const { retry } = options
  return (call) => {
    const send = () => authorised(options, call, signal)
    const mayRepeat = call.method === 'GET' || call.method === 'DELETE'
    return retry && mayRepeat ? withRetry(send, retry, signal) : send()
  }
}

async function authorised(options: InsightsOptions, call: Call, signal?: AbortSignal): Promise<Answer | Failure> {
  const { credentials } = options
  const token = await unlessCancelled(credentials.token(), call, signal)
  if (isFailure(token)) return token
  const answer = await sendOnce(options, call, token, signal)
  if (isFailure(answer) || answer.status !== 401) return answer
  const renewed = await unlessCancelled(credentials.renew(token), call, signal)
  return isFailure(renewed) ? renewed : sendOnce(options, call, renewed, signal)
}

/** Others wait for the same token: who is cancelled leaves, and the request for it goes on. */
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
  options: InsightsOptions,
  call: Call,
  token: string,
  signal: AbortSignal | undefined,
): Promise<Answer | Failure> {
  const url = new URL(`${options.baseUrl}${call.path}`)
  const limit = AbortSignal.timeout(call.limit ?? CALL_LIMIT)
  try {
    const response = await fetch(url, {
      method: call.method,
      headers: headersOf(options, token),
      signal: signal ? AbortSignal.any([limit, signal]) : limit,
      redirect: 'manual',
      ...(call.body && { body: JSON.stringify(call.body) }),
    })
    if (response.status >= 300 && response.status < 400) return redirected(call, url, response)
    const body = await readBody(response)
    return isReadable(response.status, call.method, body)
      ? readAnswer(response.status, response.headers, body, options.clock())
      : unreadable(call, url, response)
  } catch (error) {
    const reason = signal?.aborted ? 'it was cancelled' : `${reasonOf(error)}; it is tried again`
    return failed('unavailable', `${call.about}: no answer from ${withoutQuery(url)}: ${reason}`)
  }
}

function headersOf({ tokenHeader }: InsightsOptions, token: string): Record<string, string> {
  const value = tokenHeader === 'Authorization' ? `Bearer ${token}` : token
  return { 'Content-Type': 'application/json', Accept: 'application/json', [tokenHeader]: value }
}

/** Reads a body to its end, or throws when it is larger than any answer of the service. */
async function readBody(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > BODY_LIMIT) throw new RangeError('the answer is too large')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** What claims success, or that nothing is there, is believed only in the service's own form. */
function isReadable(status: number, method: Call['method'], body: string): boolean {
  if (status >= 400 && status !== 404) return true
  const mayBeEmpty = status === 404 || method === 'DELETE'
  return isEnvelope(body) || (mayBeEmpty && body.trim() === '')
}

function unreadable(call: Call, url: URL, { status }: Response): Failure {
  const what = `${call.about}: ${withoutQuery(url)} answered ${status} with something else than the service's JSON`
  return failed('unavailable', `${what}; it is tried again, and if it lasts, check INSIGHTS_BASE_URL`)
}

/** A token never follows a link to where it was not meant for. */
function redirected(call: Call, url: URL, response: Response): Failure {
  const location = response.headers.get('location')
  const target = location && URL.canParse(location, url.href) ? new URL(location, url).origin : 'another address'
  const what = `${call.about}: ${withoutQuery(url)} redirects to ${target}, which is not followed`
  return failed('link-refused', `${what}; set INSIGHTS_BASE_URL if the service has moved`)
}
