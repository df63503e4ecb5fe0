import { DuckDBTimestampTZValue } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColumnType } from '../../src/core/feeds/feed.ts'
import { type Column, createEntityEncoder, isReject } from '../../src/core/report/entities.ts'
import { type FileLayout, type FileType, type FileValue, fileLayout } from '../../src/core/report/file-columns.ts'
import type { ParsedRecord } from '../../src/core/report/parse.ts'
import { propertyName } from '../../src/core/report/property-names.ts'
import { createEncoder } from '../../src/services/parquet/encode.ts'
import { openParquet } from '../../src/services/parquet/parquet.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { type Duck, openDuck, readWithHyparquet, valueInTable, withoutSigns } from '../setup/parquet-readers.ts'

const LINEAGE = { attempt: 3, reportId: '0f8fad5b-d9cb-469f-a165-70867728950e' }

const DUCK_TYPES: Readonly<Record<FileType, string>> = {
  string: 'VARCHAR',
  double: 'DOUBLE',
  int64: 'BIGINT',
  int32: 'INTEGER',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
}

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

const dates = fc.date({ min: new Date('1601-01-01'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })

const DATE_TEXTS = [
  '1601-01-01T00:00:00Z',
  '9999-12-31T23:59:59.9999999Z',
  '1969-12-31T23:59:59.0010000Z',
  '2025-03-01 10:11:12.1234567',
  '2025-03-01T23:30:00+05:30',
  '3/9/2025 1:02:03 PM',
  '20250301',
  'Apr-2023',
]

/** The texts of a cell that lands in a column of each type. */
const CELLS: Readonly<Record<ColumnType, fc.Arbitrary<string>>> = {
  string: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '"', 'a "b"', 'one\r\ntwo\n', '\0', 'a\0b', '👩‍💻', '\uffff', '\u{10ffff}', 'NULL', ' '),
    fc.constantFrom('é'.repeat(32_768), `${'x'.repeat(32_767)}y`, '😀'.repeat(16_384)),
  ),
  double: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.constantFrom(
      '',
      '-0',
      '-0.0',
      '-0e5',
      '0',
      '1e308',
      '-1.7976931348623157e308',
      '5e-324',
      '2.2e-308',
      '+.5',
      '19.90',
    ),
  ),
  int64: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.constantFrom('', '9223372036854775807', '-9223372036854775808', '+0012.000', '-0', '9007199254740993'),
  ),
  boolean: fc.constantFrom('', 'true', 'TRUE', 'Yes', 'y', '1', 'false', 'No', 'N', '0'),
  datetime: fc.oneof(
    dates.map((date) => date.toISOString()),
    fc.constantFrom('', ...DATE_TEXTS),
  ),
  month: fc.oneof(
    dates.map((date) => date.toISOString().slice(0, 7)),
    fc.constantFrom('', ...DATE_TEXTS),
  ),
  guid: fc.oneof(
    fc.uuid(),
    fc.uuid().map((guid) => guid.toUpperCase()),
    fc.constant(''),
  ),
}

const TYPES = Object.keys(CELLS) as ColumnType[]

const columnNames = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.constantFrom('Month', 'PartitionKey', 'Customer "Name"', 'a.b', '_line', 'Größe', 'X_month', 'order'),
)

/** What happens after a row: it ends its row group, or the file, with which a continuation goes on. */
type Cut = 'none' | 'group' | 'continuation'

const tables = fc
  .uniqueArray(fc.record({ name: columnNames, type: fc.constantFrom(...TYPES) }), {
    minLength: 1,
    maxLength: 6,
    selector: ({ name }) => name.trim().toLowerCase(),
  })
  .chain((columns) =>
    fc.record({
      columns: fc.constant<readonly Column[]>(columns),
      asked: fc.option(fc.shuffledSubarray(columns.map(({ name }) => name.toLowerCase()))),
      rows: fc.array(
        fc.record({
          cells: fc.tuple(...columns.map(({ type }) => CELLS[type])),
          cut: fc.constantFrom<Cut>('none', 'none', 'group', 'continuation'),
        }),
        { maxLength: 25 },
      ),
    }),
  )

const layoutOf = (columns: Readonly<Record<string, ColumnType>>) =>
  fileLayout(
    Object.entries(columns).map(([name, type]) => ({ name, type })),
    undefined,
    LINEAGE,
  )

const recordOf = (fields: readonly string[], index: number): ParsedRecord => ({
  line: index + 2,
  fields,
  raw: fields.join(','),
})

