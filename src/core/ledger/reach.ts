import { CATALOG, findDataset } from '../catalog.ts'
import type { Feed } from '../feeds/feed.ts'
import { firstInRange, laterStart, reachesFurther, sayReach } from '../feeds/history.ts'
import { present } from '../present.ts'
import type { Window } from '../time/window.ts'
import type { FeedOutline, FeedRow } from './feed-row.ts'

// How far back the service has data for a feed.

/**
 * Notes the ranges of the dataset, and from when on the service has data for the feed's `from`. While `from` stays, that start
 * only moves back, where the service turns out to offer more: what falls out of its ranges later is a hole and no later
 * start. Ranges that say nothing change nothing.
 */
export function withReach(row: FeedRow, now: Date, ranges = row.ranges): FeedRow {
  if (!ranges || !sayReach(ranges)) return row
  return withStart(withRanges(row, ranges, now), ranges, now)
}

/**
 * As `withReach`, by what the service lists when a query is registered. Where that says nothing, the ranges that are known
 * already count, and then those of the catalogue: without any the service would be asked for what it does not have.
 */
export function withListedReach(row: FeedRow, now: Date, listed: readonly string[] | undefined): FeedRow {
  const known = [listed, row.ranges, findDataset(CATALOG, row.feed.dataset)?.ranges]
  return withReach(
    row,
    now,
    known.find((ranges) => ranges && sayReach(ranges)),
  )
}

/** Until the app has asked the service how far back it has data for a feed, the catalogue says so. */
export function withKnownReach(row: FeedRow, now: Date): FeedRow {
  return withReach(row, now, row.ranges ?? findDataset(CATALOG, row.feed.dataset)?.ranges)
}

function withRanges(row: FeedRow, ranges: readonly string[], now: Date): FeedRow {
  const { ranges: before } = row
  if (before && JSON.stringify(before) === JSON.stringify(ranges)) return row
  const isWider = row.feed.cadence.kind === 'windows' && before && reachesFurther(ranges, before, now)
  return { ...row, ranges, ...(isWider && { widerAt: now.toISOString() }) }
}

function withStart(row: FeedRow, ranges: readonly string[], now: Date): FeedRow {
  const { feed, since, reach } = row
  if (feed.cadence.kind === 'snapshot') return row
  const from = laterStart(feed, ranges, new Date(since), now)?.toISOString()
  const decided = { ...row, reach: present<NonNullable<FeedRow['reach']>>({ of: feed.cadence.from, from }) }
  if (!isReachOf(row)) return decided
  const isEarlier = reach?.from !== undefined && (from === undefined || from < reach.from)
  return isEarlier ? decided : row
}

function isReachOf({ feed: { cadence }, reach }: Pick<FeedOutline, 'feed' | 'reach'>): boolean {
  return cadence.kind === 'windows' && JSON.stringify(reach?.of) === JSON.stringify(cadence.from)
}

/** Where the feed's history starts, if that is later than its `from`. */
export function startWithinReach(row: Pick<FeedOutline, 'feed' | 'reach'>): string | undefined {
  return isReachOf(row) ? row.reach?.from : undefined
}

/** The feed as far as the service can give it: its history starts where the service has data. */
export function withinReach(row: Pick<FeedOutline, 'feed' | 'reach'>): FeedOutline['feed'] {
  const { cadence } = row.feed
  const date = startWithinReach(row)
  return cadence.kind === 'snapshot' || date === undefined
    ? row.feed
    : { ...row.feed, cadence: { ...cadence, from: { date } } }
}

/**
 * Whether a window begins before what the service offers at `now`: a report of it would hold less than the window, or
 * nothing.
 */
export function isOutOfRange(
  { feed, ranges = [] }: { readonly feed: Pick<Feed, 'cadence'>; readonly ranges?: readonly string[] },
  window: Window,
  now: Date,
): boolean {
  const first = feed.cadence.kind === 'windows' ? firstInRange(ranges, now) : undefined
  return first !== undefined && window.from < first
}

/** Says of a window that is out of range why the app does not ask for it. */
export function outOfRangeReason({
  feed,
  ranges = [],
}: {
  readonly feed: Pick<Feed, 'dataset'>
  readonly ranges?: readonly string[]
}): string {
  return `begins before what the service offers of ${feed.dataset} (${ranges.join(', ')})`
}
