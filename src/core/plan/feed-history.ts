import type { RangedRow } from '../ledger/feed-row.ts'
import type { LedgerEntry, Planned } from '../ledger/ledger.ts'
import { isOutOfRange, startWithinReach, withinReach } from '../ledger/reach.ts'
import type { Window } from '../time/window.ts'
import { type DueWindow, historyWindows, type WindowRules } from './due-windows.ts'
import { type KnownFeed, planOf } from './known-feed.ts'
import { isPlannedDue } from './plan.ts'

/** A feed with all its entries, and how far back the service has data for it. */
export type RangedFeed = KnownFeed & { readonly row: RangedRow }

/**
 * How it stands with a window of history. `waiting`: it is due and not asked for yet. `dueLater`: its data has not settled, or
 * it is tried again later. `outOfRange`: the service has no data for its start, so nobody asks for it.
 */
export type Condition = 'landed' | 'failed' | 'waiting' | 'dueLater' | 'underWay' | 'outOfRange'

export type HistoryWindow = { readonly window: Window; readonly condition: Condition }

/** The windows of a feed's history in order of time: those of the ledger's lane `backfill`, and those still to come. */
export function historyOf(now: Date, known: RangedFeed): readonly HistoryWindow[] {
  const { row, entries } = known
  const toAsk = (window: Window, isDue: boolean): Condition => {
    if (isOutOfRange(row, window, now)) return 'outOfRange'
    return isDue ? 'waiting' : 'dueLater'
  }
  const ofLedger = entries
    .filter(({ lane }) => lane === 'backfill')
    .map((entry) => ({
      window: entry.window,
      condition: conditionOf(entry, (planned) => toAsk(planned.window, isPlannedDue(now, row, planned))),
    }))
  const toCome = missingHistory(now, known, withinReach(row)).map(({ window, dueAt }) => ({
    window,
    condition: toAsk(window, dueAt <= now),
  }))
  const all = [...beforeReach(now, known), ...ofLedger, ...toCome]
  return all.toSorted((a, b) => a.window.from.getTime() - b.window.from.getTime())
}

/** The windows of history that the ledger lacks and whose data has not settled yet, in order of time. */
export function laterHistory(now: Date, known: KnownFeed): readonly DueWindow[] {
  return missingHistory(now, known, withinReach(known.row)).filter(({ dueAt }) => dueAt > now)
}

/** The windows of history that the ledger lacks, also those whose data has not settled yet. */
function missingHistory(now: Date, known: KnownFeed, rules: WindowRules): readonly DueWindow[] {
  const { row } = known
  if (!row.feed.enabled) return []
  return historyWindows(rules, { since: new Date(row.since), taken: planOf(known).spans, now })
}

/** Whether a window counts as landed: also one that landed and is only refreshed. */
export function isCountedLanded(entry: LedgerEntry): boolean {
  return entry.state === 'landed' || (entry.state === 'planned' && entry.reason === 'refresh')
}

function conditionOf(entry: LedgerEntry, toAsk: (planned: Planned) => Condition): Condition {
  if (isCountedLanded(entry)) return 'landed'
  switch (entry.state) {
    case 'failed':
      return entry.kind === 'out-of-range' ? 'outOfRange' : 'failed'
    case 'planned':
      return toAsk(entry)
    default:
      return 'underWay'
  }
}

/** What the feed's `from` wants and the service did not have when the app first asked: it is in no plan. */
function beforeReach(now: Date, known: KnownFeed): readonly HistoryWindow[] {
  const start = startWithinReach(known.row)
  if (start === undefined) return []
  const wanted = missingHistory(now, known, known.row.feed).filter(({ window }) => window.from < new Date(start))
  return wanted.map(({ window }) => ({ window, condition: 'outOfRange' }))
}

export type HistoryCounts = Readonly<Record<Condition, number>>

/** How many windows of a feed's history are in which condition. */
export function historyCounts(windows: readonly HistoryWindow[]): HistoryCounts {
  const counts = { landed: 0, failed: 0, waiting: 0, dueLater: 0, underWay: 0, outOfRange: 0 }
  for (const { condition } of windows) counts[condition]++
  return counts
}
