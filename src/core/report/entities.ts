import { type Failure, failed } from '../failures.ts'
import type { ColumnType } from '../feeds/feed.ts'
import { cellEncoder } from './cells.ts'
import type { ParsedRecord, Verdict } from './parse.ts'
import { MONTH_SUFFIX, propertyName } from './property-names.ts'

/** A column of the file. `name` is the name as landed. */
export type Column = { readonly name: string; readonly type: ColumnType }

/**
 * A row that could not land. `record` counts from 0, `line` from 1; `lines` is how many the record takes, where it takes more
 * than one; `raw` is its text, possibly cut.
 */
export type Reject = {
  readonly record: number
  readonly line: number
  readonly lines?: number
  readonly column?: string
  readonly reason: string
  readonly raw: string
}

/** A row as it is sent. `bytes` is at least the length of `json` in UTF-8. */
export type Entity = {
  readonly partitionKey: string
  readonly rowKey: string
  readonly json: string
  readonly bytes: number
}

/** Where a row came from. Every row carries it. */
export type Lineage = { readonly attempt: number; readonly reportId: string }

export type EntityEncoder = { encode(record: ParsedRecord, number: number): Entity | Reject }

export type EncoderOptions = {
  /** In the order of the file. */
  readonly columns: readonly Column[]
  /** The start of all partition keys of the window, such as `20250301_`. */
  readonly prefix: string
  readonly shards: number
  readonly lineage: Lineage
}

/** Limits of Table Storage ("Understanding the Table Service Data Model"); the emulator does not enforce the first two. */
const PROPERTY_LIMIT = 252
const NAME_LIMIT = 255
const ENTITY_LIMIT = 1_048_576

/** `_attempt`, `_reportId`, `_line`. */
const LINEAGE_PROPERTIES = 3

/** The size that the keys and the lineage add to an entity, rounded up for any report id. */
const LINEAGE_SIZE = 1024

/** One transaction takes this many records. Consecutive records share a partition, so every transaction is full. */
const RECORDS_PER_SHARD = 100

/** A hundred entities of up to this many UTF-16 units stay far below the 4 MiB of a transaction in any encoding. */
const COUNTED_ABOVE = 12_000

const REASONS: Readonly<Record<Verdict, string>> = {
  ragged: 'does not have as many fields as the header',
  'text-after-quote': 'has text after a closing quote',
  'too-long': 'is longer than the limit of a record',
  'unclosed-quote': 'has a quote that is never closed',
  'cut-off': 'is cut off',
}

/** Gives a failure if the columns do not fit one entity: too many properties, a repeated name or a too long name. */
export function checkColumns(columns: readonly Column[]): Failure | undefined {
  const properties = columns.flatMap(propertiesOf)
  const names = new Set<string>()
  const twice = columns.find(({ name }) => names.size === names.add(name).size)
  if (twice) return failed('malformed', `column "${shown(twice.name)}" is in the header twice; select it once`)
  const count = properties.length + LINEAGE_PROPERTIES
  if (count > PROPERTY_LIMIT) {
    return failed(
      'malformed',
      `${count} properties are more than the ${PROPERTY_LIMIT} of a table row; select fewer columns`,
    )
  }
  const long = columns.find((column) => propertiesOf(column).some((property) => property.length > NAME_LIMIT))
  if (long === undefined) return undefined
  return failed(
    'malformed',
    `column "${shown(long.name)}…": its property name is longer than ${NAME_LIMIT} characters; rename it`,
  )
}

function propertiesOf({ name, type }: Column): string[] {
  const property = propertyName(name)
  return type === 'month' ? [property, property + MONTH_SUFFIX] : [property]
}

/** The name of a column, cut and cleaned for a message of one line. */
function shown(name: string): string {
  return name.slice(0, 60).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
}

export function isReject(result: Entity | Reject): result is Reject {
  return 'reason' in result
}

type Fault = { readonly column?: string; readonly reason: string }

/** Rejects a record for what is wrong with it. */
export function rejectOf({ line, lines, raw }: ParsedRecord, record: number, fault: Fault): Reject {
  return { record, line, ...(lines !== undefined && { lines }), ...fault, raw }
}

/** How many rows a reject counts for: as many as it has lines, because a stray quote may have made one record of them. */
export function rowsIn({ lines = 1 }: Reject): number {
  return lines
}

/**
 * Encodes the entities of one landing. PartitionKey is the prefix and the shard in three digits (record ÷ 100 mod shards).
 * RowKey is the number of the record in nine digits. A record is a reject if it is malformed, has a cell that does not fit
 * its type, or is larger than the 1 MiB of an entity. Check the columns with `checkColumns` first.
 */
export function createEntityEncoder({ columns, prefix, shards, lineage }: EncoderOptions): EntityEncoder {
  const encodeCells = cellsEncoder(columns)
  const tail =
    `,"_attempt@odata.type":"Edm.Int32","_attempt":${lineage.attempt}` +
    `,"_reportId":${JSON.stringify(lineage.reportId)},"_line@odata.type":"Edm.Int32","_line":`
  return {
    encode(record, number) {
      const { line, verdict, fields } = record
      const cells = verdict === undefined ? encodeCells(fields) : { reason: REASONS[verdict] }
      if (typeof cells !== 'string') return rejectOf(record, number, cells)
      const partitionKey = prefix + String(Math.floor(number / RECORDS_PER_SHARD) % shards).padStart(3, '0')
      const rowKey = String(number).padStart(9, '0')
      const json = `{"PartitionKey":"${partitionKey}","RowKey":"${rowKey}"${cells}${tail}${line}}`
      if (isTooLarge(json, columns, fields)) {
        return rejectOf(record, number, { reason: 'is over 1 MiB as a table row' })
      }
      return { partitionKey, rowKey, json, bytes: byteBound(json) }
    },
  }
}

function cellsEncoder(columns: readonly Column[]): (fields: readonly string[]) => string | Fault {
  const encoders = columns.map(({ name, type }) => ({ name, encode: cellEncoder(name, type) }))
  return (fields) => {
    let cells = ''
    let index = 0
    for (const { name, encode } of encoders) {
      const cell = encode(fields[index++] ?? '')
      if (typeof cell !== 'string') return { column: name, reason: cell.reason }
      cells += cell
    }
    return cells
  }
}

/** An entity takes at most two bytes per unit of its JSON, so few entities need the exact sum of the service. */
function isTooLarge(json: string, columns: readonly Column[], fields: readonly string[]): boolean {
  if (json.length * 2 <= ENTITY_LIMIT) return false
  const sizes = columns.map((column, index) => {
    const values = propertiesOf(column).map((property) => 12 + property.length * 2)
    return values.reduce((sum, size) => sum + size, (fields[index] ?? '').length * 2)
  })
  return sizes.reduce((sum, size) => sum + size, LINEAGE_SIZE) > ENTITY_LIMIT
}

function byteBound(json: string): number {
  if (json.length <= COUNTED_ABOVE) return json.length * 3
  let bytes = 0
  for (let at = 0; at < json.length; at++) bytes += bytesOf(json.charCodeAt(at))
  return bytes
}

/** Each half of a surrogate pair counts as three bytes. A pair takes four, so the result is never too small. */
function bytesOf(unit: number): number {
  if (unit < 0x80) return 1
  return unit < 0x800 ? 2 : 3
}
