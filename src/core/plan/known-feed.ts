import type { Failure } from '../failures.ts'
import type { FeedOutline } from '../ledger/feed-row.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import type { Window } from '../time/window.ts'
import type { FeedPlan } from './plan.ts'

/** An entry that cannot be read. Its key names the window whose time it takes; undefined where the key is no window. */
export type UnreadableEntry = { readonly failure: Failure; readonly window?: Window }

/** A feed with its row and all its entries from the ledger. */
export type KnownFeed = {
  readonly row: FeedOutline
  readonly entries: readonly LedgerEntry[]
  readonly unreadable: readonly UnreadableEntry[]
}

/** The time that the entries of a feed take, also those that cannot be read, and its planned windows. */
export function planOf({ row, entries, unreadable }: KnownFeed): FeedPlan {
  return {
    row,
    spans: [...entries, ...unreadable].flatMap(({ window }) => window ?? []),
    planned: entries.filter((entry) => entry.state === 'planned'),
  }
}
