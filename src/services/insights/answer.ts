import { isServiceId } from '../../core/names.ts'
import { parseJson } from '../parse-json.ts'
import { readRetryAfterMs } from '../retry.ts'
import { safeText } from '../safe-text.ts'

/** One answer of the service, whatever its HTTP status. */
export type Answer = {
  /** The worse of the HTTP status and the envelope's `statusCode`: errors have been seen under HTTP 200. */
  readonly status: number
  readonly items: readonly Item[]
  readonly message: string
  /** The size of the body. */
  readonly bytes: number
  readonly nextLink: string | undefined
  readonly dataRedacted: boolean
  /** The token is refused because it says nothing of multi-factor. */
  readonly lacksMfa: boolean
  /** Whether the service found multi-factor in the token; undefined where it does not say. */
  readonly isMfaCompliant: boolean | undefined
  /** How the user of the token signed in; undefined unless the call asks, and where the token does not say. */
  readonly signInMethods?: readonly string[] | undefined
  /** What `Retry-After` asks for. */
  readonly retryAfterMs: number | undefined
  /** What Microsoft's support finds the call by; undefined where the answer names none. */
  readonly correlationId: string | undefined
  /** How many calls the service still takes in its present span of time; undefined where the answer does not say. */
  readonly callsLeft: number | undefined
}

/** One object of an answer: its names in lower case and trimmed, its values as they came. */
export type Item = Readonly<Record<string, unknown>>

/**
 * The error code of a token without multi-factor (Partner Center, 2026). Its place is not documented: Partner Center has
 * `code` and `description`, this service a `message`. So it is looked for anywhere near the start of the body.
 */
const NO_MFA = /\b900421\b/
const NO_MFA_WITHIN = 10_000

/** Reads an answer. The documents spell the names of the envelope in two ways, so names are compared without case. */
export function readAnswer(httpStatus: number, headers: Headers, body: string, now: Date): Answer {
  const envelope = toItem(parseJson(body))
  const statusCode = typeof envelope.statuscode === 'number' ? envelope.statuscode : 0
  const status = statusCode >= 400 ? Math.max(statusCode, httpStatus) : httpStatus
  const said = envelope.message ?? envelope.description
  return {
    status,
    items: Array.isArray(envelope.value) ? envelope.value.map(toItem) : [],
    message: typeof said === 'string' ? safeText(said) : '',
    bytes: Buffer.byteLength(body),
    nextLink: typeof envelope.nextlink === 'string' && envelope.nextlink !== '' ? envelope.nextlink : undefined,
    dataRedacted: envelope.dataredacted === true,
    isMfaCompliant: readFlag(headers.get('ismfacompliant') ?? envelope.ismfacompliant),
    lacksMfa: status === 401 && NO_MFA.test(body.slice(0, NO_MFA_WITHIN)),
    retryAfterMs: readRetryAfterMs(headers.get('retry-after'), now),
    correlationId: readCorrelationId(headers),
    callsLeft: readCount(headers.get('x-ratelimit-remaining')),
  }
}

/** The header was seen in a real answer of 2023. What does not look like an id is left out: it would go into messages. */
export function readCorrelationId(headers: Headers): string | undefined {
  const id = headers.get('ms-correlationid')
  return id !== null && isServiceId(id) ? id : undefined
}

/** Whether it comes in a header or in the body is not documented. */
function readFlag(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
  return text === 'true' || text === 'false' ? text === 'true' : undefined
}

function readCount(value: string | null): number | undefined {
  return /^\d{1,9}$/.test(value ?? '') ? Number(value) : undefined
}

/** Whether a body is the service's envelope, and not the page of a gateway or half a document. */
export function isEnvelope(body: string): boolean {
  const envelope = toItem(parseJson(body))
  return Array.isArray(envelope.value) || envelope.value === null || typeof envelope.statuscode === 'number'
}

/** A text of an object, trimmed; undefined where it is missing or empty. `name` in any case. */
export function textOf(item: Item | undefined, name: string): string | undefined {
  const value = item?.[name.toLowerCase()]
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

/** An id of the service in an object; undefined where it is missing or has another form than an id. */
export function idOf(item: Item | undefined, name: string): string | undefined {
  const id = textOf(item, name)
  return id !== undefined && isServiceId(id) ? id : undefined
}

export function textsOf(item: Item, name: string): readonly string[] {
  const value = item[name.toLowerCase()]
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

export function numberOf(item: Item, name: string): number | undefined {
  const value = item[name.toLowerCase()]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** An instant of an object. The service means UTC, whether or not the text says so. */
export function instantOf(item: Item, name: string): Date | undefined {
  // No instant is longer: the reader of dates looks at every character.
  const text = textOf(item, name)?.slice(0, 100)
  const instant = new Date(text && /T[\d:.]+$/.test(text) ? `${text}Z` : (text ?? ''))
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

function toItem(value: unknown): Item {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name.trim().toLowerCase(), each]))
}
