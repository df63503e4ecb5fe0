import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATALOG, type Dataset, findDataset } from '../../src/core/catalog.ts'
import { isFailure } from '../../src/core/failures.ts'
import { defaultSelection, feedQuery, type ListedDataset, type QuerySource } from '../../src/core/feeds/feed-query.ts'
import { validateQuery } from '../../src/core/query/check.ts'
import { feedOf } from './feed-of.ts'

/** What the service would list of a dataset if the catalogue were right. */
function listedOf({ name, columns, metrics, ranges }: Dataset): ListedDataset {
  return { name, columns: columns.map(({ name }) => name), metrics: metrics.map(({ name }) => name), ranges }
}

const usage = findDataset(CATALOG, 'AzureUsage') ?? failNoDataset()
const LISTED = listedOf(usage)

const listedWith = (ranges: readonly string[]): ListedDataset => ({ ...LISTED, ranges })

function failNoDataset(): never {
  throw new Error('no dataset AzureUsage')
}

/** The text that is registered for a feed of these fields, or why none is. */
function textOf(fields: Readonly<Record<string, unknown>>, listed: ListedDataset = LISTED): string {
  const feed = feedOf(fields)
  const { source } = feed
  if (source.kind === 'queryId') throw new Error('it has a query already')
  const chosen: QuerySource = source.kind === 'query' ? source : { ...source, columns: source.columns ?? [] }
  const text = feedQuery(feed, chosen, listed)
  if (!isFailure(text)) return text
  expect(text.kind).toBe('query-refused')
  return text.message
}

const CANNOT = 'feed azure-usage: its query cannot be registered:'

describe('the query of a feed', () => {
  test('by columns selects them and leaves the time to the query times', () => {
    expect(textOf({ columns: ['Month', 'TotalACR'] })).toBe('SELECT Month,TotalACR FROM AzureUsage')
  })

  test('has the condition and DISTINCT where the feed asks for them, the condition letter for letter', () => {
    const fields = { columns: ['ServiceName'], where: " ServiceName  LIKE '%a b%'\nand Month='x'", distinct: true }
    expect(textOf(fields)).toBe(
      "SELECT DISTINCT ServiceName FROM AzureUsage WHERE  ServiceName  LIKE '%a b%'\nand Month='x'",
    )
  })

  test('is the text that deployed apps have registered, and the validator accepts it', () => {
    const feeds = fc.constantFrom(...CATALOG).chain((dataset) => {
      const names = fc.constantFrom(...listedOf(dataset).columns)
      const condition = fc.tuple(names, fc.constantFrom('=', ' != ', ' like '), fc.stringMatching(/^[\w %;,]{0,8}$/))
      const where = fc.array(
        condition.map(([name, sign, value]) => `${name}${sign}'${value}'`),
        { maxLength: 3 },
      )
      const columns = fc.uniqueArray(names, { minLength: 1, maxLength: 6 })
      return fc.record({ dataset: fc.constant(dataset), columns, where, distinct: fc.boolean() })
    })
    const stable = fc.property(feeds, ({ dataset, columns, where, distinct }) => {
      const conditions = where.join('  AND ')
      const fields = { dataset: dataset.name, columns, distinct, ...(conditions && { where: conditions }) }
      const text = textOf(fields, listedOf(dataset))
      const start = `SELECT ${distinct ? 'DISTINCT ' : ''}${columns.join(',')} FROM ${dataset.name}`
      expect(text).toBe(conditions ? `${start} WHERE ${conditions}` : start)
      expect(validateQuery(text, dataset)).toEqual([])
    })
    fc.assert(stable, { numRuns: 500 })
  })

  test('of their own stays as they wrote it, its dataset in any spelling', () => {
    const query = ' select\n Month from azureusage where Month=1 ; '
    expect(textOf({ query })).toBe(query)
    const other = 'SELECT Month FROM CompetencyPerformanceRequirement'
    const listed = { ...LISTED, columns: ['Month'] }
    expect(textOf({ dataset: 'CompetencyPeformanceRequirement', query: other }, listed)).toBe(other)
  })

  test.each([
    ['CompetencyPeformanceRequirement', 'CompetencyPeformanceRequirement'],
    [' competencypeformancerequirement', 'CompetencyPeformanceRequirement'],
    ['CompetencyPerformanceRequirement ', 'CompetencyPerformanceRequirement'],
  ])('of a dataset that the service lists as "%s" names %s', (name, spelling) => {
    const listed = { ...LISTED, name, columns: ['Month'] }
    const fields = { dataset: 'CompetencyPeformanceRequirement', columns: ['Month'] }
    expect(textOf(fields, listed)).toBe(`SELECT Month FROM ${spelling}`)
  })
})

