import { isFailure } from '../../src/core/failures.ts'
import type { FeedRow } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { toPlanned } from '../../src/core/ledger/transitions.ts'
import type { WindowId } from '../../src/core/time/window.ts'
import type { Ledger, Stored } from '../../src/services/storage/ledger.ts'

/** What a file of a test answers where nobody asks for it again. */
export const ASKED = { rowSet: 'some rows', selection: 'some columns' }

/** The entry of a window. Throws when there is none, or when it cannot be read. */
export async function storedEntry(ledger: Ledger, feed: string, window: WindowId): Promise<Stored<LedgerEntry>> {
  const stored = await ledger.read(feed, window)
  if (!stored) throw new Error(`no entry ${feed} ${window}`)
  if (isFailure(stored)) throw new Error(stored.message)
  return stored
}

/** The entries of all feeds that the app knows, except those that cannot be read. */
export async function everyEntry(ledger: Ledger): Promise<readonly LedgerEntry[]> {
  const names = [...(await ledger.appRows()).feeds.keys()]
  const found = await Promise.all(names.map((name) => ledger.entries(name)))
  return found.flat().filter((entry): entry is LedgerEntry => !isFailure(entry))
}

/** The row of a feed; undefined before the first tick with it. */
export async function findFeedRow(ledger: Ledger, feed: string): Promise<FeedRow | undefined> {
  const stored = await ledger.readFeed(feed)
  return stored && !isFailure(stored) ? stored.value : undefined
}

/** Lets the next tick ask for a window again, as the command `retry` does. */
export async function planRetry(ledger: Ledger, { value, etag }: Stored<LedgerEntry>, now: Date): Promise<void> {
  if (!(await ledger.write(toPlanned(value, 'retry', now, 0), etag))) throw new Error('the entry changed')
}
