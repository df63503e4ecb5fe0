import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATALOG } from '../../src/core/catalog.ts'
import { parseEachFeed } from '../../src/core/feeds/feeds.ts'
import { FEED_FIELDS } from '../../src/core/feeds/fields.ts'
import { problemsIn, problemsOf } from './feed-of.ts'

const NAME = '2 to 40 lowercase letters, digits and hyphens, starting with a letter'
const TABLE = '3 to 63 letters and digits, starting with a letter, but not ledger or tables'
const BOUNDARY =
  'a date or an instant of the years 2000 to 2099, such as 2024-01-01 or 2024-01-01T00:00:00Z, or a duration back, such as P24M'
const DURATION = 'an ISO 8601 duration, such as P7D or PT12H'
const BY_MONTH = 'whole months or years, such as P1M, P3M or P1Y: the data of AzureUsage is by month'
const BY_DAY = 'whole days, weeks, months or years, such as P1D, P1W, P1M or P1Y'

const day = { dataset: 'MSLearn' }
const still = { dataset: 'Profile' }

describe('a value that is not allowed is named with what is', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ dataset: 7 }, 'dataset is 7; it must be the name of a dataset'],
    [{ dataset: undefined }, 'dataset is missing; it must be the name of a dataset'],
    [{ account: '' }, 'account is ""; it must be the name of an account'],
    [{ columns: [] }, 'columns is []; it must be a list of 1 to 252 names'],
    [{ columns: 'Month' }, 'columns is "Month"; it must be a list of 1 to 252 names'],
    [{ columns: ['Month', 3] }, 'columns is ["Month",3]; it must be a list of 1 to 252 names'],
    [{ where: '' }, 'where is ""; it must be the text of a condition'],
    [{ distinct: 'yes' }, 'distinct is "yes"; it must be true or false'],
    [{ query: ' ' }, 'query is " "; it must be the text of a query'],
    [{ queryId: 4 }, 'queryId is 4; it must be the id of a query, at most 64 letters, digits and hyphens'],
    [{ queryId: '../x' }, 'queryId is "../x"; it must be the id of a query, at most 64 letters, digits and hyphens'],
    [{ window: 'banana' }, `window is "banana"; it must be ${BY_MONTH}`],
    [{ window: 'P1D' }, `window is "P1D"; it must be ${BY_MONTH}`],
    [{ window: 'P1M1D' }, `window is "P1M1D"; it must be ${BY_MONTH}`],
    [{ ...day, window: 'PT12H' }, `window is "PT12H"; it must be ${BY_DAY}: the data of MSLearn is by day`],
    [{ ...day, window: 'P1M1D' }, `window is "P1M1D"; it must be ${BY_DAY}: the data of MSLearn is by day`],
    [{ backfillWindow: 'P1W' }, `backfillWindow is "P1W"; it must be ${BY_MONTH}`],
    [{ window: 'P3M', backfillWindow: 'P1M' }, 'backfillWindow is "P1M"; it must be at least as long as window'],
    [{ ...still, snapshot: 'PT12H' }, `snapshot is "PT12H"; it must be ${BY_DAY}`],
    [{ from: 'yesterday' }, `from is "yesterday"; it must be ${BOUNDARY}`],
    [{ from: '2024-02-30' }, `from is "2024-02-30"; it must be ${BOUNDARY}`],
    [{ from: '2024-13-01' }, `from is "2024-13-01"; it must be ${BOUNDARY}`],
    [{ from: '2024-01-01T25:00Z' }, `from is "2024-01-01T25:00Z"; it must be ${BOUNDARY}`],
    [{ from: '2024-01-01T00:00' }, `from is "2024-01-01T00:00"; it must be ${BOUNDARY}`],
    [{ from: '1999-12-31' }, `from is "1999-12-31"; it must be ${BOUNDARY}`],
    [{ to: '2100-01-01' }, `to is "2100-01-01"; it must be ${BOUNDARY}`],
    [{ to: 7 }, `to is 7; it must be ${BOUNDARY}`],
    [{ from: '2024-05-01', to: '2024-01-01' }, 'from is "2024-05-01"; it must be before to, which is "2024-01-01"'],
    [{ from: '2024-05-01', to: '2024-05-01' }, 'from is "2024-05-01"; it must be before to, which is "2024-05-01"'],
    [{ from: 'P3M', to: 'P6M' }, 'from is "P3M"; it must be before to, which is "P6M"'],
    [{ to: 'P6M' }, 'from is "P3M"; it must be before to, which is "P6M"'],
    [{ delay: 'P0D' }, `delay is "P0D"; it must be ${DURATION}`],
    [{ openWindow: 1 }, 'openWindow is 1; it must be true or false'],
    [{ refresh: 'P7D' }, 'refresh is "P7D"; it must be an object with the fields every and for, or false'],
    [{ refresh: true }, 'refresh is true; it must be an object with the fields every and for, or false'],
    [{ table: 'ab' }, `table is "ab"; it must be ${TABLE}`],
    [{ table: 'Ledger' }, `table is "Ledger"; it must be ${TABLE}`],
    [{ table: 'TABLES' }, `table is "TABLES"; it must be ${TABLE}`],
    [{ name: 'ab' }, `table is "Ab" (from name); it must be ${TABLE}: set table`],
    [{ name: 'ledger' }, `table is "Ledger" (from name); it must be ${TABLE}: set table`],
    [{ types: [] }, 'types is []; it must be an object of at most 252 columns and their types'],
    [{ newColumns: 'drop' }, 'newColumns is "drop"; it must be land or fail'],
    [{ maxRejects: 1.1 }, 'maxRejects is 1.1; it must be a share from 0 to 1, such as 0.001'],
    [{ maxRejects: -0.1 }, 'maxRejects is -0.1; it must be a share from 0 to 1, such as 0.001'],
    [{ maxRejects: '0' }, 'maxRejects is "0"; it must be a share from 0 to 1, such as 0.001'],
    [{ key: 'Month' }, 'key is "Month"; it must be a list of 1 to 252 names'],
    [{ shards: 0 }, 'shards is 0; it must be a whole number from 1 to 512'],
    [{ shards: 513 }, 'shards is 513; it must be a whole number from 1 to 512'],
    [{ shards: 1.5 }, 'shards is 1.5; it must be a whole number from 1 to 512'],
    [{ shards: '8' }, 'shards is "8"; it must be a whole number from 1 to 512'],
    [{ allowRedacted: null }, 'allowRedacted is null; it must be true or false'],
    [{ enabled: 'no' }, 'enabled is "no"; it must be true or false'],
    [{ where: [`${'x'.repeat(99)}`] }, `where is ["${'x'.repeat(77)}…; it must be the text of a condition`],
  ])('%j', (fields, problem) => {
    expect(problemsOf(fields)).toEqual([`feed "${fields.name ?? 'azure-usage'}": ${problem}`])
  })

  test.each([
    ['Azure', 'feed "Azure": name is "Azure"'],
    ['a', 'feed "a": name is "a"'],
    ['a'.repeat(41), `feed "${'a'.repeat(41)}": name is "${'a'.repeat(41)}"`],
    ['azure_usage', 'feed "azure_usage": name is "azure_usage"'],
    [3, 'feed number 1: name is 3'],
    [undefined, 'feed number 1: name is missing'],
  ])('the name %j', (name, start) => {
    expect(problemsOf({ name })).toEqual([`${start}; it must be ${NAME}`])
  })

  test.each([
    [{ refresh: { evry: 'P1D' } }, 'field "evry" is not known; the nearest is "every"'],
    [{ refresh: { every: 'daily' } }, `every is "daily"; it must be ${DURATION}`],
    [{ ...day, refresh: { every: 'P1D' } }, `for is missing; it must be ${DURATION}`],
  ])('a refresh of its own: %j', (fields, problem) => {
    expect(problemsOf(fields)).toEqual([`feed "azure-usage", refresh: ${problem}`])
  })

  test('the catalogue alone gives the type month', () => {
    const allowed = 'string, double, int64, boolean, datetime, guid'
    expect(problemsOf({ types: { Month: 'month' } })).toEqual([
      `feed "azure-usage", types: Month is "month"; it must be one of ${allowed}`,
    ])
  })

  test.each(Object.keys(FEED_FIELDS))('%s is checked', (field) => {
    const feed = field === 'snapshot' ? still : {}
    expect(problemsOf({ ...feed, [field]: [[1]] }).join()).toContain(`${field} is `)
  })
})