describe('where the service lists no TIMESPAN words', () => {
  test.each([[[]], [['Last 3 months']], [['LAST_3_MONTHS', 'Last month']]])(
    'but %j, the catalogue decides',
    (ranges) => {
      const query = (word: string) =>
        textOf({ query: `SELECT Month FROM AzureUsage TIMESPAN ${word}` }, listedWith(ranges))
      expect(usage.ranges).not.toContain('LAST_7_DAYS')
      for (const word of usage.ranges) expect(query(word)).toBe(`SELECT Month FROM AzureUsage TIMESPAN ${word}`)
      expect(query('LAST_7_DAYS')).toContain('TIMESPAN LAST_7_DAYS at character 39 is not offered by AzureUsage')
    },
  )

  test('nor the catalogue knows the dataset, any such word will do', () => {
    const query = 'SELECT Month FROM Newest TIMESPAN LAST_7_DAYS'
    const feed = { ...feedOf({ query }), dataset: 'Newest' }
    const source = { kind: 'query', query } as const
    expect(feedQuery(feed, source, { ...listedWith([]), name: 'Newest' })).toBe(query)
  })
})

describe('what the service lists now decides', () => {
  const listed = {
    name: 'AzureUsage',
    columns: [' month ', 'BrandNew', 'CustomerName'],
    metrics: ['NewTotal '],
    ranges: [' last_month'],
  }

  test.each([
    { query: 'SELECT brandnew,NewTotal FROM AzureUsage WHERE BrandNew=1 TIMESPAN LAST_MONTH' },
    { columns: ['Month'], where: "BrandNew = 'x' AND NewTotal > 0" },
  ])('a column that only the service knows is accepted: %j', (fields) => {
    expect(textOf(fields, listed)).not.toContain(CANNOT)
  })

  test.each([
    [
      { query: 'SELECT Month,BrandNw FROM AzureUsage' },
      'query: BrandNw at character 14 is not a column or metric of AzureUsage; the nearest is BrandNew',
    ],
    [
      { columns: ['Month', 'CustomerName'], where: "Month=1 AND CustomerNme='x'" },
      'where: CustomerNme at character 13 is not a column or metric of AzureUsage; the nearest is CustomerName',
    ],
    [
      { columns: ['Month', 'CustomerTenantId'] },
      'CustomerTenantId at character 14 is not a column or metric of AzureUsage; the nearest is CustomerName',
    ],
    [
      { query: 'SELECT Month FROM OfficeUsage' },
      'query: FROM names OfficeUsage at character 19; it must be AzureUsage',
    ],
    [
      { query: 'SELECT Month FROM AzureUsage TIMESPAN LAST_3_MONTHS' },
      'query: TIMESPAN LAST_3_MONTHS at character 39 is not offered by AzureUsage; it offers LAST_MONTH',
    ],
  ])('%j is refused with its place', (fields, problem) => {
    expect(textOf(fields, listed)).toBe(`${CANNOT} ${problem}`)
  })

  test('all that is wrong is told in one line, which is never longer than can be stored', () => {
    expect(textOf({ columns: ['ServiceName'], where: "Mont='x'" }, listed)).toMatch(
      /: ServiceName at character 8 is not a column [^;]*(; the nearest is \w+)?; where: Mont at character 1 is not a column/,
    )
    const names = Array.from({ length: 2_000 }, (_, index) => `Wrong${index}`)
    expect(textOf({ query: `SELECT ${names} FROM AzureUsage` }, listed)).toMatch(/^feed azure-usage: .{970,985}…$/)
  })
})

describe('all columns of a dataset that the catalogue lacks', () => {
  const feed = feedOf({ dataset: 'BrandNew', timeColumn: 'Day', window: 'P1D' })
  const many = Array.from({ length: 300 }, (_, index) => `C${index}`)

  test.each([
    ['a metric that is a column, too', ['Day', 'Seats'], ['seats '], ['Day', 'Seats'], []],
    ['a column twice', ['Day', 'A', 'A ', 'a'], [], ['Day', 'A'], []],
    ['names that a query cannot hold', ['A B', 'Day', 'C-D', 'select'], ['E'], ['Day', 'E'], ['A B', 'C-D', 'select']],
    ['more than a table row holds', ['Day', ...many], ['E'], ['Day', ...many.slice(0, 248)], [...many.slice(248), 'E']],
    ['the time behind what it holds', many, ['DAY'], [...many.slice(0, 248), 'DAY'], many.slice(248)],
  ])('are selected as far as they can be, with %s', (_, columns, metrics, selected, left) => {
    const listed = { name: 'BrandNew', columns, metrics, ranges: [] }
    const selection = defaultSelection(feed, listed)
    expect(selection).toEqual({ columns: selected, left })
    const query = feedQuery(feed, { kind: 'columns', columns: selection.columns, distinct: false }, listed)
    expect(query).toBe(`SELECT ${selected} FROM BrandNew`)
  })
})
