import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { AWKWARD } from '../../local/simulator/awkward.ts'
import { makeRows } from '../../local/simulator/data.ts'
import { datasetsOf } from '../../local/simulator/datasets.ts'
import { type ResolvedQuery, resolveQuery } from '../../local/simulator/query.ts'
import { encodeText } from '../../local/simulator/report-file.ts'
import type { Value } from '../../local/simulator/values.ts'
import { CATALOG, type Dataset } from '../../src/core/catalog.ts'

const DATASETS = datasetsOf('2023')

function resolve(text: string): ResolvedQuery {
  const resolved = resolveQuery(text, DATASETS)
  if (typeof resolved === 'string') throw new Error(resolved)
  return resolved
}

const between = (from: string, to: string) => ({ from: new Date(from), to: new Date(to) })
const MARCH = between('2025-03-01T00:00:00Z', '2025-03-31T23:59:59Z')
const DAY = between('2025-03-07T00:00:00Z', '2025-03-07T23:59:59Z')

function rowsOf(text: string, times = MARCH, seed = 1, rows?: number): readonly (readonly Value[])[] {
  return makeRows({ seed, query: resolve(text), times, rows })
}

const allOf = (dataset: Dataset) => `SELECT ${dataset.columns.map(({ name }) => name).join(',')} FROM ${dataset.name}`

describe('conditions and order are those of the rows that are made without them', () => {
  const all = rowsOf('SELECT CustomerName, UsageQuantity, FirstUseDate, UsageUnits FROM AzureUsage')
  type Cells = readonly [name: string, quantity: string | null, used: Date | null, units: string]
  const number = (value: string | null) => (value === null ? Number.NaN : Number(value))
  const cases: readonly [string, (cells: Cells) => boolean][] = [
    ["CustomerName = '1e5'", ([name]) => name === '1e5'],
    ["CustomerName != 'NULL'", ([name]) => name !== 'NULL'],
    ["CustomerName LIKE '%(%'", ([name]) => name.includes('(')],
    ["CustomerName LIKE 'Contoso%'", ([name]) => name.startsWith('Contoso')],
    ["CustomerName NOT LIKE '%oso%'", ([name]) => !name.includes('oso')],
    ["CustomerName IN ('007', 'true')", ([name]) => ['007', 'true'].includes(name)],
    ['UsageQuantity > 5000 AND UsageQuantity <= 9000', ([, n]) => number(n) > 5000 && number(n) <= 9000],
    ['UsageQuantity NOT IN (0, 19.9)', ([, n]) => n !== null && number(n) !== 0 && number(n) !== 19.9],
    ["FirstUseDate >= '2020-01-01'", ([, , used]) => used !== null && used >= new Date('2020-01-01')],
  ]

  it.each(cases)('WHERE %s', (where, holds) => {
    const expected = all.filter((row) => holds(row as unknown as Cells))
    expect(expected.length).toBeGreaterThan(0)
    expect(expected.length).toBeLessThan(all.length)
    const found = rowsOf(`SELECT CustomerName, UsageQuantity, FirstUseDate, UsageUnits FROM AzureUsage WHERE ${where}`)
    expect(found).toEqual(expected)
    const alone = rowsOf(`SELECT UsageUnits FROM AzureUsage WHERE ${where}`)
    expect(alone).toEqual(expected.map((row) => row.slice(3)))
  })

  it('ORDER BY and LIMIT give the first of the sorted rows, and DISTINCT each combination once', () => {
    const most = rowsOf('SELECT CustomerName FROM AzureUsage ORDER BY UsageQuantity DESC LIMIT 10')
    const sorted = all.toSorted((a, b) => Number(b[1] ?? -1e300) - Number(a[1] ?? -1e300))
    expect(most).toEqual(sorted.slice(0, 10).map(([name]) => [name]))
    const units = rowsOf('SELECT DISTINCT UsageUnits FROM AzureUsage WHERE UsageQuantity > 0 ORDER BY UsageUnits ASC')
    const positive = all.filter(([, n]) => Number(n) > 0).map((row) => String(row[3]))
    expect(units.flat()).toEqual([...new Set(positive)].sort())
  })
})

