/** What the derived property of a month column ends with; no escaped column name does. */
export const MONTH_SUFFIX = '_month'

/** Names the service or the clients keep for themselves; clients map some of them without regard to case. */
const RESERVED = new Set(['partitionkey', 'rowkey', 'timestamp', 'etag'])

const LETTERS_AND_DIGITS = /^[A-Za-z][A-Za-z0-9]*$/

/** What a property name takes: the C# identifier rules, less invisible characters, which C# ignores when it compares. */
const ALLOWED = /[\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]/u
const ALLOWED_FIRST = /[\p{L}\p{Nl}]/u

/** Underscores that would read as one of ours: the start of an escape, and the suffix of a derived property. */
const AMBIGUOUS = /_(?=x[0-9A-F]{4}|month$)/g

/**
 * The table property a column lands in. A character Table Storage refuses is written `_xHHHH_`, its UTF-16 code in
 * hexadecimal; so are the first character of a reserved name (PartitionKey, RowKey, Timestamp, etag, in any case), a first
 * character that is no letter (which keeps `_attempt`, `_reportId` and `_line` ours), and the underscore of what
 * reads as such an escape or as the suffix `_month`. The empty name is `_`. Different columns get different properties.
 */
export function propertyName(column: string): string {
  if (LETTERS_AND_DIGITS.test(column) && !RESERVED.has(column.toLowerCase())) return column
  if (column === '') return '_'
  const isReserved = RESERVED.has(column.toLowerCase())
  const marked = new Set(Array.from(column.matchAll(AMBIGUOUS), (match) => match.index))
  return column
    .split('')
    .map((unit, index) => (marked.has(index) || !isAllowed(unit, index === 0, isReserved) ? escapeUnit(unit) : unit))
    .join('')
}

/** The column a property came from: the reverse of `propertyName`. */
export function columnName(property: string): string {
  if (property === '_') return ''
  return property.replace(/_x([0-9A-F]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

function isAllowed(unit: string, isFirst: boolean, isReserved: boolean): boolean {
  return isFirst ? !isReserved && ALLOWED_FIRST.test(unit) : ALLOWED.test(unit)
}

function escapeUnit(unit: string): string {
  return `_x${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`
}
