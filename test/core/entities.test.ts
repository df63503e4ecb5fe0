import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import {
  type Column,
  checkColumns,
  createEntityEncoder,
  type Entity,
  isReject,
  type Reject,
} from '../../src/core/report/entities.ts'
import type { ParsedRecord } from '../../src/core/report/parse.ts'

const LINEAGE = { attempt: 3, reportId: 'r-1' }

function record(fields: readonly string[], verdict?: ParsedRecord['verdict']): ParsedRecord {
  return { line: 7, fields, raw: fields.join(','), ...(verdict && { verdict }) }
}

function encode(columns: readonly Column[], fields: readonly string[], number = 0): Entity | Reject {
  const encoder = createEntityEncoder({ columns, prefix: '20250301_', shards: 16, lineage: LINEAGE })
  return encoder.encode(record(fields), number)
}

function entity(result: Entity | Reject): Entity {
  if (isReject(result)) throw new Error(result.reason)
  return result
}

function datesOf(json: string): readonly unknown[] {
  const { Day, Month_month, Since } = JSON.parse(json) as Record<string, string>
  return [Day, Month_month, Since].map((date) => date?.slice(0, 10))
}

const strings = (count: number): Column[] =>
  Array.from({ length: count }, (_, i) => ({ name: `C${i}`, type: 'string' }))

describe('entities', () => {
  it('carry keys, typed cells and lineage', () => {
    const columns: Column[] = [
      { name: 'Customer Name', type: 'string' },
      { name: 'Cost', type: 'double' },
      { name: 'Empty', type: 'int64' },
    ]
    const result = entity(encode(columns, ['Zoë', '1', ''], 1_234))
    expect({ partitionKey: result.partitionKey, rowKey: result.rowKey }).toEqual({
      partitionKey: '20250301_012',
      rowKey: '000001234',
    })
    expect(JSON.parse(result.json)).toEqual({
      PartitionKey: '20250301_012',
      RowKey: '000001234',
      Customer_x0020_Name: 'Zoë',
      'Cost@odata.type': 'Edm.Double',
      Cost: 1,
      '_attempt@odata.type': 'Edm.Int32',
      _attempt: 3,
      _reportId: 'r-1',
      '_line@odata.type': 'Edm.Int32',
      _line: 7,
    })
  })

  it('carry the dates of their own row and column, whatever stood in the row before', () => {
    const columns: Column[] = [
      { name: 'Day', type: 'datetime' },
      { name: 'Month', type: 'month' },
      { name: 'Since', type: 'datetime' },
    ]
    const encoder = createEntityEncoder({ columns, prefix: '20250301_', shards: 16, lineage: LINEAGE })
    const [may, june, july] = ['2025-05-02', '2025-06-03', '2025-07-04']
    const rows = [may, may, june, may]
      .map((day) => [day, june, july])
      .concat([
        [june, '', may],
        ['soon', june, july],
      ])
    const landed = rows.map((fields, number) => encoder.encode(record(fields), number))
    expect(landed.map((each) => (isReject(each) ? each.column : datesOf(each.json)))).toEqual([
      [may, '2025-06-01', july],
      [may, '2025-06-01', july],
      [june, '2025-06-01', july],
      [may, '2025-06-01', july],
      [june, undefined, may],
      'Day',
    ])
  })

  it('share a partition by the hundred and go round the shards', () => {
    const keys = [0, 99, 100, 1_599, 1_600, 999_999_999].map(
      (number) => entity(encode(strings(1), ['x'], number)).partitionKey,
    )
    expect(keys).toEqual(['000', '000', '001', '015', '000', '015'].map((shard) => `20250301_${shard}`))
  })

  it('are rejects, with line, column, reason and text, where a cell does not fit', () => {
    const columns: Column[] = [
      { name: 'Name', type: 'string' },
      { name: 'Cost', type: 'double' },
    ]
    expect(encode(columns, ['a', 'much'], 5)).toEqual({
      record: 5,
      line: 7,
      column: 'Cost',
      reason: 'is not a number',
      raw: 'a,much',
    })
  })

  it.each(['ragged', 'text-after-quote', 'too-long', 'unclosed-quote'] as const)(
    'are rejects where a record is %s',
    (verdict) => {
      const encoder = createEntityEncoder({ columns: strings(1), prefix: 'p_', shards: 1, lineage: LINEAGE })
      const result = encoder.encode(record(['x'], verdict), 5)
      expect(result).toEqual({ record: 5, line: 7, reason: expect.any(String), raw: 'x' })
    },
  )

  it('are rejects above 1 MiB as the service counts it, and land below', () => {
    const limit = 1_048_576
    const wide = (characters: number) => Array.from({ length: 20 }, () => '"'.repeat(characters))
    const below = Math.floor((limit - 1_024) / 20 / 2) - 10
    expect(isReject(encode(strings(20), wide(below)))).toBe(false)
    expect(encode(strings(20), wide(below + 60))).toMatchObject({ reason: expect.stringContaining('1 MiB') })
  })

  it('are never counted shorter than they are in UTF-8', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 })
    fc.assert(
      fc.property(text, fc.constantFrom(1, 60), (value, times) => {
        const { json, bytes } = entity(encode(strings(1), [value.repeat(times)]))
        expect(bytes).toBeGreaterThanOrEqual(Buffer.byteLength(json))
      }),
      { numRuns: 500 },
    )
  })

  it('count a long entity close to what it is', () => {
    const { json, bytes } = entity(encode(strings(1), ['é'.repeat(15_000)]))
    expect(bytes).toBe(Buffer.byteLength(json))
  })
})

describe('columns', () => {
  it('pass up to 252 properties, lineage and derived months counted', () => {
    const month: Column = { name: 'Month', type: 'month' }
    expect(checkColumns([...strings(247), month])).toBeUndefined()
    expect(checkColumns([...strings(248), month])).toMatchObject({
      kind: 'malformed',
      message: expect.stringMatching(/^253 properties/),
    })
  })

  it('fail where one stands twice', () => {
    const twice: Column[] = [
      { name: 'A', type: 'string' },
      { name: 'a', type: 'string' },
      { name: 'A', type: 'double' },
    ]
    expect(checkColumns(twice)).toMatchObject({ kind: 'malformed', message: expect.stringContaining('"A"') })
    expect(checkColumns(twice.slice(0, 2))).toBeUndefined()
  })

  it('fail where a name is too long as a property, which escapes make longer', () => {
    expect(checkColumns([{ name: 'x'.repeat(255), type: 'string' }])).toBeUndefined()
    expect(checkColumns([{ name: 'x'.repeat(255), type: 'month' }])).toMatchObject({ kind: 'malformed' })
    expect(checkColumns([{ name: `${'-'.repeat(40)}\n`, type: 'string' }])).toEqual(
      failed('malformed', `column "${'-'.repeat(40)} …": its property name is longer than 255 characters; rename it`),
    )
  })
})
