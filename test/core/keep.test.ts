import { describe, expect, it } from 'vitest'
import { CATALOG } from '../../src/core/catalog.ts'
import { parseFeeds } from '../../src/core/feeds/feeds.ts'
import { missingWindows, wantedSpan } from '../../src/core/plan/due-windows.ts'
import { dueRemoval, isPastKeep } from '../../src/core/plan/keep.ts'
import { DAY_MS, HOUR_MS } from '../../src/core/time/durations.ts'
import { feedOf, problemsOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const SINCE = new Date('2025-07-01T00:00:00Z')
const learn = (fields: object) => feedOf({ dataset: 'MSLearn', delay: 'P1D', from: '2024-01-01', ...fields })
const starts = (feed: ReturnType<typeof learn>, now: Date) =>
  missingWindows(feed, { since: SINCE, taken: [], now }).map(({ window }) => window.from.toISOString().slice(0, 10))

describe('keep', () => {
  it('shorter than delay is a problem, and shorter than from a warning', () => {
    expect(problemsOf({ keep: 'P3D' })).toEqual([expect.stringContaining('keep is "P3D"; it must be at least as long')])
    expect(problemsOf({ keep: 'ever' })).toEqual([expect.stringContaining('keep is "ever"')])
    const text = JSON.stringify({ feeds: [{ name: 'usage', dataset: 'AzureUsage', from: 'P24M', keep: 'P12M' }] })
    expect(parseFeeds(text, CATALOG)).toMatchObject({
      warnings: [expect.stringContaining('from reaches further back than keep')],
    })
  })

  it('changes no row that lands, so the hash of the feed stays', () => {
    expect(learn({ keep: 'P12M' }).hash).toBe(learn({}).hash)
  })

  it('leaves out of the plan exactly the windows that ended before what is kept', () => {
    expect(starts(learn({ keep: 'P10D' }), NOW).slice(0, 2)).toEqual(['2025-06-30', '2025-07-01'])
    // A month that ends within what is kept is kept as a whole.
    expect(starts(learn({ keep: 'P10D', backfillWindow: 'P1M' }), NOW).slice(0, 2)).toEqual([
      '2025-06-01',
      '2025-07-01',
    ])
    expect(starts(learn({ keep: 'P20D', window: 'P1W' }), NOW)[0]).toBe('2025-06-16')
    // Where a longer window no longer fits, its days are judged one by one.
    const days = { since: new Date('2025-06-15T00:00:00Z'), taken: [], now: NOW }
    const [first] = missingWindows(learn({ keep: 'P10D', backfillWindow: 'P1M' }), days)
    expect(first?.window.from).toEqual(new Date('2025-06-30T00:00:00Z'))
  })

  it('lets history begin inside the first window of the plan, on every day of two years', () => {
    for (const keep of ['P1M', 'P45D', 'P1Y']) {
      const feed = learn({ keep, backfillWindow: 'P1M' })
      for (let day = 0; day < 730; day += 1) {
        const now = new Date(NOW.getTime() + day * DAY_MS)
        const begins = wantedSpan(feed, SINCE, now)?.from ?? NOW
        const [first] = missingWindows(feed, { since: SINCE, taken: [], now })
        expect(first && first.window.from <= begins && begins < first.window.to, now.toISOString()).toBe(true)
        expect(first && isPastKeep(feed, first.window, now)).toBe(false)
      }
    }
  })
})

describe('the daily look at what is older than a feed keeps', () => {
  const kept = (days: number) => ({ keep: { months: 0, days, seconds: 0 } })
  const look = (hoursAgo: number, before: object = kept(30)) =>
    dueRemoval(kept(30), { at: new Date(NOW.getTime() - hoursAgo * HOUR_MS).toISOString(), ...before }, NOW)
  const back = (hours: number, days: number) => ({ since: new Date(NOW.getTime() - hours * HOUR_MS - days * DAY_MS) })

  it('is only noted where there is none before, or one that nobody can have made', () => {
    expect([undefined, { at: 'once' }].map((before) => dueRemoval(kept(30), before, NOW))).toEqual([{}, {}])
    expect([look(-24), look(-4000)]).toEqual([{}, {}])
  })

  it('comes a day after the one before, and goes by that one', () => {
    expect([look(0), look(23.9), look(-23.9)]).toEqual([undefined, undefined, undefined])
    expect([look(24), look(4000)]).toEqual([back(24, 30), back(4000, 30)])
  })

  it('goes by the longer of what the feed keeps now and what it kept at the look before', () => {
    expect([look(24, kept(400)), look(24, kept(3))]).toEqual([back(24, 400), back(24, 30)])
    expect(look(24, { keep: undefined })).toEqual({})
    expect(dueRemoval({}, undefined, NOW)).toBeUndefined()
  })
})
