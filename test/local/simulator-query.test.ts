import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timespanTimes } from '../../local/simulator/query.ts'
import { type QueryParts, readQuery } from '../../local/simulator/query-language.ts'
import systemQueries from '../../local/simulator/system-queries.json' with { type: 'json' }
import { parseQuery } from '../../src/core/query/parse.ts'

/** As the documentation prints them, leniencies included. */
const DOCUMENTED = [
  "SELECT CustomerName, CustomerTpid, Product FROM CustomersAndTenants WHERE CustomerMarket='United States' TIMESPAN LAST_MONTH",
  "SELECT CustomerName, CustomerTpid, SKU, Month, BilledRevenueUSD FROM CustomersAndTenants WHERE SKU='MICROSOFT 365 BUSINESS STANDARD' AND BilledRevenueUSD>20000 TIMESPAN LAST_6_MONTHS",
  'SELECT CustomerName, CustomerTpid, Product, AvailableSeats FROM CustomersAndTenants ORDER BY AvailableSeats DESC LIMIT 10 TIMESPAN LAST_MONTH',
  "SELECT MPNId, PartnerName FROM Profile WHERE Country='United States'",
  "SELECT ResellerMpnId, ResellerName FROM ResellerPerformance WHERE ResellerMarket='US' TIMESPAN LAST_MONTH",
  'SELECT ResellerMpnId, ResellerName, TotalRevenue FROM ResellerPerformance ORDER BY TotalRevenue LIMIT 10 TIMESPAN LAST_MONTH',
  "SELECT SubscriptionId, CustomerName, Month, UsageUnits, UsageQuantity, TotalACR FROM AzureUsage WHERE MeterCategory='Azure DNS' TIMESPAN LAST_6_MONTHS",
  'SELECT SubscriptionId, ServiceName, TotalACR FROM AzureUsage WHERE TotalACR>20000 TIMESPAN LAST_6_MONTHS',
  'SELECT CustomerTenantId, PaidAvailableUnits, MonthlyActiveUsers FROM OfficeUsage WHERE MonthlyActiveUsers > 100000 ORDER BY MonthlyActiveUsers TIMESPAN LAST_6_MONTHS',
  "SELECT CustomerTenantId, Month FROM OfficeUsage WHERE CustomerTpId IN ('2a31c234-1f4e-4c60-909e-76d234f93161', '80780748-3f9a-11eb-b378-0242ac130002')",
  "SELECT CustomerTenantId, CustomerTpId FROM OfficeUsage WHERE CustomerTenantId NOT LIKE '%Contoso.com%' ORDER BY CustomerTenantId;",
  "SELECT WorkloadName FROM OfficeUsage WHERE IsDuplicateRowForPGA = 'False' ORDER BY CustomerTenantId DESC",
  'SELECT SubscriptionId from DynamicsUsage',
  ...systemQueries.flatMap(({ query2021, query2023 }) => [query2021 ?? [], query2023 ?? []].flat()),
]

const ACCEPTED = [
  'select a from d',
  "SELECT DISTINCT a,\n b FROM d WHERE a='x y, FROM' AND b NOT IN (1, -2.5) AND c LIKE '%z%' ORDER BY a, b DESC LIMIT 3 TIMESPAN last_month;",
  "SELECT a FROM d WHERE a IN ('x') AND b NOT LIKE 'y' AND c >= 1 AND d != 'q'",
  "SELECT a FROM d WHERE a='AND b = 1'AND b IN('(', ')')AND c=''",
  'SELECT a FROM d TIMESPAN LIFETIME',
  ...DOCUMENTED,
]

