import { setTimeout as sleep } from 'node:timers/promises'
import { type Failure, isFailure } from '../core/failures.ts'
import { DAY_MS } from '../core/time/durations.ts'

/** A call is sent at most this often. */
const TRIES = 3

const FIRST_WAIT_MS = 500

/** A call waits no longer than this. A service that asks for more is called again by a later tick. */
const LONGEST_WAIT_MS = 10_000

/** How a caller waits before it repeats a call. */
export type RetryOptions = {
  /** Gives a number from 0 to 1. */
  readonly random: () => number
  /** Resolves after that many milliseconds, or as soon as the signal aborts. */
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

/** The part of an answer that decides whether its call is repeated. */
export type Retryable = { readonly status: number; readonly retryAfterMs: number | undefined }

/**
 * Sends a call, and repeats it while `retryDelayMs` says so. Only for calls that may be repeated. A failure of kind
 * `unavailable` counts as no answer; any other failure ends the call.
 */
export async function withRetry<A extends Retryable>(
  send: () => Promise<A | Failure>,
  { random, wait }: RetryOptions,
  signal?: AbortSignal,
): Promise<A | Failure> {
  for (let attempt = 1; ; attempt++) {
    const answer = await send()
    if (signal?.aborted || (isFailure(answer) && answer.kind !== 'unavailable')) return answer
    const delayMs = retryDelayMs(isFailure(answer) ? undefined : answer, attempt, random)
    if (delayMs === undefined) return answer
    await wait(delayMs, signal)
  }
}

/**
 * How many milliseconds to wait before a call is repeated. Undefined means that it is not repeated: waiting would not
 * change the answer, it was the last try, or the service asks for too long a wait. Without an answer the network
 * failed. `attempt` counts from 1; `random` spreads callers that failed together.
 */
export function retryDelayMs(answer: Retryable | undefined, attempt: number, random: () => number): number | undefined {
  if (attempt >= TRIES || (answer && !isTransient(answer.status))) return undefined
  const askedMs = answer?.retryAfterMs ?? 0
  if (askedMs > LONGEST_WAIT_MS) return undefined
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS)
  return Math.max(Math.round(waitMs * (0.5 + random() / 2)), askedMs)
}

/** Whether the same call may get another answer a moment later. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

/** Whatever a service asks for, nothing waits longer than a day. */
const LONGEST_ASKED_MS = DAY_MS

/** Longer than any number of seconds and any HTTP date, in characters. */
const LONGEST_HEADER = 100

/**
 * Reads a `Retry-After` header (RFC 9110), seconds or a date, as milliseconds from `now`, a day at most. Anything else
 * counts as absent.
 */
export function readRetryAfterMs(value: string | null, now: Date): number | undefined {
  if (value === null || value.length > LONGEST_HEADER) return undefined
  if (/^\d+$/.test(value.trim())) return Math.min(Number(value) * 1000, LONGEST_ASKED_MS)
  // Date.parse takes "-5" and "1.5" for days of 2001. Every HTTP date has a time of day.
  const at = value.includes(':') ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - now.getTime(), 0), LONGEST_ASKED_MS)
}

/** Waits that many milliseconds, or until the signal aborts. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, signal ? { signal } : {}).catch(() => undefined)
}
