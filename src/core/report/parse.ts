/**
 * Why a record is malformed. `ragged`: not as many fields as the header. `text-after-quote`: text between a closing quote
 * and the next delimiter. `too-long`: longer than the limit. `unclosed-quote`: the text ended inside quotes. `cut-off`: the
 * text ended in this record without a line end, and it is malformed or ends with a lone CR: nobody can say that it is whole.
 */
export type Verdict = 'ragged' | 'text-after-quote' | 'too-long' | 'unclosed-quote' | 'cut-off'

export type ParsedRecord = {
  /** The physical line where the record starts: line feeds before it, plus one. */
  readonly line: number
  /** The number of physical lines of the record, where it has more than one. */
  readonly lines?: number
  /** Two of its lines at least have as many delimiters as the header: a stray quote may have made one row of several. */
  readonly isDoubtful?: true
  /** Empty for every verdict except `ragged`, because the fields of such a record cannot be separated. */
  readonly fields: readonly string[]
  readonly verdict?: Verdict
  /** The text ended in this header, without a line end. */
  readonly isUnended?: true
  /** The record as written, without its line end, cut at 65,536 UTF-16 units (or at the record limit if that is lower). */
  readonly raw: string
}

/** Takes decoded text in pieces of any size and gives the complete records. `end` gives the last record. */
export type Parser = { push(text: string): readonly ParsedRecord[]; end(): readonly ParsedRecord[] }

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const QUOTE = 34
const CTRL_Z = 26
const BYTE_ORDER_MARK = 0xfeff
const RAW_LIMIT = 65_536

// The place of a scan inside a record. These are numbers because they are compared once per character.
export const FIELD_START = 0
const PLAIN = 1
export const QUOTED = 2
const QUOTE_SEEN = 3
const BROKEN = 4

type Scan = {
  readonly delimiter: string
  readonly maxRecordLength: number
  place: number
  line: number
  startLine: number
  /** The text of the unfinished record, already scanned. */
  pending: string
  /** The start of a record that is too long. The rest is scanned but not kept. */
  head: string | undefined
  width: number | undefined
  started: boolean
  /** A record of Ctrl-Z alone. It is data only where another record follows. */
  endMark: ParsedRecord | undefined
}

/**
 * Creates a parser of delimited text after RFC 4180 that also reads what real files contain:
 * - It drops a byte order mark.
 * - Records end with LF or CRLF, also mixed. A lone CR is data, but not at the end of the text.
 * - A quote inside an unquoted field is literal.
 * - Text after a closing quote makes its record malformed, up to the next line feed.
 * - The first record is the header. It sets the number of fields.
 * - Empty lines, and records of empty cells only, are skipped.
 * - A record longer than `maxRecordLength` UTF-16 units is scanned to its end but not kept.
 * - An unclosed quote takes the rest of the text.
 * - Ctrl-Z at the end of the text, the end-of-file mark of DOS, is dropped, also on a line of its own.
 */
export function createParser(options: { delimiter: string; maxRecordLength: number }): Parser {
  const state: Scan = {
    delimiter: options.delimiter,
    maxRecordLength: options.maxRecordLength,
    place: FIELD_START,
    line: 1,
    startLine: 1,
    pending: '',
    head: undefined,
    width: undefined,
    started: false,
    endMark: undefined,
  }
  return {
    push: (text) => readRecords(state, withoutMark(state, text)),
    end: () => readRest(state).flatMap((record) => withEndMark(state, record, false)),
  }
}

function withoutMark(state: Scan, text: string): string {
  if (state.started || text === '') return text
  state.started = true
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
}

/** Nearly all records are one line, which `indexOf` finds fast. Only the others are scanned by character. */
function readRecords(state: Scan, chunk: string): ParsedRecord[] {
  const records: ParsedRecord[] = []
  const text = state.pending + chunk
  let start = 0
  let scanned = state.pending.length
  let isFresh = scanned === 0 && state.head === undefined
  let quote = -1
  for (;;) {
    if (quote < scanned) quote = indexOrEnd(text, '"', scanned)
    const lineEnd = isFresh ? text.indexOf('\n', scanned) : -1
    const line =
      lineEnd === -1 ? undefined : splitLine(recordText(text, start, lineEnd), state.delimiter, lineEnd < quote)
    const end = line === undefined ? findEnd(state, text, scanned) : lineEnd
    if (end === -1) break
    if (line !== undefined) state.line++
    const whole = recordText(text, start, end)
    const isMark = state.head === undefined && withoutEndMark(whole) === ''
    const record = toRecord(state, whole, line)
    if (record !== undefined && !isMark && state.endMark === undefined) records.push(record)
    else if (record !== undefined) records.push(...withEndMark(state, record, isMark))
    state.startLine = state.line
    state.head = undefined
    start = scanned = end + 1
    isFresh = true
  }
  keepPending(state, text.slice(start))
  return records
}

/** Gives a record behind the Ctrl-Z before it, which is data then. A record of Ctrl-Z alone waits in its turn. */
function withEndMark(state: Scan, record: ParsedRecord, isMark: boolean): readonly ParsedRecord[] {
  const before = state.endMark ? [state.endMark] : []
  state.endMark = isMark ? record : undefined
  return isMark ? before : [...before, record]
}

/** The text of a record that ends at a line feed, without the line end. */
function recordText(text: string, start: number, lineFeed: number): string {
  const hasReturn = lineFeed > start && text.charCodeAt(lineFeed - 1) === CARRIAGE_RETURN
  return text.slice(start, hasReturn ? lineFeed - 1 : lineFeed)
}

