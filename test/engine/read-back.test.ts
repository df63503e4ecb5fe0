import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import type { ColumnType } from '../../src/core/feeds/feed.ts'
import { checkColumns, createEntityEncoder, type Entity, isReject } from '../../src/core/report/entities.ts'
import { readHeader } from '../../src/core/report/layout.ts'
import { openReport } from '../../src/services/storage/report-records.ts'
import { feedOf } from '../core/feed-of.ts'
import { type AnyTable, anyTable, encodeTable, REJECT } from '../memory/any-table.ts'
import { createMemoryStore } from '../memory/memory-store.ts'
import { type StoredRow, unhindered } from '../memory/store.ts'
import { ASKED } from '../setup/stored.ts'

type Read = { readonly rows: readonly StoredRow[]; readonly rejected: number } | 'refused'

/** Archives, reads, encodes and writes a file as a landing does, and gives the rows that are there afterwards. */
async function landed(bytes: Buffer, columns: AnyTable['columns']): Promise<Read> {
  const store = createMemoryStore({ clock: () => new Date(0) })
  const { archive, landingTable } = store.open(unhindered)
  const name = `f/w/1-x.csv${bytes[0] === 0x1f ? '.gz' : ''}`
  const writer = archive.write(name, { asked: ASKED, reportId: 'r', attempt: 1, requestedAt: new Date(0), nonce: 'n' })
  await writer.append(bytes)
  const report = await openReport(archive, await writer.commit(), 'a table', { verify: true })
  if (isFailure(report)) throw new Error(report.message)
  const types = Object.fromEntries(columns.map((column) => [column.name, column.type]))
  const layout = readHeader({ ...feedOf(), types }, undefined, report.header, 'a table')
  if (isFailure(layout)) throw new Error(layout.message)
  if (checkColumns(layout.columns)) return 'refused'
  const lineage = { attempt: 1, reportId: 'r' }
  const encoder = createEntityEncoder({ columns: layout.columns, prefix: '20250501_', shards: 3, lineage })
  let number = 0
  let rejected = 0
  async function* entities(): AsyncGenerator<readonly Entity[]> {
    if (!report || isFailure(report)) return
    for await (const group of report.records) {
      if (isFailure(group)) throw new Error(group.message)
      const results = group.map((record) => encoder.encode(record, number++))
      rejected += results.filter(isReject).length
      yield results.filter((result): result is Entity => !isReject(result))
    }
  }
  const table = landingTable('T')
  await table.create()
  await table.write(entities(), { inFlight: 3 })
  return { rows: await store.rows('T'), rejected }
}

const ESCAPE = /_x([0-9A-F]{4})_/g

const READERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  'Edm.Int64': (value) => BigInt(String(value)),
  'Edm.DateTime': (value) => new Date(String(value)).getTime(),
}

/** The values of a row by the names of their columns, read without the app's code. */
function readRow(row: StoredRow): Map<string, unknown> {
  const own = Object.entries(row).filter(
    ([property]) => !/^(PartitionKey|RowKey|_attempt|_reportId|_line)$|@/.test(property),
  )
  return new Map(
    own.map(([property, value]) => {
      const type = String(row[`${property}@odata.type`] ?? '')
      const isMonth = property.replace(ESCAPE, '-').endsWith('_month')
      const written = isMonth ? property.slice(0, -6) : property
      const name = written.replace(ESCAPE, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
      return [isMonth ? `${name} as month` : name, READERS[type]?.(value) ?? value]
    }),
  )
}

function expectedRow(columns: AnyTable['columns'], row: AnyTable['rows'][number]): Map<string, unknown> {
  const members = columns.flatMap(({ name, type }, index): [string, unknown][] => {
    const value = row[index]?.value
    if (value === undefined) return []
    return type === 'month' && Array.isArray(value)
      ? [
          [name, value[0]],
          [`${name} as month`, value[1]],
        ]
      : [[name, value]]
  })
  return new Map(members)
}

const count = (seen: Map<string, number>, what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

it('any table lands as the same values, whatever its types, its names and its form', async () => {
  const seen = new Map<string, number>()
  const lands = fc.asyncProperty(anyTable, fc.boolean(), async (table, isPacked) => {
    const bytes = encodeTable(table)
    const read = await landed(isPacked ? gzipSync(bytes) : bytes, table.columns)
    count(seen, read === 'refused' ? 'name too long' : 'names fit')
    if (read === 'refused') return expect(table.columns.some(({ name }) => name.length > 30)).toBe(true)
    // A record of empty cells only is no row.
    const rows = table.rows.filter((row) => row.some(({ text }) => text !== ''))
    const fit = rows.filter((row) => row.every(({ value }) => value !== REJECT))
    expect(read.rejected).toBe(rows.length - fit.length)
    expect(read.rows.map(readRow)).toEqual(fit.map((row) => expectedRow(table.columns, row)))
    for (const { about } of table.rows.flat()) count(seen, about)
    for (const { type } of table.columns) count(seen, type)
    count(seen, `${table.delimiter} ${isPacked}`)
  })
  await fc.assert(lands, { numRuns: 1500 })
  const sides = [
    ...['longest text', 'longer text', 'largest double', 'larger double', 'longest number', 'longer number'],
    ...['largest integer', 'larger integer', 'smallest integer', 'smaller integer', 'shorter guid'],
    ...['earliest date', 'earlier date', 'latest date', 'later date', 'names fit'],
    ...['string', 'double', 'int64', 'boolean', 'datetime', 'guid', 'month'],
    ...[', true', ', false', '\t true', '\t false'],
  ]
  expect(sides.filter((side) => !seen.has(side))).toEqual([])
})

/** A table of one row, whose columns all hold a text of this length. */
async function landedWide(columns: number, width: number, nameLength = 4): Promise<'lands' | 'reject' | 'refused'> {
  const named = Array.from({ length: columns }, (_, index) => ({
    name: `c${String(index).padStart(nameLength - 1, '0')}`,
    type: 'string' as ColumnType,
  }))
  const lines = [named.map(({ name }) => name).join(), named.map(() => 'x'.repeat(width)).join(), '']
  const read = await landed(Buffer.from(lines.join('\n')), named)
  if (read === 'refused') return 'refused'
  return read.rejected === 1 ? 'reject' : 'lands'
}

it.each([
  ['252 properties', (over: boolean) => landedWide(over ? 250 : 249, 1), 'refused'],
  ['255 characters of a name', (over: boolean) => landedWide(1, 1, over ? 256 : 255), 'refused'],
  ['a mebibyte of an entity', (over: boolean) => landedWide(16, over ? 32_768 : 32_500), 'reject'],
] as const)('a row lands at %s, and not beyond', async (_, land, beyond) => {
  expect([await land(false), await land(true)]).toEqual(['lands', beyond])
})

it('rows land up to the size of a mebibyte, and are rejects beyond it', async () => {
  const seen = new Set<string>()
  const width = fc.integer({ min: 30_000, max: 32_768 })
  const lands = fc.asyncProperty(fc.integer({ min: 15, max: 18 }), width, async (columns, units) => {
    // What the service sums up: two bytes a unit, what each property adds, and the keys and the lineage.
    const least = columns * units * 2
    const outcome = await landedWide(columns, units)
    seen.add(outcome)
    if (least > 1_048_576) expect(outcome).toBe('reject')
    if (least < 1_048_576 - 4096) expect(outcome).toBe('lands')
  })
  await fc.assert(lands, { numRuns: 300 })
  expect([...seen].sort()).toEqual(['lands', 'reject'])
})
