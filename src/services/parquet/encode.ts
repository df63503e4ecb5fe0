import type { RowGroup as ParquetRowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { FileColumn, FileType } from '../../core/report/file-columns.ts'
import type { RowGroup } from '../../core/report/row-group.ts'
import { hashOn, noted, type Parquet } from './parquet.ts'

/** The columns of a file, and what it says of itself. */
export type FileContent = {
  readonly columns: readonly FileColumn[]
  readonly about: Readonly<Record<string, string>>
}

/** Writes a Parquet file piece by piece; the pieces in their order are the file. */
export type ParquetEncoder = {
  /** Gives the bytes of the next row group. */
  rowGroup(values: RowGroup): Uint8Array
  /**
   * Gives the bytes that end a file of all row groups so far, and ends the encoder. `next` is the record that the next row
   * group begins with, where the file is not complete.
   */
  footer(next?: number): Uint8Array
}

const PHYSICAL: Readonly<Record<FileType, Omit<SchemaElement, 'name'>>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  double: { type: 'DOUBLE' },
  int64: { type: 'INT64' },
  int32: { type: 'INT32' },
  boolean: { type: 'BOOLEAN' },
  timestamp: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
}

/** Starts a file, or goes on with one that is not complete. */
export function createEncoder({ columns, about }: FileContent, earlier?: Parquet): ParquetEncoder {
  const writer = new ByteWriter()
  const file = new ParquetWriter({ writer, schema: schemaOf(columns) })
  if (earlier) goOn(file, writer, earlier)
  let hashes = earlier?.notes.hashes ?? columns.map(() => '')
  const take = () => {
    const bytes = writer.getBytes().slice()
    writer.index = 0
    return bytes
  }
  return {
    rowGroup(values) {
      const data = columns.map(({ name }, index) => ({ name, data: [...(values[index] ?? [])], offsetIndex: false }))
      file.write({ columnData: data, rowGroupSize: data[0]?.data.length ?? 0 })
      keepOwnTexts(file.row_groups.at(-1))
      hashes = values.map((each, index) => hashOn(hashes[index] ?? '', each))
      return take()
    },
    footer(next) {
      const notes = noted({ hashes, ...(next !== undefined && { next }) })
      file.kvMetadata = Object.entries({ ...about, ...notes }).map(([key, value]) => ({ key, value }))
      file.finish()
      return take()
    },
  }
}

/** The least and the greatest text of a column are parts of the text of the report, which they would keep in memory. */
function keepOwnTexts(group: ParquetRowGroup | undefined): void {
  for (const { meta_data } of group?.columns ?? []) {
    const statistics = meta_data?.statistics
    if (typeof statistics?.min_value === 'string') statistics.min_value = copyOf(statistics.min_value)
    if (typeof statistics?.max_value === 'string') statistics.max_value = copyOf(statistics.max_value)
  }
}

function copyOf(text: string): string {
  return Buffer.from(text).toString()
}

/** The row groups that are written stand, and what follows begins where the footer was. The start of a new file is dropped. */
function goOn(file: ParquetWriter, writer: ByteWriter, { metadata, dataEnd }: Parquet): void {
  file.row_groups = metadata.row_groups
  file.num_rows = metadata.num_rows
  writer.offset = dataEnd
  writer.index = 0
}

function schemaOf(columns: readonly FileColumn[]): SchemaElement[] {
  const root: SchemaElement = { name: 'row', num_children: columns.length }
  return [root, ...columns.map(({ name, type }) => ({ name, repetition_type: 'OPTIONAL' as const, ...PHYSICAL[type] }))]
}
