import { isFailure } from '../../core/failures.ts'
import type { FeedRow } from '../../core/ledger/app-rows.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import type { KnownFeed } from '../../core/plan/plan.ts'
import type { Services } from '../services.ts'

/**
 * Reads what the ledger knows of a feed. Where an entry cannot be read, the feed asks for nothing new: its window would
 * look like one the ledger lacks.
 */
export async function knownFeed({ ledger }: Pick<Services, 'ledger'>, row: FeedRow): Promise<KnownFeed> {
  const found = await ledger.entries(row.feed.name)
  const entries = found.filter((entry): entry is LedgerEntry => !isFailure(entry))
  return { row: entries.length < found.length ? { ...row, feed: { ...row.feed, enabled: false } } : row, entries }
}
