import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATALOG, type Dataset, findDataset } from '../../src/core/catalog.ts'
import { parseFeeds } from '../../src/core/feeds/feeds.ts'
import { buildQuery, validateQuery, validateWhere } from '../../src/core/query/check.ts'
import { parseQuery } from '../../src/core/query/parse.ts'
import {
  COMPARISONS,
  type Condition,
  type Literal,
  printQuery,
  type ReportQuery,
  TIMESPANS,
} from '../../src/core/query/query.ts'

const RUNS = { numRuns: 500 }

const number = fc
  .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.option(fc.stringMatching(/^\d{1,10}$/)))
  .map(([whole, decimals]): Literal => ({ number: decimals === null ? `${whole}` : `${whole}.${decimals}` }))
const text = fc.string({ unit: 'binary' }).map((each): Literal => ({ string: each.replaceAll("'", '') }))

function queryOf(names: fc.Arbitrary<string>, dataset: fc.Arbitrary<string>, timespans: readonly string[]) {
  const values = fc.oneof(
    fc.array(number, { minLength: 1, maxLength: 4 }),
    fc.array(text, { minLength: 1, maxLength: 4 }),
  )
  const condition: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({ field: names, operator: fc.constantFrom(...COMPARISONS), value: fc.oneof(number, text) }),
    fc.record({ field: names, operator: fc.constantFrom('IN', 'NOT IN'), values }),
  )
  const order = fc.record({ field: names, direction: fc.constantFrom('ASC', 'DESC') }, { requiredKeys: ['field'] })
  const offered = TIMESPANS.filter((timespan) => timespans.includes(timespan))
  return fc.record(
    {
      distinct: fc.boolean(),
      fields: fc.array(names, { minLength: 1, maxLength: 8 }),
      dataset,
      where: fc.array(condition, { maxLength: 4 }),
      order: fc.array(order, { maxLength: 3 }),
      limit: fc.integer({ min: 1 }),
      timespan: fc.constantFrom(...(offered.length > 0 ? offered : TIMESPANS)),
    },
    { requiredKeys: ['distinct', 'fields', 'dataset', 'where', 'order'] },
  )
}

type Refused = Partial<ReportQuery> & { readonly value?: Literal; readonly values?: readonly Literal[] }

const identifier = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,12}$/).map((name) => `c${name}`)
const anyQuery = queryOf(identifier, identifier, TIMESPANS)

/** A dataset of the catalogue and a query of its own names, in any case. */
const fittingQuery = fc.constantFrom(...CATALOG.filter(({ ranges }) => ranges.length > 0)).chain((dataset) => {
  const names = [...dataset.columns, ...dataset.metrics].map(({ name }) => name)
  const spelled = fc
    .constantFrom(...names)
    .chain((name) => fc.constantFrom(name, name.toLowerCase(), name.toUpperCase()))
  return fc.tuple(fc.constant(dataset), queryOf(spelled, fc.constant(dataset.name), dataset.ranges))
})

const usage = datasetNamed('AzureUsage')
const customers = datasetNamed('CustomersAndTenants')

