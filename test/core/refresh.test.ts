import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Figures } from '../../src/core/ledger/ledger.ts'
import { forecastLines, forecastOf, stretchOf } from '../../src/core/plan/forecast.ts'
import { refreshAt } from '../../src/core/plan/refresh.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import { feedOf } from './feed-of.ts'

const DAY = 86_400_000
const MARCH = { from: new Date('2025-03-01T00:00:00Z'), to: new Date('2025-04-01T00:00:00Z') }
const DAILY = { dataset: 'MSLearn', from: '2025-01-01', delay: 'P1D', refresh: { every: 'P2D', for: 'P30D' } }

function figuresOf(requestedAt: Date, more: Partial<Figures> = {}): Figures {
  return {
    ...{ attempt: 1, generation: newGeneration(() => '0123456789ab'), origin: 'service', reportId: 'r' },
    ...{ executionId: 'e', requestedAt, landedAt: requestedAt, rowsRead: 1, rowsLanded: 1, rowsRejected: 0 },
    ...{ bytes: 1, sha256: 's', totals: {}, archive: 'a', table: 'T', rowSet: 's', selection: 's', form: 'f' },
    ...{ milliseconds: { check: 0, write: 0, count: 0 }, operations: 1, verdict: 'rows' },
    emptyColumns: [],
    ...more,
  }
}

const at = (text: string) => new Date(text)
const next = (fields: Record<string, unknown>, window: typeof MARCH, figures: Figures, stretch?: number) =>
  refreshAt({ feed: feedOf(fields), ...(stretch !== undefined && { stretch }) }, window, figures, figures.landedAt)

describe('a landed window is asked for again', () => {
  const day = { from: at('2025-03-03T00:00:00Z'), to: at('2025-03-04T00:00:00Z') }

  it('not later than `every` after it was asked for, and at its own time of day from then on', () => {
    const first = next(DAILY, day, figuresOf(at('2025-03-05T07:00:00Z')))
    if (!first) throw new Error('a refresh is expected')
    expect(first > at('2025-03-06T07:00:00Z') && first <= at('2025-03-07T07:00:00Z')).toBe(true)
    expect(next(DAILY, day, figuresOf(first))).toEqual(new Date(first.getTime() + 2 * DAY))
  })

  it('every few hours where the feed says so', () => {
    const hourly = { ...DAILY, refresh: { every: 'PT4H', for: 'P30D' } }
    const asked = at('2025-03-05T07:00:00Z')
    const again = next(hourly, day, figuresOf(asked))
    expect(again && again > asked && again <= at('2025-03-05T11:00:00Z')).toBe(true)
  })

  it('as long as it is young, and not afterwards', () => {
    expect(next(DAILY, day, figuresOf(at('2025-03-31T00:00:00Z')))).toBeInstanceOf(Date)
    expect(next(DAILY, day, figuresOf(at('2025-04-02T00:00:00Z')))).toBeUndefined()
  })

  it('as long as the service still has all of it', () => {
    const of = (requestedAt: Date, more: Partial<Figures> = {}) => {
      const figures = figuresOf(requestedAt, more)
      return refreshAt({ feed: feedOf(DAILY), ranges: ['LAST_14_DAYS'] }, day, figures, requestedAt)
    }
    expect(of(at('2025-03-14T00:00:00Z'))).toBeInstanceOf(Date)
    expect(of(at('2025-03-18T00:00:00Z'))).toBeUndefined()
    // What is not proven yet is asked for: nobody would be told otherwise that it never will be.
    expect(of(at('2025-03-18T00:00:00Z'), { running: true })).toBeInstanceOf(Date)
  })

  it('never where the feed has no refresh, nor where a person brought the file', () => {
    const { refresh: _, ...plain } = DAILY
    expect(next(plain, day, figuresOf(at('2025-03-05T07:00:00Z')))).toBeUndefined()
    expect(next(DAILY, day, figuresOf(at('2025-03-05T07:00:00Z'), { origin: 'import' }))).toBeUndefined()
  })

  it('less often where the quota of the account stretches it', () => {
    const asked = at('2025-03-05T07:00:00Z')
    const again = next(DAILY, day, figuresOf(asked), 3)
    expect(again && again > at('2025-03-10T07:00:00Z') && again <= at('2025-03-11T07:00:00Z')).toBe(true)
  })

  it('within `every` of its landing where a clock that was ahead asked for it', () => {
    const landedAt = at('2025-03-05T07:00:00Z')
    const ahead = next(DAILY, day, figuresOf(at('2025-04-01T07:00:00Z'), { landedAt }))
    expect(ahead).toEqual(next(DAILY, day, figuresOf(landedAt)))
  })

  it('once more where it was empty, also if a clock that was ahead asked for it', () => {
    const blank = { landedAt: at('2025-03-05T07:00:00Z'), verdict: 'empty' as const }
    const { refresh: _, ...plain } = DAILY
    expect(next(plain, day, figuresOf(at('2025-04-01T07:00:00Z'), blank))).toEqual(at('2025-03-06T00:00:00Z'))
  })

  it('at other times of the day than its neighbours', () => {
    const hours = Array.from({ length: 200 }, (_, index) => {
      const from = new Date(Date.UTC(2025, 2, 1) + index * DAY)
      const window = { from, to: new Date(from.getTime() + DAY) }
      return next(DAILY, window, figuresOf(new Date(window.to.getTime() + DAY)))?.getUTCHours()
    })
    const counts = [...Map.groupBy(hours, (hour) => hour).values()].map(({ length }) => length)
    expect(counts).toHaveLength(24)
    expect(Math.max(...counts)).toBeLessThan(25)
  })
})

