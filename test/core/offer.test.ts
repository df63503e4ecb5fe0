import { describe, expect, it } from 'vitest'
import { type FeedRow, newFeedRow, withQuery } from '../../src/core/ledger/feed-row.ts'
import { driftOf, type OfferedDataset, offerOf, withOffer } from '../../src/core/ledger/offer.ts'
import { fromFeedFields, fromOutlineField, toFeedFields } from '../../src/core/ledger/stored-feed-row.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2026-11-26T03:00:00Z')

const LISTED: OfferedDataset = {
  name: 'AzureUsage',
  columns: ['Month', 'CustomerName', 'UsageQuantity'],
  metrics: ['CustomerCount'],
  ranges: ['LAST_1_YEAR', 'LAST_2_YEARS'],
  minimumRecurrenceIntervalHours: 24,
  isWhole: true,
}

const COLUMNS = ['Month', 'CustomerName', 'UsageQuantity']

function rowOf(fields: Readonly<Record<string, unknown>> = { columns: COLUMNS }): FeedRow {
  const feed = feedOf(fields)
  const columns = feed.source.kind === 'columns' ? COLUMNS : undefined
  const query = { queryId: 'q-1', hash: feed.hash, ours: true, ...(columns && { columns }) }
  return withQuery(newFeedRow(feed, {}, NOW), query)
}

const look = (row: FeedRow, change: Partial<OfferedDataset> = {}) => withOffer(row, [{ ...LISTED, ...change }], NOW)
const driftAfter = (row: FeedRow, change: Partial<OfferedDataset>) => look(row, change).offerDrift