/** Writes a file as landings do: a continuation goes on with the file so far. */
async function write({ columns, valuesOf }: FileLayout, rows: readonly Row[]): Promise<Buffer> {
  let file = Buffer.alloc(0)
  let end = 0
  const content = { columns, about: { feed: 'usage' } }
  let encoder = createEncoder(content)
  let group: (readonly FileValue[])[] = []
  const add = (bytes: Uint8Array) => {
    file = Buffer.concat([file, bytes])
  }
  const endGroup = () => {
    if (group.length > 0) add(encoder.rowGroup(columns.map((_, index) => group.map((values) => values[index] ?? null))))
    group = []
  }
  for (const [index, { cells, cut }] of rows.entries()) {
    group.push(valuesOf(recordOf(cells, index)))
    if (cut !== 'none') endGroup()
    if (cut !== 'continuation') continue
    add(encoder.footer(index + 1))
    const earlier = await openParquet(bufferOf(file))
    if (!earlier) throw new Error('the file so far cannot be opened')
    expect(earlier.notes.next).toBe(index + 1)
    encoder = createEncoder(content, earlier)
    end = earlier.dataEnd
    file = file.subarray(0, end)
  }
  endGroup()
  add(encoder.footer())
  return file
}

type Row = { readonly cells: readonly string[]; readonly cut: Cut }

function bufferOf(file: Buffer) {
  const bytes = new Uint8Array(file).buffer
  return { byteLength: bytes.byteLength, slice: (from: number, to?: number) => bytes.slice(from, to) }
}

/** The columns of the file: those that the feed asked for, in its order, then the others, and where a row came from. */
function namesOf(columns: readonly Column[], asked: readonly string[]): readonly string[] {
  const named = asked.flatMap((name) => columns.filter((column) => column.name.toLowerCase() === name))
  const ordered = [...named, ...columns.filter((column) => !named.includes(column))]
  const ofReport = ordered.flatMap(({ name, type }) => {
    const property = propertyName(name)
    return type === 'month' ? [property, `${property}_month`] : [property]
  })
  return [...ofReport, '_attempt', '_reportId', '_line']
}

/** The rows as the table is sent them. */
function rowsOfTable(columns: readonly Column[], rows: readonly Row[]): readonly RawRow[] {
  const encoder = createEntityEncoder({ columns, prefix: '20250301_', shards: 1, lineage: LINEAGE })
  return rows.map(({ cells }, index) => {
    const entity = encoder.encode(recordOf(cells, index), index)
    if (isReject(entity)) throw new Error(`${entity.column} ${entity.reason}`)
    return JSON.parse(entity.json)
  })
}

const asDuckValue = (value: string | number | bigint | boolean, type: FileType) =>
  type === 'timestamp' ? new DuckDBTimestampTZValue(BigInt(value) * 1000n) : value

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

describe('a file', () => {
  it('has for two readers the values of the table, however it is cut into row groups and continuations', async () => {
    let number = 0
    await fc.assert(
      fc.asyncProperty(tables, async ({ columns, asked, rows }) => {
        const layout = fileLayout(columns, asked ?? undefined, LINEAGE)
        const names = namesOf(columns, asked ?? [])
        const bytes = await write(layout, rows)
        const path = await duck.put(`${number++}.parquet`, bytes)
        const byDuck = await duck.query(`FROM '${path}'`)
        const byHyparquet = await readWithHyparquet(bytes)
        expect(byDuck.names).toEqual(names)
        expect(byHyparquet.names).toEqual(names)
        expect(byDuck.types).toEqual(layout.columns.map(({ type }) => DUCK_TYPES[type]))
        expect(byDuck.rows).toEqual(byHyparquet.rows)
        expect(withoutSigns(byDuck.rows)).toEqual(
          rowsOfTable(columns, rows).map((row) => names.map((name) => valueInTable(row, name))),
        )
        // A row group is left out where its least or greatest value says that it cannot have the wanted one.
        for (const [index, { name, type }] of layout.columns.entries()) {
          const values = byDuck.rows.map((row) => row[index] ?? null).filter((value) => value !== null)
          const wanted = values[values.length >> 1]
          if (wanted === undefined) continue
          const count = values.filter((value) => value === wanted).length
          const found = await duck.query(
            `SELECT count(*) FROM '${path}' WHERE ${quoted(name)} = $1`,
            asDuckValue(wanted, type),
          )
          expect(found.rows, name).toEqual([[BigInt(count)]])
        }
        const { rows: bounds } = await duck.query(
          `SELECT path_in_schema FROM parquet_metadata('${path}') WHERE stats_null_count IS NULL
             OR num_values > stats_null_count AND (stats_min_value IS NULL OR stats_max_value IS NULL)`,
        )
        expect(bounds).toEqual([])
      }),
      { numRuns: 150 },
    )
  }, 120_000)

  it('without a row has its columns for two readers', async () => {
    const layout = layoutOf({ Month: 'month', Cost: 'double', Seats: 'int64' })
    const bytes = await write(layout, [])
    const path = await duck.put('none.parquet', bytes)
    const names = ['Month', 'Month_month', 'Cost', 'Seats', '_attempt', '_reportId', '_line']
    expect(await readWithHyparquet(bytes)).toEqual({ names, rows: [] })
    expect(await duck.query(`FROM '${path}'`)).toMatchObject({ names, rows: [] })
    const other = await duck.put('one.parquet', await write(layout, [{ cells: ['2025-03', '1', ''], cut: 'none' }]))
    const { rows } = await duck.query(`SELECT Cost, Seats FROM read_parquet(['${path}', '${other}'])`)
    expect(rows).toEqual([[1, null]])
  })

  it('of many rows has them all, and a filter reads the row groups that may have what it wants', async () => {
    const rows = Array.from({ length: 25_000 }, (_, index): Row => {
      const cut = index === 9_999 ? 'continuation' : 'none'
      return { cells: [`2025-0${1 + Math.trunc(index / 10_000)}`, `${index}.5`, `customer ${index % 700}`], cut }
    })
    const layout = layoutOf({ Month: 'month', Cost: 'double', CustomerName: 'string' })
    const bytes = await write(layout, rows)
    const path = await duck.put('many.parquet', bytes)
    const found = await duck.query(`SELECT Month, Cost, CustomerName FROM '${path}' ORDER BY _line`)
    expect(found.rows).toHaveLength(25_000)
    expect(found.rows).toEqual(rows.map(({ cells: [month = '', cost, name = ''] }) => [month, Number(cost), name]))
    const january = `Month_month < TIMESTAMPTZ '2025-01-31 00:00:00+00'`
    const { rows: months } = await duck.query(`SELECT count(*), max(Cost) FROM '${path}' WHERE ${january}`)
    expect(months).toEqual([[10_000n, 9_999.5]])
    const { rows: bounds } = await duck.query(
      `SELECT stats_min_value, stats_max_value FROM parquet_metadata('${path}') WHERE path_in_schema = 'Cost'`,
    )
    expect(bounds).toEqual([
      ['0.5', '9999.5'],
      ['10000.5', '24999.5'],
    ])
  })
})

