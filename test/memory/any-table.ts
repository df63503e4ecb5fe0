import fc from 'fast-check'
import type { ColumnType } from '../../src/core/feeds/feed.ts'

/** A cell, and its value when it is read back: undefined for an absent property, `REJECT` if the row cannot land. */
export type AnyCell = { readonly text: string; readonly value: unknown; readonly about: string }

export type AnyTable = {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[]
  readonly rows: readonly (readonly AnyCell[])[]
  readonly delimiter: ',' | '\t'
  readonly lineEnd: '\n' | '\r\n'
  /** Whether cells are quoted that need no quotes. */
  readonly allQuoted: boolean
}

export const REJECT = Symbol('reject')

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const INT64 = 2n ** 63n
const MILLENNIA = {
  min: new Date('1601-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
}

const cell = (text: string, value: unknown, about = 'plain'): AnyCell => ({ text, value, about })
const edge = (...cells: readonly AnyCell[]) => ({ weight: 1, arbitrary: fc.constantFrom(...cells) })
const some = (arbitrary: fc.Arbitrary<AnyCell>) => ({ weight: 40, arbitrary })

/** Cells of each type, including those on both sides of each limit. */
const CELLS: Readonly<Record<ColumnType, fc.Arbitrary<AnyCell>>> = {
  string: fc.oneof(
    some(fc.string({ unit: 'binary', maxLength: 40 }).map((text) => cell(text, text))),
    some(fc.string({ unit: fc.constantFrom('"', ',', '\t', '\r', '\n', 'a'), maxLength: 9 }).map((t) => cell(t, t))),
    edge(cell('x'.repeat(32_768), 'x'.repeat(32_768), 'longest text'), cell('x'.repeat(32_769), REJECT, 'longer text')),
  ),
  double: fc.oneof(
    some(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => cell(String(value), Number(String(value)))),
    ),
    edge(
      cell('', undefined),
      cell('1.7976931348623157e308', Number.MAX_VALUE, 'largest double'),
      cell('1.8e308', REJECT, 'larger double'),
      cell(`0.${'1'.repeat(398)}`, Number(`0.${'1'.repeat(398)}`), 'longest number'),
      cell(`0.${'1'.repeat(399)}`, REJECT, 'longer number'),
    ),
  ),
  int64: fc.oneof(
    some(fc.bigInt({ min: -INT64, max: INT64 - 1n }).map((value) => cell(String(value), value))),
    edge(
      cell('', undefined),
      cell(String(INT64 - 1n), INT64 - 1n, 'largest integer'),
      cell(String(INT64), REJECT, 'larger integer'),
      cell(String(-INT64), -INT64, 'smallest integer'),
      cell(String(-INT64 - 1n), REJECT, 'smaller integer'),
    ),
  ),
  boolean: fc.constantFrom(cell('true', true), cell('No', false), cell('1', true), cell('', undefined)),
  datetime: fc.oneof(
    some(fc.date(MILLENNIA).map((date) => cell(date.toISOString(), date.getTime()))),
    edge(
      cell('', undefined),
      cell('1601-01-01', Date.UTC(1601, 0, 1), 'earliest date'),
      cell('1600-12-31', REJECT, 'earlier date'),
      cell('9999-12-31T23:59:59Z', Date.UTC(9999, 11, 31, 23, 59, 59), 'latest date'),
      cell('9999-12-31T23:59:59-00:01', REJECT, 'later date'),
    ),
  ),
  guid: fc.oneof(
    some(fc.uuid().map((text) => cell(text, text))),
    edge(cell('', undefined), cell('0f8fad5b-d9cb-469f-a165-7086772895', REJECT, 'shorter guid')),
  ),
  month: fc
    .record({ year: fc.integer({ min: 1601, max: 9999 }), month: fc.integer({ min: 0, max: 11 }) })
    .map(({ year, month }) => {
      const text = `${MONTHS[month]}-${year}`
      return cell(text, [text, Date.UTC(year, month, 1)])
    }),
}

const TYPES = Object.keys(CELLS) as ColumnType[]

/** Any name that a header can hold. A tab would make the file a TSV, and blanks around a name are dropped. */
const anyName = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 36 }),
    fc.constantFrom(
      'PartitionKey',
      'rowkey',
      'Timestamp',
      'etag',
      '_attempt',
      '_x0020_',
      'a_month',
      'a b',
      '__proto__',
    ),
  )
  .filter((name) => name.trim() === name && name !== '' && !name.includes('\t'))

/** A TSV is known by a tab in its first line: it needs at least two columns, and no name with a line break. */
function mayBeTsv(columns: AnyTable['columns']): boolean {
  return columns.length > 1 && columns.every(({ name }) => !name.includes('\n'))
}

/** Tables of one to eight columns. */
export const anyTable: fc.Arbitrary<AnyTable> = fc
  .uniqueArray(fc.record({ name: anyName, type: fc.constantFrom(...TYPES) }), {
    minLength: 1,
    maxLength: 8,
    selector: ({ name }) => name.toLowerCase(),
  })
  .chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.tuple(...columns.map(({ type }) => CELLS[type])), { maxLength: 12 }),
      delimiter: mayBeTsv(columns) ? fc.constantFrom(',' as const, '\t' as const) : fc.constant(',' as const),
      lineEnd: fc.constantFrom('\n' as const, '\r\n' as const),
      allQuoted: fc.boolean(),
    }),
  )

/** The bytes of a table, header first. */
export function encodeTable({ columns, rows, delimiter, lineEnd, allQuoted }: AnyTable): Buffer {
  const quoted = (text: string) => (allQuoted || /["\r\n\t,]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const lines = [columns.map(({ name }) => name), ...rows.map((row) => row.map(({ text }) => text))]
  return Buffer.from(lines.map((line) => line.map(quoted).join(delimiter) + lineEnd).join(''))
}
