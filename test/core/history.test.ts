import { describe, expect, it } from 'vitest'
import { CATALOG } from '../../src/core/catalog.ts'
import {
  firstInRange,
  laterStart,
  laterStartWarning,
  laterStartWarnings,
  reachesFurther,
} from '../../src/core/feeds/history.ts'
import { withFeed } from '../../src/core/ledger/feed-block.ts'
import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import { isOutOfRange, startWithinReach, withinReach, withListedReach, withReach } from '../../src/core/ledger/reach.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2026-11-26T03:00:00Z')
const LATER = new Date('2027-02-03T00:00:00Z')

const TWO_YEARS = ['LAST_MONTH', 'LAST_1_YEAR', 'LAST_2_YEARS']

describe('the first instant that a dataset has data for', () => {
  it.each([
    [['LAST_MONTH'], '2026-10-26T03:00:00Z'],
    [TWO_YEARS, '2024-11-26T03:00:00Z'],
    [['last_2_years ', 'LAST_6_MONTHS'], '2024-11-26T03:00:00Z'],
    [['LAST_365_DAYS', 'LAST_1_YEAR'], '2025-11-26T03:00:00Z'],
    [['TODAY', 'LAST_7_DAYS'], '2026-11-19T03:00:00Z'],
    [['LAST_MONTH', 'LAST_1_YEAR', 'YEAR_TO_DATE'], '2025-11-26T03:00:00Z'],
    [['SINCE_2019', 'LAST_0_DAYS', 'LAST_1_YEAR', ''], '2025-11-26T03:00:00Z'],
  ])('by the ranges %j is that of the longest', (ranges, first) => {
    expect(firstInRange(ranges, NOW)).toEqual(new Date(first))
  })

  it.each([[[]], [['LIFETIME']], [['LAST_1_YEAR', ' lifetime', 'SINCE_2019']], [['SINCE_2019']], [['LAST_0_DAYS']]])(
    'has no known limit by %j',
    (ranges) => {
      expect(firstInRange(ranges, NOW)).toBeUndefined()
    },
  )

  it('is known for every dataset of the catalogue that has a time', () => {
    for (const { ranges, timeColumn } of CATALOG) {
      if (timeColumn && !ranges.includes('LIFETIME')) expect(firstInRange(ranges, NOW)).toBeInstanceOf(Date)
    }
  })
})

describe('a from before what the service offers', () => {
  it.each([
    [{ from: '2020-01-01' }, TWO_YEARS, '2024-12-01'],
    [{ from: 'P36M' }, TWO_YEARS, '2024-12-01'],
    [{ from: '2024-11-27' }, TWO_YEARS, '2024-12-01'],
    [{ dataset: 'MSLearn', from: 'P24M' }, ['LAST_1_YEAR'], '2025-11-27'],
  ])('gives a later start, of a whole day or month: %j', (fields, ranges, start) => {
    expect(laterStart(feedOf(fields), ranges, NOW, NOW)).toEqual(new Date(start))
  })

  it.each([
    [{ from: '2024-12-01' }, TWO_YEARS],
    [{ from: 'P12M' }, TWO_YEARS],
    [{ from: '2020-01-01' }, ['LIFETIME']],
    [{ dataset: 'Profile', snapshot: 'P7D' }, ['LAST_MONTH']],
  ])('is not one within it, nor a snapshot: %j', (fields, ranges) => {
    expect(laterStart(feedOf(fields), ranges, NOW, NOW)).toBeUndefined()
  })

  it('is a warning by the catalogue, before anybody has asked the service', () => {
    expect(laterStartWarnings([feedOf({ from: 'P36M' }), feedOf({ from: 'P12M' })], CATALOG, NOW)).toEqual([
      'feed "azure-usage": Microsoft documents AzureUsage from 2024-12-01 on: history starts there and not at from, unless the service\'s own list, which decides, has more',
    ])
  })

  it.each([
    ['2024-06-01', '2024-06-01'],
    ['2024-06-15', '2024-07-01'],
    ['2024-11-20', '2024-12-01'],
    ['P28M', '2024-08-01'],
  ])('says that nothing is offered where the feed ends before that: to %s', (to, end) => {
    expect(laterStartWarnings([feedOf({ from: 'P10Y', to })], CATALOG, NOW)).toEqual([
      `feed "azure-usage": the service offers nothing of its time, which ends at ${end}: Microsoft documents AzureUsage from 2024-12-01 on; set a later to, or leave it out, unless the service's own list, which decides, has more`,
    ])
  })

  it('tells the same of what the service lists, and not of a feed that ends later', () => {
    const [start, since] = [new Date('2024-12-01'), new Date('2025-03-05')]
    const told = (to: string) => laterStartWarning(feedOf({ from: 'P10Y', to }), start, since)
    expect(told('P4M')).toBe(
      'feed "azure-usage": the service offers nothing of its time, which ends at 2024-12-01: it has AzureUsage from 2024-12-01 on',
    )
    expect(told('P3M')).toBe(
      'feed "azure-usage": history starts at 2024-12-01 and not at from: the service offers no more of AzureUsage',
    )
  })
})

