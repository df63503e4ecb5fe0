import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DOUBLE,
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import { parquetMetadata, parquetRead, parquetSchema } from 'hyparquet'
import type { FileValue } from '../../src/core/report/file-columns.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'

/** What a reader finds in a file: a `timestamp` is a bigint of milliseconds. */
export type Found = { readonly names: readonly string[]; readonly rows: readonly (readonly FileValue[])[] }

/** Reads a file with hyparquet. */
export async function readWithHyparquet(bytes: Uint8Array): Promise<Found> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  const metadata = parquetMetadata(file)
  const names = parquetSchema(metadata).children.map(({ element }) => element.name)
  const rows = Array.from({ length: Number(metadata.num_rows) }, (): FileValue[] => [])
  await parquetRead({
    file,
    onChunk({ columnName, columnData, rowStart }) {
      const column = names.indexOf(columnName)
      Array.from(columnData).forEach((value, index) => {
        const row = rows[rowStart + index]
        if (row) row[column] = value instanceof Date ? BigInt(value.getTime()) : (value ?? null)
      })
    },
  })
  return { names, rows }
}

/** DuckDB, and a folder of its own with files for it. */
export type Duck = {
  readonly folder: string
  /** Puts a file into the folder, and gives its path. */
  put(name: string, bytes: Uint8Array): Promise<string>
  /** What a statement finds, with the type of each column. Its parameters are `$1` and so on. */
  query(sql: string, ...parameters: readonly DuckDBValue[]): Promise<Found & { readonly types: readonly string[] }>
  close(): void
}

/** Opens DuckDB, which keeps nothing after its end. */
export async function openDuck(): Promise<Duck> {
  const folder = await mkdtemp(join(tmpdir(), 'parquet-'))
  const instance = await DuckDBInstance.create()
  const connection: DuckDBConnection = await instance.connect()
  return {
    folder,
    async put(name, bytes) {
      const path = join(folder, name)
      await writeFile(path, bytes)
      return path
    },
    async query(sql, ...parameters) {
      const named = Object.fromEntries(parameters.map((value, index) => [String(index + 1), value]))
      // A number without a fraction would be taken for an integer.
      const types = Object.fromEntries(
        parameters.flatMap((value, index) => (typeof value === 'number' ? [[String(index + 1), DOUBLE]] : [])),
      )
      const result = await connection.runAndReadAll(sql, named, types)
      const names = result.columnNames()
      return { names, types: result.columnTypes().map(String), rows: result.getRows().map((row) => row.map(fileValue)) }
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

function fileValue(value: DuckDBValue): FileValue {
  if (value instanceof DuckDBTimestampTZValue) {
    if (value.micros % 1000n !== 0n) throw new Error(`${value.micros} µs are no whole milliseconds`)
    return value.micros / 1000n
  }
  if (value === null || typeof value !== 'object') return value
  throw new Error(`no column of a file has a value such as ${value}`)
}

/** The value that a row of the table has for a column of the file, by the types that the row states. */
export function valueInTable(row: RawRow, property: string): FileValue {
  // Every object has a `constructor`, and a column may have that name.
  const value = Object.hasOwn(row, property) ? row[property] : undefined
  if (value === undefined) return null
  const type = row[`${property}@odata.type`]
  if (type === 'Edm.Int64') return BigInt(value)
  if (type === 'Edm.DateTime') return millisecondsOf(String(value))
  if (type === 'Edm.Guid') return String(value).toLowerCase()
  // Whether a zero has a sign depends on how the table and its emulator write numbers.
  return value === 0 ? 0 : value
}

function millisecondsOf(iso: string): bigint {
  const [seconds = '', fraction = ''] = iso.replace('Z', '').split('.')
  return BigInt(Date.parse(`${seconds}Z`)) + BigInt(fraction.slice(0, 3).padEnd(3, '0'))
}

/** Rows as they compare with those of the table, which knows no sign of a zero. */
export function withoutSigns(rows: Found['rows']): Found['rows'] {
  return rows.map((row) => row.map((value) => (value === 0 ? 0 : value)))
}