describe('a name that is not known comes with the nearest one', () => {
  test.each([
    [{ windw: 'P1M' }, 'field "windw" is not known; the nearest is "window"'],
    [
      { dataset: 'AzureUsge' },
      'dataset is "AzureUsge", which the catalogue does not have; the nearest is "AzureUsage"; if the service lists it, add timeColumn and window, or snapshot where it has no time',
    ],
    [{ account: 'defualt' }, 'account is "defualt", which accounts does not have; the nearest is "default"'],
    [
      { columns: ['Mont'] },
      'columns has "Mont", which is not a column or metric of AzureUsage; the nearest is "Month"',
    ],
    [{ key: ['skus'] }, 'key has "skus", which is not a column or metric of AzureUsage; the nearest is "EOU"'],
    [
      { types: { Mnth: 'guid' } },
      'types has "Mnth", which is not a column or metric of AzureUsage; the nearest is "Month"',
    ],
    [{ columns: ['Month'], key: ['SKU'] }, 'key has "SKU", which is not one of the feed\'s columns; allowed are Month'],
    [{ columns: ['Month', 'month'] }, 'columns has "month" twice; once is enough'],
    [{ types: { Month: 'guid', MONTH: 'guid' } }, 'types has "MONTH" twice; once is enough'],
    [{ query: 'SELECT a FROM AzureUsage', key: ['a', 'A'] }, 'key has "A" twice; once is enough'],
  ])('%j', (fields, problem) => {
    expect(problemsOf(fields)).toEqual([`feed "azure-usage": ${problem}`])
  })
})

