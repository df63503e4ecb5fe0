import { formNow } from '../ledger/feed-row.ts'
import { isOfEarlierForm, isOutdated, isPublished, type LedgerEntry, type State } from '../ledger/ledger.ts'
import type { Window } from '../time/window.ts'
import { missingWindows } from './due-windows.ts'
import { type KnownFeed, waiting } from './plan.ts'

/** How far a feed is proven complete. The proof is figures, never states alone. */
export type Coverage = {
  readonly states: Readonly<Record<State, number>>
  /** Windows that are due but not asked for yet. */
  readonly waiting: number
  /** Windows whose rows are proven, and are those that the feed asks for now. */
  readonly complete: number
  /** Windows whose rows are proven, but answer an earlier question: they stay, and are not complete. */
  readonly outdated: number
  /** Complete windows that landed with other columns, types or shards than the feed has now. */
  readonly earlierForm: number
  readonly rows: number
  /** Nothing is missing from the feed's first window up to here. */
  readonly completeUntil?: Date
}

/** Gives the coverage of a feed at `now`. */
export function coverage(now: Date, known: KnownFeed): Coverage {
  const { entries } = known
  const form = formNow(known.row)
  const published = entries.filter(isPublished)
  const complete = published.filter((entry) => !isOutdated(entry, form))
  const states = { planned: 0, requesting: 0, requested: 0, landing: 0, landed: 0, failed: 0 }
  for (const { state } of entries) states[state]++
  const until = unbroken(now, known, complete)
  return {
    states,
    waiting: waiting(now, known),
    complete: complete.length,
    outdated: published.length - complete.length,
    earlierForm: complete.filter((entry) => isOfEarlierForm(entry, form)).length,
    rows: complete.reduce((sum, entry) => sum + (entry.figures?.rowsLanded ?? 0), 0),
    ...(until && { completeUntil: until }),
  }
}

/** The end of the run of complete windows that starts with the feed's first one. */
function unbroken(now: Date, { row, entries }: KnownFeed, complete: readonly LedgerEntry[]): Date | undefined {
  const taken = entries.map((entry) => entry.window)
  const missing = missingWindows(row.feed, { since: new Date(row.since), taken, now }).map(({ window }) => window)
  const proven = new Set<Window>(complete.map((entry) => entry.window))
  const all = [...taken, ...missing].sort((a, b) => a.from.getTime() - b.from.getTime())
  const gap = all.findIndex((window) => !proven.has(window))
  return (gap === -1 ? all.at(-1) : all[gap - 1])?.to
}

/** Counts the empty windows between two full ones. They are possible but worth a look. */
export function emptyBetweenFull(entries: readonly LedgerEntry[]): number {
  const sorted = entries.toSorted((a, b) => a.window.from.getTime() - b.window.from.getTime())
  const isFull = sorted.map((entry) => isPublished(entry) && (entry.figures?.rowsLanded ?? 0) > 0)
  const isEmpty = sorted.map((entry) => isPublished(entry) && entry.figures?.verdict === 'empty')
  return isEmpty.filter((empty, index) => empty && isFull[index - 1] && isFull[index + 1]).length
}
