import type { FeedOutline } from '../ledger/feed-row.ts'
import { settledAt, wantedSpan } from '../plan/due-windows.ts'
import { alignDown, nextBoundary } from '../time/calendar.ts'
import { DAY_MS } from '../time/durations.ts'
import { earlier, later } from '../time/instants.ts'
import type { Window } from '../time/window.ts'
import type { FeedStatus } from './fields.ts'

/** So long after its data has settled a window may take to be here: a report has a day. */
const REPORT_MS = DAY_MS

/** `next`: the window that is waited for. */
export type Freshness = Pick<FeedStatus, 'freshUntil' | 'dueBy' | 'staleSince'> & { readonly next?: Window }

/**
 * How fresh a feed is, by the latency of its dataset. `proven`: the windows whose rows are complete, and the gaps that a person
 * accepted. Holes between them make no feed stale. A feed that asks for nothing, or has all that it wants, never is.
 */
export function freshness(now: Date, row: FeedOutline, proven: readonly Window[]): Freshness {
  const { feed } = row
  const isSnapshot = feed.cadence.kind === 'snapshot'
  const newest = proven
    .filter(({ from, to }) => (isSnapshot ? from : to) <= now)
    .reduce<Window | undefined>((last, each) => (last && last.to > each.to ? last : each), undefined)
  const fresh = newest ? { freshUntil: isSnapshot ? newest.from : newest.to } : {}
  const next = nextWindow(now, row, newest)
  if (!feed.enabled || !next) return fresh
  // What was due before the app saw the feed is history, which comes in its own time.
  const dueBy = new Date(later(settledAt(feed, next), new Date(row.since)).getTime() + REPORT_MS)
  return { ...fresh, next, dueBy, ...(dueBy <= now && { staleSince: dueBy }) }
}

/** The window after the newest one, at first the one in which the app saw the feed; undefined where the feed wants none. */
function nextWindow(now: Date, { feed, since }: FeedOutline, newest: Window | undefined): Window | undefined {
  const { cadence } = feed
  const step = cadence.kind === 'snapshot' ? cadence.every : cadence.window
  const from = newest?.to ?? alignDown(new Date(since), step)
  const wanted = wantedSpan(feed, new Date(since), now)
  const to = nextBoundary(from, step)
  if (wanted && from >= wanted.to) return undefined
  return { from, to: wanted ? earlier(to, wanted.to) : to }
}