describe('the query language', () => {
  test('what is printed reads back to the same parts', () => {
    fc.assert(
      fc.property(anyQuery, (query) => {
        expect(parseQuery(printQuery(query))).toEqual(query)
      }),
      RUNS,
    )
  })

  test('keywords in any case, blanks and line breaks between tokens do not change what is read', () => {
    const spaced = (query: ReportQuery, blank: string) =>
      printQuery({ ...query, where: [] })
        .replaceAll(',', `${blank},${blank}`)
        .replaceAll(' ', blank)
        .replace('SELECT', `${blank}select`)
        .replace('FROM', 'from')
    const blanks = fc.stringMatching(/^[ \t\r\n]{1,3}$/)
    const reads = fc.property(anyQuery, blanks, (query, blank) => {
      expect(parseQuery(`${spaced(query, blank)}${blank};`)).toEqual({ ...query, where: [] })
    })
    fc.assert(reads, RUNS)
  })

  test('what the builder makes of a dataset, the validator accepts', () => {
    const accepted = fc.property(fittingQuery, ([dataset, query]) => {
      const built = buildQuery(query, dataset)
      expect(built).toEqual(printQuery(query))
      expect(validateQuery(String(built), dataset)).toEqual([])
    })
    fc.assert(accepted, RUNS)
  })

  test('conditions that are text of somebody else go in letter for letter, and change nothing else', () => {
    const blanks = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
    const kept = fc.property(fittingQuery, blanks, ([dataset, { distinct, fields, where }], blank) => {
      fc.pre(where.length > 0)
      const parts = { distinct, fields, dataset: dataset.name, order: [] }
      const own = `${blank}${printQuery({ ...parts, where }).replace(/^.*? WHERE /s, '')}${blank}`
      const built = buildQuery({ ...parts, where: own }, dataset)
      expect(built).toBe(`${printQuery({ ...parts, where: [] })} WHERE ${own}`)
      expect(parseQuery(String(built))).toEqual({ ...parts, where })
    })
    fc.assert(kept, RUNS)
  })

  test.each([
    [{ where: '' }, ['where: the name of a column or metric is expected at character 1']],
    [{ where: "Month='x' TIMESPAN TODAY" }, ['where: the end of the clause is expected at character 11, not TIMESPAN']],
    [
      { where: "Mont='x'", fields: ['Nme'] },
      [
        expect.stringMatching(/^Nme at character 8 is not a column or metric of CustomersAndTenants/),
        'where: Mont at character 1 is not a column or metric of CustomersAndTenants; the nearest is Month',
      ],
    ],
    [
      { where: "Month='x';", limit: 5 },
      ['; at character 54 is neither a name, a number nor a sign of the query language'],
    ],
  ])('the builder refuses conditions that are text: %j', ({ where, ...parts }, problems) => {
    const query = { distinct: false, fields: ['Month'], dataset: 'CustomersAndTenants', where, order: [] }
    expect(buildQuery({ ...query, ...parts }, customers)).toEqual({ problems })
  })

  test('whatever parts the builder is given, it makes a query that reads back to them or says why not', () => {
    const wild = fc.oneof(
      fc.constantFrom('Month', 'SKU'),
      fc.string(),
      fc.constantFrom('SKU,Month', 'SKU FROM x', 'AND'),
    )
    const literal = fc.oneof(
      fc.record({ number: fc.oneof(fc.string(), fc.constantFrom('1', "1' OR '", '1e3')) }),
      fc.record({ string: fc.oneof(fc.string(), fc.constantFrom("x' TIMESPAN TODAY")) }),
    )
    const query: fc.Arbitrary<ReportQuery> = fc.record({
      distinct: fc.boolean(),
      fields: fc.array(wild, { maxLength: 3 }),
      dataset: fc.constant('CustomersAndTenants'),
      where: fc.array(fc.record({ field: wild, operator: fc.constant('IN'), values: fc.array(literal) }), {
        maxLength: 2,
      }),
      order: fc.constant([]),
    })
    const honest = fc.property(query, (parts) => {
      const built = buildQuery(parts, customers)
      if (typeof built !== 'string') {
        expect(built.problems.length).toBeGreaterThan(0)
        return
      }
      expect(parseQuery(built)).toEqual(parts)
    })
    fc.assert(honest, RUNS)
  })

  test.each([
    [{ fields: [] }, 'a query selects at least one column or metric'],
    [{ fields: ['Month,SKU'] }, '"Month,SKU" is not a name of the query language'],
    [{ dataset: 'order' }, '"order" is not a name of the query language'],
    [{ limit: 0 }, 'LIMIT 0 is not a whole number from 1'],
    [{ limit: 1.5 }, 'LIMIT 1.5 is not a whole number from 1'],
    [
      { value: { string: "x' TIMESPAN TODAY" } },
      `the text "x' TIMESPAN TODAY" contains a quote, which a query cannot escape`,
    ],
    [{ value: { number: '1e3' } }, '"1e3" is not a number'],
    [{ values: [] }, 'the list of Month is empty or mixed'],
    [{ values: [{ number: '1' }, { string: 'a' }] }, 'the list of Month is empty or mixed'],
    [
      { fields: ['Mont'] },
      'Mont at character 8 is not a column or metric of CustomersAndTenants; the nearest is Month',
    ],
  ])('the builder refuses %j', ({ value, values, ...parts }: Refused, problem) => {
    const condition: Condition[] = [
      ...(value ? [{ field: 'Month', operator: '=', value } as const] : []),
      ...(values ? [{ field: 'Month', operator: 'IN', values } as const] : []),
    ]
    const query = { distinct: false, fields: ['Month'], dataset: 'CustomersAndTenants', where: condition, order: [] }
    expect(buildQuery({ ...query, ...parts }, customers)).toEqual({ problems: [problem] })
  })

  test('no text, however broken, makes reading throw, and every place lies inside it', () => {
    const pieces = fc.constantFrom(
      'SELECT',
      'FROM',
      'WHERE',
      'ORDER',
      'BY',
      'IN',
      'NOT',
      '(',
      ')',
      ',',
      "'",
      '*',
      'Month',
      '1',
      ';',
    )
    const noise = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 12 }).map((each) => each.join(' ')),
    )
    const safe = fc.property(noise, (broken) => {
      for (const { at } of validateQuery(broken, usage)) expect(at >= 0 && at <= broken.length).toBe(true)
    })
    fc.assert(safe, { numRuns: 2000 })
  })

  test('every name of the catalogue can be written in a query', () => {
    for (const dataset of CATALOG) {
      const fields = [...dataset.columns, ...dataset.metrics].map(({ name }) => name)
      expect(buildQuery({ distinct: false, fields, dataset: dataset.name, where: [], order: [] }, dataset)).toContain(
        'SELECT',
      )
    }
  })

  test.each([
    "SELECT CustomerName, CustomerTpid, Product FROM CustomersAndTenants WHERE CustomerMarket='United States' TIMESPAN LAST_MONTH",
    "SELECT CustomerName, SKU, BilledRevenueUSD FROM CustomersAndTenants WHERE SKU='MICROSOFT 365 BUSINESS STANDARD' AND BilledRevenueUSD>20000 TIMESPAN LAST_6_MONTHS",
    'SELECT CustomerName, AvailableSeats FROM CustomersAndTenants ORDER BY AvailableSeats DESC LIMIT 10 TIMESPAN LAST_MONTH',
    'SELECT SubscriptionId from DynamicsUsage',
    "SELECT CustomerTenantId, Month, MonthlyActiveUsers FROM OfficeUsage WHERE CustomerTpId IN ('2a31c234-1f4e-4c60-909e-76d234f93161', '80780748-3f9a-11eb-b378-0242ac130002')",
    "SELECT CustomerTenantId, CustomerTpId FROM OfficeUsage WHERE CustomerTenantId NOT LIKE '%Contoso.com%' ORDER BY CustomerTenantId;",
  ])('a documented example is accepted: %s', (example) => {
    const parsed = parseQuery(example)
    if ('problem' in parsed) throw new Error(parsed.problem)
    expect(validateQuery(example, datasetNamed(parsed.dataset))).toEqual([])
  })
})

