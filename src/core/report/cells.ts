import type { ColumnType } from '../feeds/feed.ts'
import { parseMoment, startOfMonth } from './dates.ts'
import { MONTH_SUFFIX, propertyName } from './property-names.ts'
import { remembering } from './remember.ts'

/** Why a text does not fit the type of its column. */
export type Unfit = { readonly reason: string }

/** Encodes the text of a cell as members of the entity's JSON, each with a comma before it. Gives a reason if it cannot. */
export type CellEncoder = (text: string) => string | Unfit

/** The limit of one string property: 64 KiB of UTF-16. */
const STRING_LIMIT = 32_768

/** Longer than any number in practice, and short enough to sum exactly at little cost. */
const NUMBER_LIMIT = 400

/** Characters that JSON needs escaped: quotes, backslashes, control characters, line ends and surrogates. */
const NEEDS_ESCAPE = /[^ !#-[\]-\u2027\u202a-\ud7ff\ue000-\uffff]/
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
const PLAIN_INTEGER = /^(?:0|-?[1-9]\d{0,17})$/
const INTEGER = /^([+-]?)0*(\d+?)(?:\.0*)?$/
const GUID = /^[\dA-Fa-f]{8}-[\dA-Fa-f]{4}-[\dA-Fa-f]{4}-[\dA-Fa-f]{4}-[\dA-Fa-f]{12}$/
const LARGEST_INT64 = 2n ** 63n - 1n
const SMALLEST_INT64 = -(2n ** 63n)

const BOOLEANS = new Map([
  ['true', 'true'],
  ['yes', 'true'],
  ['y', 'true'],
  ['1', 'true'],
  ['false', 'false'],
  ['no', 'false'],
  ['n', 'false'],
  ['0', 'false'],
])

const TOO_LONG: Unfit = { reason: 'is longer than 32,768 characters, the limit of a table string' }
const NOT_A_NUMBER: Unfit = { reason: 'is not a number' }
const NOT_A_DOUBLE: Unfit = { reason: 'is outside the range of a double' }
const NOT_AN_INTEGER: Unfit = { reason: 'is not an integer' }
const NOT_AN_INT64: Unfit = { reason: 'is outside the range of a 64-bit integer' }
const NOT_A_BOOLEAN: Unfit = { reason: 'is neither true nor false, yes nor no, 1 nor 0' }
const NOT_A_DATE: Unfit = { reason: 'is not a date in a known format between 1601 and 9999' }
const NOT_A_GUID: Unfit = { reason: 'is not a GUID of 36 characters' }

/**
 * Gives the encoder of one column. `name` is the name as landed. An empty text lands as an empty string in a column of type
 * `string` or `month`, to tell it from a column that the file lacks. For all other types the property is absent.
 */
export function cellEncoder(name: string, type: ColumnType): CellEncoder {
  return ENCODERS[type](propertyName(name))
}

const ENCODERS: Readonly<Record<ColumnType, (property: string) => CellEncoder>> = {
  string: (property) => quoted(`,"${property}":`, toText),
  double: (property) => filled(bare(typed(property, 'Edm.Double'), toDouble)),
  int64: (property) => filled(quoted(typed(property, 'Edm.Int64'), toInt64)),
  boolean: (property) => filled(bare(`,"${property}":`, toBoolean)),
  datetime: (property) => filled(remembering(quoted(typed(property, 'Edm.DateTime'), toDateTime))),
  guid: (property) => filled(quoted(typed(property, 'Edm.Guid'), toGuid)),
  month: (property) => remembering(monthEncoder(property)),
}

/**
 * Gives the value that a cell lands as, in a text: equal values have equal texts, however the file writes them, such as `1`
 * and `1.0` of a number. A `month` counts by its instant, a GUID without regard to case. Null where no property lands. The
 * cell has to fit its type.
 */
export function cellValue(type: ColumnType): (text: string) => string | null {
  return VALUES[type]
}

const VALUES: Readonly<Record<ColumnType, (text: string) => string | null>> = {
  string: (text) => text,
  double: landedValue((text) => String(Number(text))),
  int64: landedValue(toInt64),
  boolean: landedValue(toBoolean),
  datetime: remembering(landedValue(toInstant)),
  guid: landedValue((text) => text.toLowerCase()),
  month: remembering(landedValue(toInstant)),
}

function landedValue(read: (text: string) => string | Unfit): (text: string) => string | null {
  return (text) => {
    const value = text === '' ? null : read(text)
    return typeof value === 'object' && value !== null ? text : value
  }
}

/** An instant without the zeros that end its fraction. */
function toInstant(text: string): string | Unfit {
  const iso = toDateTime(text)
  if (typeof iso !== 'string' || !iso.includes('.')) return iso
  let end = iso.length - 1
  while (iso[end - 1] === '0') end--
  return `${iso.slice(0, iso[end - 1] === '.' ? end - 1 : end)}Z`
}

function typed(property: string, type: string): string {
  return `,"${property}@odata.type":"${type}","${property}":`
}

function bare(start: string, encode: CellEncoder): CellEncoder {
  return (text) => {
    const value = encode(text)
    return typeof value === 'string' ? start + value : value
  }
}

function quoted(start: string, encode: CellEncoder): CellEncoder {
  const opened = `${start}"`
  return (text) => {
    const value = encode(text)
    return typeof value === 'string' ? `${opened}${value}"` : value
  }
}

function filled(encode: CellEncoder): CellEncoder {
  return (text) => (text === '' ? '' : encode(text))
}

function monthEncoder(property: string): CellEncoder {
  const written = quoted(`,"${property}":`, toText)
  const derived = quoted(typed(property + MONTH_SUFFIX, 'Edm.DateTime'), toMonth)
  return (text) => {
    const month = text === '' ? '' : derived(text)
    return typeof month === 'string' ? written(text) + month : month
  }
}

function toText(text: string): string | Unfit {
  if (text.length > STRING_LIMIT) return TOO_LONG
  return NEEDS_ESCAPE.test(text) ? escaped(text) : text
}

/** JSON allows the two Unicode line ends inside a string, but they break readers that read a body line by line. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

/** Encodes the nearest double. Short decimals stay as written, since every reader parses them to the same double. */
function toDouble(text: string): string | Unfit {
  if (text.length <= 16 && JSON_NUMBER.test(text)) return text
  if (text.length > NUMBER_LIMIT || !NUMBER.test(text)) return NOT_A_NUMBER
  const value = Number(text)
  const isLost = value === 0 && /^[^eE]*[1-9]/.test(text)
  return Number.isFinite(value) && !isLost ? String(value) : NOT_A_DOUBLE
}

function toInt64(text: string): string | Unfit {
  if (PLAIN_INTEGER.test(text)) return text
  const [, sign, digits] = (text.length <= NUMBER_LIMIT && INTEGER.exec(text)) || []
  if (digits === undefined) return NOT_AN_INTEGER
  const written = sign === '-' && digits !== '0' ? `-${digits}` : digits
  if (digits.length > 18 && (BigInt(written) > LARGEST_INT64 || BigInt(written) < SMALLEST_INT64)) return NOT_AN_INT64
  return written
}

function toBoolean(text: string): string | Unfit {
  return BOOLEANS.get(text.toLowerCase()) ?? NOT_A_BOOLEAN
}

function toDateTime(text: string): string | Unfit {
  return parseMoment(text)?.iso ?? NOT_A_DATE
}

function toMonth(text: string): string | Unfit {
  const moment = parseMoment(text)
  return moment === undefined ? NOT_A_DATE : startOfMonth(moment).iso
}

function toGuid(text: string): string | Unfit {
  return GUID.test(text) ? text : NOT_A_GUID
}
