/** The suffix of the derived property of a month column. No escaped column name ends with it. */
export const MONTH_SUFFIX = '_month'

/** Names that the service or its clients reserve. Some clients match them without regard to case. */
const RESERVED = new Set(['partitionkey', 'rowkey', 'timestamp', 'etag'])

const LETTERS_AND_DIGITS = /^[A-Za-z][A-Za-z0-9]*$/

/** The characters of a property name: those of a C# identifier, except invisible ones, which C# ignores in comparisons. */
const ALLOWED = /[\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]/u
const ALLOWED_FIRST = /[\p{L}\p{Nl}]/u

/** Underscores that would look like ours: the start of an escape, or the suffix of a derived property. */
const AMBIGUOUS = /_(?=x[0-9A-F]{4}|month$)/g

/**
 * The table property that a column lands in. These characters are escaped as `_xHHHH_`, their UTF-16 code in hexadecimal:
 * - a character that Table Storage refuses;
 * - the first character of a reserved name (PartitionKey, RowKey, Timestamp, etag, in any case);
 * - a first character that is not a letter, so that no column takes `_attempt`, `_reportId` or `_line`;
 * - the underscore of text that looks like such an escape or like the suffix `_month`.
 * The empty name becomes `_`. Different columns get different properties.
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

/** The column of a property: the reverse of `propertyName`. */
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