describe('fields that exclude each other', () => {
  test('only one of columns, query and queryId', () => {
    expect(problemsOf({ columns: ['Month'], query: 'x', queryId: 'y' })).toEqual([
      'feed "azure-usage": columns and query and queryId are given; it must be one of columns, query and queryId',
    ])
  })

  test('where and distinct go with columns', () => {
    expect(problemsOf({ queryId: 'b', where: 'x', distinct: true })).toEqual([
      'feed "azure-usage": where is "x"; it must be left out: write it in the query itself',
      'feed "azure-usage": distinct is true; it must be left out: write it in the query itself',
    ])
  })

  test('no snapshot of a dataset with a time column', () => {
    expect(problemsOf({ snapshot: 'P7D' })).toEqual([
      'feed "azure-usage": snapshot is "P7D"; it must be left out: the time column of AzureUsage is Month, so it has windows',
    ])
  })

  test('no windows of a dataset without a time column', () => {
    const fields = {
      window: 'P1D',
      backfillWindow: 'P1M',
      from: 'P3M',
      to: 'P1M',
      delay: 'P1D',
      openWindow: true,
      refresh: {},
    }
    expect(problemsOf({ ...still, ...fields })).toEqual(
      Object.entries(fields).map(
        ([name, value]) =>
          `feed "azure-usage": ${name} is ${JSON.stringify(value)}; it must be left out: Profile has no time column, so it has snapshots`,
      ),
    )
  })

  test('without a known dataset, snapshot still excludes the other time fields', () => {
    expect(problemsOf({ dataset: 'Profil', snapshot: 'P1D', from: 'P1M' })).toEqual([
      'feed "azure-usage": from is "P1M"; it must be left out: Profil has no time column, so it has snapshots',
    ])
  })
})

