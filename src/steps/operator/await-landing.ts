import { FAILURES, isFailure } from '../../core/failures.ts'
import { isAtRest, type LedgerEntry } from '../../core/ledger/ledger.ts'
import type { Problem } from '../../core/problems.ts'
import { MINUTE_MS } from '../../core/time/durations.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import type { Services } from '../services.ts'

/** Ingest takes a file up within seconds, and lands millions of rows in less than this. */
const LONGEST_WAIT_MS = 15 * MINUTE_MS

export type LandedRows = { readonly rows: number; readonly rejected: number }

/**
 * Waits until an attempt has ended, and gives what it landed or why it failed. `pause` waits a moment between two looks at
 * the ledger.
 */
export async function awaitLanding(
  { ledger, clock }: Services,
  feed: string,
  window: Window,
  attempt: number,
  pause: () => Promise<void>,
): Promise<LandedRows | Problem> {
  const id = windowId(window)
  const until = clock().getTime() + LONGEST_WAIT_MS
  while (clock().getTime() < until) {
    const stored = await ledger.read(feed, id)
    if (!stored) return { problem: `${feed} ${id} was taken out of the ledger meanwhile` }
    if (isFailure(stored)) return { problem: stored.message }
    if (stored.value.attempt > attempt || isAtRest(stored.value)) return outcomeOf(stored.value)
    await pause()
  }
  return { problem: `${feed} ${id} has not landed yet: look whether the app is running, and at "status"` }
}

function outcomeOf(entry: LedgerEntry): LandedRows | Problem {
  const { feed, window, state } = entry
  if (state === 'landed') return { rows: entry.figures.rowsLanded, rejected: entry.figures.rowsRejected }
  if (state === 'failed') return { problem: `${entry.kind}: ${entry.message}; ${FAILURES[entry.kind].remedy}` }
  return { problem: `${feed} ${windowId(window)} is ${state}: somebody asked for it again meanwhile` }
}
