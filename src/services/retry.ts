import { setTimeout as sleep } from 'node:timers/promises'
import { type Failure, isFailure } from '../core/failures.ts'
import { type Retryable, retryDelay } from './retry-delay.ts'

/** How a caller waits before it repeats a call. */
export type RetryOptions = {
  /** Gives 0 to 1. */
  readonly random: () => number
  /** Resolves after that many milliseconds, or as soon as the signal aborts. */
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

/**
 * Sends a call until it is answered for good, as `retryDelay` says; only for calls that may be repeated. A failure
 * of kind `unavailable` counts as no answer; another ends it.
 */
export async function withRetry<A extends Retryable>(
  send: () => Promise<A | Failure>,
  { random, wait }: RetryOptions,
  signal?: AbortSignal,
): Promise<A | Failure> {
  for (let attempt = 1; ; attempt++) {
    const answer = await send()
    if (isFailure(answer) && answer.kind !== 'unavailable') return answer
    const delay = signal?.aborted ? undefined : retryDelay(isFailure(answer) ? undefined : answer, attempt, random)
    if (delay === undefined) return answer
    await wait(delay, signal)
  }
}

/** Waits that many milliseconds, or until the signal aborts. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, signal ? { signal } : {}).catch(() => undefined)
}
