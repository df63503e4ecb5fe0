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
  /** Whether the text is no table of the feed, and has one of the values or is too long: nothing is kept from there on. */
  isEnded(): boolean
}

export type FilterOptions = {
  readonly delimiter: string
  readonly values: ErasedValues
  /** Columns of which a table of the feed has one at least, in the form in which names are compared; empty: nobody knows. */
  readonly known: ReadonlySet<string>
  /** The form in which names of columns are compared. */
  readonly keyOf: (name: string) => string
  /**
   * A longer record cannot land. Its beginning decides, and no more of it is kept in memory. Nor is more kept of a text that is
   * no table. In UTF-16 units.
   */
  readonly maxRecordLength: number
}

/** What may separate the cells of a text that is no report. */
const DELIMITERS = [',', '\t', ';', '|']

/** What separates the parts of a record that cannot be read. */
const SEPARATORS = /[",;|\t\r\n]/

/** The columns of a header that values are erased of: their index, and the form in which their names are compared. */
type Header = { readonly width: number; readonly columns: readonly { readonly index: number; readonly key: string }[] }

/**
 * Creates a filter that leaves out the records with one of the values in its column. Of a record that cannot be read, or that
 * a stray quote made of several, any part may be the value. A table without such a column keeps everything. A text that is no
 * table of the feed is kept up to the line with one of the values, and only its beginning: it cannot land, and to look at all of
 * its lines takes too long.
 */
export function createRecordFilter(options: FilterOptions): RecordFilter {
  const { delimiter, values, maxRecordLength } = options
  const lines = createLineFilter(values, maxRecordLength)
  let isTable = true
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
    header = readHeader(body, options)
    isTable = header !== undefined
    return !isTable
  }
  const whole = (record: string): string => {
    const isErased = isLeftOut ?? decide(record)
    isLeftOut = undefined
    return isErased ? '' : record
  }
  return {
    push(piece) {
      if (!isTable) return lines.push(piece)
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
        if (!isTable) return kept + lines.push(text.slice(start))
        start = scanned = found.end + 1
      }
      pending = text.slice(start)
      if (pending.length <= maxRecordLength) return kept
      isLeftOut ??= decide(pending)
      if (!isTable) return kept + lines.push(pending)
      if (!isLeftOut) kept += pending
      pending = ''
      return kept
    },
    end() {
      if (!isTable) return lines.end()
      const last = pending === '' && isLeftOut === undefined ? '' : whole(pending)
      if (!isTable) return lines.push(pending) + lines.end()
      pending = ''
      return last
    },
    erased: () => erased + lines.erased(),
    isEnded: lines.isEnded,
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

/** Undefined where it is the header of no table of the feed: the text may be anything. */
function readHeader(body: string, { delimiter, values, known, keyOf }: FilterOptions): Header | undefined {
  const names = splitQuoted(body.replace(/^\uFEFF/, ''), delimiter)
  if (typeof names === 'string' || hasLoneReturn(body)) return undefined
  const found = names.map((name, index) => ({ index, key: keyOf(name.trim()) }))
  const columns = found.filter(({ key }) => values.columns.includes(key))
  const isTable = columns.length > 0 || known.size === 0 || found.some(({ key }) => known.has(key))
  return isTable ? { width: names.length, columns } : undefined
}

/** Whether a text has a line end that ends no record. In quotes it is a part of a name. */
function hasLoneReturn(body: string): boolean {
  return body.split('"').some((text, index) => index % 2 === 0 && text.includes('\r'))
}

type LineFilter = { push(text: string): string; end(): string; isEnded(): boolean; erased(): number }

/** Creates a filter that keeps lines, of any kind, up to the first one with a value, and no more than `maxLength` of them. */
function createLineFilter(values: ErasedValues, maxLength: number): LineFilter {
  let pending = ''
  let length = 0
  let isEnded = false
  let erased = 0
  const keep = (line: string): string => {
    length += line.length
    if (isEnded || length > maxLength) {
      isEnded = true
      return ''
    }
    if (!holdsValue(line.replace(/[\r\n]$/, ''), values)) return line
    isEnded = true
    erased = 1
    return ''
  }
  return {
    push(text) {
      const lines = (pending + text).split(/(?<=[\r\n])/)
      pending = lines.pop() ?? ''
      const kept = lines.map(keep).join('')
      isEnded ||= length + pending.length > maxLength
      return kept
    },
    end() {
      const last = keep(pending)
      pending = ''
      return last
    },
    isEnded: () => isEnded,
    erased: () => erased,
  }
}

function hasValue(body: string, { width, columns }: Header, delimiter: string, values: ErasedValues): boolean {
  if (columns.length === 0) return false
  const fields = fieldsOf(body, delimiter)
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
  const cells = DELIMITERS.flatMap((delimiter) => [...text.split(delimiter), ...fieldsOf(text, delimiter)])
  const parts = partsOf([...cells, ...text.split(SEPARATORS)])
  return values.columns.some((column) => parts.some((part) => values.has(column, part)))
}

function fieldsOf(text: string, delimiter: string): readonly string[] {
  const split = splitQuoted(text, delimiter)
  return typeof split === 'string' ? [] : split
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
