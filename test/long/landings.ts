import type { WindowRow } from '../../docs/read-window.ts'
import type { Simulator } from '../../local/simulator/simulator.ts'
import type { Window } from '../../src/core/time/window.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { cellsOfText, cellsOfValue, landedCells, type TypedColumn } from '../pipeline/typed-cells.ts'

/** The cells of the rows of one landing, in the order of its file. */
export type Cells = readonly (readonly string[])[]

/** A file that was imported, or was to be. Its columns are those of its feed. */
export type ImportedFile = { readonly feed: string; readonly id: string; readonly rows: readonly (readonly string[])[] }

/** Everything that can have landed: the reports of the service, and the files. */
export type Sources = {
  readonly simulator: Pick<Simulator, 'served'>
  readonly files: readonly ImportedFile[]
}

/** Where rows come from, by their own word. */
export type Origin = { readonly feed: string; readonly id: string; readonly reportId: string }

/** The landings that rows of this origin can be: that of the report, or of a file of the window. */
export function possibleLandings(
  { simulator, files }: Sources,
  columns: readonly TypedColumn[],
  { feed, id, reportId }: Origin,
): readonly Cells[] {
  if (reportId === 'import') {
    const own = files.filter((file) => file.feed === feed && file.id === id)
    return own.map(({ rows }) => rows.map((row) => cellsOf(columns, row, cellsOfText)))
  }
  const served = simulator.served(reportId)
  return served ? [served.rows.map((row) => cellsOf(served.columns, row, cellsOfValue))] : []
}

function cellsOf<T>(
  columns: readonly TypedColumn[],
  row: readonly T[],
  cells: (column: TypedColumn, value: T) => readonly string[],
): readonly string[] {
  return row.flatMap((value, index) => {
    const column = columns[index]
    if (!column) throw new Error(`a row has more cells than columns: ${JSON.stringify(row)}`)
    return cells(column, value)
  })
}

/** What a complete landing is compared by: its rows in order, each as its cells and what it says of its origin. */
export type Reading = { readonly cells: Cells; readonly origins: ReadonlySet<string>; readonly reportId: string }

/** A window as the SDK gave it to a reader. */
export function readingOf(rows: readonly WindowRow[], columns: readonly TypedColumn[]): Reading {
  const ordered = rows.toSorted((a, b) => (String(a.rowKey) < String(b.rowKey) ? -1 : 1))
  return reading(ordered, (row) => columns.flatMap((column) => sdkCells(row, column)))
}

/** A window as its rows are stored. */
export function storedReading(rows: readonly RawRow[], columns: readonly TypedColumn[]): Reading {
  const ordered = rows.toSorted((a, b) => (String(a.RowKey) < String(b.RowKey) ? -1 : 1))
  return reading(ordered, (row) => landedCells(columns, row))
}

function reading<R extends Readonly<Record<string, unknown>>>(
  rows: readonly R[],
  cells: (row: R) => readonly string[],
): Reading {
  const origins = new Set(rows.map(({ _attempt, _reportId }) => `${_attempt} ${_reportId}`))
  return { cells: rows.map(cells), origins, reportId: String(rows[0]?._reportId) }
}

function sdkCells(row: WindowRow, { name, type }: TypedColumn): readonly string[] {
  const properties = type === 'month' ? [name, `${name}_month`] : [name]
  return properties.map((property) => sdkCell(row[property]))
}

function sdkCell(value: unknown): string {
  if (value === undefined) return 'absent'
  if (value instanceof Date) return `Edm.DateTime ${value.getTime()}`
  if (typeof value === 'bigint') return `Edm.Int64 ${value}`
  if (typeof value === 'number') return `Edm.Double ${value}`
  if (typeof value === 'object' && value !== null && 'value' in value) return `Edm.Guid ${value.value}`
  return `Edm.String ${String(value)}`
}

/** Law: what is read is exactly one complete landing of its window. Gives what is wrong; undefined where nothing is. */
export function tornBy(reading: Reading, possible: readonly Cells[], window: Window | undefined): string | undefined {
  if (reading.origins.size !== 1) return `rows of ${reading.origins.size} attempts: ${[...reading.origins].join(', ')}`
  if (possible.length === 0) return `rows of report ${reading.reportId}, which nobody made`
  const outside = window && reading.cells.find((cells) => !isInside(cells, window))
  if (outside) return `a row of another window: ${outside.join(', ')}`
  const found = JSON.stringify(reading.cells)
  if (possible.some((cells) => JSON.stringify(cells) === found)) return undefined
  return `${reading.cells.length} rows are not the ${possible.map(({ length }) => length).join(' or ')} of ${reading.reportId}`
}

/** The time column is the first one. */
function isInside(cells: readonly string[], { from, to }: Window): boolean {
  const time = cells.slice(0, 2).find((cell) => cell.startsWith('Edm.DateTime '))
  const at = Number(time?.slice('Edm.DateTime '.length))
  return at >= from.getTime() && at < to.getTime()
}