const REFUSED = [
  '',
  'SELECT FROM d',
  'SELECT DISTINCT FROM d',
  'SELECT a',
  'SELECT a, FROM d',
  'SELECT a b FROM d',
  'SELECT a AS b FROM d',
  'SELECT * FROM d',
  'SELECT 1a FROM d',
  'SELECT a FROM d WHERE',
  'SELECT a FROM d WHERE a',
  'SELECT a FROM d WHERE a <> 1',
  'SELECT a FROM d WHERE a NOT = 1',
  'SELECT a FROM d WHERE a = 6096xxx',
  'SELECT a FROM d WHERE a = 1.',
  'SELECT a FROM d WHERE a = "x"',
  "SELECT a FROM d WHERE a = 'x' OR b = 'y'",
  "SELECT a FROM d WHERE (a = 'x')",
  "SELECT a FROM d WHERE a = ('x')",
  "SELECT a FROM d WHERE a IN 'x'",
  'SELECT a FROM d WHERE a IN ()',
  "SELECT a FROM d WHERE a IN ('x', 1)",
  "SELECT a FROM d WHERE a = 'x",
  'SELECT a FROM d LIMIT 0',
  'SELECT a FROM d LIMIT 1.5',
  'SELECT a FROM d LIMIT 5TIMESPAN TODAY',
  'SELECT a FROM d ORDER a',
  'SELECT a FROM d LIMIT 1 ORDER BY a',
  'SELECT a FROM d TIMESPAN LAST_2_MONTHS',
  'SELECT a FROM d GROUP BY a',
  'FROM d SELECT a',
  'SELECT a FROM d; DROP',
  'SELECT a FROM d;;',
]

describe('the simulator and the app read queries by readers of their own, and', () => {
  test.each(ACCEPTED)('both take %s', (text) => {
    expect(readQuery(text)).toBeDefined()
    expect(readQuery(text)).toEqual(partsByApp(text))
  })

  test.each(REFUSED)('neither takes %s', (text) => {
    expect(readQuery(text)).toBeUndefined()
    expect(partsByApp(text)).toBeUndefined()
  })

  test('find the same parts in every query of the grammar, in any case and with any blanks', () => {
    const agree = fc.property(query.chain(spelled), (text) => {
      expect(readQuery(text)).toBeDefined()
      expect(readQuery(text)).toEqual(partsByApp(text))
    })
    fc.assert(agree, { numRuns: 1000 })
  })

  test('agree about every query that has a word too many, too few or in another place', () => {
    const seen = { taken: 0, refused: 0 }
    const agree = fc.property(query.chain(damaged).chain(spelled), (text) => {
      const parts = readQuery(text)
      expect(parts).toEqual(partsByApp(text))
      seen[parts ? 'taken' : 'refused'] += 1
    })
    // About one in twenty is still a query: enough of them to be sure that both sides occur.
    fc.assert(agree, { numRuns: 4000 })
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(100)
  })
})

test('the parts of a query are told apart, and an order without direction is descending', () => {
  const text = "SELECT a, B FROM d WHERE c not  in ('x', '5 ')  AND e<=-1.50 ORDER BY f ASC, g LIMIT 12 TIMESPAN today"
  expect(readQuery(text)).toEqual({
    distinct: false,
    fields: ['a', 'B'],
    dataset: 'd',
    where: [
      { field: 'c', operator: 'NOT IN', values: ['x', '5 '] },
      { field: 'e', operator: '<=', values: ['-1.50'] },
    ],
    order: [
      { field: 'f', direction: 'ASC' },
      { field: 'g', direction: 'DESC' },
    ],
    limit: 12,
    timespan: 'TODAY',
  })
})

test('a timespan counts the running month or day, and six months are covered when a query names none', () => {
  const now = new Date('2025-05-10T12:00:00Z')
  const times = (from: string, to = now) => ({ from: new Date(from), to })
  expect(timespanTimes(undefined, now)).toEqual(times('2024-12-01T00:00:00Z'))
  expect(timespanTimes('LAST_MONTH', now)).toEqual(times('2025-05-01T00:00:00Z'))
  expect(timespanTimes('YESTERDAY', now)).toEqual(times('2025-05-09T00:00:00Z', new Date('2025-05-09T23:59:59Z')))
  expect(timespanTimes('LAST_7_DAYS', now)).toEqual(times('2025-05-04T00:00:00Z'))
})

/** What the app's reader makes of a text, in the form of the simulator's; undefined where it refuses it. */
function partsByApp(text: string): QueryParts | undefined {
  const read = parseQuery(text)
  if ('problem' in read) return undefined
  return {
    distinct: read.distinct,
    fields: read.fields,
    dataset: read.dataset,
    where: read.where.map((condition) => {
      const literals = 'values' in condition ? condition.values : [condition.value]
      const values = literals.map((literal) => ('number' in literal ? literal.number : literal.string))
      return { field: condition.field, operator: condition.operator, values }
    }),
    order: read.order.map(({ field, direction = 'DESC' }) => ({ field, direction })),
    limit: read.limit,
    timespan: read.timespan,
  }
}

