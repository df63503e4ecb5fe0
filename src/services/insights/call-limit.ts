import type { RetryOptions } from '../retry.ts'
import type { Answer } from './answer.ts'

/**
 * How long reads wait once the service says that it takes no more calls. The span of its limit is not known (ten calls,
 * seen in 2023), so this is short: who reads too early gets a 429 that says how long to wait.
 */
const PAUSE_MS = 5_000

/** What the service last said about the calls that an account has left. */
export type CallLimit = {
  /** Waits while the account has no calls left, as far as this process knows. */
  waitForTurn(retry: RetryOptions, signal?: AbortSignal): Promise<void>
  note(answer: Pick<Answer, 'callsLeft'>): void
}

export function openCallLimit(clock: () => Date): CallLimit {
  let pausedUntilMs = 0
  return {
    async waitForTurn({ wait }, signal) {
      const leftMs = pausedUntilMs - clock().getTime()
      // A clock that was set back must not make the pause longer.
      if (leftMs > 0) await wait(Math.min(leftMs, PAUSE_MS), signal)
    },
    note({ callsLeft }) {
      if (callsLeft === undefined) return
      pausedUntilMs = callsLeft === 0 ? clock().getTime() + PAUSE_MS : 0
    },
  }
}
