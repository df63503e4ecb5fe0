import type { FilledColumns } from '../report/filled.ts'
import { type Window, windowId } from '../time/window.ts'
import type { FeedRow } from './feed-row.ts'
import type { Figures } from './ledger.ts'

// Columns that had values in the landing before and have none in this one: the source stopped filling them.

/** What a landing found of its columns, and the figures of the landing that it replaced. */
export type LandedColumns = FilledColumns & {
  readonly window: Window
  readonly selection: string
  readonly before: Figures | undefined
}

/**
 * Notes which columns went empty, and which of those have values again. The landing before is the one of the same window,
 * else that of the feed's newest window: history that lands later may be of a time before a column existed.
 */
export function withLandedColumns(row: FeedRow, landed: LandedColumns): FeedRow {
  const { window, filledColumns, emptyColumns, before } = landed
  if (filledColumns.length === 0) return row
  const from = window.from.toISOString()
  const isNewest = row.filled === undefined || from >= row.filled.from
  const wasFilled = hadSameColumns(landed)
    ? (name: string) => before?.emptyColumns.includes(name) === false
    : (name: string) => isNewest && row.filled?.columns.includes(name) === true
  const id = windowId(window)
  const isOver = ([name, since]: readonly [string, string]) =>
    filledColumns.includes(name) && (isNewest || since === id)
  const standing = Object.entries(row.emptied ?? {}).filter((each) => !isOver(each))
  const found = emptyColumns.filter(wasFilled).map((name) => [name, id] as const)
  // What is empty for longer keeps the window since which it is.
  const emptied = Object.fromEntries([...found, ...standing])
  const { emptied: _, ...rest } = row
  const next: FeedRow = {
    ...rest,
    ...(isNewest && { filled: { from, columns: filledColumns.toSorted() } }),
    ...(Object.keys(emptied).length > 0 && { emptied }),
  }
  return isSame(row, next) ? row : next
}

function hadSameColumns({ before, selection }: LandedColumns): boolean {
  return before?.verdict === 'rows' && before.origin === 'service' && before.selection === selection
}

function isSame(row: FeedRow, next: FeedRow): boolean {
  const textOf = ({ filled, emptied }: FeedRow) => JSON.stringify([filled, Object.entries(emptied ?? {}).sort()])
  return textOf(row) === textOf(next)
}

/** The columns that went empty with a change of the feed's row. */
export function newlyEmptied(before: FeedRow, after: FeedRow): readonly string[] {
  return Object.keys(after.emptied ?? {}).filter((name) => !Object.hasOwn(before.emptied ?? {}, name))
}
