import { gunzipSync } from 'node:zlib'
import type { ColumnType } from '../../src/core/feeds/feed.ts'
import { delimiterOf } from '../../src/core/report/delimiter.ts'
import type { Reject } from '../../src/core/report/entities.ts'
import { propertyName } from '../../src/core/report/property-names.ts'
import { judged } from '../core/judge.ts'
import type { LandedFile } from '../memory/land-file.ts'
import type { StoredRow } from '../memory/store.ts'

/** Ctrl-Z, which DOS puts behind a text, also on a line of its own. */
const END_OF_FILE = '\x1a'
const LAST_LINE = new RegExp(`(?<=\\n)${END_OF_FILE}+\\r?\\n(\\r?\\n)*$`)

type Types = Readonly<Record<string, ColumnType>>

/**
 * Compares what landed with what csv-parse reads in the served bytes: gives what is wrong, or undefined. Where csv-parse
 * refuses the text, it reads what is left of it without the lines of the rejects, and literal quotes in it.
 */
export function wrongIn(bytes: Buffer, { rows, rejects }: LandedFile, types: Types): string | undefined {
  const text = textOf(bytes)
  const delimiter = delimiterOf(text) ?? ','
  const landed = rows.toSorted((a, b) => Number(a.RowKey) - Number(b.RowKey))
  const whole = judged(text, delimiter)
  if (whole) return wrongByNumber(whole, landed, rejects, types)
  const [header = [], ...records] = judged(withoutLines(text, rejects), delimiter, true) ?? []
  if (records.length !== landed.length) return `csv-parse sees ${records.length} rows, and ${landed.length} landed`
  const wrong = landed.findIndex((row, index) => !isSameRow(row, header, records[index] ?? [], types))
  return wrong === -1 ? undefined : `row ${wrong} is ${JSON.stringify(landed[wrong])}, not ${records[wrong]}`
}

/** Each record that csv-parse reads has landed under its number, or is a reject. */
function wrongByNumber(
  [header = [], ...records]: readonly (readonly string[])[],
  landed: readonly StoredRow[],
  rejects: readonly Reject[],
  types: Types,
): string | undefined {
  const byNumber = new Map(landed.map((row) => [Number(row.RowKey), row]))
  const rejected = new Set(rejects.map(({ record }) => record))
  if (byNumber.size + rejected.size !== records.length) {
    return `csv-parse sees ${records.length} rows, ${landed.length} landed and ${rejects.length} are rejects`
  }
  for (const [number, fields] of records.entries()) {
    const row = byNumber.get(number)
    if (!row && !rejected.has(number)) return `row ${number} is neither in the table nor among the rejects`
    if (row && !isSameRow(row, header, fields, types)) return `row ${number} is ${JSON.stringify(row)}, not ${fields}`
  }
}

function textOf(bytes: Buffer): string {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
  // One mark before the text is dropped here, and one more by whoever parses it.
  let text = new TextDecoder().decode(plain)
  while (text.endsWith(END_OF_FILE)) text = text.slice(0, -1)
  return text.replace(LAST_LINE, '')
}

function withoutLines(text: string, rejects: readonly Reject[]): string {
  const lines: (string | undefined)[] = text.split(/(?<=\n)/)
  for (const { line, lines: count = 1 } of rejects) lines.fill(undefined, line - 1, line - 1 + count)
  return lines.filter((line) => line !== undefined).join('')
}

function isSameRow(row: StoredRow, header: readonly string[], fields: readonly string[], types: Types): boolean {
  const spelling = new Map(Object.keys(types).map((name) => [name.toLowerCase(), name]))
  return (
    header.length === fields.length &&
    header.every((column, index) => {
      const name = spelling.get(column.trim().toLowerCase()) ?? column.trim()
      return isSameCell(row[propertyName(name)], fields[index] ?? '', types[name] ?? 'string')
    })
  )
}

function isSameCell(value: unknown, text: string, type: ColumnType): boolean {
  if (type === 'string' || type === 'month') return value === text
  if (text === '') return value === undefined
  return type === 'double' ? value === Number(text) : value !== undefined
}
