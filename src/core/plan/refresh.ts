import type { Figures } from '../ledger/ledger.ts'
import { addDuration, DAY_MS } from '../time/durations.ts'
import type { Window } from '../time/window.ts'
import { settledAt, type WindowRules } from './due-windows.ts'

/**
 * When a landed window is asked for again: an empty one that was asked for before its data had settled, which is twice the
 * delay after its end, and one that a clock which was ahead landed too early. Undefined where nothing more is expected.
 */
export function refreshAt(feed: WindowRules, window: Window, figures: Figures, now: Date): Date | undefined {
  const { verdict, requestedAt, landedAt, origin } = figures
  if (origin === 'import' || feed.cadence.kind === 'snapshot') return undefined
  if (landedAt.getTime() - now.getTime() > DAY_MS) return settledAt(feed, window)
  const settled = addDuration(settledAt(feed, window), feed.delay)
  return verdict === 'empty' && requestedAt < settled ? settled : undefined
}