/** The index of the line feed that ends the record. If there is none, gives -1 and keeps the place for the next piece. */
function findEnd(state: Scan, text: string, from: number): number {
  const delimiter = state.delimiter.charCodeAt(0)
  let place = state.place
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === LINE_FEED) state.line++
    if (code === LINE_FEED && place !== QUOTED) {
      state.place = FIELD_START
      return at
    }
    place = nextPlace(place, code, delimiter)
  }
  state.place = place
  return -1
}

/** The place behind a character that ends no record. */
export function nextPlace(place: number, code: number, delimiter: number): number {
  if (place === QUOTED) return code === QUOTE ? QUOTE_SEEN : QUOTED
  if (place === BROKEN) return BROKEN
  if (code === delimiter) return FIELD_START
  if (place === PLAIN) return PLAIN
  // A quote at the start of a field opens it. A quote after a quote is an escaped one, and the field continues.
  if (code === QUOTE) return QUOTED
  return place === FIELD_START ? PLAIN : BROKEN
}

function keepPending(state: Scan, text: string): void {
  state.pending = state.head === undefined ? text : ''
  // The one unit above the limit can be the CR of the line end.
  if (state.pending.length <= state.maxRecordLength + 1) return
  state.head = rawText(state, text)
  state.pending = ''
}

function rawText({ maxRecordLength }: Scan, text: string): string {
  return text.slice(0, Math.min(RAW_LIMIT, maxRecordLength))
}

function readRest(state: Scan): ParsedRecord[] {
  // The end of the text ends the last line, too.
  state.line++
  if (state.place === QUOTED) return [broken(state, 'unclosed-quote', state.head ?? state.pending)]
  const text = withoutEndMark(state.pending)
  const isHeader = state.width === undefined
  const record = text === '' && state.head === undefined ? undefined : toRecord(state, text, undefined, true)
  if (record === undefined) return []
  if (isHeader) return [{ ...record, isUnended: true }]
  return [record.verdict || text.endsWith('\r') ? broken(state, 'cut-off', state.head ?? text) : record]
}

function withoutEndMark(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === CTRL_Z) end--
  return text.slice(0, end)
}

/** `isLast`: the text ended without a line feed. */
function toRecord(state: Scan, text: string, line?: Split, isLast = false): ParsedRecord | undefined {
  const isTooLong = state.head !== undefined || text.length > state.maxRecordLength
  if (isTooLong) return broken(state, 'too-long', state.head ?? text)
  if (text === '') return undefined
  const isHeader = state.width === undefined
  const fields = line ?? splitQuoted(text, state.delimiter)
  if (typeof fields === 'string') return broken(state, fields, text)
  state.width ??= fields.length
  const isRagged = fields.length !== state.width
  const isCut = isLast && isRagged
  if (!isHeader && !isCut && fields.every((field) => field === '')) return undefined
  const record = { line: state.startLine, fields, raw: rawText(state, text) }
  if (isRagged) return withLines(state, { ...record, verdict: 'ragged' })
  if (line !== undefined) return record
  const spanned = withLines(state, record)
  return isDoubtful(state, spanned, text) ? { ...spanned, isDoubtful: true } : spanned
}

function broken(state: Scan, verdict: Verdict, text: string): ParsedRecord {
  state.width ??= 0
  return withLines(state, { line: state.startLine, fields: [], verdict, raw: rawText(state, text) })
}

function withLines(state: Scan, record: ParsedRecord): ParsedRecord {
  const lines = state.line - state.startLine
  return lines > 1 ? { ...record, lines } : record
}

function isDoubtful({ width = 0, delimiter }: Scan, { lines }: ParsedRecord, text: string): boolean {
  if (lines === undefined || width < 2) return false
  let rows = 0
  for (const line of text.split('\n')) {
    if (line.split(delimiter).length >= width) rows++
    if (rows === 2) return true
  }
  return false
}

/** The fields of a record without their quotes, or the verdict if the record is malformed. */
type Split = readonly string[] | Verdict

/** Splits one line. Gives undefined if a quote is still open at its end and the record continues. */
function splitLine(line: string, delimiter: string, isPlain: boolean): Split | undefined {
  if (isPlain) return line.split(delimiter)
  const split = splitQuoted(line, delimiter)
  return split === 'unclosed-quote' ? undefined : split
}

/** Splits one record that contains quotes; the verdict where it cannot be read. */
export function splitQuoted(text: string, delimiter: string): Split {
  const fields: string[] = []
  for (let at = 0; at <= text.length; at++) {
    if (text.charCodeAt(at) !== QUOTE) {
      const end = indexOrEnd(text, delimiter, at)
      fields.push(text.slice(at, end))
      at = end
      continue
    }
    const close = closingQuote(text, at + 1)
    if (close === -1) return 'unclosed-quote'
    const field = text.slice(at + 1, close)
    fields.push(field.includes('"') ? field.replaceAll('""', '"') : field)
    at = close + 1
    if (at < text.length && text[at] !== delimiter) return 'text-after-quote'
  }
  return fields
}

/** The index of the closing quote, which is not one of a doubled pair, or -1. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at !== -1 && text.charCodeAt(at + 1) === QUOTE) at = text.indexOf('"', at + 2)
  return at
}

/** The index of `wanted`, or the length of the text if it is not found. */
function indexOrEnd(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from)
  return index === -1 ? text.length : index
}
