import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATALOG } from '../../src/core/catalog.ts'
import { parseFeeds } from '../../src/core/feeds/feeds.ts'
import { hashJson } from '../../src/core/hash.ts'
import { feedOf, problemsIn } from './feed-of.ts'

function warningsOf(fields: Record<string, unknown>): readonly string[] {
  const file = parseFeeds(
    JSON.stringify({ feeds: [{ name: 'azure-usage', dataset: 'AzureUsage', ...fields }] }),
    CATALOG,
  )
  return 'problems' in file ? file.problems : file.warnings
}

const MONTH = { months: 1, days: 0, seconds: 0 }
const days = (count: number) => ({ months: 0, days: count, seconds: 0 })

describe('a feed with its defaults', () => {
  test('of usage by month', () => {
    const { types, hash, ...feed } = feedOf()
    expect(feed).toEqual({
      name: 'azure-usage',
      account: 'default',
      dataset: 'AzureUsage',
      source: { kind: 'columns', distinct: false },
      cadence: {
        kind: 'windows',
        window: MONTH,
        backfillWindow: MONTH,
        from: { back: { months: 3, days: 0, seconds: 0 } },
        openWindow: true,
        refresh: { every: days(4), for: days(70), days: [5] },
      },
      grain: 'month',
      timeColumn: 'Month',
      delay: days(4),
      table: 'AzureUsage',
      newColumns: 'land',
      maxRejects: 0.001,
      shards: 16,
      allowRedacted: false,
      enabled: true,
    })
    expect(hash).toMatch(/^[0-9a-f]{16}$/)
    expect(types).toMatchObject({ Month: 'month', TotalACR: 'double', SubscriptionStartDate: 'datetime' })
  })

  test('of columns of every type the catalogue knows', () => {
    const catalogued = feedOf({ dataset: 'SeatsSubscriptionsAndRevenue' }).types
    expect(catalogued).toMatchObject({
      Month: 'month',
      SubscriptionStartDate: 'datetime',
      CustomerTenantId: 'guid',
      PartnerName: 'string',
      SubscriptionCount: 'double',
    })
    expect(feedOf({ dataset: 'CustomersAndTenants' }).types).toMatchObject({
      IsDuplicateRowForPGA: 'int64',
      BilledRevenueUSD: 'double',
    })
  })

  test('of a dataset by day that is never restated', () => {
    expect(feedOf({ dataset: 'MSLearn' })).toMatchObject({ grain: 'day', timeColumn: 'CompletionDate' })
    expect(feedOf({ dataset: 'MSLearn' }).cadence).toEqual({
      kind: 'windows',
      window: days(1),
      backfillWindow: days(1),
      from: { back: { months: 3, days: 0, seconds: 0 } },
      openWindow: false,
    })
  })

  test('of a dataset without a time column: snapshots as often as it is refreshed', () => {
    const feed = feedOf({ dataset: 'CLASAzurePropensity' })
    expect(feed.cadence).toEqual({ kind: 'snapshot', every: days(7) })
    expect(feed).not.toHaveProperty('grain')
    expect(feed).not.toHaveProperty('timeColumn')
  })

  test('a feed survives being stored as JSON', () => {
    for (const dataset of CATALOG) {
      const feed = feedOf({ dataset: dataset.name, key: undefined, to: undefined })
      expect(JSON.parse(JSON.stringify(feed))).toEqual(feed)
    }
  })
})