describe('the running month', () => {
  const running = { from: '2025-01-01', delay: 'P4D', openWindow: true, refresh: { every: 'P3D', for: 'P70D' } }

  it('is asked for every time, and when its data has settled', () => {
    const asked = (text: string) => next(running, MARCH, figuresOf(at(text), { running: true }))
    expect(asked('2025-03-10T12:00:00Z')).toEqual(at('2025-03-13T12:00:00Z'))
    expect(asked('2025-04-03T12:00:00Z')).toEqual(at('2025-04-05T00:00:00Z'))
  })

  it('is asked for when its data has settled where the feed does not want it any more', () => {
    const closed = { ...running, openWindow: false }
    expect(next(closed, MARCH, figuresOf(at('2025-03-10T12:00:00Z'), { running: true }))).toEqual(
      at('2025-04-05T00:00:00Z'),
    )
  })
})

it('the next refresh comes after the request and within `every`, or not at all', () => {
  const instant = fc.date({ min: at('2024-01-01'), max: at('2026-01-01'), noInvalidDate: true })
  const every = fc.constantFrom('PT1H', 'PT36H', 'P1D', 'P5D', 'P1M')
  fc.assert(
    fc.property(instant, instant, every, fc.integer({ min: 1, max: 4 }), (from, asked, often, stretch) => {
      const fields = { ...DAILY, refresh: { every: often, for: 'P70D' } }
      const day = { from: new Date(from.toISOString().slice(0, 10)), to: new Date(from.getTime() + DAY) }
      const again = next(fields, day, figuresOf(asked), stretch)
      if (!again) return
      const longest = { PT1H: DAY / 24, PT36H: 1.5 * DAY, P1D: DAY, P5D: 5 * DAY, P1M: 31 * DAY }[often] ?? 0
      expect(again.getTime()).toBeGreaterThan(asked.getTime())
      expect(again.getTime() - asked.getTime()).toBeLessThanOrEqual(longest * stretch)
      expect(again.getTime()).toBeLessThan(day.to.getTime() + 70 * DAY)
    }),
  )
})

