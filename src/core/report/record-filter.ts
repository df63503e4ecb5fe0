import { FIELD_START, nextPlace, QUOTED, splitQuoted } from './parse.ts'

/** Values that a person had erased, each of one column. */
export type ErasedValues = {
  /** The columns that they are of, in the form in which names are compared. */
  readonly columns: readonly string[]
  /** Whether a text is one of the values of a column. */
  has(column: string, text: string): boolean
}

/**
 * Leaves records out of the text of a report, and keeps all others exactly as they are written. Takes text in pieces of any
 * size and gives what is kept of it.
 */
export type RecordFilter = {
  push(text: string): string
  /** Gives what is kept of the last record. */
  end(): string
  /** How many records were left out so far. */
  erased(): number
  /** Whether the header has one of the columns; false until it has been read. */
  hasColumn(): boolean
}

export type FilterOptions = {
  readonly delimiter: string
  readonly values: ErasedValues
  /** The form in which names of columns are compared. */
  readonly keyOf: (name: string) => string
  /** A longer record cannot land. Its beginning decides, and no more of it is kept in memory. In UTF-16 units. */
  readonly maxRecordLength: number
}

/** What separates the parts of a record that cannot be read. */
const SEPARATORS = /[",;|\t\r\n]/

/** The columns of a header that values are erased of: their index, and the form in which their names are compared. */
type Header = { readonly width: number; readonly columns: readonly { readonly index: number; readonly key: string }[] }

/**
 * Creates a filter that leaves out the records with one of the values in its column. Of a record that cannot be read, or that
 * a stray quote made of several, any part may be the value. A file without such a column keeps everything.
 */
export function createRecordFilter({ delimiter, values, keyOf, maxRecordLength }: FilterOptions): RecordFilter {
  let header: Header | undefined
  let pending = ''
  let place = FIELD_START
  let erased = 0
  // Of a record that is too long: whether it is left out, which its beginning has decided.
  let isLeftOut: boolean | undefined

  const decide = (record: string): boolean => {
    const body = record.replace(/\r?\n$/, '')
    if (body === '') return false
    if (header) {
      const isErased = hasValue(body, header, delimiter, values)
      if (isErased) erased++
      return isErased
    }
    header = readHeader(body, delimiter, values, keyOf)
    return false
  }
  const whole = (record: string): string => {
    const isErased = isLeftOut ?? decide(record)
    isLeftOut = undefined
    return isErased ? '' : record
  }
  return {
    push(piece) {
      const text = pending + piece
      let kept = ''
      let start = 0
      let scanned = pending.length
      let quote = -1
      for (;;) {
        if (quote < scanned) quote = indexOrEnd(text, '"', scanned)
        const found = endOf(text, scanned, place, quote, delimiter)
        place = found.place
        if (found.end === -1) break
        kept += whole(text.slice(start, found.end + 1))
        start = scanned = found.end + 1
      }
      pending = text.slice(start)
      if (pending.length <= maxRecordLength) return kept
      isLeftOut ??= decide(pending)
      if (!isLeftOut) kept += pending
      pending = ''
      return kept
    },
    end() {
      const last = pending === '' && isLeftOut === undefined ? '' : whole(pending)
      pending = ''
      return last
    },
    erased: () => erased,
    hasColumn: () => (header?.columns.length ?? 0) > 0,
  }
}

/** The index of the line feed that ends a record, or -1, and the place of the scan behind the text then. */
function endOf(text: string, from: number, before: number, quote: number, delimiter: string) {
  const lineEnd = before === FIELD_START ? text.indexOf('\n', from) : -1
  if (lineEnd !== -1 && lineEnd < quote) return { end: lineEnd, place: FIELD_START }
  const separator = delimiter.charCodeAt(0)
  let place = before
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 10 && place !== QUOTED) return { end: at, place: FIELD_START }
    place = nextPlace(place, code, separator)
  }
  return { end: -1, place }
}

function readHeader(body: string, delimiter: string, { columns }: ErasedValues, keyOf: FilterOptions['keyOf']): Header {
  const names = splitQuoted(body.replace(/^\uFEFF/, ''), delimiter)
  if (typeof names === 'string') return { width: 0, columns: [] }
  const found = names.map((name, index) => ({ index, key: keyOf(name.trim()) }))
  return { width: names.length, columns: found.filter(({ key }) => columns.includes(key)) }
}

function hasValue(body: string, { width, columns }: Header, delimiter: string, values: ErasedValues): boolean {
  if (columns.length === 0) return false
  const split = splitQuoted(body, delimiter)
  const fields = typeof split === 'string' ? [] : split
  const isRead = fields.length === width
  if (isRead && columns.some(({ index, key }) => values.has(key, fields[index] ?? ''))) return true
  if (isRead && !mayBeSeveral(body, width, delimiter)) return false
  const parts = partsOf([...fields, ...body.split(delimiter), ...body.split(SEPARATORS)])
  return columns.some(({ key }) => parts.some((part) => values.has(key, part)))
}

/** Whether two lines of a record have as many delimiters as the header: a stray quote may have made one row of several. */
function mayBeSeveral(body: string, width: number, delimiter: string): boolean {
  if (!body.includes('\n')) return false
  return body.split('\n').filter((line) => line.split(delimiter).length >= width).length > 1
}

/** Whether a part of a text that is no report any more, such as a rejected row, is one of the values. */
export function holdsValue(text: string, values: ErasedValues): boolean {
  const parts = partsOf([...text.split(','), ...text.split('\t'), ...text.split(SEPARATORS)])
  return values.columns.some((column) => parts.some((part) => values.has(column, part)))
}

/** The parts to compare, each once: whoever writes a report could make the same one a million times. */
function partsOf(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.map(unquoted))].filter((part) => part !== '')
}

function unquoted(part: string): string {
  const text = part.trim()
  const inner = text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
  return inner.includes('""') ? inner.replaceAll('""', '"') : inner
}

function indexOrEnd(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from)
  return index === -1 ? text.length : index
}
