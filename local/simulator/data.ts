/** Makes the rows of a report. */

import { holdsAll, inOrder } from './conditions.ts'
import { stepPeriod } from './periods.ts'
import { loadedAt, preliminaryRows } from './preliminary.ts'
import type { QueryTimes, ResolvedQuery, SelectedColumn } from './query.ts'
import { isRestated, type Restatement, restateRows } from './restate.ts'
import { hash, type Value, valueMaker } from './values.ts'

/** What rows are made from. The same recipe always gives the same rows. */
export type Recipe = {
  readonly seed: number
  readonly query: ResolvedQuery
  readonly times: QueryTimes
  /** Rows of each period. Without it 1,001 to 1,400 for a month or a dataset without time, 60 to 80 for a day. */
  readonly rows: number | undefined
  /** Restatements that came before, oldest first. `undefined` stands for one of another dataset. */
  readonly restatements?: readonly (Restatement | undefined)[]
  /** When the report was made, if what was not loaded completely then is preliminary. */
  readonly preliminaryAt?: Date | undefined
}

type Row = readonly Value[]

/** A month or a day that the dataset has rows for, or all of a dataset without time. */
type Period = { readonly name: string; readonly start: Date | undefined }

/**
 * Makes the rows of a query: those of every month or day whose first instant lies in the query times, oldest first. Which
 * rows the service gives for a window is not documented; taking a row's time column as its instant is the plainest
 * reading.
 */
export function makeRows(recipe: Recipe): readonly Row[] {
  const { query, times } = recipe
  const all = [...query.columns, ...query.hidden]
  const made = periodsIn(query.dataset.grain, times).flatMap((period) => periodRows(recipe, period))
  const found = made.filter((row) => holdsAll(row, all, query.where))
  const rows = inOrder(found, all, query.order).map((row) => row.slice(0, query.columns.length))
  const merged = query.distinct || query.columns.some(({ metric }) => metric) ? distinctRows(query.columns, rows) : rows
  return merged.slice(0, query.limit)
}

function periodRows(recipe: Recipe, period: Period): readonly Row[] {
  const { dataset } = recipe.query
  const key = `${recipe.seed}|${dataset.name}|${period.name}`
  const usual = dataset.grain === 'day' ? 60 + (hash(key) % 21) : 1001 + (hash(key) % 400)
  const count = recipe.rows ?? usual
  const make = rowMaker(recipe, period, key, count)
  const first: readonly Row[] = Array.from({ length: count }, (_, row) => make(row))
  const rows = (recipe.restatements ?? []).reduce((rows, restatement, index) => {
    if (!restatement || !isRestated(restatement, period.start)) return rows
    return restateRows(rows, restatement.rows, rowMaker(recipe, period, `${key}|restatement ${index}`, count))
  }, first)
  const { start } = period
  const { preliminaryAt: madeAt } = recipe
  const loaded = start && loadedAt(dataset, start)
  if (!madeAt || !loaded || madeAt >= loaded) return rows
  return preliminaryRows(rows, { start, loaded, madeAt }, rowMaker(recipe, period, `${key}|preliminary`, count))
}

/** The time column says which period the row belongs to. Every other column is free. */
function rowMaker({ query }: Recipe, { start }: Period, key: string, count: number): (row: number) => Row {
  const makers = [...query.columns, ...query.hidden].map((column) => {
    if (start === undefined || column.name !== query.dataset.timeColumn) return valueMaker(column, key, count)
    return () => timeValue(column, start)
  })
  return (row) => makers.map((make) => make(row))
}

/** The value of a time column in the rows of the period that begins at `start`. */
export function timeValue(column: SelectedColumn, start: Date): Value {
  return column.type === 'date' ? start : start.toISOString().slice(0, 10)
}

function periodsIn(grain: 'day' | 'month' | undefined, times: QueryTimes): readonly Period[] {
  if (grain === undefined) return [{ name: 'all', start: undefined }]
  const first = stepPeriod(grain, times.from, 0)
  const periods: Period[] = []
  for (let start = first; start <= times.to; start = stepPeriod(grain, start, 1)) {
    if (start >= times.from) periods.push({ name: start.toISOString(), start })
  }
  return periods
}

/** The service computes metrics per distinct combination of the columns, so rows that differ only in metrics merge. */
function distinctRows(columns: readonly SelectedColumn[], rows: readonly Row[]): readonly Row[] {
  const byColumns = new Map<string, Row>()
  for (const row of rows) {
    const key = JSON.stringify(row.filter((_, index) => !columns[index]?.metric).map(String))
    if (!byColumns.has(key)) byColumns.set(key, row)
  }
  return [...byColumns.values()]
}