describe('what a feed says itself', () => {
  test('every field that is set is kept', () => {
    const feed = feedOf({
      columns: ['month', 'SUBSCRIPTIONID', 'TotalACR'],
      where: "CustomerMarket = 'Norway'",
      distinct: true,
      window: 'P1M',
      backfillWindow: 'P3M',
      from: '2024-01-01',
      to: '2025-06-30T12:00:00+02:00',
      delay: 'P6DT12H',
      openWindow: false,
      refresh: { every: 'P1D', for: 'P30D' },
      table: 'Azure2',
      types: { totalacr: 'string', month: 'datetime' },
      newColumns: 'fail',
      maxRejects: 0,
      key: ['subscriptionid', 'Month'],
      shards: 512,
      allowRedacted: true,
      enabled: false,
    })
    expect(feed).toMatchObject({
      source: {
        kind: 'columns',
        columns: ['Month', 'SubscriptionId', 'TotalACR'],
        where: "CustomerMarket = 'Norway'",
        distinct: true,
      },
      cadence: {
        window: MONTH,
        backfillWindow: { months: 3, days: 0, seconds: 0 },
        from: { date: '2024-01-01T00:00:00.000Z' },
        to: { date: '2025-06-30T10:00:00.000Z' },
        openWindow: false,
        refresh: { every: days(1), for: days(30) },
      },
      delay: { months: 0, days: 6, seconds: 43_200 },
      table: 'Azure2',
      newColumns: 'fail',
      maxRejects: 0,
      key: ['SubscriptionId', 'Month'],
      shards: 512,
      allowRedacted: true,
      enabled: false,
    })
    expect(feed.types).toMatchObject({ TotalACR: 'string', Month: 'datetime' })
    expect(feed.types).not.toHaveProperty('totalacr')
  })

  test('a dataset is found in any case and by another spelling', () => {
    expect(feedOf({ dataset: 'AZUREUSAGE' }).dataset).toBe('AzureUsage')
    expect(feedOf({ dataset: 'CompetencyPerformanceRequirement' }).dataset).toBe('CompetencyPeformanceRequirement')
  })

  test('the table is the name in PascalCase', () => {
    expect(feedOf({ name: 'azure-usage-2-eu' }).table).toBe('AzureUsage2Eu')
  })

  test("somebody's own query may have columns the catalogue does not know", () => {
    const feed = feedOf({ query: 'SELECT Own,Month FROM AzureUsage', types: { Own: 'int64' }, key: ['Own', 'month'] })
    expect(feed.source).toEqual({ kind: 'query', query: 'SELECT Own,Month FROM AzureUsage' })
    expect(feed.types).toMatchObject({ Own: 'int64', Month: 'month' })
    expect(feed.key).toEqual(['Own', 'Month'])
  })

  test('a query of the service is taken by its id', () => {
    expect(feedOf({ queryId: 'c6719d7a' }).source).toEqual({ kind: 'queryId', queryId: 'c6719d7a' })
  })

  test('no refresh where it is switched off, which changes neither the running window nor any row', () => {
    const off = feedOf({ refresh: false })
    expect(off.cadence).toMatchObject({ openWindow: true })
    expect(off.cadence).not.toHaveProperty('refresh')
    expect(feedOf().cadence).toHaveProperty('refresh')
    expect(off.hash).toBe(feedOf().hash)
    expect(feedOf({ dataset: 'MSLearn', refresh: false }).cadence).not.toHaveProperty('refresh')
  })

  test('a refresh of a dataset that is never restated needs only its length', () => {
    const { cadence } = feedOf({ dataset: 'MSLearn', refresh: { for: 'P7D' } })
    expect(cadence).toMatchObject({ refresh: { every: days(3), for: days(7) } })
  })

  test('an account is one of the file', () => {
    const emea = { tenantId: 'contoso.example', clientId: '4e1c', auth: 'refresh-token' }
    const feeds = [{ name: 'seats', dataset: 'OfficeUsage', account: 'emea' }]
    const file = parseFeeds(JSON.stringify({ accounts: { emea, apac: {} }, feeds }), CATALOG)
    const warnings = ['account "apac": no feed uses it; name it as the account of a feed, or take it out']
    expect(file).toMatchObject({ accounts: { emea, apac: {} }, feeds: [{ account: 'emea' }], warnings })
  })

  test('a start counted back and an end by date, or the other way round, are warned of', () => {
    const warning =
      'feed "azure-usage": one of from and to is a date and one counts back; nothing lands if from is not before to'
    expect(warningsOf({ to: '2024-01-01' })).toEqual([warning])
    expect(warningsOf({ from: '2024-01-01', to: 'P1M' })).toEqual([warning])
    expect(warningsOf({ from: 'P3M', to: 'P1M' })).toEqual([])
  })
})

describe('the hash of a feed', () => {
  test.each([
    ['dataset', { dataset: 'OfficeUsage', table: 'AzureUsage' }],
    ['columns', { columns: ['Month'] }],
    ['where', { where: 'TotalACR > 0' }],
    ['distinct', { distinct: true }],
    ['query', { query: 'SELECT Month FROM AzureUsage' }],
    ['table', { table: 'Other' }],
    ['types', { types: { Month: 'string' } }],
    ['newColumns', { newColumns: 'fail' }],
    ['maxRejects', { maxRejects: 0.5 }],
    ['shards', { shards: 8 }],
    ['allowRedacted', { allowRedacted: true }],
  ])('changes with %s', (_field, fields) => {
    expect(feedOf(fields).hash).not.toBe(feedOf().hash)
  })

  test.each([
    ['name', { name: 'other', table: 'AzureUsage' }],
    ['the times', { window: 'P3M', from: '2024-01-01', to: '2024-05-01', openWindow: false, refresh: { for: 'P1D' } }],
    ['delay', { delay: 'P9D' }],
    ['key', { key: ['Month'] }],
    ['enabled', { enabled: false }],
  ])('does not change with %s', (_field, fields) => {
    expect(feedOf(fields).hash).toBe(feedOf().hash)
  })

  test('changes with the account', () => {
    const feed = { name: 'azure-usage', dataset: 'AzureUsage', account: 'emea' }
    const file = parseFeeds(JSON.stringify({ accounts: { emea: {} }, feeds: [feed] }), CATALOG)
    expect('feeds' in file && file.feeds[0]?.hash).not.toBe(feedOf().hash)
  })

  test('is FNV-1a of 64 bits', () => {
    expect(hashJson('')).toBe('07cc7607b4949e25')
  })

  test('does not depend on the order in which types are written', () => {
    const query = 'SELECT a,b FROM AzureUsage'
    const [one, two] = [
      { a: 'guid', b: 'double' },
      { b: 'double', a: 'guid' },
    ].map((types) => feedOf({ query, types }))
    expect(one?.hash).toBe(two?.hash)
  })
})

describe('the shipped feeds.json', () => {
  const text = readFileSync(new URL('../../feeds.json', import.meta.url), 'utf8')

  test('is one feed by month, one by day and one of snapshots, without a warning', () => {
    const file = parseFeeds(text, CATALOG)
    expect(file).toMatchObject({
      warnings: [],
      accounts: {},
      feeds: [
        { dataset: 'AzureUsage', grain: 'month', cadence: { from: { back: { months: 18, days: 0, seconds: 0 } } } },
        { dataset: 'MSLearn', grain: 'day', cadence: { kind: 'windows' } },
        { dataset: 'Profile', cadence: { kind: 'snapshot' } },
      ],
    })
  })

  test('damaged anywhere, is refused or read, and never throws', () => {
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(5), fc.string({ maxLength: 3, unit: 'binary' }), (at, cut, other) => {
        const damaged = text.slice(0, at) + other + text.slice(at + cut)
        for (const problem of problemsIn(damaged)) expect(problem).not.toContain('\n')
      }),
      { numRuns: 300 },
    )
  })
})
