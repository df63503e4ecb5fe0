import { adviceOn, adviceText, blocksFeed, type Failure, isFailure, isOfSignIn } from '../../core/failures.ts'
import { type LandedColumns, newlyEmptied, withLandedColumns } from '../../core/ledger/emptied.ts'
import {
  blockAdvice,
  blockedBy,
  stillBlockedBy,
  withFailing,
  withLanding,
  withTrialFailed,
} from '../../core/ledger/feed-block.ts'
import {
  type FeedOutline,
  type FeedRow,
  withAlarms,
  withBackoff,
  withDrift,
  withEmptyBetween,
  withTrouble,
} from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { type OfferedDataset, unnamedColumns, withOffer } from '../../core/ledger/offer.ts'
import { feedNotKnown, listed } from '../../core/names.ts'
import type { KnownFeed, UnreadableEntry } from '../../core/plan/known-feed.ts'
import type { FeedAlarms } from '../../core/status/alarms.ts'
import { windowId } from '../../core/time/window.ts'
import type { AppRows, Scanned, Stored } from '../../services/storage/ledger.ts'
import type { Services } from '../services.ts'
import { accountOf, adviceOnSignIn } from './sign-in-advice.ts'
import { tellOnce } from './tell-once.ts'

/** The rows of the feeds that can be read. */
export function readableFeeds({ feeds }: Pick<AppRows, 'feeds'>): readonly FeedOutline[] {
  return [...feeds.values()].flatMap((row) => (isFailure(row) ? [] : row.value))
}

/** The row of a feed; a sentence for a person where the app does not know the feed or cannot read its row. */
export async function findFeed(
  { ledger }: Pick<Services, 'ledger'>,
  name: string,
): Promise<FeedRow | { problem: string }> {
  const stored = await ledger.readFeed(name)
  return stored ? rowOrProblem(stored) : { problem: feedNotKnown(name, []) }
}

/** As `findFeed`, for a name that a person typed: where the app does not know it, the sentence names those it knows. */
export async function findTypedFeed(
  services: Pick<Services, 'ledger'>,
  name: string,
): Promise<FeedRow | { problem: string }> {
  const stored = await services.ledger.readFeed(name)
  return stored ? rowOrProblem(stored) : unknownFeed(services, name)
}

function rowOrProblem(stored: Stored<FeedRow> | Failure): FeedRow | { problem: string } {
  return isFailure(stored) ? { problem: stored.message } : stored.value
}

/** Says that the app does not know a feed, and which it knows. */
export async function unknownFeed(
  { ledger }: Pick<Services, 'ledger'>,
  name: string,
): Promise<{ readonly problem: string }> {
  await ledger.create()
  const { feeds } = await ledger.appRows()
  return { problem: feedNotKnown(name, [...feeds.keys()]) }
}

/** Reads all that the ledger knows of a feed. */
export function readKnownFeed({ ledger }: Pick<Services, 'ledger'>, row: FeedOutline): Promise<KnownFeed> {
  return knownFeed(row, ledger.scan(row.feed.name))
}

/** A feed with the entries that were found of it, and those of them that cannot be read. */
export async function knownFeed(
  row: FeedOutline,
  found: AsyncIterable<Pick<Scanned, 'value' | 'window'>>,
): Promise<KnownFeed> {
  const entries: LedgerEntry[] = []
  const unreadable: UnreadableEntry[] = []
  for await (const { value, window } of found) {
    if (isFailure(value)) unreadable.push({ failure: value, ...(window && { window }) })
    else entries.push(value)
  }
  return { row, entries, unreadable }
}

/** The row of a feed before and after a change; the same object where nothing changed. */
export type ChangedRow = { readonly before: FeedRow; readonly after: FeedRow }

/**
 * Changes the row of a feed. Reads it again where another writer was faster. Undefined where the app does not know the
 * feed, or cannot read its row.
 */
export async function changeFeedRow(
  { ledger }: Pick<Services, 'ledger'>,
  feed: string,
  change: (row: FeedRow) => FeedRow,
): Promise<ChangedRow | undefined> {
  const stored = await ledger.readFeed(feed)
  if (!stored || isFailure(stored)) return undefined
  const before = stored.value
  const after = change(before)
  if (after === before) return { before, after }
  const written = await ledger.writeFeed(after, stored.etag)
  return written ? { before, after } : changeFeedRow({ ledger }, feed, change)
}

/** Blocks a feed. Emits an event where it was not blocked for this kind before. */
export async function blockFeed(services: Services, feed: string, failure: Failure): Promise<void> {
  const now = services.clock()
  const changed = await changeFeedRow(services, feed, (row) => blockedBy(row, failure, now))
  if (changed && changed.before.blocked?.kind !== changed.after.blocked?.kind)
    tellBlocked(services, changed.after, failure)
}

/** A window that had failed before has failed again. If the feed is blocked, its block goes on. */
export async function noteFailedAgain(services: Services, feed: string, failure: Failure): Promise<void> {
  const now = services.clock()
  await changeFeedRow(services, feed, (row) =>
    blocksFeed(failure) ? stillBlockedBy(row, failure, now) : withTrialFailed(row, now),
  )
}

