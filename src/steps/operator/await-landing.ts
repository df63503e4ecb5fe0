import { adviceText, isFailure } from '../../core/failures.ts'
import type { Failed, LedgerEntry } from '../../core/ledger/ledger.ts'
import { withKnownReach } from '../../core/ledger/reach.ts'
import type { Problem } from '../../core/problems.ts'
import { adviceOnEntry, adviceOnWindow } from '../../core/status/failed-window.ts'
import { MINUTE_MS } from '../../core/time/durations.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { findFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'

/** Ingest takes a file up within seconds, and lands millions of rows in less than this. */
const LONGEST_WAIT_MS = 15 * MINUTE_MS

/** `attempt` is a later one than was begun where the feed changed while its rows were written. */
export type LandedRows = { readonly attempt: number; readonly rows: number; readonly rejected: number }

/**
 * Waits until what a person lands has ended, and gives what landed or why it failed. `pause` waits a moment between two
 * looks at the ledger.
 */
export async function awaitLanding(
  services: Services,
  feed: string,
  window: Window,
  pause: () => Promise<void>,
): Promise<LandedRows | Problem> {
  const { ledger, clock } = services
  const id = windowId(window)
  const until = clock().getTime() + LONGEST_WAIT_MS
  while (clock().getTime() < until) {
    const stored = await ledger.read(feed, id)
    if (!stored) return { problem: `${feed} ${id} was taken out of the ledger meanwhile` }
    if (isFailure(stored)) return { problem: stored.message }
    if (stored.value.state !== 'landing') return outcomeOf(services, stored.value)
    await pause()
  }
  return { problem: `${feed} ${id} has not landed yet: look whether the app is running, and at "status"` }
}

async function outcomeOf(services: Services, entry: LedgerEntry): Promise<LandedRows | Problem> {
  const { feed, window, state } = entry
  if (state === 'landed') {
    const { attempt, rowsLanded, rowsRejected } = entry.figures
    return { attempt, rows: rowsLanded, rejected: rowsRejected }
  }
  if (state === 'failed') return { problem: `${entry.kind}: ${entry.message}. ${await adviceFor(services, entry)}` }
  return { problem: `${feed} ${windowId(window)} is ${state}: somebody asked for it again meanwhile` }
}

/** As `status` says it. */
async function adviceFor(services: Services, entry: Failed): Promise<string> {
  const [row, now] = [await findFeed(services, entry.feed), services.clock()]
  return adviceText('problem' in row ? adviceOnEntry(entry) : adviceOnWindow(now, withKnownReach(row, now), entry))
}