describe('the row of a feed', () => {
  const rowOf = (fields: Readonly<Record<string, unknown>>, ranges?: readonly string[]): FeedRow => {
    const feed = feedOf(fields)
    const row = newFeedRow(feed, {}, NOW)
    return ranges ? { ...row, ranges } : row
  }

  it('notes a later start once the ranges are known, and not before', () => {
    const row = rowOf({ from: '2020-01-01' })
    expect(withReach(row, NOW)).toBe(row)
    const known = withReach(rowOf({ from: '2020-01-01' }, TWO_YEARS), NOW)
    expect(startWithinReach(known)).toBe('2024-12-01T00:00:00.000Z')
    expect(withinReach(known).cadence).toMatchObject({ from: { date: '2024-12-01T00:00:00.000Z' } })
  })

  it('keeps it while from stays, although the range moves on', () => {
    const row = withReach(rowOf({ from: '2020-01-01' }, TWO_YEARS), NOW)
    expect(withReach(row, LATER)).toBe(row)
    const within = withReach(rowOf({ from: '2025-01-01' }, TWO_YEARS), NOW)
    expect(startWithinReach(withReach(within, LATER))).toBeUndefined()
    expect(withinReach(within)).toBe(within.feed)
  })

  it('moves it back where the service offers more, and never forth', () => {
    const short = withReach(rowOf({ from: '2020-01-01' }, ['LAST_MONTH']), NOW)
    expect(startWithinReach(short)).toBe('2026-11-01T00:00:00.000Z')
    const more = withReach(short, LATER, TWO_YEARS)
    expect(more).toMatchObject({ ranges: TWO_YEARS, widerAt: LATER.toISOString() })
    expect(startWithinReach(more)).toBe('2025-03-01T00:00:00.000Z')
    const less = withReach(more, LATER, ['LAST_MONTH'])
    expect([less.ranges, startWithinReach(less)]).toEqual([['LAST_MONTH'], '2025-03-01T00:00:00.000Z'])
    const all = withReach(less, LATER, ['LIFETIME'])
    expect([startWithinReach(all), withinReach(all)]).toEqual([undefined, all.feed])
    expect(startWithinReach(withReach(all, LATER, TWO_YEARS))).toBeUndefined()
  })

  it.each([[[]], [['YEAR_TO_DATE']]])('is the same by ranges that say nothing: %j', (ranges) => {
    const row = withReach(rowOf({ from: '2020-01-01' }, TWO_YEARS), NOW)
    expect(withReach(row, LATER, ranges)).toBe(row)
    expect(withReach(rowOf({ from: '2020-01-01' }), NOW, ranges)).toEqual(rowOf({ from: '2020-01-01' }))
    expect([reachesFurther(ranges, TWO_YEARS, NOW), reachesFurther(['LIFETIME'], ranges, NOW)]).toEqual([false, false])
  })

  it('notes what the service lists at registration, else what is known, else what the catalogue says', () => {
    const from = { from: '2020-01-01' }
    const rangesBy = (row: FeedRow, listed?: readonly string[]) => withListedReach(row, NOW, listed).ranges
    expect(rangesBy(rowOf(from, TWO_YEARS), ['LIFETIME'])).toEqual(['LIFETIME'])
    for (const listed of [undefined, [], ['YEAR_TO_DATE']]) {
      expect(rangesBy(rowOf(from, ['LAST_MONTH']), listed)).toEqual(['LAST_MONTH'])
      expect(rangesBy(rowOf(from), listed)).toEqual(CATALOG.find(({ name }) => name === 'AzureUsage')?.ranges)
      const row = rowOf(from)
      const unknown = { ...row, feed: { ...row.feed, dataset: 'Newest' } }
      expect(withListedReach(unknown, NOW, listed)).toBe(unknown)
    }
  })

  it('decides anew when from changes', () => {
    const row = withReach(rowOf({ from: '2020-01-01' }, TWO_YEARS), NOW)
    const change = (from: string) => withFeed(row, feedOf({ from }), {}, LATER)
    expect(startWithinReach(change('2019-01-01'))).toBe('2025-03-01T00:00:00.000Z')
    expect(startWithinReach(change('2026-01-01'))).toBeUndefined()
    expect(withinReach(change('2026-01-01')).cadence).toMatchObject({ from: { date: '2026-01-01T00:00:00.000Z' } })
  })

  it('says which windows the service no longer offers', () => {
    const row = rowOf({ from: '2020-01-01' }, TWO_YEARS)
    const month = (day: string) => ({ from: new Date(day), to: NOW })
    expect(isOutOfRange(row, month('2024-11-01'), NOW)).toBe(true)
    expect(isOutOfRange(row, month('2024-12-01'), NOW)).toBe(false)
    expect(isOutOfRange(row, month('2024-12-01'), LATER)).toBe(true)
    expect(isOutOfRange(rowOf({ from: '2020-01-01' }), month('2000-01-01'), NOW)).toBe(false)
    expect(isOutOfRange(rowOf({ dataset: 'Profile', snapshot: 'P7D' }, TWO_YEARS), month('2000-01-01'), NOW)).toBe(
      false,
    )
  })
})
