import { type Failure, failed } from '../../core/failures.ts'
import { safeText } from '../safe-text.ts'
import { refusalOf } from './refusals.ts'

/** One answer of the service, whatever its HTTP status: names in lower case and trimmed, values as they came. */
export type Answer = {
  /** The worse of the HTTP status and the envelope's `statusCode`: errors have been seen under HTTP 200. */
  readonly status: number
  readonly items: readonly Item[]
  readonly message: string
  readonly nextLink: string | undefined
  readonly dataRedacted: boolean
  /** What `Retry-After` asks for, in milliseconds. */
  readonly retryAfter: number | undefined
}

export type Item = Readonly<Record<string, unknown>>

/** Reads an answer: the envelope is documented in two spellings, so names are compared without case. */
export function readAnswer(httpStatus: number, headers: Headers, body: string, now: Date): Answer {
  const envelope = lowerCased(parseJson(body))
  const statusCode = typeof envelope.statuscode === 'number' ? envelope.statuscode : 0
  const items = Array.isArray(envelope.value) ? envelope.value.map(lowerCased) : []
  return {
    status: statusCode >= 400 ? Math.max(statusCode, httpStatus) : httpStatus,
    items,
    message: typeof envelope.message === 'string' ? safeText(envelope.message) : '',
    nextLink: typeof envelope.nextlink === 'string' && envelope.nextlink !== '' ? envelope.nextlink : undefined,
    dataRedacted: envelope.dataredacted === true,
    retryAfter: retryAfter(headers.get('retry-after'), now),
  }
}

/** `Retry-After` in seconds or as a date (RFC 9110); anything else counts as absent. */
export function retryAfter(value: string | null, now: Date): number | undefined {
  if (value === null) return undefined
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000
  // The parser of dates takes "-5" and "1.5" for days of 2001; every date of HTTP has a time of day.
  const at = value.includes(':') ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(at - now.getTime(), 0)
}

/** Says what a refused call means: `about` names the call and the thing, as in `create report of azure-usage 2025…`. */
export function failureOf(answer: Pick<Answer, 'status' | 'message'>, about: string): Failure {
  const said = `${about}: the service answered ${answer.status}${answer.message ? ` "${answer.message}"` : ''}`
  const { kind, hint } = refusalOf(answer.status, answer.message)
  return failed(kind, `${said}; ${hint}`)
}

/**
 * Whether a body is the service's envelope and not a gateway's page or half a document. A refusal and a deletion may come
 * without any body.
 */
export function isEnvelope(body: string): boolean {
  const envelope = lowerCased(parseJson(body))
  return Array.isArray(envelope.value) || envelope.value === null || typeof envelope.statuscode === 'number'
}

/** The service speaks of a quota in a 400, word for word "User has exceeded its … creation quota of …". */
export function isThrottled(answer: Pick<Answer, 'status' | 'message'>): boolean {
  return answer.status === 429 || (answer.status === 400 && /quota/i.test(answer.message))
}

export function textOf(item: Item | undefined, name: string): string | undefined {
  const value = item?.[name.toLowerCase()]
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

export function textsOf(item: Item, name: string): readonly string[] {
  const value = item[name.toLowerCase()]
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function lowerCased(value: unknown): Item {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name.trim().toLowerCase(), each]))
}
