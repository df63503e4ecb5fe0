import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { askedFor, forbiddenChange, formOf } from '../../src/core/feeds/form.ts'
import { withFeed } from '../../src/core/ledger/feed-block.ts'
import {
  type FeedRow,
  formNow,
  isOfEarlierQuery,
  newFeedRow,
  withoutQuery,
  withQuery,
} from '../../src/core/ledger/feed-row.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:00Z')

const PLAIN = ['Month', 'CustomerName', 'UsageQuantity', 'ServiceLevel1', 'CustomerTpid']
const METRICS = ['TotalACR', 'CustomerCount']

const columnsOf = ({ source }: Feed) => (source.kind === 'columns' ? (source.columns ?? []) : [])

/** The form of a feed that names its columns, or brings its own query. */
function formWith(fields: Readonly<Record<string, unknown>>) {
  const feed = feedOf(fields)
  return formOf(askedFor(feed, columnsOf(feed)), feed)
}

/** A choice of columns, with a metric or without. */
const anyColumns = fc.subarray([...PLAIN, ...METRICS], { minLength: 2 })

describe('the row set and the form of a feed', () => {
  it('do not change with the order and the case of its columns', () => {
    const anySpelling = anyColumns.chain((columns) =>
      fc.record({
        columns: fc.constant(columns),
        other: fc
          .shuffledSubarray(columns, { minLength: columns.length })
          .chain((shuffled) => fc.tuple(...shuffled.map((name) => fc.mixedCase(fc.constant(name))))),
        distinct: fc.boolean(),
      }),
    )
    fc.assert(
      fc.property(anySpelling, ({ columns, other, distinct }) => {
        expect(formWith({ columns: other, distinct })).toEqual(formWith({ columns, distinct }))
        const feed = feedOf({ columns, distinct })
        expect(askedFor(feed, other)).toEqual(askedFor(feed, columns))
      }),
    )
  })

  it('do not change with what decides neither which rows come nor how they land', () => {
    const anyOther = fc.record(
      {
        ...{ delay: fc.constant('P9D'), enabled: fc.boolean(), allowRedacted: fc.boolean(), openWindow: fc.boolean() },
        ...{ refresh: fc.constant({ every: 'P1D', for: 'P10D' }), maxRejects: fc.constantFrom(0, 0.5) },
        ...{ newColumns: fc.constantFrom('land', 'fail'), from: fc.constantFrom('2024-01-01', 'P12M') },
        ...{ backfillWindow: fc.constant('P3M'), to: fc.constant('2025-06-01'), key: fc.constant(['Month']) },
      },
      { requiredKeys: [] },
    )
    const columns = ['Month', 'TotalACR']
    fc.assert(
      fc.property(anyOther, (other) => {
        expect(formWith({ columns, ...other })).toEqual(formWith({ columns }))
      }),
    )
  })

  it.each([
    ['where', { where: "CustomerName = 'Contoso'" }],
    ['distinct', { distinct: true }],
    ['table', { table: 'Other' }],
    ['dataset', { dataset: 'OfficeUsage', columns: ['Month', 'CustomerName'] }],
    ['a query of the user', { columns: undefined, query: 'SELECT Month FROM AzureUsage' }],
    ['a query of the service', { columns: undefined, queryId: 'q' }],
  ])('both change with %s', (_, change) => {
    const before = formWith({ columns: ['Month', 'CustomerName'] })
    const after = formWith({ columns: ['Month', 'CustomerName'], ...change })
    expect(after.rowSet).not.toBe(before.rowSet)
    expect(after.form).not.toBe(before.form)
  })

  it('both change with the text of the own query, and with its id, but not with blanks around the text', () => {
    const text = (query: string) => formWith({ query }).rowSet
    expect(text('SELECT Month FROM AzureUsage')).toBe(text(' SELECT Month FROM AzureUsage\n'))
    expect(text('SELECT Month FROM AzureUsage')).not.toBe(text('SELECT CustomerName FROM AzureUsage'))
    expect(formWith({ queryId: 'A1' }).rowSet).toBe(formWith({ queryId: 'a1' }).rowSet)
    expect(formWith({ queryId: 'A1' }).rowSet).not.toBe(formWith({ queryId: 'A2' }).rowSet)
  })

  it('a further plain column changes the form alone, unless a metric or distinct makes columns decide the rows', () => {
    const anyChange = fc.record({
      before: fc.subarray(PLAIN, { minLength: 1, maxLength: PLAIN.length - 1 }),
      metrics: fc.subarray(METRICS),
      distinct: fc.boolean(),
    })
    fc.assert(
      fc.property(anyChange, ({ before, metrics, distinct }) => {
        const added = PLAIN.find((name) => !before.includes(name))
        const [fewer, more] = [before, [...before, added]].map((plain) =>
          formWith({ columns: [...plain, ...metrics], distinct }),
        )
        expect(more?.form).not.toBe(fewer?.form)
        expect(more?.rowSet === fewer?.rowSet).toBe(metrics.length === 0 && !distinct)
      }),
    )
  })

  it('a further metric changes the row set, also where there was one before', () => {
    const [none, one, two] = [[], ['TotalACR'], METRICS].map((metrics) => formWith({ columns: ['Month', ...metrics] }))
    expect(new Set([none?.rowSet, one?.rowSet, two?.rowSet]).size).toBe(3)
  })

  it('a column that the catalogue does not know may be a metric', () => {
    const feed = feedOf()
    expect(askedFor(feed, ['Month', 'Brand New']).rowSet).not.toBe(askedFor(feed, ['Month', 'Other New']).rowSet)
  })

  it.each([
    ['types', { types: { UsageQuantity: 'string' } }],
    ['shards', { shards: 4 }],
  ])('%s change the form alone', (_, change) => {
    const [before, after] = [formWith({ columns: PLAIN }), formWith({ columns: PLAIN, ...change })]
    expect(after).toEqual({ ...before, form: after.form })
    expect(after.form).not.toBe(before.form)
  })
})