describe('what is wrong with a query is named with its place', () => {
  const problem = (query: string, dataset = usage) => validateQuery(query, dataset).map((each) => each.problem)

  test.each([
    [
      'SELECT * FROM AzureUsage',
      'the name of a column or metric is expected at character 8, not *: name every column, * is not supported',
    ],
    [
      'SELECT Month FROM AzureUsage LIMIT 5 WHERE Month=1',
      'WHERE at character 38 comes after LIMIT; the order is SELECT, FROM, WHERE, ORDER BY, LIMIT, TIMESPAN',
    ],
    [
      'FROM AzureUsage SELECT Month',
      'SELECT at character 17 comes after FROM; the order is SELECT, FROM, WHERE, ORDER BY, LIMIT, TIMESPAN',
    ],
    ['SELECT Month WHERE Month=1', 'FROM is missing; the order is SELECT, FROM, WHERE, ORDER BY, LIMIT, TIMESPAN'],
    ['SELECT Month FROM AzureUsage LIMIT 1 LIMIT 2', 'LIMIT appears a second time at character 38; once is enough'],
    ['Month FROM AzureUsage', 'a query begins with SELECT, not with Month'],
    ['', 'SELECT is missing; the order is SELECT, FROM, WHERE, ORDER BY, LIMIT, TIMESPAN'],
    ['SELECT Month, FROM AzureUsage', 'the name of a column or metric is expected at character 15'],
    ['SELECT Month Product FROM AzureUsage', 'the end of the clause is expected at character 14, not Product'],
    ['SELECT Month FROM AzureUsage ORDER Month', 'ORDER at character 30 must be followed by BY'],
    ['SELECT Month FROM AzureUsage LIMIT 0', 'a whole number from 1 is expected at character 36, not 0'],
    ["SELECT Month FROM AzureUsage WHERE Month='a", 'a quote opens at character 42 and is not closed'],
    [
      'SELECT Month FROM AzureUsage WHERE Month="a"',
      'there are double quotes at character 42; text goes in single quotes',
    ],
    [
      "SELECT Month FROM AzureUsage WHERE Month='a' OR Month='b'",
      'the end of the clause is expected at character 46, not OR: join conditions with AND, OR is not supported',
    ],
    [
      "SELECT Month FROM AzureUsage WHERE Month IN (1, 'b')",
      "a number like the one before it is expected at character 49, not 'b'",
    ],
    [
      'SELECT Month FROM AzureUsage WHERE Month IN ()',
      'a number or a text in single quotes is expected at character 46, not )',
    ],
    [
      'SELECT Month FROM AzureUsage WHERE MpnId=6096xxx',
      '6096xxx at character 42 is neither a name, a number nor a sign of the query language',
    ],
    [
      'SELECT Mont FROM AzureUsage',
      'Mont at character 8 is not a column or metric of AzureUsage; the nearest is Month',
    ],
    [
      'SELECT Month\nFROM AzureUsage\nORDER BY Montth',
      'Montth at line 3, character 10 is not a column or metric of AzureUsage; the nearest is Month',
    ],
    ['SELECT Month FROM OfficeUsage', 'FROM names OfficeUsage at character 19; it must be AzureUsage'],
    [
      'SELECT Month FROM AzureUsage TIMESPAN LAST_7_DAYS',
      `TIMESPAN LAST_7_DAYS at character 39 is not offered by AzureUsage; it offers ${usage.ranges.join(', ')}`,
    ],
  ])('%j: %s', (query, expected) => {
    expect(problem(query)).toEqual([expected])
  })

  test('a TIMESPAN that does not exist is told with the one most like it', () => {
    expect(problem('SELECT Month FROM AzureUsage TIMESPAN LAST_MONTHS')[0]).toMatch(
      / is expected at character 39, not LAST_MONTHS; the nearest is LAST_MONTH$/,
    )
  })

  test('all unknown names are told at once, in the order of the text', () => {
    const query = "SELECT Mont,Month FROM AzureUsage WHERE Nme='x' ORDER BY Sku9 TIMESPAN TODAY"
    expect(validateQuery(query, usage).map(({ at }) => query.slice(at).split(/\W/)[0])).toEqual([
      'Mont',
      'Nme',
      'Sku9',
      'TODAY',
    ])
  })

  test('the most like it is told of the first five unknown names only, because the search for it is slow', () => {
    const names = Array.from({ length: 7 }, (_, index) => `Month${index}`)
    const told = problem(`SELECT ${names.join()} FROM AzureUsage`)
    expect(told.map((text) => text.endsWith('; the nearest is Month'))).toEqual([...Array(5).fill(true), false, false])
  })

  test('conditions that stand alone count their places from their own beginning, and hold no other clause', () => {
    expect(validateWhere("Month='JAN-2024' AND CustomerName LIKE 'A%'", usage)).toEqual([])
    expect(validateWhere("Mont='JAN-2024'", usage)[0]?.problem).toMatch(/^Mont at character 1 is not a column/)
    expect(validateWhere("Month='x' TIMESPAN TODAY", usage)).toEqual([
      { problem: 'the end of the clause is expected at character 11, not TIMESPAN', at: 10 },
    ])
  })
})

describe('the query of a feed', () => {
  const problemsOf = (fields: object) => {
    const read = parseFeeds(JSON.stringify({ feeds: [{ name: 'usage', dataset: 'AzureUsage', ...fields }] }), CATALOG)
    return 'problems' in read ? read.problems : []
  }

  test('is refused for its grammar, and so is a condition', () => {
    expect(problemsOf({ query: 'SELECT * FROM AzureUsage' })[0]).toMatch(
      /^feed "usage": query: the name of a column or metric is expected at character 8, not \*/,
    )
    expect(problemsOf({ where: "Month='JAN-2024' LIMIT 5" })).toEqual([
      'feed "usage": where: the end of the clause is expected at character 18, not LIMIT',
    ])
  })

  test('may name columns the catalogue does not know', () => {
    expect(problemsOf({ query: 'SELECT NewColumn FROM AzureUsage' })).toEqual([])
  })
})

function datasetNamed(name: string): Dataset {
  const dataset = findDataset(CATALOG, name)
  if (!dataset) throw new Error(`no dataset ${name}`)
  return dataset
}
