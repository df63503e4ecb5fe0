import { CATALOG, findDataset } from '../catalog.ts'
import type { Feed } from '../feeds/feed.ts'
import type { Figures } from '../ledger/ledger.ts'
import { addDuration, DAY_MS } from '../time/durations.ts'
import type { Window } from '../time/window.ts'
import { settledAt, type WindowRules } from './due-windows.ts'

type RefreshRules = WindowRules & Pick<Feed, 'dataset'>

/**
 * When a landed window is asked for again: an empty one that was asked for too early, and one that a clock which was ahead
 * landed too early. Undefined where nothing more is expected.
 */
export function refreshAt(feed: RefreshRules, window: Window, figures: Figures, now: Date): Date | undefined {
  const { landedAt, origin } = figures
  if (origin === 'import' || feed.cadence.kind === 'snapshot') return undefined
  if (landedAt.getTime() - now.getTime() > DAY_MS) return settledAt(feed, window)
  return isEarlyBlank(feed, window, figures) ? surelySettledAt(feed, window) : undefined
}

/**
 * Whether a window landed without rows, and was asked for before its data had surely settled. Such a blank proves nothing:
 * early in a month the service may not have loaded the one before.
 */
export function isEarlyBlank(feed: RefreshRules, window: Window, figures: Figures): boolean {
  const { verdict, requestedAt, origin } = figures
  if (verdict !== 'empty' || origin === 'import' || feed.cadence.kind === 'snapshot') return false
  return requestedAt < surelySettledAt(feed, window)
}

/** Twice the delay after the end of a window, and not before the day after its month was loaded. */
function surelySettledAt(feed: RefreshRules, window: Window): Date {
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