// Queries are generated as lists of tokens, after the grammar of the documentation.

type Tokens = readonly string[]

const name = fc.stringMatching(/^c[A-Za-z0-9_]{0,6}$/)
const number = fc.stringMatching(/^-?\d{1,8}(\.\d{1,4})?$/)
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(' FROM d', 'a AND b = 1', '(1, 2)', ';', ''),
)
const string = text.map((each) => `'${each.replaceAll("'", '')}'`)

const list = (part: fc.Arbitrary<Tokens>, separator: string, maxLength: number): fc.Arbitrary<Tokens> =>
  fc
    .array(part, { minLength: 1, maxLength })
    .map((parts) => parts.flatMap((tokens, index) => (index === 0 ? tokens : [separator, ...tokens])))
const row = (...parts: readonly fc.Arbitrary<string | Tokens>[]): fc.Arbitrary<Tokens> =>
  fc.tuple(...parts).map((tokens) => tokens.flat())
const optional = (part: fc.Arbitrary<Tokens>): fc.Arbitrary<Tokens> => fc.oneof(fc.constant([]), part)
const keyword = (...words: Tokens): fc.Arbitrary<Tokens> => fc.constant(words)
const each = (part: fc.Arbitrary<string>): fc.Arbitrary<Tokens> => part.map((token) => [token])

const comparison = fc.oneof(
  each(fc.constantFrom('=', '!=', '<', '<=', '>', '>=')),
  keyword('LIKE'),
  keyword('NOT', 'LIKE'),
)
const values = fc.oneof(list(each(number), ',', 4), list(each(string), ',', 4))
const condition = fc.oneof(
  row(name, comparison, fc.oneof(number, string)),
  row(name, fc.oneof(keyword('IN'), keyword('NOT', 'IN')), keyword('('), values, keyword(')')),
)
const query = row(
  keyword('SELECT'),
  optional(keyword('DISTINCT')),
  list(each(name), ',', 5),
  keyword('FROM'),
  name,
  optional(row(keyword('WHERE'), list(condition, 'AND', 4))),
  optional(row(keyword('ORDER', 'BY'), list(row(name, fc.oneof(keyword(), keyword('ASC'), keyword('DESC'))), ',', 3))),
  optional(row(keyword('LIMIT'), fc.integer({ min: 1 }).map(String))),
  optional(row(keyword('TIMESPAN'), fc.constantFrom('TODAY', 'LAST_7_DAYS', 'LAST_6_MONTHS', 'LIFETIME'))),
)

/** The same tokens with one of them missing, doubled, moved or replaced. */
function damaged(tokens: Tokens): fc.Arbitrary<Tokens> {
  const place = fc.nat(tokens.length - 1)
  const other = fc.constantFrom('SELECT', 'FROM', 'AND', 'NOT', 'IN', 'LIMIT', ',', '(', '=', '1', "'x'", ';', '*', 'c')
  const change = fc.constantFrom('drop', 'double', 'move', 'replace')
  return fc.tuple(place, place, other, change).map(([from, to, token, kind]) => {
    const changed = [...tokens]
    if (kind === 'drop') return changed.toSpliced(from, 1)
    if (kind === 'double') return changed.toSpliced(from, 0, changed[from] ?? '')
    if (kind === 'replace') return changed.with(from, token)
    return changed.toSpliced(from, 1).toSpliced(to, 0, changed[from] ?? '')
  })
}

/** Writes tokens as a text, keywords in any case, with the blanks that are needed and some that are not. */
function spelled(tokens: Tokens): fc.Arbitrary<string> {
  const blanks = fc.stringMatching(/^[ \t\r\n]{0,2}$/)
  const style = fc.record({ blank: blanks, isLower: fc.boolean() })
  const styles = fc.array(style, { minLength: tokens.length, maxLength: tokens.length })
  return fc.tuple(styles, fc.constantFrom('', ';', ' ; ')).map(([chosen, end]) => {
    const written = tokens.map((token, index) => {
      const { blank = '', isLower = false } = chosen[index] ?? {}
      const needed = blank === '' && /\w$/.test(tokens[index - 1] ?? '') && /^[\w-]/.test(token) ? ' ' : blank
      return `${needed}${isLower && /^[A-Z_0-9]+$/.test(token) ? token.toLowerCase() : token}`
    })
    return `${written.join('')}${end}`
  })
}