describe('the file as a whole', () => {
  test('all problems are told at once, of a feed and of the others', () => {
    const feeds = [{ name: 'one', dataset: 'X', shards: 0, window: 'no', columns: ['a'] }, { dataset: 'MSLearn' }, 5]
    expect(problemsIn(JSON.stringify({ feeds, extra: 1 })).map((problem) => problem.split(';')[0])).toEqual([
      'feeds.json: field "extra" is not known',
      'feed "one": dataset is "X", which the catalogue does not have',
      'feed "one": shards is 0',
      'feed "one": window is "no"',
      'feed number 2: name is missing',
      'feed number 3: it is 5',
    ])
  })

  test.each([
    ['[]', 'feeds.json: it must be an object with the field feeds, a list of feeds'],
    ['null', 'feeds.json: it must be an object with the field feeds, a list of feeds'],
    ['{}', 'feeds.json: feeds is missing; it must be a list of feeds'],
    ['{"feeds":{}}', 'feeds.json: feeds is {}; it must be a list of feeds'],
    ['{"feeds":[[]]}', 'feed number 1: it is []; it must be an object with name and dataset'],
    ['{"feeds":[],"accounts":[]}', 'feeds.json: accounts is []; it must be an object of accounts by name'],
    ['{"feeds":[],"fedes":1}', 'feeds.json: field "fedes" is not known; the nearest is "feeds"'],
  ])('%s is not a file of feeds', (text, problem) => {
    expect(problemsIn(text)).toEqual([problem])
  })

  test('a feed name is used once', () => {
    const feed = { name: 'azure', dataset: 'AzureUsage' }
    expect(problemsIn(JSON.stringify({ feeds: [feed, { ...feed, table: 'Other' }] }))).toEqual([
      'feed "azure" (number 2): name is "azure", which feed number 1 has too; it must be unique',
    ])
  })

  test('a table belongs to one feed, and case does not count', () => {
    const feeds = [
      { name: 'azu-re', dataset: 'AzureUsage' },
      { name: 'other', dataset: 'AzureUsage', table: 'AZURE' },
    ]
    expect(problemsIn(JSON.stringify({ feeds }))).toEqual([
      'feed "other": table is "AZURE", the table of feed "azu-re"; each feed needs its own table, and case does not count',
    ])
  })

  test('accounts have names and ways to sign in, and no secrets, which are not repeated', () => {
    const accounts = { Emea: {}, default: {}, apac: 3, us: { clientSecret: 's3cret', auth: 'magic', tenantId: 5 } }
    const problems = problemsIn(JSON.stringify({ accounts, feeds: [] }))
    expect(problems).toEqual([
      'account "Emea": its name must be 1 to 20 lowercase letters and digits, starting with a letter',
      'account "default": only the PARTNER_… settings set that account',
      'account "apac": it is 3; it must be an object with the fields tenantId, clientId, auth',
      'account "us": field "clientSecret" is not known; the nearest is "clientId"',
      'account "us": tenantId is 5; it must be the id or domain of a tenant',
      'account "us": auth is "magic"; it must be one of refresh-token, client-secret, certificate, managed-identity, password',
    ])
    expect(problems.join()).not.toContain('s3cret')
  })
})

test.each(['../../x', 'a/b?c#d', ' ', 'contoso.example ', '.', ''])(
  'the tenant %j of an account is refused',
  (tenantId) => {
    expect(problemsIn(JSON.stringify({ accounts: { us: { tenantId } }, feeds: [] }))).toEqual([
      `account "us": tenantId is ${JSON.stringify(tenantId)}; it must be the id or domain of a tenant`,
    ])
  },
)