describe('made rows', () => {
  const windows = [
    MARCH,
    between('2024-02-01T00:00:00Z', '2024-02-29T23:59:59Z'),
    DAY,
    between('2023-12-31T00:00:00Z', '2023-12-31T23:59:59Z'),
  ]
  const fitting = (dataset: Dataset) => (dataset.grain === 'day' ? windows : windows.slice(0, 2))
  const cases = DATASETS.flatMap((dataset) =>
    fitting(dataset).map((times) => [dataset.name, times.from.toISOString(), dataset, times] as const),
  )

  it.each(cases)('of %s from %s hold every awkward value', (_name, _from, dataset, times) => {
    const query = resolve(allOf(dataset))
    const rows = makeRows({ seed: 1, query, times, rows: undefined })
    for (const { name, type, present } of AWKWARD) {
      const columns = query.columns.flatMap((column, index) => {
        return column.type === type && column.values === undefined && column.name !== dataset.timeColumn ? [index] : []
      })
      for (const index of columns) {
        expect(
          rows.some((row) => present(row[index] ?? null)),
          `${name} in ${query.columns[index]?.name}`,
        ).toBe(true)
      }
    }
  })

  it('spread the awkward values and do not put them at the start', () => {
    const rows = rowsOf('SELECT CustomerName FROM AzureUsage')
    const places = rows.flatMap(([value], index) => (String(value).includes('"') ? [index] : []))
    expect(Math.max(...places) - Math.min(...places)).toBeGreaterThan(rows.length / 2)
  })

  it('are the same for the same recipe, and others for another seed, dataset or window', () => {
    const april = between('2025-04-01T00:00:00Z', '2025-04-30T23:59:59Z')
    const names = (dataset: string, times = MARCH, seed = 1) =>
      rowsOf(`SELECT CustomerName FROM ${dataset}`, times, seed, 100).flat().sort()
    expect(names('AzureUsage')).toEqual(names('AzureUsage'))
    expect(names('AzureUsage')).not.toEqual(names('AzureUsage', MARCH, 2))
    expect(names('AzureUsage')).not.toEqual(names('AzureUsage', april))
    expect(names('AzureUsage')).not.toEqual(names('OfficeUsage'))
  })

  it('do not depend on which other columns are asked for', () => {
    const alone = rowsOf('SELECT UsageQuantity FROM AzureUsage').map(([value]) => value)
    expect(rowsOf('SELECT customername, usagequantity FROM azureusage').map(([, value]) => value)).toEqual(alone)
  })

  it('of a long window are those of its months together', () => {
    const text = 'SELECT Month, SubscriptionId FROM AzureUsage'
    const april = rowsOf(text, between('2025-04-01T00:00:00Z', '2025-04-30T23:59:59Z'))
    expect(rowsOf(text, between('2025-03-01T00:00:00Z', '2025-04-30T23:59:59Z'))).toEqual([...rowsOf(text), ...april])
  })

  it('lie in the window, which an end on the next first instant would overstep', () => {
    const text = 'SELECT Month FROM AzureUsage'
    expect(new Set(rowsOf(text).flat())).toEqual(new Set(['2025-03-01']))
    expect(rowsOf(text, between('2025-03-02T00:00:00Z', '2025-03-31T23:59:59Z'))).toEqual([])
    const days = rowsOf('SELECT DateKey FROM TeamsUsage3PApps', between('2025-03-07T00:00:00Z', '2025-03-08T23:59:59Z'))
    expect(new Set(days.flat().map(String))).toEqual(
      new Set([String(new Date('2025-03-07')), String(new Date('2025-03-08'))]),
    )
  })

  it('number 1,001 to 1,400 for a month of AzureUsage and far fewer for a day', () => {
    for (let month = 0; month < 24; month += 1) {
      const start = new Date(Date.UTC(2023, month, 1))
      const { length } = rowsOf('SELECT SubscriptionId FROM AzureUsage', { from: start, to: start })
      expect(length).toBeGreaterThan(1000)
      expect(length).toBeLessThanOrEqual(1400)
    }
    expect(rowsOf('SELECT CustomerId FROM TeamsUsage3PApps', DAY).length).toBeLessThanOrEqual(80)
    expect(rowsOf('SELECT SubscriptionId FROM AzureUsage', MARCH, 1, 7)).toHaveLength(7)
  })

  it('stop at the limit, and merge where the query says distinct or names a metric', () => {
    expect(rowsOf('SELECT SubscriptionId FROM AzureUsage LIMIT 5')).toHaveLength(5)
    expect(rowsOf('SELECT DISTINCT SubscriptionState FROM AzureUsage')).toHaveLength(4)
    expect(rowsOf('SELECT SubscriptionState, TotalACR FROM AzureUsage')).toHaveLength(4)
    expect(rowsOf('SELECT SubscriptionState FROM AzureUsage').length).toBeGreaterThan(1000)
  })
})

describe('written rows', () => {
  const texts = fc.array(
    fc.array(fc.string({ unit: fc.constantFrom('"', ',', '\t', '\r', '\n', ' ', 'a', 'é', '🚀') }), {
      minLength: 2,
      maxLength: 2,
    }),
  )

  it.each(['csv', 'tsv'] as const)('read back as %s whatever they hold', (format) => {
    fc.assert(
      fc.property(texts, (rows) => {
        const delimiter = format === 'csv' ? ',' : '\t'
        const read = parse(encodeText(['a', 'b'], rows, format), { delimiter, record_delimiter: '\r\n' })
        expect(read).toEqual([['a', 'b'], ...rows])
      }),
    )
  })

  it('follow the documented guesses, written out', () => {
    const rows = [['a "b"', 12n, '-0.50', new Date('2025-03-01T00:00:00Z'), null]]
    expect(encodeText(['A', 'B', 'C', 'D', 'E'], rows, 'csv')).toBe(
      'A,B,C,D,E\r\n"a ""b""",12,-0.50,2025-03-01T00:00:00Z,\r\n',
    )
    expect(encodeText(['A', 'B'], [['a\rb', 'c\nd']], 'csv')).toBe('A,B\r\n"a\rb","c\nd"\r\n')
    expect(encodeText(['A'], [[''], [null]], 'csv')).toBe('A\r\n""\r\n""\r\n')
  })
})

test('every dataset of the catalogue is offered in one of the years', () => {
  const offered = new Set([...datasetsOf('2021'), ...DATASETS].map(({ name }) => name))
  expect(CATALOG.filter(({ name }) => !offered.has(name))).toEqual([])
})