describe('the forecast', () => {
  const NOW = at('2025-07-10T12:00:00Z')
  const NOTHING = { live: 0, running: 0, refresh: 0, mostRefresh: 0, loads: 0 }

  it('counts no new windows of a feed that has ended, and no refreshes once its last window is old', () => {
    const until = (to: string) => forecastOf(feedOf({ ...DAILY, to }), NOW)
    expect(until('2025-08-01')).toMatchObject({ live: 1, refresh: 14.5 })
    expect(until('2025-07-01')).toMatchObject({ live: 0, refresh: 14.5 })
    expect(until('2025-06-01')).toEqual(NOTHING)
  })

  it('counts new windows, the running one and the refreshes of young ones', () => {
    // A day settles within a day, and is refreshed for the other 29.
    expect(forecastOf(feedOf(DAILY), NOW)).toEqual({ ...NOTHING, live: 1, refresh: 14.5, mostRefresh: 14.5 })
    // A week is asked for while it runs and until it has settled: for 8 of 7 days, so that two are at times.
    const weeks = forecastOf(feedOf({ ...DAILY, window: 'P1W', openWindow: true }), NOW)
    expect(weeks.live).toBeCloseTo(1 / 7)
    expect(weeks.running).toBeCloseTo(8 / 7 / 2)
    expect(weeks.refresh).toBeCloseTo(29 / 7 / 2)
    expect(forecastOf(feedOf({ dataset: 'Profile', snapshot: 'P7D' }), NOW)).toEqual({ ...NOTHING, live: 1 / 7 })
    const late = { ...DAILY, delay: 'P30D' }
    expect(forecastOf(feedOf(late), NOW)).toMatchObject({ refresh: 0 })
    expect(forecastOf(feedOf({ ...DAILY, enabled: false }), NOW)).toEqual(NOTHING)
  })

  it('says what each feed asks for again, and what part of the quota that is', () => {
    const profile = feedOf({ name: 'profile', dataset: 'Profile', snapshot: 'P7D' })
    const weeks = feedOf({ name: 'weeks', table: 'Weeks', ...DAILY, window: 'P1W', openWindow: true })
    const { lines, warnings } = forecastLines([feedOf({ name: 'days', ...DAILY }), weeks, profile], 20, NOW)
    expect(lines).toEqual([
      'account default: about 18.4 reports a day once history has landed, of 480 allowed (MAX_REPORTS_PER_HOUR is 20)',
      'feed days: asks again about 14.5 times a day (0.0 while windows run, 14.5 as refreshes), 3.0 % of the allowed reports',
      'feed weeks: asks again about 2.6 times a day (0.6 while windows run, 2.1 as refreshes), 0.6 % of the allowed reports',
    ])
    expect(warnings).toEqual([])
  })

  it('warns where running windows alone are more than their part of each hour, which nothing stretches', () => {
    const hourly = { dataset: 'MSLearn', delay: 'PT1H', openWindow: true }
    const feeds = (count: number) =>
      Array.from({ length: count }, (_, at) => feedOf({ ...hourly, name: `learn-${at}`, table: `Learn${at}` }))
    // Each day is asked for once an hour until it has settled, an hour after its end.
    expect(forecastLines(feeds(4), 20, NOW).warnings).toEqual([])
    expect(forecastLines(feeds(5), 20, NOW).warnings).toEqual([
      'account default: about 125.0 reports a day for running windows and days on which data is loaded are more than the 120 of their quarter of each hour: set a longer refresh.every, or openWindow to false',
    ])
  })

  it('stretches refreshes until all feeds take half of the quota at most', () => {
    expect(stretchOf({ ...NOTHING, live: 180, mostRefresh: 60 }, 20)).toBe(1)
    expect(stretchOf({ ...NOTHING, live: 180, mostRefresh: 61 }, 20)).toBe(2)
    expect(stretchOf({ ...NOTHING, live: 1000, mostRefresh: 24 }, 20)).toBe(1)
    expect(stretchOf({ ...NOTHING, live: 1000, mostRefresh: 25 }, 20)).toBe(2)
  })

  it('stretches refreshes until what is asked for again fits into its part of each hour', () => {
    // A quarter of 20 reports an hour is 120 a day.
    expect(stretchOf({ ...NOTHING, live: 10, mostRefresh: 120 }, 20)).toBe(1)
    expect(stretchOf({ ...NOTHING, live: 10, mostRefresh: 121 }, 20)).toBe(2)
    expect(stretchOf({ ...NOTHING, live: 10, running: 20, mostRefresh: 500, loads: 50 }, 20)).toBe(10)
    // However few reports an hour has, one of them may be a refresh.
    expect(stretchOf({ ...NOTHING, live: 1, mostRefresh: 24 }, 3)).toBe(1)
    expect(stretchOf({ ...NOTHING, live: 1, mostRefresh: 25 }, 3)).toBe(2)
  })

  it('has room for the months that have one young window more than others', () => {
    // Of months that are young for 68 days there are two or three at once.
    const months = forecastOf(
      feedOf({ ...DAILY, window: 'P1M', delay: 'P2D', refresh: { every: 'PT6H', for: 'P70D' } }),
      NOW,
    )
    expect(months.refresh).toBeCloseTo((68 / 30) * 4)
    expect(months.mostRefresh).toBe(12)
  })
})
