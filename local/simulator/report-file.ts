/** Writes the file of a report, with what the switches do to it. */

import { gzipSync } from 'node:zlib'
import type { SelectedColumn } from './query.ts'
import { type Effect, settingOf } from './switches.ts'
import type { Value } from './values.ts'

/** A report before it is written. */
export type Table = {
  readonly header: readonly string[]
  readonly columns: readonly SelectedColumn[]
  readonly rows: readonly (readonly Value[])[]
}

/** A value for a column of the last row. */
export type LastCell = { readonly column: string; readonly value: Value }

/** The table as the report's switches want it. `outside` is a time that the window does not hold, for `outsideWindow`. */
export function spoilTable(table: Table, faults: readonly Effect[], outside: LastCell | undefined): Table {
  const [missing, added] = [settingOf(faults, 'missingColumn'), settingOf(faults, 'newColumn')]
  const doubled = settingOf(faults, 'columnTwice')
  let spoilt = faults.includes('outsideWindow') && outside ? withLastCell(table, outside) : table
  if (missing !== undefined) {
    const index = indexOf(spoilt, missing)
    spoilt = mapRecords(spoilt, (cells) => cells.toSpliced(index, 1))
  }
  if (added !== undefined) spoilt = withColumn(spoilt, added)
  if (doubled !== undefined) {
    const index = indexOf(spoilt, doubled)
    spoilt = mapRecords(spoilt, (cells) => [...cells, ...cells.slice(index, index + 1)])
  }
  if (faults.includes('headerCase')) spoilt = { ...spoilt, header: spoilt.header.map((name) => name.toUpperCase()) }
  return faults.includes('headerOnly') ? { ...spoilt, rows: [] } : spoilt
}

function withLastCell(table: Table, { column, value }: LastCell): Table {
  const index = table.header.indexOf(column)
  const last = table.rows.at(-1)
  return last && index >= 0 ? { ...table, rows: [...table.rows.slice(0, -1), last.with(index, value)] } : table
}

function indexOf(table: Table, name: string): number {
  const index = table.header.findIndex((known) => known.toLowerCase() === name.toLowerCase())
  if (index < 0) throw new Error(`a fault names the column ${name}, which the report does not have`)
  return index
}

/** Changes header, columns and rows alike. */
function mapRecords({ header, columns, rows }: Table, change: <T>(cells: readonly T[]) => readonly T[]): Table {
  return { header: change(header), columns: change(columns), rows: rows.map((row) => change(row)) }
}

function withColumn({ header, columns, rows }: Table, name: string): Table {
  const column = { name, type: 'string', metric: false, values: undefined } as const
  return { header: [...header, name], columns: [...columns, column], rows: rows.map((row, n) => [...row, `new ${n}`]) }
}

const DELIMITERS = { csv: ',', tsv: '\t' } as const

const BOM = '\ufeff'

/**
 * Writes header and rows in the assumed format (docs/insights-api.md; the real one is unknown): UTF-8 without BOM, CR LF,
 * quotes as in RFC 4180, dates as `yyyy-MM-ddTHH:mm:ssZ`, months as `yyyy-MM-dd`. Switches change that.
 */
export function encodeText(
  header: readonly string[],
  rows: readonly (readonly Value[])[],
  format: keyof typeof DELIMITERS,
  faults: readonly Effect[] = [],
): string {
  const headers = faults.includes('headerTwice') ? [header, header] : [header]
  const bad = faults.includes('badLastRow') ? [[...header.map(() => 'x'), 'one too many']] : []
  const isLf = (record: number) => faults.includes('lf') || (faults.includes('mixedEnds') && record % 2 === 1)
  const delimiter = DELIMITERS[format]
  const records = [...headers, ...rows, ...bad].map(
    (row, record) => `${encodeRow(row, delimiter)}${isLf(record) ? '\n' : '\r\n'}`,
  )
  return `${faults.includes('bom') ? BOM : ''}${records.join('')}`
}

function encodeRow(row: readonly Value[], delimiter: string): string {
  // One empty cell alone would be an empty line, which most readers skip.
  if (row.length === 1 && encodeCell(row[0] ?? null, delimiter) === '') return '""'
  return row.map((value) => encodeCell(value, delimiter)).join(delimiter)
}

function encodeCell(value: Value, delimiter: string): string {
  if (value === null) return ''
  if (value instanceof Date) return value.toISOString().replace(/\.\d+Z$/, 'Z')
  const text = String(value)
  return text.includes(delimiter) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The bytes as they are sent: gzip, unless a switch changes that. */
export function compress(content: string | Buffer, faults: readonly Effect[] = []): Buffer {
  if (faults.includes('nothing')) return Buffer.alloc(0)
  const bytes = Buffer.from(content)
  const third = Math.ceil(bytes.length / 3)
  const starts = faults.includes('members') ? [0, third, 2 * third] : [0]
  const members = starts.map((start, index) => gzipSync(bytes.subarray(start, starts[index + 1])))
  const whole = Buffer.concat(members)
  return faults.includes('truncatedGzip') ? whole.subarray(0, whole.length / 2) : whole
}
