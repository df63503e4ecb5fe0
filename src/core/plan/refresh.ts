import { CATALOG, findDataset } from '../catalog.ts'
import type { Feed, Refresh } from '../feeds/feed.ts'
import { hashJson } from '../hash.ts'
import type { Figures } from '../ledger/ledger.ts'
import { isOutOfRange } from '../ledger/reach.ts'
import { alignDown, GRAIN } from '../time/calendar.ts'
import { addDuration, DAY_MS, type Duration, durationMilliseconds } from '../time/durations.ts'
import { earlier, earliest } from '../time/instants.ts'
import { type Window, windowId } from '../time/window.ts'
import { openEvery, settledAt, type WindowRules } from './due-windows.ts'
import { isPastKeep } from './keep.ts'

type BlankRules = WindowRules & Pick<Feed, 'dataset'>

/** The feed as far as it decides when a landed window is asked for again. `stretch` makes `refresh.every` longer. */
export type RefreshRules = {
  readonly feed: BlankRules & Pick<Feed, 'name'>
  readonly stretch?: number
  /** How far back the service has data: a refresh that it would answer in part, or not at all, is not asked for. */
  readonly ranges?: readonly string[]
}

/**
 * When a landed window is asked for again; undefined where nothing more is expected. The running window is asked for until
 * its data has settled, an empty one once more when its data has surely settled, one that a clock which was ahead landed too
 * early when it has settled, and a young one as the feed's `refresh` says, because the source restates it.
 */
export function refreshAt(rules: RefreshRules, window: Window, figures: Figures, now: Date): Date | undefined {
  const { feed } = rules
  const { landedAt, origin, running, removedAt } = figures
  const requestedAt = askedAt(figures)
  if (origin === 'import' || removedAt || feed.cadence.kind === 'snapshot') return undefined
  const settled = settledAt(feed, window)
  if (landedAt.getTime() - now.getTime() > DAY_MS) return settled
  if (running) return nextOfRunning(feed, requestedAt, settled)
  const surely = isEarlyBlank(feed, window, figures) ? surelySettledAt(feed, window) : undefined
  return earliest([surely, nextRefresh(rules, feed.cadence.refresh, window, requestedAt)])
}

/**
 * Whether a window landed without rows, and was asked for before its data had surely settled. Such a blank proves nothing:
 * early in a month the service may not have loaded the one before.
 */
export function isEarlyBlank(feed: BlankRules, window: Window, figures: Figures): boolean {
  const { verdict, origin } = figures
  if (verdict !== 'empty' || origin === 'import' || feed.cadence.kind === 'snapshot') return false
  return askedAt(figures) < surelySettledAt(feed, window)
}

/** A report was asked for before it landed, whatever a clock that was ahead noted. */
function askedAt({ requestedAt, landedAt }: Figures): Date {
  return earlier(requestedAt, landedAt)
}

/** Twice the delay after the end of a window, and not before the day after its month was loaded. */
function surelySettledAt(feed: BlankRules, window: Window): Date {
  const settled = addDuration(settledAt(feed, window), feed.delay)
  const loaded = dayAfterLoading(feed.dataset, window)
  return loaded && loaded > settled ? loaded : settled
}

/** The service loads the data of a month on a day of the next one, where the documents name one. */
function dayAfterLoading(dataset: string, { to }: Window): Date | undefined {
  const days = findDataset(CATALOG, dataset)?.refreshDays
  if (!days) return undefined
  const last = new Date(to.getTime() - 1)
  return new Date(Date.UTC(last.getUTCFullYear(), last.getUTCMonth() + 1, Math.max(...days) + 1))
}

/** When the running window is asked for again after it was asked for. */
export function nextOfRunning(feed: WindowRules, requestedAt: Date, settled: Date): Date {
  const every = openEvery(feed)
  return every ? earlier(addDuration(requestedAt, every), settled) : settled
}

/** The next refresh after a request, as long as the window is young then, and the service still has all of it. */
function nextRefresh(
  { feed, stretch = 1, ranges = [] }: RefreshRules,
  refresh: Refresh | undefined,
  window: Window,
  requestedAt: Date,
): Date | undefined {
  const until = refresh && addDuration(window.to, refresh.for)
  if (!until || requestedAt >= until) return undefined
  const timeOfDayMs = timeOfDay(feed.name, window)
  const regular = nextRegular(requestedAt, refresh.every, stretch, timeOfDayMs)
  const { days = [] } = refresh
  const next = earliest([regular, ...days.map((day) => nextAfterDay(requestedAt, day, timeOfDayMs))])
  const isGone = next && (isOutOfRange({ feed, ranges }, window, next) || isPastKeep(feed, window, next))
  return next && next < until && !isGone ? next : undefined
}

/** Not later than `every` after the request, and where that is a day or more, at the window's own time of day. */
function nextRegular(requestedAt: Date, every: Duration, stretch: number, timeOfDayMs: number): Date {
  // A duration in months has no length of its own, and is stretched as one of 30 days each.
  const stretched = new Date(requestedAt.getTime() + durationMilliseconds(every) * stretch)
  const latest = stretch === 1 ? addDuration(requestedAt, every) : stretched
  const sameDay = alignDown(latest, GRAIN.day).getTime() + timeOfDayMs
  const at = sameDay <= latest.getTime() ? sameDay : sameDay - DAY_MS
  return at > requestedAt.getTime() ? new Date(at) : latest
}

/** The first time after a request that follows a day of the month on which the source loads data. */
function nextAfterDay(requestedAt: Date, day: number, timeOfDayMs: number): Date {
  const inMonth = (ahead: number) => {
    const dayAfter = Date.UTC(requestedAt.getUTCFullYear(), requestedAt.getUTCMonth() + ahead, day + 1)
    return new Date(dayAfter + timeOfDayMs)
  }
  const thisMonth = inMonth(0)
  return thisMonth > requestedAt ? thisMonth : inMonth(1)
}

/** The time of day at which a window is refreshed, in milliseconds: the windows of all feeds spread over the day. */
function timeOfDay(feed: string, window: Window): number {
  return Number(BigInt(`0x${hashJson([feed, windowId(window)])}`) % BigInt(DAY_MS))
}
