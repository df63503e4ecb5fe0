import type { FilledColumns } from '../report/filled.ts'
import { earlier, later } from '../time/instants.ts'
import type { Window } from '../time/window.ts'
import type { FeedRow } from './feed-row.ts'
import { type Figures, isStanding, type LedgerEntry } from './ledger.ts'

// Columns that had values in the landing before and have none in this one: the source stopped filling them.

/**
 * What a landing found of its columns, and the figures of the landing that it replaced. `isRunning`: the window had not
 * settled, so a column without a value may still get one.
 */
export type LandedColumns = FilledColumns & {
  readonly window: Window
  readonly selection: string
  readonly before: Figures | undefined
  readonly isRunning: boolean
}

/** The windows that lack a column: how many, and the time from the first to the last of them. */
export type Emptied = { readonly windows: number; readonly from: Date; readonly to: Date }

/** The columns that a landing found empty and that had values in the landing before. */
export function newlyEmptied(row: FeedRow, landed: LandedColumns): readonly string[] {
  const { window, filledColumns, emptyColumns, before, isRunning } = landed
  if (filledColumns.length === 0 || isRunning) return []
  if (hadSameColumns(landed)) return emptyColumns.filter((name) => before?.emptyColumns.includes(name) === false)
  // History that lands later may be of a time before a column existed.
  return isNewest(row, window) ? emptyColumns.filter((name) => row.filled?.columns.includes(name)) : []
}

/**
 * Notes between which windows columns are empty that had values before. Such a time grows with each window that lacks the
 * column, and shrinks when its first or last window has values again, until nothing is left. A snapshot with values ends it,
 * since nobody asks for an earlier one. A column that the feed no longer selects is forgotten.
 */
export function withLandedColumns(row: FeedRow, landed: LandedColumns): FeedRow {
  const { window, filledColumns, emptyColumns } = landed
  if (filledColumns.length === 0) return row
  const newest = isNewest(row, window)
  const isSelected = (name: string) => filledColumns.includes(name) || emptyColumns.includes(name)
  const isEnded = (name: string) => newest && row.feed.cadence.kind === 'snapshot' && filledColumns.includes(name)
  const known = Object.entries(row.emptiedIn ?? {}).filter(([name]) => !newest || (isSelected(name) && !isEnded(name)))
  const spans = new Map(known.map(([name, { from, to }]) => [name, { from: new Date(from), to: new Date(to) }]))
  for (const name of filledColumns) shrink(spans, name, window)
  for (const name of emptyColumns) growLater(spans, name, window)
  for (const name of newlyEmptied(row, landed)) grow(spans, name, window)
  const { emptiedIn: _, ...rest } = row
  const emptiedIn = [...spans].map(([name, span]) => [
    name,
    { from: span.from.toISOString(), to: span.to.toISOString() },
  ])
  const next: FeedRow = {
    ...rest,
    ...(newest && { filled: filledBy(row, landed) }),
    ...(spans.size > 0 && { emptiedIn: Object.fromEntries(emptiedIn) }),
  }
  return isSame(row, next) ? row : next
}

/** What later landings are judged against. A running window adds to what the settled one before it had, and replaces nothing. */
function filledBy({ filled }: FeedRow, landed: LandedColumns): NonNullable<FeedRow['filled']> {
  const { window, filledColumns, emptyColumns, isRunning } = landed
  const from = window.from.toISOString()
  if (!isRunning || !filled) return { from, columns: filledColumns.toSorted() }
  const before = filled.columns.filter((name) => emptyColumns.includes(name))
  return { from: filled.from, columns: [...before, ...filledColumns].toSorted() }
}

type Spans = Map<string, Window>

/** The window has values of the column. */
function shrink(spans: Spans, name: string, window: Window): void {
  const span = spans.get(name)
  if (!span) return
  const from = window.from <= span.from ? later(span.from, window.to) : span.from
  const to = window.to >= span.to ? earlier(span.to, window.from) : span.to
  if (from < to) spans.set(name, { from, to })
  else spans.delete(name)
}

/** The window lacks the column. Before the time in which it is missed, it may not have existed. */
function growLater(spans: Spans, name: string, window: Window): void {
  const span = spans.get(name)
  if (span && window.from >= span.from) spans.set(name, { from: span.from, to: later(span.to, window.to) })
}

/** The window lost the column. */
function grow(spans: Spans, name: string, window: Window): void {
  const { from, to } = spans.get(name) ?? window
  spans.set(name, { from: earlier(from, window.from), to: later(to, window.to) })
}

/**
 * Says of each column that went empty which windows lack it, by their figures: one between others may have values again, and
 * one whose rows were removed lacks nothing.
 */
export function emptiedColumns(
  { emptiedIn = {} }: Pick<FeedRow, 'emptiedIn'>,
  entries: readonly LedgerEntry[],
): Readonly<Record<string, Emptied>> {
  const found = Object.entries(emptiedIn).flatMap(([name, span]) => {
    const [from, to] = [new Date(span.from), new Date(span.to)]
    const lacking = entries
      .filter(isStanding)
      .filter(({ window, figures }) => window.to > from && window.from < to && figures.emptyColumns.includes(name))
    if (lacking.length === 0) return []
    const first = lacking.map(({ window }) => window.from).reduce(earlier)
    const last = lacking.map(({ window }) => window.to).reduce(later)
    return [[name, { windows: lacking.length, from: first, to: last }] as const]
  })
  return Object.fromEntries(found)
}

/** Whether no window landed that is later, save running ones. */
function isNewest({ filled }: FeedRow, { from }: Window): boolean {
  return filled === undefined || from.toISOString() >= filled.from
}

function hadSameColumns({ before, selection }: LandedColumns): boolean {
  return before?.verdict === 'rows' && !before.running && before.origin === 'service' && before.selection === selection
}

function isSame(row: FeedRow, next: FeedRow): boolean {
  const textOf = ({ filled, emptiedIn }: FeedRow) => JSON.stringify([filled, Object.entries(emptiedIn ?? {}).sort()])
  return textOf(row) === textOf(next)
}
