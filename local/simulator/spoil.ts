import type { SelectedColumn } from './query.ts'
import { type Effect, settingOf } from './switches.ts'
import type { Value } from './values.ts'

/** A report before it is written. */
export type Table = {
  readonly header: readonly string[]
  readonly columns: readonly SelectedColumn[]
  readonly rows: readonly (readonly Value[])[]
}

/** The table as the report's switches want it; `outside` is an instant or a month the window does not hold. */
export function spoilTable(table: Table, faults: readonly Effect[], outside: SpoiltCell | undefined): Table {
  const [missing, added] = [settingOf(faults, 'missingColumn'), settingOf(faults, 'newColumn')]
  const doubled = settingOf(faults, 'columnTwice')
  let spoilt = faults.includes('outsideWindow') && outside ? withLastCell(table, outside) : table
  if (missing !== undefined) spoilt = pickColumns(spoilt, (index) => index !== indexOf(table, missing))
  if (added !== undefined) spoilt = withColumn(spoilt, added)
  if (doubled !== undefined) spoilt = withCopy(spoilt, indexOf(table, doubled))
  if (faults.includes('headerCase')) spoilt = { ...spoilt, header: spoilt.header.map((name) => name.toUpperCase()) }
  return faults.includes('headerOnly') ? { ...spoilt, rows: [] } : spoilt
}

/** The value the time column of the last row gets. */
export type SpoiltCell = { readonly column: string; readonly value: Value }

function withLastCell(table: Table, { column, value }: SpoiltCell): Table {
  const index = table.header.indexOf(column)
  const last = table.rows.at(-1)
  return last && index >= 0 ? { ...table, rows: [...table.rows.slice(0, -1), last.with(index, value)] } : table
}

function indexOf(table: Table, name: string): number {
  const index = table.header.findIndex((known) => known.toLowerCase() === name.toLowerCase())
  if (index < 0) throw new Error(`a fault names the column ${name}, which the report does not have`)
  return index
}

function pickColumns({ header, columns, rows }: Table, keep: (index: number) => boolean): Table {
  const pick = <T>(cells: readonly T[]) => cells.filter((_, index) => keep(index))
  return { header: pick(header), columns: pick(columns), rows: rows.map(pick) }
}

function withColumn({ header, columns, rows }: Table, name: string): Table {
  const column = { name, type: 'string', metric: false, values: undefined } as const
  return { header: [...header, name], columns: [...columns, column], rows: rows.map((row, n) => [...row, `new ${n}`]) }
}

function withCopy({ header, columns, rows }: Table, index: number): Table {
  const copy = <T>(cells: readonly T[]) => [...cells, ...cells.slice(index, index + 1)]
  return { header: copy(header), columns: copy(columns), rows: rows.map(copy) }
}