describe('the row of a feed after a look at what the service lists', () => {
  it('is the same after another look that finds nothing new', () => {
    const row = look(rowOf())
    expect(row).toMatchObject({ ranges: LISTED.ranges, offered: { ranges: LISTED.ranges, hours: 24 } })
    expect(look(row)).toBe(row)
  })

  it('is the same where the dataset could not be read', () => {
    const row = rowOf()
    expect(look(row, { isWhole: false, columns: [] })).toBe(row)
    expect(offerOf(row.feed, [{ ...LISTED, isWhole: false }])).toBeUndefined()
    expect(offerOf(row.feed, [])).toBe('absent')
  })

  it('keeps the longest ranges and the shortest interval as the measure, until the feed is changed', () => {
    const less = look(look(rowOf()), { ranges: ['LAST_MONTH'], minimumRecurrenceIntervalHours: 48 })
    expect(less).toMatchObject({ ranges: ['LAST_MONTH'], offered: { ranges: LISTED.ranges, hours: 24 } })
    expect(less.offerDrift).toHaveLength(2)
    expect(look(less, { ranges: ['LAST_MONTH'] }).offerDrift).toHaveLength(1)
    const back = look(less)
    expect(back).not.toHaveProperty('offerDrift')
    const more = look(back, { ranges: ['LIFETIME'], minimumRecurrenceIntervalHours: 4 })
    expect(more).toMatchObject({ offered: { ranges: ['LIFETIME'], hours: 4 } })
    expect(look(more).offerDrift).toHaveLength(2)
  })

  it.each([
    [[], 'none'],
    [['YEAR_TO_DATE', 'ALL_TIME'], 'ALL_TIME, YEAR_TO_DATE'],
  ])('keeps its ranges where the service lists none that the app knows, and tells it: %j', (ranges, shown) => {
    const row = look(rowOf())
    const odd = look(row, { ranges })
    const sentence = `the service lists no date range of AzureUsage that the app knows: ${shown}, and before LAST_1_YEAR, LAST_2_YEARS`
    expect(odd).toEqual({ ...row, offerDrift: [sentence] })
    expect([look(odd, { ranges }), look(odd)]).toEqual([odd, row])
  })

  it.each([[[]], [['YEAR_TO_DATE']]])(
    'tells nothing of ranges that say nothing where none were known: %j',
    (ranges) => {
      const odd = look(rowOf(), { ranges })
      expect([odd.ranges, odd.offerDrift]).toEqual([undefined, undefined])
      expect(look(odd)).toMatchObject({ ranges: LISTED.ranges, offered: { ranges: LISTED.ranges } })
      expect(look(odd)).not.toHaveProperty('offerDrift')
      const snapshot = { ...rowOf({ dataset: 'Profile', snapshot: 'P7D', queryId: 'q-1' }), ranges: ['LAST_MONTH'] }
      const profile = { ...LISTED, name: 'Profile', ranges }
      expect(withOffer(snapshot, [profile], NOW)).not.toHaveProperty('offerDrift')
    },
  )

  it('says nothing new where the service lists the same in another order', () => {
    const less = look(look(rowOf()), { ranges: ['LAST_MONTH', 'LAST_3_MONTHS'] })
    expect(look(less, { ranges: ['LAST_3_MONTHS', 'LAST_MONTH'] }).offerDrift).toEqual(less.offerDrift)
  })

  it('says nothing of ranges for a snapshot, of columns for a query by its id, nor of a query not registered yet', () => {
    const profile = { ...LISTED, name: 'Profile', columns: ['MPNId'], ranges: ['LAST_MONTH'] }
    const snapshot = { ...rowOf({ dataset: 'Profile', snapshot: 'P7D', queryId: 'q-1' }), ranges: ['LIFETIME'] }
    expect(withOffer(snapshot, [profile], NOW)).not.toHaveProperty('offerDrift')
    const { query: _, ...unregistered } = rowOf()
    expect(look(unregistered, { columns: ['Other'] })).not.toHaveProperty('offerDrift')
  })

  it('names metrics and the columns of conditions, each once, in any case', () => {
    const query = 'SELECT month, CustomerCount FROM AzureUsage WHERE customercount > 1 AND Country = 1 ORDER BY Country'
    expect(driftAfter(rowOf({ query }), { metrics: [] })).toEqual([
      'the service no longer lists what the feed asks AzureUsage for: CustomerCount, Country',
    ])
  })

  it('takes as a new name only one that neither the feed nor the catalogue had', () => {
    expect(driftAfter(rowOf(), { columns: ['Month', 'UsageQuantity', 'CustomerTenantID'] })).toEqual([
      'the service no longer lists what the feed asks AzureUsage for: CustomerName',
    ])
    expect(driftAfter(rowOf(), { columns: ['Month', 'UsageQty', 'CustomerFullName'] })).toEqual([
      'the service no longer lists what the feed asks AzureUsage for: CustomerName (now CustomerFullName?), UsageQuantity (now UsageQty?)',
    ])
  })

  it('is bounded, whatever the service lists, and does nothing to a terminal', () => {
    const ranges = Array.from({ length: 1000 }, (_, at) => `LAST_${at + 1}_DAYS`)
    const long = look({ ...rowOf(), ranges: ['LIFETIME'] }, { ranges })
    const odd = look(rowOf(), { columns: ['Month', 'UsageQuantity', 'CustomerNames\u001b'] })
    const sentences = [...(long.offerDrift ?? []), ...(odd.offerDrift ?? [])]
    expect(sentences).toHaveLength(2)
    for (const sentence of sentences) {
      expect(sentence.length).toBeLessThanOrEqual(1000)
      expect(sentence).not.toContain('\u001b')
    }
  })

  it('costs the outline of a feed without drift nothing, and is whole again when it is read', () => {
    const outlineOf = (row: FeedRow) => fromOutlineField(row.feed.name, toFeedFields(row).json)
    const row = rowOf()
    const looked = look({ ...row, ranges: LISTED.ranges, reach: look(row).reach ?? { of: { date: '' } } })
    expect(outlineOf(looked)).toEqual(outlineOf({ ...row, reach: looked.reach ?? { of: { date: '' } } }))
    const drifted = look(looked, { ranges: ['LAST_MONTH'] })
    expect(fromFeedFields(row.feed.name, toFeedFields(drifted))).toEqual(drifted)
    expect(outlineOf(drifted)).toMatchObject({ offerDrift: [expect.any(String)] })
  })
})

it('the drift of a feed that asks for nothing is only what its files had', () => {
  const row = { ...rowOf(), drift: ['Odd'], offerDrift: ['gone'] }
  const off = { ...row, feed: { ...row.feed, enabled: false } }
  expect([driftOf(row), driftOf(off)]).toEqual([
    ['columns that nobody named: Odd', 'gone'],
    ['columns that nobody named: Odd'],
  ])
})