describe('what a feed asks for now', () => {
  const rowOf = (fields: Readonly<Record<string, unknown>>): FeedRow => newFeedRow(feedOf(fields), {}, NOW)
  const registered = (row: FeedRow, columns: readonly string[] = ['Month', 'TotalACR']): FeedRow =>
    withQuery(row, { queryId: 'q', hash: row.feed.hash, columns, ours: true })

  it('are the columns that the app chose, where the feed names none', () => {
    const row = registered(rowOf({}))
    expect(formNow(row)).toEqual(formOf(askedFor(row.feed, ['Month', 'TotalACR']), row.feed))
  })

  it('stays the same when something else of the feed changes, before its query is registered anew or after that is lost', () => {
    const row = registered(rowOf({}))
    const changed = withFeed(row, feedOf({ maxRejects: 0.5 }), {}, NOW)
    expect(formNow(changed)).toEqual(formNow(row))
    expect(formNow(withoutQuery(row))).toEqual(formNow(row))
  })

  it('ends what was accepted of the feed where it asks for other rows, and not where something else changes', () => {
    const row = { ...registered(rowOf({})), acceptedGaps: ['20250501T000000Z_20250601T000000Z'] }
    const changedTo = (fields: Readonly<Record<string, unknown>>) => withFeed(row, feedOf(fields), {}, NOW).acceptedGaps
    expect(changedTo({ maxRejects: 0.5, types: { TotalACR: 'string' } })).toEqual(row.acceptedGaps)
    expect(changedTo({ where: "CustomerName = 'Contoso'" })).toBeUndefined()
  })

  it('are the columns of the catalogue, also its time column, until the app has chosen', () => {
    const named = registered(rowOf({ columns: ['Month', 'TotalACR'] }))
    expect(named).not.toHaveProperty('chosen')
    const unnamed = withFeed(named, feedOf(), {}, NOW)
    expect(formNow(unnamed).rowSet).not.toBe(formNow(named).rowSet)
    expect(formNow(unnamed)).toEqual(formNow(rowOf({})))
  })

  it('an attempt is of an earlier query when the rows are others, before a query for them is registered', () => {
    const row = registered(rowOf({ columns: ['Month'] }), ['Month'])
    const attempt = { queryId: 'q', asked: askedFor(row.feed, ['Month']) }
    const changedTo = (fields: object) => withFeed(row, feedOf({ columns: ['Month'], ...fields }), {}, NOW)
    expect(isOfEarlierQuery(row, attempt)).toBe(false)
    expect(isOfEarlierQuery(changedTo({ columns: ['Month', 'CustomerName'] }), attempt)).toBe(false)
    expect(isOfEarlierQuery(changedTo({ where: "CustomerName = 'Contoso'" }), attempt)).toBe(true)
    expect(isOfEarlierQuery(row, { ...attempt, queryId: 'other' })).toBe(true)
  })
})

describe('a change that the name of a feed forbids', () => {
  it.each([
    [{ table: 'Other' }, 'feed azure-usage: table changed from AzureUsage to Other: give it a new name'],
    [{ dataset: 'MSLearn' }, 'feed azure-usage: dataset changed from AzureUsage to MSLearn: give it a new name'],
    [
      { dataset: 'MSLearn', table: 'Bbb' },
      'feed azure-usage: dataset changed from AzureUsage to MSLearn, table changed from AzureUsage to Bbb: give it a new name',
    ],
  ])('is one of account, dataset and table: %j', (change, message) => {
    expect(forbiddenChange(feedOf(), feedOf(change))).toBe(message)
  })

  it('is one of the account', () => {
    const other = { ...feedOf(), account: 'emea' }
    const message = 'feed azure-usage: account changed from default to emea: give it a new name'
    expect(forbiddenChange(feedOf(), other)).toBe(message)
  })

  it('is one of the tenant under the same account, as far as both are known', () => {
    const of = (tenant?: string) => ({ ...feedOf(), tenant })
    const message =
      'feed azure-usage: the tenant of account default changed from contoso to fabrikam: give it a new name'
    expect(forbiddenChange(of('contoso'), of('fabrikam'))).toBe(message)
    expect(forbiddenChange(of('contoso'), of('CONTOSO'))).toBeUndefined()
    expect(forbiddenChange(of(), of('fabrikam'))).toBeUndefined()
    expect(forbiddenChange(of('contoso'), of())).toBeUndefined()
  })

  it.each([
    [{ snapshot: 'P7D' }, { timeColumn: 'At', window: 'P1D', from: '2025-01-01' }, 'snapshot changed to windows'],
    [{ timeColumn: 'At', window: 'P1D', from: '2025-01-01' }, { snapshot: 'P7D' }, 'windows changed to snapshot'],
  ])('is one between snapshots and windows: %j', (before, after, what) => {
    const unknown = { name: 'other', dataset: 'Unknown', columns: ['At', 'Count'] }
    const message = `feed other: ${what}: give it a new name`
    expect(forbiddenChange(feedOf({ ...unknown, ...before }), feedOf({ ...unknown, ...after }))).toBe(message)
  })

  it('is no other one, and none of case', () => {
    const other = feedOf({ where: "CustomerName = 'Contoso'", shards: 2, from: '2020-01-01', table: 'AZUREUSAGE' })
    expect(forbiddenChange(feedOf(), other)).toBeUndefined()
  })
})
