import { gzipSync } from 'node:zlib'
import type { Effect } from './switches.ts'
import type { Value } from './values.ts'

/** Fields are parted by a comma in CSV and by a tab in TSV. */
export const DELIMITERS = { csv: ',', tsv: '\t' } as const

const BOM = '\ufeff'

/**
 * Writes header and rows as the service is assumed to (docs/insights-api.md; the real format is unknown): UTF-8
 * without BOM, CR LF, quotes as in RFC 4180, dates as `yyyy-MM-ddTHH:mm:ssZ`, months as `yyyy-MM-dd`. Switches change that.
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

/** The bytes as they go over the wire. */
export function compress(content: string | Buffer, faults: readonly Effect[] = []): Buffer {
  if (faults.includes('nothing')) return Buffer.alloc(0)
  const bytes = Buffer.from(content)
  const third = Math.ceil(bytes.length / 3)
  const starts = faults.includes('members') ? [0, third, 2 * third] : [0]
  const members = starts.map((start, index) => gzipSync(bytes.subarray(start, starts[index + 1])))
  const whole = Buffer.concat(members)
  return faults.includes('truncatedGzip') ? whole.subarray(0, whole.length / 2) : whole
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
