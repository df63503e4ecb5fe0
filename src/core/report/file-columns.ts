import type { ColumnType } from '../feeds/feed.ts'
import { nameKey } from '../names.ts'
import { cellValue } from './cells.ts'
import { parseMoment, startOfMonth } from './dates.ts'
import type { Column, Lineage } from './entities.ts'
import type { ParsedRecord } from './parse.ts'
import { MONTH_SUFFIX, propertyName } from './property-names.ts'
import { remembering } from './remember.ts'

/** How a column of a file is typed. `timestamp`: milliseconds since 1970 in UTC. */
export type FileType = 'string' | 'double' | 'int64' | 'int32' | 'boolean' | 'timestamp'

/** A value of a file. An `int64` and a `timestamp` are bigint; null where the table has no property. */
export type FileValue = string | number | bigint | boolean | null

/** A column of a file. It is named as the property that the table has for it. */
export type FileColumn = { readonly name: string; readonly type: FileType }

/** What the file of a window has for each of its rows, column by column. */
export type FileLayout = {
  readonly columns: readonly FileColumn[]
  /** Gives the values of a record that lands, in the order of the columns. */
  valuesOf(record: ParsedRecord): readonly FileValue[]
}

type Source = FileColumn & { readonly read: (record: ParsedRecord) => FileValue }

/**
 * Says how records become the rows of a file: the columns in the order in which the feed asked for them, then those that it
 * did not name, then where the row came from. `columns` are those of the report, in its order.
 */
export function fileLayout(
  columns: readonly Column[],
  asked: readonly string[] | undefined,
  { attempt, reportId }: Lineage,
): FileLayout {
  const order = new Map(asked?.map((name, index) => [nameKey(name), index]))
  const place = ({ name }: Column) => order.get(nameKey(name)) ?? order.size
  const inOrder = columns
    .map((column, index) => ({ column, index }))
    .toSorted((a, b) => place(a.column) - place(b.column))
  const sources: readonly Source[] = [
    ...inOrder.flatMap(({ column, index }) => sourcesOf(column, index)),
    { name: '_attempt', type: 'int32', read: () => attempt },
    { name: '_reportId', type: 'string', read: () => reportId },
    { name: '_line', type: 'int32', read: ({ line }) => line },
  ]
  return {
    columns: sources.map(({ name, type }) => ({ name, type })),
    valuesOf: (record) => sources.map(({ read }) => read(record)),
  }
}

function sourcesOf({ name, type }: Column, index: number): readonly Source[] {
  const property = propertyName(name)
  const source = (suffix: string, [fileType, read]: Reader): Source => {
    // Rows come in order of time: most have the date of the row before.
    const readCell = fileType === 'timestamp' ? remembering(read) : read
    return { name: property + suffix, type: fileType, read: ({ fields }) => readCell(fields[index] ?? '') }
  }
  if (type !== 'month') return [source('', READERS[type])]
  return [source('', READERS.string), source(MONTH_SUFFIX, ['timestamp', filled(firstOfMonth)])]
}

type Reader = readonly [FileType, (text: string) => FileValue]

/** How the cells of a column are read that all fit its type. */
const READERS: Readonly<Record<Exclude<ColumnType, 'month'>, Reader>> = {
  string: ['string', (text) => text],
  double: ['double', filled(Number)],
  int64: ['int64', fromCell('int64', BigInt)],
  boolean: ['boolean', fromCell('boolean', (value) => value === 'true')],
  datetime: ['timestamp', fromCell('datetime', millisecondsOf)],
  guid: ['string', cellValue('guid')],
}

function filled(read: (text: string) => FileValue): (text: string) => FileValue {
  return (text) => (text === '' ? null : read(text))
}

function fromCell(type: ColumnType, read: (value: string) => FileValue): (text: string) => FileValue {
  const asText = cellValue(type)
  return (text) => {
    const value = asText(text)
    return value === null ? null : read(value)
  }
}

/** The table holds seven decimals of a second, a timestamp three. */
function millisecondsOf(iso: string): bigint {
  return BigInt(Date.parse(iso))
}

function firstOfMonth(text: string): FileValue {
  const moment = parseMoment(text)
  return moment ? BigInt(startOfMonth(moment).milliseconds) : null
}
