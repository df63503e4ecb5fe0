import { gzipSync } from 'node:zlib'
import type { Value } from './values.ts'

/** Fields are parted by a comma in CSV and by a tab in TSV. */
export const DELIMITERS = { csv: ',', tsv: '\t' } as const

/**
 * Writes header and rows as the service is assumed to (dossier, sections 8 and 15; the real format is unknown): UTF-8
 * without BOM, CR LF, quotes as in RFC 4180, dates as `yyyy-MM-ddTHH:mm:ssZ`, months as `yyyy-MM-dd`.
 */
export function encodeText(
  header: readonly string[],
  rows: readonly (readonly Value[])[],
  format: keyof typeof DELIMITERS,
): string {
  const delimiter = DELIMITERS[format]
  return [header, ...rows].map((row) => `${encodeRow(row, delimiter)}\r\n`).join('')
}

/** The bytes as they go over the wire. */
export function compress(content: string | Buffer): Buffer {
  return gzipSync(content)
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