/** A window failed that a later landing of the feed may heal. */
export async function noteFailing(services: Services, feed: string): Promise<void> {
  await changeFeedRow(services, feed, withFailing)
}

export function tellBlocked({ emit }: Pick<Services, 'emit'>, row: FeedOutline, failure: Failure): void {
  const { kind, message } = failure
  emit({ event: 'feed.blocked', feed: row.feed.name, kind, message, remedy: adviceText(blockAdvice(row, failure)) })
}

/** The feed landed: its block ends, and what failed is asked for again. */
export async function noteLanding(services: Services, { feed, heals }: LedgerEntry): Promise<void> {
  const now = services.clock()
  const changed = await changeFeedRow(services, feed, (row) => withLanding(row, heals > 0, now))
  if (changed?.before.blocked && !changed.after.blocked) services.emit({ event: 'feed.unblocked', feed })
}

/**
 * Notes what keeps a feed from being asked for, and emits one event about it. `status` shows it until it is gone. Without
 * an answer of the service the feed rests, and longer each time; a refused sign-in is tried at each tick.
 */
export async function noteTrouble(services: Services, feed: string, failure: Failure): Promise<void> {
  const now = services.clock()
  const isSilent = failure.kind === 'unavailable'
  const changed = await changeFeedRow(services, feed, (row) => {
    const troubled = withTrouble(row, failure, now)
    return isSilent ? withBackoff(troubled, now) : troubled
  })
  const { kind, message } = failure
  if (changed?.before.trouble?.kind === kind) return
  const row = changed?.after
  const advice =
    row && isOfSignIn(failure) ? adviceOnSignIn(services, accountOf(row), failure.kind) : adviceOn(kind, { feed })
  services.emit({ event: 'feed.stale', feed, kind, message, remedy: adviceText(advice) })
}

/** Notes the columns in a feed's files that nobody named, and emits an event when they change. */
export async function noteDrift(services: Services, feed: string, columns: readonly string[]): Promise<void> {
  const changed = await changeFeedRow(services, feed, (row) => withDrift(row, columns))
  const isNews = changed && changed.before !== changed.after && columns.length > 0
  if (isNews) tellDrift(services, feed, [unnamedColumns(columns)])
}

/**
 * Notes what the service offers of a feed's dataset. Emits an event when what the feed uses and the service no longer offers
 * has changed.
 */
export async function noteOffer(services: Services, feed: string, datasets: readonly OfferedDataset[]): Promise<void> {
  const now = services.clock()
  const changed = await changeFeedRow(services, feed, (row) => withOffer(row, datasets, now))
  const drift = changed?.after.offerDrift
  if (drift && drift !== changed.before.offerDrift) tellDrift(services, feed, drift)
}

function tellDrift({ emit }: Services, feed: string, sentences: readonly string[]): void {
  emit({ event: 'feed.drift', feed, message: sentences.join('; ') })
}

/** Notes which columns of a landing had values before and have none now, and emits an event when there are any. */
export async function noteLandedColumns(services: Services, row: FeedRow, landed: LandedColumns): Promise<void> {
  if (withLandedColumns(row, landed) === row && newlyEmptied(row, landed).length === 0) return
  const { name: feed } = row.feed
  const changed = await changeFeedRow(services, feed, (each) => withLandedColumns(each, landed))
  const columns = changed ? newlyEmptied(changed.before, landed) : []
  if (columns.length === 0) return
  const message = `columns that had values before and have none now: ${listed(columns.toSorted())}`
  const event = {
    event: 'feed.column-empty',
    feed,
    window: windowId(landed.window),
    message,
    count: columns.length,
  } as const
  await tellOnce(services, `column-empty~${feed}`, event)
}

/** Notes how many empty windows lie between full ones, and emits an event when the number changes. */
export async function noteEmptyBetween(
  services: Services,
  { feed, emptyBetween = 0 }: FeedOutline,
  count: number,
): Promise<void> {
  if (emptyBetween === count) return
  await changeFeedRow(services, feed.name, (row) => withEmptyBetween(row, count))
  if (count > 0) services.emit({ event: 'feed.empty-between-full', feed: feed.name, count })
}

/**
 * Notes whether a feed is stale and which of its windows are halved. Emits an event when it becomes stale or fresh, and one for
 * each window that is newly halved.
 */
export async function noteAlarms(services: Services, row: FeedOutline, { stale, halved }: FeedAlarms): Promise<void> {
  const { name: feed } = row.feed
  const ids = [...halved.keys()]
  const isKnown =
    row.staleSince === stale?.since.toISOString() && JSON.stringify(row.halved ?? []) === JSON.stringify(ids)
  if (isKnown) return
  const changed = await changeFeedRow(services, feed, (each) => withAlarms(each, stale?.since, ids))
  if (!changed || changed.before === changed.after) return
  const { staleSince: before, halved: told = [] } = changed.before
  const remedy = 'Type "npx partner-insights-sync status": it says what keeps the feed from being asked for.'
  if (stale && before === undefined) services.emit({ event: 'feed.stale', feed, message: stale.sentence, remedy })
  if (!stale && before !== undefined) services.emit({ event: 'feed.fresh', feed })
  for (const [window, message] of halved) {
    if (!told.includes(window)) services.emit({ event: 'window.halved', feed, window, message })
  }
}
