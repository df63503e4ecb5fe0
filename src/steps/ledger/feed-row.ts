import { FAILURES, type Failure, isFailure } from '../../core/failures.ts'
import { FEED_ROWS, feedRowKey } from '../../core/ledger/app-rows.ts'
import {
  blockedBy,
  type FeedRow,
  stillBlockedBy,
  unblocked,
  withDrift,
  withEmptyBetween,
  withTrouble,
} from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { emptyBetweenFull } from '../../core/plan/coverage.ts'
import type { KnownFeed } from '../../core/plan/plan.ts'
import type { Services } from '../services.ts'

/** Reads what the ledger knows of a feed. */
export async function readKnownFeed({ ledger }: Pick<Services, 'ledger'>, row: FeedRow): Promise<KnownFeed> {
  const found = await ledger.entries(row.feed.name)
  const entries = found.filter((entry): entry is LedgerEntry => !isFailure(entry))
  return { row, entries, unreadable: found.filter(isFailure) }
}

/** Reads what the ledger knows of every feed that the app has seen. */
export async function readKnownFeeds({ ledger }: Pick<Services, 'ledger'>): Promise<readonly KnownFeed[]> {
  await ledger.create()
  const rows = await ledger.appRows<FeedRow>(FEED_ROWS)
  return Promise.all(rows.map((row) => readKnownFeed({ ledger }, row)))
}

/** The row of a feed before and after a change; the same object where nothing changed. */
export type ChangedRow = { readonly before: FeedRow; readonly after: FeedRow }

/** Changes the row of a feed. Reads it again where another writer was faster. Undefined where the app does not know the feed. */
export async function changeFeedRow(
  { ledger }: Pick<Services, 'ledger'>,
  feed: string,
  change: (row: FeedRow) => FeedRow,
): Promise<ChangedRow | undefined> {
  const stored = await ledger.readApp<FeedRow>(feedRowKey(feed))
  if (!stored) return undefined
  const before = stored.value
  const after = change(before)
  if (after === before) return { before, after }
  const written = await ledger.writeApp(feedRowKey(feed), after, stored.etag)
  return written ? { before, after } : changeFeedRow({ ledger }, feed, change)
}

/** Blocks a feed. Emits an event where it was not blocked before. */
export async function blockFeed(services: Services, feed: string, failure: Failure): Promise<void> {
  const now = services.clock()
  const changed = await changeFeedRow(services, feed, (row) => blockedBy(row, failure, now))
  if (changed && !changed.before.blocked) tellBlocked(services, feed, failure)
}

/** A window that was tried again after a block has failed. If the feed is still blocked, its block goes on. */
export async function prolongBlock(services: Services, feed: string, failure: Failure): Promise<void> {
  const now = services.clock()
  await changeFeedRow(services, feed, (row) => stillBlockedBy(row, failure, now))
}

export function tellBlocked({ emit }: Pick<Services, 'emit'>, feed: string, { kind, message }: Failure): void {
  emit({ event: 'feed.blocked', feed, kind, message, remedy: FAILURES[kind].remedy })
}

/** The feed landed again: its block ends. */
export async function unblockFeed(services: Services, feed: string): Promise<void> {
  const changed = await changeFeedRow(services, feed, unblocked)
  if (changed && changed.before !== changed.after) services.emit({ event: 'feed.unblocked', feed })
}

/** Notes what keeps a feed from being asked for, and emits one event about it. `status` shows it until it is gone. */
export async function noteTrouble(services: Services, feed: string, failure: Failure): Promise<void> {
  const now = services.clock()
  const changed = await changeFeedRow(services, feed, (row) => withTrouble(row, failure, now))
  if (changed && changed.before === changed.after) return
  const { kind, message } = failure
  services.emit({ event: 'feed.stale', feed, kind, message, remedy: FAILURES[kind].remedy })
}

/** Notes the columns in a feed's files that nobody named, and emits an event when they change. */
export async function noteDrift(services: Services, feed: string, columns: readonly string[]): Promise<void> {
  const changed = await changeFeedRow(services, feed, (row) => withDrift(row, columns))
  if (!changed || changed.before === changed.after || columns.length === 0) return
  const message = `columns that nobody named: ${columns.toSorted().join(', ')}`
  services.emit({ event: 'feed.drift', feed, message })
}

/** Notes how many empty windows lie between full ones, and emits an event when the number changes. */
export async function noteEmptyWindows(services: Services, { row, entries }: KnownFeed): Promise<void> {
  const feed = row.feed.name
  const count = emptyBetweenFull(entries)
  if (withEmptyBetween(row, count) === row) return
  await changeFeedRow(services, feed, (each) => withEmptyBetween(each, count))
  if (count > 0) services.emit({ event: 'feed.empty-between-full', feed, count })
}