describe('one faulty thing stops only what it concerns', () => {
  const on = (account?: string) => ({ name: `on-${account}`, dataset: 'MSLearn', ...(account && { account }) })
  const each = (file: object) => parseEachFeed(JSON.stringify(file), CATALOG)

  test.each<[string, unknown, string]>([
    ['a way to sign in that there is not', { auth: 'magic' }, 'account "emea": auth is "magic"'],
    ['a field that is not known', { secret: 's3cret' }, 'account "emea": field "secret" is not known'],
    ['no object', 3, 'account "emea": it is 3'],
  ])('a faulty account stops the feeds that use it: %s', (_, emea, start) => {
    const file = each({ accounts: { emea, apac: {} }, feeds: [on('emea'), on('apac'), on()] })
    const problem = expect.stringContaining(start)
    expect(file).toMatchObject({
      feeds: [{ account: 'apac' }, { account: 'default' }],
      faulty: [{ name: 'on-emea', enabled: true, problems: [problem] }],
      allProblems: [problem],
    })
  })

  test.each([
    ['a name that is not allowed', 'Emea', { ...on('Emea'), name: 'on-emea' }],
    ['the default account, which the settings set', 'default', on()],
  ])('a faulty account stops the feeds that use it: %s', (_, name, feed) => {
    const file = each({ accounts: { [name]: {}, apac: {} }, feeds: [feed, on('apac')] })
    expect(file).toMatchObject({ feeds: [{ account: 'apac' }], faulty: [{ problems: [expect.any(String)] }] })
  })

  test('the problem of an account is told once, however many feeds use it, and with those of each feed', () => {
    const feeds = [on('emea'), { ...on('emea'), name: 'other', shards: 0 }]
    const problem = expect.stringContaining('account "emea": clientId is 5')
    const shards = expect.stringContaining('shards is 0')
    const file = each({ accounts: { emea: { clientId: 5 } }, feeds })
    expect(file).toMatchObject({
      feeds: [],
      faulty: [{ problems: [problem] }, { problems: [problem, shards] }],
      allProblems: [problem, shards],
    })
    expect(problemsIn(JSON.stringify({ accounts: { emea: { clientId: 5 } }, feeds }))).toEqual([problem, shards])
  })

  test.each([
    ['a field that the file does not have', { extra: 1 }, 'feeds.json: field "extra" is not known'],
    ['a faulty account that no feed uses', { accounts: { emea: 3 } }, 'account "emea": it is 3'],
    ['accounts that are no object', { accounts: [] }, 'feeds.json: accounts is []'],
  ])('%s stops no feed, and is a problem of the file', (_, fields, start) => {
    const file = { ...fields, feeds: [on()] }
    const problem = expect.stringContaining(start)
    expect(each(file)).toMatchObject({ feeds: [{ name: 'on-undefined' }], faulty: [], allProblems: [problem] })
    expect(problemsIn(JSON.stringify(file))).toEqual([problem])
  })

  test('more accounts than there may be stop the feeds that use one of them', () => {
    const accounts = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`a${index}`, {}]))
    const problem = 'feeds.json: accounts has 1001 entries; it can have at most 1000'
    expect(each({ accounts, feeds: [on('a7'), on()] })).toMatchObject({
      feeds: [{ account: 'default' }],
      faulty: [{ problems: [problem] }],
      allProblems: [problem],
    })
  })

  test('an account with ever so many problems, used by a thousand feeds, takes no room for each of them', () => {
    const emea = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`x${index}`, 0]))
    const feeds = Array.from({ length: 1000 }, (_, index) => ({
      ...on('emea'),
      name: `f${index}`,
      table: `T00${index}`,
    }))
    const file = each({ accounts: { emea }, feeds })
    if (!('faulty' in file)) throw new Error('the file cannot be read')
    expect(file.allProblems).toHaveLength(20_000)
    expect(file.faulty.map(({ problems }) => problems.length)).toEqual(feeds.map(() => 20))
  })

  test.each([
    ['no list of feeds', { accounts: { emea: {} }, extra: 1 }],
    ['a name twice', { feeds: [on(), { ...on(), table: 'Other' }] }],
    ['a table twice', { feeds: [on(), { ...on(), name: 'onundefined', table: 'OnUndefined' }] }],
    ['more feeds than there may be', { feeds: Array.from({ length: 1001 }, () => 0) }],
  ])('%s stops all', (_, file) => {
    expect(each(file)).toEqual({ problems: expect.any(Array) })
  })
})

