/** A call that may be repeated is sent at most this often. */
const TRIES = 3

/** Waits in milliseconds: the first, and the longest. Who asks for more is asked again by a later tick. */
const FIRST_WAIT = 500
const LONGEST_WAIT = 10_000

/** What is known of an answer when it is decided whether to repeat its call; `retryAfter` in milliseconds. */
export type Retryable = { readonly status: number; readonly retryAfter: number | undefined }

/**
 * How many milliseconds to wait before a call is repeated, or undefined where it is not: the answer was no passing
 * trouble, it was the last try, or the service asks for a longer wait than a call may take. Without an answer the
 * network failed. `attempt` counts from 1; `random` gives 0 to 1 and spreads callers that failed together.
 */
export function retryDelay(answer: Retryable | undefined, attempt: number, random: () => number): number | undefined {
  if (attempt >= TRIES || (answer && !isPassing(answer.status))) return undefined
  const asked = answer?.retryAfter ?? 0
  if (asked > LONGEST_WAIT) return undefined
  const wait = Math.min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
  return Math.max(Math.round(wait * (0.5 + random() / 2)), asked)
}

function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}
