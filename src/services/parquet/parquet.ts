import { createHash } from 'node:crypto'
import { type AsyncBuffer, type FileMetaData, parquetMetadata, parquetRead } from 'hyparquet'
import type { ReadBack } from '../../core/ledger/progress.ts'
import type { FileColumn, FileValue } from '../../core/report/file-columns.ts'

/** A Parquet file of ours as far as its end tells. `dataEnd`: the byte at which its rows end. */
export type Parquet = {
  readonly file: AsyncBuffer
  readonly metadata: FileMetaData
  readonly dataEnd: number
  readonly notes: FileNotes
}

/** What a file says of its own rows. */
export type FileNotes = {
  /** A hash of the values of each column, in the order of the columns: taken from the values before they were encoded. */
  readonly hashes: readonly string[]
  /** The record that the next row group begins with; absent where the file is complete. */
  readonly next?: number
}

/** The end of a file: the length of its metadata in 4 bytes, and `PAR1`. */
const TAIL = 8

const NOTES = 'partner-insights-sync'

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })

/** A value is compared as it is stored: a timestamp as a number, and a text with the byte order mark that it may begin with. */
const PARSERS = {
  timestampFromMilliseconds: (milliseconds: bigint) => milliseconds,
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && DECODER.decode(bytes),
}

/** Opens a file that `createEncoder` wrote; undefined where it is none. Throws what the storage throws. */
export async function openParquet(file: AsyncBuffer): Promise<Parquet | undefined> {
  const end = await endOf(file)
  try {
    const metadata = parquetMetadata(end, { parsers: PARSERS })
    const written = metadata.key_value_metadata?.find(({ key }) => key === NOTES)?.value
    const notes = JSON.parse(written ?? 'null') as FileNotes | null
    if (notes?.hashes.length !== metadata.schema.length - 1) return undefined
    return { file, metadata, dataEnd: file.byteLength - TAIL - metadata.metadata_length, notes }
  } catch {
    return undefined
  }
}

/** The metadata of a file with its tail, which says how long they are. */
async function endOf(file: AsyncBuffer): Promise<ArrayBuffer> {
  const tail = await file.slice(Math.max(file.byteLength - TAIL, 0), file.byteLength)
  const length = tail.byteLength === TAIL ? new DataView(tail).getUint32(0, true) + TAIL : 0
  return file.slice(Math.max(file.byteLength - length, 0), file.byteLength)
}

/** What a file says of its own rows, as its metadata has it. */
export function noted(notes: FileNotes): Readonly<Record<string, string>> {
  return { [NOTES]: JSON.stringify(notes) }
}

/**
 * Adds the values of a row group to the hash of their column: SHA-256 over the hash so far, empty at first, and the values as
 * JSON, where a bigint is a text.
 */
export function hashOn(before: string, values: readonly FileValue[]): string {
  const text = JSON.stringify(values.map((value) => (typeof value === 'bigint' ? String(value) : value)))
  return createHash('sha256').update(before).update(text).digest('hex')
}

/** One hash for those of all columns. */
export function hashOfAll(hashes: readonly string[]): string {
  return createHash('sha256').update(hashes.join()).digest('hex')
}

/**
 * Reads a file back from its own bytes, one row group after another, and hashes its values. It begins where `before` ended, and
 * ends with the file, or after the row group for which `enough` is true. `onGroup` is called before each row group.
 */
export async function readBack(
  { file, metadata }: Parquet,
  columns: readonly FileColumn[],
  before: ReadBack | undefined,
  { onGroup, enough }: { readonly onGroup: () => void; readonly enough: () => boolean },
): Promise<ReadBack> {
  let { groups, rows, hashes } = before ?? { groups: 0, rows: 0, hashes: columns.map(() => '') }
  for (const group of metadata.row_groups.slice(groups)) {
    onGroup()
    const end = rows + Number(group.num_rows)
    const values = await readGroup(await inMemory(file, group), metadata, rows, end)
    hashes = columns.map(({ name }, index) => hashOn(hashes[index] ?? '', values.get(name) ?? []))
    rows = end
    groups++
    if (enough()) break
  }
  return { groups, rows, hashes }
}

async function readGroup(file: AsyncBuffer, metadata: FileMetaData, rowStart: number, rowEnd: number) {
  const values = new Map<string, FileValue[]>()
  await parquetRead({
    file,
    metadata,
    rowStart,
    rowEnd,
    parsers: PARSERS,
    onChunk({ columnName, columnData }) {
      const column = values.get(columnName) ?? []
      for (const value of columnData) column.push(value ?? null)
      values.set(columnName, column)
    },
  })
  return values
}

/** A file of which one row group was read in one request. */
async function inMemory(file: AsyncBuffer, group: FileMetaData['row_groups'][number]): Promise<AsyncBuffer> {
  const starts = group.columns.map(({ meta_data }) =>
    Number(meta_data?.dictionary_page_offset ?? meta_data?.data_page_offset),
  )
  const start = Math.min(...starts)
  const bytes = await file.slice(start, start + Number(group.total_compressed_size))
  return {
    byteLength: file.byteLength,
    slice: (from, to) => bytes.slice(from - start, (to ?? file.byteLength) - start),
  }
}
