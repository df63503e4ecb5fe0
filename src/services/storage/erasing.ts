import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { CATALOG, columnKeyOf, findDataset } from '../../core/catalog.ts'
import { isFailure } from '../../core/failures.ts'
import { type ErasuresRow, valueKey } from '../../core/ledger/erasures.ts'
import { delimiterOf } from '../../core/report/delimiter.ts'
import { createRecordFilter, type ErasedValues, type RecordFilter } from '../../core/report/record-filter.ts'
import { remembering } from '../../core/report/remember.ts'
import type { ArchiveWriter, Erased } from './archive.ts'
import { CHUNK, MAX_HEADER_LENGTH, MAX_RECORD_LENGTH, readText, type Source, unpacked } from './report-records.ts'

/** No UTF-8 text holds this byte. What ends in it cannot land. */
const NO_TEXT = Buffer.from([0xff])

/** What is left out of a feed's reports. */
export type Eraser = {
  /** Names all that is left out: what was written under the same id needs no second look. */
  readonly id: string
  readonly values: ErasedValues
  /** Columns of which a report has one at least, in the form in which names are compared; empty: nobody knows. */
  readonly known: ReadonlySet<string>
  readonly keyOf: (name: string) => string
}

/** What was left out of one report, while and after it is read. */
export type Tally = {
  rows: number
  hasColumn: boolean
  /**
   * The reading ended at bytes that cannot be decoded or, in a text that is no table of the feed, at what is to be left out or
   * after its first MiB: what is behind there is not known.
   */
  isCut?: true
}

/** The hash under which a value is remembered: nobody can read the value from it, but whoever has it can tell it again. */
export function valueHash(salt: string, column: string, value: string): string {
  return createHash('sha256')
    .update(`${salt}\n${column}\n${valueKey(value)}`)
    .digest('hex')
}

/** `known`: names of columns of which a report has one at least; none where nobody knows them. */
export function eraserOf({ salt, columns }: ErasuresRow, dataset: string, known: readonly string[]): Eraser {
  const keyOf = columnKeyOf(findDataset(CATALOG, dataset))
  const erased = new Map(
    Object.entries(columns).map(([column, hashes]) => {
      const all = new Set(hashes)
      return [column, remembering((text) => all.has(valueHash(salt, column, text)))] as const
    }),
  )
  return {
    id: createHash('sha256')
      .update(JSON.stringify([salt, Object.entries(columns).toSorted()]))
      .digest('hex')
      .slice(0, 16),
    values: { columns: [...erased.keys()], has: (column, text) => erased.get(column)?.(text) ?? false },
    known: new Set(known.map(keyOf)),
    keyOf,
  }
}

/**
 * Gives the bytes of a report without the records that are to be left out, packed as the report is, and counts them in `tally`.
 * What cannot be decoded, or is no table of the feed, is cut off there, in such a way that it cannot land.
 */
export async function* withoutErased(
  name: string,
  bytes: AsyncIterable<Buffer>,
  eraser: Eraser,
  tally: Tally,
): AsyncGenerator<Buffer> {
  const source: Source = { name, bytes, packed: 0, hash: undefined }
  const kept = keptText(source, eraser, tally)
  const first = await kept.next()
  if (first.done) return
  const all = following(first.value, kept)
  if (!source.isGzip) return yield* all
  yield* Readable.from(all, { objectMode: true }).pipe(createGzip())
}

/** Reads a whole report to count the records that would be left out of it. */
export async function countErased(name: string, bytes: AsyncIterable<Buffer>, eraser: Eraser): Promise<Tally> {
  const tally: Tally = { rows: 0, hasColumn: false }
  const source: Source = { name, bytes, packed: 0, hash: undefined }
  for await (const _ of keptText(source, eraser, tally));
  return tally
}

async function* keptText(source: Source, { values, known, keyOf }: Eraser, tally: Tally): AsyncGenerator<Buffer> {
  let filter: RecordFilter | undefined
  let head = ''
  const open = (delimiter: string) =>
    createRecordFilter({ delimiter, values, known, keyOf, maxRecordLength: MAX_RECORD_LENGTH })
  // A file may be packed so that it comes out byte by byte: what follows costs as much for each piece, whatever its size.
  let enough = CHUNK
  for await (const text of readText(source)) {
    if (isFailure(text)) {
      tally.isCut = true
      return yield NO_TEXT
    }
    head += text
    if (head.length < enough) continue
    enough = head.length + CHUNK
    if (!filter && head.length < MAX_HEADER_LENGTH && !delimiterOf(head)) continue
    enough = CHUNK
    filter ??= open(delimiterOf(head) ?? ',')
    const kept = filter.push(head)
    head = ''
    note(tally, filter)
    if (kept !== '') yield Buffer.from(kept)
    if (tally.isCut) return yield NO_TEXT
  }
  filter ??= open(delimiterOf(head) ?? ',')
  const last = filter.push(head) + filter.end()
  note(tally, filter)
  if (last !== '') yield Buffer.from(last)
  if (tally.isCut) yield NO_TEXT
}

function note(tally: Tally, filter: RecordFilter): void {
  tally.rows = filter.erased()
  tally.hasColumn = filter.hasColumn()
  if (filter.isEnded()) tally.isCut = true
}

async function* following(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  yield* rest
}

/** How text that is no UTF-8 may be encoded. What is no text in an encoding does not matter: only the value is looked for. */
const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252']

/** Whether bytes that cannot be decoded hold a value anywhere, whatever they are. Case does not count. */
export async function holdsBytesOf(name: string, bytes: AsyncIterable<Buffer>, value: string): Promise<boolean> {
  const wanted = valueKey(value)
  const readers = ENCODINGS.map((encoding) => ({ decoder: new TextDecoder(encoding), text: '' }))
  for await (const chunk of unpacked({ name, bytes, packed: 0, hash: undefined })) {
    if (isFailure(chunk)) return false
    for (const reader of readers) {
      reader.text += reader.decoder.decode(chunk, { stream: true })
      if (reader.text.normalize('NFC').toLowerCase().includes(wanted)) return true
      // A value may begin at the end of a chunk. In another form it may have some more letters.
      reader.text = reader.text.slice(-4 * wanted.length)
    }
  }
  return false
}

/** Writes a report into the archive without the records that are to be left out: nothing of them is ever stored. */
export function erasingWriter(writer: ArchiveWriter, eraser: Eraser): ArchiveWriter {
  const input = new PassThrough()
  // Where the reading ends before the report does, the stream ends with it: what comes after is dropped.
  input.on('error', () => undefined)
  const tally: Tally = { rows: 0, hasColumn: false }
  const copied = (async () => {
    for await (const chunk of withoutErased('', input, eraser, tally)) await writer.append(chunk)
  })()
  // `append` and `commit` throw the error. Until one of them is called, nobody waits for the copy.
  copied.catch(() => undefined)
  return {
    async append(chunk) {
      const room = input.write(chunk) ? undefined : once(input, 'drain')
      await Promise.race([copied, room])
    },
    async commit() {
      input.end()
      await copied
      return writer.commit(erasedBy(eraser, tally.rows))
    },
  }
}

export const erasedBy = ({ id }: Eraser, rows: number): Erased => ({ by: id, rows })
