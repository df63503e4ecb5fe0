import type { RangedRow } from '../ledger/feed-row.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import { isOutOfRange, startWithinReach } from '../ledger/reach.ts'
import type { Window } from '../time/window.ts'
import { missingWindows } from './due-windows.ts'
import { type KnownFeed, planOf } from './known-feed.ts'
import { waitingWindows } from './plan.ts'

/** A feed with all its entries, and how far back the service has data for it. */
export type RangedFeed = KnownFeed & { readonly row: RangedRow }

/** How it stands with a window of history. `outOfRange`: the service has no data for its start, so nobody asks for it. */
export type Condition = 'landed' | 'failed' | 'waiting' | 'underWay' | 'outOfRange'

export type HistoryWindow = { readonly window: Window; readonly condition: Condition }

/** The windows of a feed's history in order of time: those of the ledger's lane `backfill`, and those still to come. */
export function historyOf(now: Date, known: RangedFeed): readonly HistoryWindow[] {
  const isOut = (window: Window) => isOutOfRange(known.row, window, now)
  const ofLedger = known.entries
    .filter(({ lane }) => lane === 'backfill')
    .map((entry) => ({ window: entry.window, condition: conditionOf(entry, isOut) }))
  const missing = waitingWindows(now, planOf(known)).filter(({ previous, lane }) => !previous && lane === 'backfill')
  const toCome = missing.map(({ window }) => waiting(window, isOut(window)))
  const all = [...beforeReach(now, known), ...ofLedger, ...toCome]
  return all.toSorted((a, b) => a.window.from.getTime() - b.window.from.getTime())
}

function waiting(window: Window, isOut: boolean): HistoryWindow {
  return { window, condition: isOut ? 'outOfRange' : 'waiting' }
}

/** A landed window that is only refreshed stays landed. */
function conditionOf(entry: LedgerEntry, isOut: (window: Window) => boolean): Condition {
  switch (entry.state) {
    case 'landed':
      return 'landed'
    case 'failed':
      return entry.kind === 'out-of-range' ? 'outOfRange' : 'failed'
    case 'planned':
      if (entry.reason === 'refresh') return 'landed'
      return isOut(entry.window) ? 'outOfRange' : 'waiting'
    default:
      return 'underWay'
  }
}

/** What the feed's `from` wants and the service did not have when the app first asked: it is in no plan. */
function beforeReach(now: Date, known: KnownFeed): readonly HistoryWindow[] {
  const { row } = known
  const start = startWithinReach(row)
  if (start === undefined || !row.feed.enabled) return []
  const { spans } = planOf(known)
  const wanted = missingWindows(row.feed, { since: new Date(row.since), taken: spans, now })
  return wanted.filter(({ window }) => window.from < new Date(start)).map(({ window }) => waiting(window, true))
}

export type HistoryCounts = Readonly<Record<Condition, number>>

/** How many windows of a feed's history are in which condition. */
export function historyCounts(windows: readonly HistoryWindow[]): HistoryCounts {
  const counts = { landed: 0, failed: 0, waiting: 0, underWay: 0, outOfRange: 0 }
  for (const { condition } of windows) counts[condition]++
  return counts
}
