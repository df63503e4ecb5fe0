import { firstInRange, laterStart } from '../feeds/history.ts'
import { present } from '../present.ts'
import type { Window } from '../time/window.ts'
import type { FeedOutline, FeedRow } from './feed-row.ts'

// How far back the service has data for a feed.

/**
 * Notes the ranges of the dataset, and from when on the service has data for the feed's `from`. That is decided once for
 * each `from`, as soon as the service's ranges are known: what falls out of them later is a hole and no later start.
 */
export function withReach(row: FeedRow, now: Date, ranges = row.ranges): FeedRow {
  const { feed, since } = row
  if (!ranges) return row
  const next = ranges === row.ranges ? row : { ...row, ranges }
  if (feed.cadence.kind === 'snapshot' || isReachOf(row)) return next
  const from = laterStart(feed, ranges, new Date(since), now)
  return { ...next, reach: present({ of: feed.cadence.from, from: from?.toISOString() }) }
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
  { feed, ranges = [] }: Pick<FeedOutline, 'feed'> & Pick<FeedRow, 'ranges'>,
  window: Window,
  now: Date,
): boolean {
  const first = feed.cadence.kind === 'windows' ? firstInRange(ranges, now) : undefined
  return first !== undefined && window.from < first
}