describe('a folder with files of two forms', () => {
  it('is refused without union_by_name where a file lacks a column', async () => {
    const first = await duck.put('first.parquet', await write(layoutOf({ Month: 'month', Cost: 'double' }), []))
    const second = await duck.put('second.parquet', await write(layoutOf({ Month: 'month' }), []))
    await expect(duck.query(`FROM read_parquet(['${first}', '${second}'])`)).rejects.toThrow('union_by_name=True')
  })

  const put = async (name: string, columns: Record<string, ColumnType>, cells: readonly string[]) =>
    duck.put(name, await write(layoutOf(columns), [{ cells, cut: 'none' }]))

  it('is read by union_by_name: a column that a file lacks is null, a renamed one is two', async () => {
    await put('renamed-1.parquet', { Month: 'month', Customer: 'string', Cost: 'double' }, ['2025-03', 'Contoso', '1'])
    await put('renamed-2.parquet', { Month: 'month', Cost: 'double', CustomerName: 'string' }, [
      '2025-04',
      '2',
      'Adatum',
    ])
    const files = `read_parquet('${duck.folder}/renamed-*.parquet', union_by_name = true)`
    expect(await duck.query(`SELECT Month, Customer, CustomerName, Cost FROM ${files} ORDER BY Month`)).toMatchObject({
      rows: [
        ['2025-03', 'Contoso', null, 1],
        ['2025-04', null, 'Adatum', 2],
      ],
    })
  })

  it.each<[ColumnType, string, ColumnType, string, string, readonly FileValue[]]>([
    ['string', '007', 'int64', '8', 'VARCHAR', ['007', '8']],
    ['int64', '007', 'double', '8', 'DOUBLE', [7, 8]],
    ['string', '2025-03-01', 'datetime', '2025-04-01', 'VARCHAR', ['2025-03-01', '2025-04-01 00:00:00+00']],
    ['int64', '007', 'boolean', 'no', 'BIGINT', [7n, 0n]],
  ])(
    'is read by union_by_name where a %s (%s) becomes a %s (%s): it is %s',
    async (before, was, after, is, type, values) => {
      const name = `${before}-${after}`
      await put(`${name}-1.parquet`, { Value: before }, [was])
      await put(`${name}-2.parquet`, { Value: after }, [is])
      // As a text a timestamp has the zone of the session.
      await duck.query(`SET TimeZone = 'UTC'`)
      const files = `read_parquet('${duck.folder}/${name}-*.parquet', union_by_name = true)`
      const found = await duck.query(`SELECT Value FROM ${files} ORDER BY filename`)
      expect(found).toMatchObject({ types: [type], rows: values.map((value) => [value]) })
    },
  )
})
