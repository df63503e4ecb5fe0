import type { FeedOutline, FeedRow } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import type { OfferedDataset } from '../../core/ledger/offer.ts'
import type { PlanRow } from '../../core/ledger/plan-row.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import type { PacingRow } from './pacing-row.ts'

/** When so many feeds get no answer in a tick, the service is down. One does not hold up the others. */
const UNANSWERED_A_TICK = 2

/** What one tick knows about an account, as it last read or wrote it. */
export type AccountInTick = {
  readonly name: string
  readonly pacing: PacingRow
  /** The feeds of the account. */
  readonly feeds: readonly FeedOutline[]
  /** The datasets of the service, where they were read in this tick. */
  datasets: readonly OfferedDataset[] | undefined
  /** The rows of the feeds that were asked for in this tick. */
  readonly rows: Map<string, FeedRow>
  readonly plans: Map<string, Stored<PlanRow>>
  /** The ETags of the entries that may be asked for again. */
  readonly etags: ReadonlyMap<LedgerEntry, string>
  /** The entries of the account's slots. */
  readonly open: Map<string, LedgerEntry>
  /** Feeds for which the service gave no answer in this tick. */
  readonly unanswered: Set<string>
}

export const slotKey = (feed: string, window: string): string => `${feed} ${window}`

/** What is over after a request: that window, the feed, all of the same priority, or the account for this tick. */
export type RequestResult = 'requested' | 'window' | 'feed' | 'priority' | 'account'

/** The service gave no answer for a feed: its turn is over, and in the end that of the account. */
export function noAnswer({ unanswered }: AccountInTick, feed: string): RequestResult {
  unanswered.add(feed)
  return unanswered.size < UNANSWERED_A_TICK ? 'feed' : 'account'
}