describe('a file that is not JSON', () => {
  const unknown = 'an invalid symbol (names and texts go in double quotes)'

  test.each([
    ['', 'a value is missing at line 1, column 1'],
    ['{"feeds": [}', 'a value is missing at line 1, column 12'],
    ['{"feeds": [],}', 'a name in double quotes is missing at line 1, column 14'],
    ['{,}', 'a value is missing at line 1, column 2'],
    ['{\n  "feeds": [\n    {"name": "a" "b"}]}', 'a comma or a closing bracket is missing at line 3, column 18'],
    ['{"feeds": [1 2]}', 'a comma or a closing bracket is missing at line 1, column 14'],
    ['{"feeds": [1,]}', 'a value is missing at line 1, column 14'],
    ['{"feeds" []}', 'a colon is missing at line 1, column 10'],
    ['{"feeds": :}', 'a value is missing at line 1, column 11'],
    ['{"feeds": []}\r\n}', 'something after the end at line 2, column 1'],
    ["{'feeds': []}", `${unknown} at line 1, column 2`],
    ['{"feeds": ["a\nb"]}', 'a text that is not closed on its line at line 1, column 12'],
    ['// feeds\n{}', 'a comment, which JSON does not allow, at line 1, column 1'],
    ['{"feeds": [] /* none */}', 'a comment, which JSON does not allow, at line 1, column 14'],
    ['{"feeds": [],', 'a name in double quotes is missing at line 1, column 14'],
    ['{"feeds": [', 'a ] is missing at line 1, column 12'],
    ['{"feeds": []', 'a } is missing at line 1, column 13'],
    ['{feeds: []}', `${unknown} at line 1, column 2`],
    ['{"feeds": NaN}', `${unknown} at line 1, column 11`],
    ['{"feeds": 1.}', 'a number that is cut off at line 1, column 11'],
    ['{"feeds": "\\u12"}', 'a text with a \\u without four hexadecimal digits after it at line 1, column 11'],
    ['{"feeds": "\\x"}', 'a text with an unknown escape sequence at line 1, column 11'],
    ['{"feeds": "\t"}', 'a text with a tab or another control character at line 1, column 11'],
    ['{"feeds": []\n]', 'a comma or a closing bracket is missing at line 2, column 1'],
    ['['.repeat(100_000), 'its brackets are nested too deeply'],
  ])('%.40j: %s', (text, mistake) => {
    expect(problemsIn(text)).toEqual([`feeds.json: it is not JSON: ${mistake}`])
  })

  test('is told with its place exactly where JSON.parse refuses', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '\\u00e9',
      '1',
      '-0.5e+3',
      '01',
      'true',
      'nul',
      ' ',
      '\n',
      '\u2028',
    )
    const texts = fc.oneof(fc.json(), fc.string({ unit: pieces }), fc.tuple(fc.json(), pieces, fc.nat()).map(insert))
    fc.assert(
      fc.property(texts, (text) => {
        const [problem = ''] = problemsIn(text)
        expect(/^feeds\.json: it is not JSON: .+ at line \d+, column \d+$/.test(problem)).toBe(!isJson(text))
      }),
      { numRuns: 2000 },
    )
  })
})

function insert([text, piece, at]: [string, string, number]): string {
  const position = at % (text.length + 1)
  return text.slice(0, position) + piece + text.slice(position)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
