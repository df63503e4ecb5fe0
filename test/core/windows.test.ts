import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { missingWindows, nextDue } from '../../src/core/plan/due-windows.ts'
import { parseWindowId, queryTimes, windowId } from '../../src/core/time/window.ts'
import { feedOf } from './feed-of.ts'

/** `2025-03-01/2025-04-01` as a window. */
function span(text: string) {
  const [from, to] = text.split('/').map((day) => new Date(`${day}T00:00:00Z`))
  if (!from || !to) throw new Error(`${text} is not a span`)
  return { from, to }
}

/** What is due, one line each, as `live 2025-03-01/2025-04-01`. */
function dueLines(fields: Record<string, unknown>, since: string, taken: readonly string[], now: string) {
  const known = { since: new Date(since), taken: taken.map(span), now: new Date(now) }
  return missingWindows(feedOf(fields), known).map(({ window, lane }) => {
    const [from, to] = [window.from, window.to].map((date) => date.toISOString().replace('T00:00:00.000Z', ''))
    return `${lane} ${from}/${to}`
  })
}

function nextDueOf(fields: Record<string, unknown>, since: string, taken: readonly string[], now: string) {
  const known = { since: new Date(since), taken: taken.map(span), now: new Date(now) }
  return nextDue(feedOf(fields), known)?.toISOString()
}

const DAILY = { dataset: 'MSLearn', from: '2025-03-01', delay: 'P1D' }
const WEEKLY = { ...DAILY, window: 'P1W' }
const MONTHLY = { from: '2025-01-01', delay: 'P4D', openWindow: false }
const SINCE = '2025-03-03T09:30:00Z'

describe('which windows are due', () => {
  test.each([
    {
      name: 'history first seen is backfill, oldest first',
      feed: MONTHLY,
      since: SINCE,
      taken: [],
      now: '2025-03-06T00:00:00Z',
      due: ['backfill 2025-01-01/2025-02-01', 'backfill 2025-02-01/2025-03-01'],
    },
    {
      name: 'a window is not due before its delay is over',
      feed: MONTHLY,
      since: SINCE,
      taken: [],
      now: '2025-03-04T23:59:59Z',
      due: ['backfill 2025-01-01/2025-02-01'],
    },
    {
      name: 'a window is due in the very moment its delay is over',
      feed: MONTHLY,
      since: SINCE,
      taken: ['2025-01-01/2025-02-01'],
      now: '2025-03-05T00:00:00Z',
      due: ['backfill 2025-02-01/2025-03-01'],
    },
    {
      name: 'a window that ends after the feed was first seen is live',
      feed: MONTHLY,
      since: SINCE,
      taken: ['2025-01-01/2025-02-01', '2025-02-01/2025-03-01'],
      now: '2025-04-05T00:00:00Z',
      due: ['live 2025-03-01/2025-04-01'],
    },
    {
      name: 'a window that ends in the moment the feed was first seen is backfill',
      feed: DAILY,
      since: '2025-03-02T00:00:00Z',
      taken: [],
      now: '2025-03-04T00:00:00Z',
      due: ['backfill 2025-03-01/2025-03-02', 'live 2025-03-02/2025-03-03'],
    },
    {
      name: 'a late timer asks for the day it missed',
      feed: DAILY,
      since: SINCE,
      taken: ['2025-03-01/2025-03-02', '2025-03-02/2025-03-03'],
      now: '2025-03-05T23:59:00Z',
      due: ['live 2025-03-03/2025-03-04'],
    },
    {
      name: 'a second timer right after asks for nothing',
      feed: DAILY,
      since: SINCE,
      taken: ['2025-03-01/2025-03-02', '2025-03-02/2025-03-03', '2025-03-03/2025-03-04'],
      now: '2025-03-05T23:59:01Z',
      due: [],
    },
    {
      name: 'after a week of downtime every missed day is live and in order',
      feed: DAILY,
      since: SINCE,
      taken: ['2025-03-01/2025-03-04'],
      now: '2025-03-12T08:00:00Z',
      due: [4, 5, 6, 7, 8, 9, 10].map((d) => `live 2025-03-${pad(d)}/2025-03-${pad(d + 1)}`),
    },
    {
      name: 'a hole in the middle is filled, and only the hole',
      feed: DAILY,
      since: '2025-03-20T00:00:00Z',
      taken: ['2025-03-01/2025-03-03', '2025-03-04/2025-03-20'],
      now: '2025-03-21T00:00:00Z',
      due: ['backfill 2025-03-03/2025-03-04'],
    },
    {
      name: 'a clock set back asks for nothing that is taken, and for nothing new',
      feed: DAILY,
      since: SINCE,
      taken: ['2025-03-01/2025-03-10'],
      now: '2025-03-05T00:00:00Z',
      due: [],
    },
    {
      name: 'a clock set back to before the feed was first seen asks for nothing',
      feed: DAILY,
      since: SINCE,
      taken: [],
      now: '2025-02-01T00:00:00Z',
      due: [],
    },
    {
      name: 'the order in which the ledger lists its entries does not matter',
      feed: DAILY,
      since: SINCE,
      taken: ['2025-03-03/2025-03-04', '2025-03-01/2025-03-02'],
      now: '2025-03-05T00:00:00Z',
      due: ['backfill 2025-03-02/2025-03-03'],
    },
    {
      name: 'entries from before the start of history are left alone',
      feed: DAILY,
      since: SINCE,
      taken: ['2025-02-01/2025-02-15', '2025-02-27/2025-03-02'],
      now: '2025-03-04T00:00:00Z',
      due: ['backfill 2025-03-02/2025-03-03'],
    },
    {
      name: 'entries that overlap each other are counted once',
      feed: DAILY,
      since: SINCE,
      taken: ['2025-03-01/2025-03-05', '2025-03-02/2025-03-03'],
      now: '2025-03-07T00:00:00Z',
      due: ['live 2025-03-05/2025-03-06'],
    },
    {
      name: 'weeks start on Monday; the first one is short where history starts in its middle',
      feed: WEEKLY,
      since: SINCE,
      taken: [],
      now: '2025-03-11T00:00:00Z',
      due: ['backfill 2025-03-01/2025-03-03', 'live 2025-03-03/2025-03-10'],
    },
    {
      name: 'a longer window is cut only where nothing is taken',
      feed: WEEKLY,
      since: SINCE,
      taken: ['2025-03-01/2025-03-03', '2025-03-03/2025-03-04', '2025-03-04/2025-03-05'],
      now: '2025-03-11T00:00:00Z',
      due: ['live 2025-03-05/2025-03-10'],
    },
    {
      name: 'a shorter window is cut only where nothing is taken',
      feed: DAILY,
      since: SINCE,
      taken: ['2025-03-01/2025-03-03', '2025-03-03/2025-03-10'],
      now: '2025-03-12T00:00:00Z',
      due: ['live 2025-03-10/2025-03-11'],
    },
    {
      name: 'two weeks are counted from Monday 2001-01-01',
      feed: { ...DAILY, window: 'P2W' },
      since: SINCE,
      taken: [],
      now: '2025-04-08T00:00:00Z',
      due: ['live 2025-03-01/2025-03-10', 'live 2025-03-10/2025-03-24', 'live 2025-03-24/2025-04-07'],
    },
    {
      name: 'three months are quarters',
      feed: { ...MONTHLY, window: 'P3M', from: '2024-11-20' },
      since: SINCE,
      taken: [],
      now: '2025-07-05T00:00:00Z',
      due: ['backfill 2024-11-01/2025-01-01', 'live 2025-01-01/2025-04-01', 'live 2025-04-01/2025-07-01'],
    },
    {
      name: 'a year starts in January',
      feed: { ...MONTHLY, window: 'P1Y', from: '2023-06-01' },
      since: SINCE,
      taken: [],
      now: '2025-03-06T00:00:00Z',
      due: ['backfill 2023-06-01/2024-01-01', 'backfill 2024-01-01/2025-01-01'],
    },
    {
      name: 'the 29th of February has a window of its own',
      feed: { ...DAILY, from: '2024-02-28' },
      since: SINCE,
      taken: ['2024-03-01/2025-03-03'],
      now: '2025-03-03T10:00:00Z',
      due: ['backfill 2024-02-28/2024-02-29', 'backfill 2024-02-29/2024-03-01'],
    },
    {
      name: 'history counted back starts at the day, or at the month where the data is by month',
      feed: { ...MONTHLY, from: 'P1M' },
      since: '2025-03-31T23:00:00Z',
      taken: [],
      now: '2025-03-31T23:00:00Z',
      due: ['backfill 2025-02-01/2025-03-01'],
    },
    {
      name: 'history counted back is counted from the day the feed was first seen, not from now',
      feed: { ...DAILY, from: 'P2D' },
      since: SINCE,
      taken: [],
      now: '2025-03-05T12:00:00Z',
      due: ['backfill 2025-03-01/2025-03-02', 'backfill 2025-03-02/2025-03-03', 'live 2025-03-03/2025-03-04'],
    },
    {
      name: 'history that starts within a month starts with the whole month',
      feed: { ...MONTHLY, from: '2025-01-31' },
      since: SINCE,
      taken: [],
      now: '2025-02-06T00:00:00Z',
      due: ['backfill 2025-01-01/2025-02-01'],
    },
    {
      name: 'history that ends within a month ends with the whole month',
      feed: { ...MONTHLY, to: '2025-02-02T00:00:00+02:00' },
      since: SINCE,
      taken: [],
      now: '2025-09-09T00:00:00Z',
      due: ['backfill 2025-01-01/2025-02-01', 'backfill 2025-02-01/2025-03-01'],
    },
    {
      name: 'history that ends at a boundary does not reach past it',
      feed: { ...MONTHLY, to: '2025-02-01' },
      since: SINCE,
      taken: [],
      now: '2025-09-09T00:00:00Z',
      due: ['backfill 2025-01-01/2025-02-01'],
    },
    {
      name: 'history may end before the feed was first seen, counted back',
      feed: { ...DAILY, from: 'P3D', to: 'P1D' },
      since: SINCE,
      taken: [],
      now: '2025-09-09T00:00:00Z',
      due: ['backfill 2025-02-28/2025-03-01', 'backfill 2025-03-01/2025-03-02'],
    },
    {
      name: 'a month that daily entries cover in part is not asked for: only whole months can be',
      feed: MONTHLY,
      since: SINCE,
      taken: ['2025-01-30/2025-02-03'],
      now: '2025-04-06T00:00:00Z',
      due: ['live 2025-03-01/2025-04-01'],
    },
  ])('$name', ({ feed, since, taken, now, due }) => {
    expect(dueLines(feed, since, taken, now)).toEqual(due)
  })
})

describe('longer windows for history', () => {
  const feed = { ...MONTHLY, from: '2023-11-01', backfillWindow: 'P3M' }

  test('whole quarters where they fit before the feed was first seen, months elsewhere', () => {
    expect(dueLines(feed, '2024-08-15T00:00:00Z', [], '2024-09-30T00:00:00Z')).toEqual([
      'backfill 2023-11-01/2023-12-01',
      'backfill 2023-12-01/2024-01-01',
      'backfill 2024-01-01/2024-04-01',
      'backfill 2024-04-01/2024-07-01',
      'backfill 2024-07-01/2024-08-01',
      'live 2024-08-01/2024-09-01',
    ])
  })

  test('a quarter that is taken in part is cut into months', () => {
    expect(dueLines(feed, '2024-04-01T00:00:00Z', ['2023-11-01/2024-02-01'], '2024-04-10T00:00:00Z')).toEqual([
      'backfill 2024-02-01/2024-03-01',
      'backfill 2024-03-01/2024-04-01',
    ])
  })

  test('a quarter that ends in the moment the feed was first seen fits', () => {
    expect(dueLines(feed, '2024-04-01T00:00:00Z', ['2023-11-01/2024-01-01'], '2024-04-10T00:00:00Z')).toEqual([
      'backfill 2024-01-01/2024-04-01',
    ])
  })

  test('months of history and weeks after it meet where a month starts', () => {
    const weeks = { ...WEEKLY, from: '2024-12-30', backfillWindow: 'P1M' }
    expect(dueLines(weeks, '2025-02-05T00:00:00Z', [], '2025-02-12T00:00:00Z')).toEqual([
      'backfill 2024-12-30/2025-01-01',
      'backfill 2025-01-01/2025-02-01',
      'backfill 2025-02-01/2025-02-03',
      'live 2025-02-03/2025-02-10',
    ])
  })
})

describe('when the next window is due', () => {
  test('a window that is due has been due since its delay was over', () => {
    expect(nextDueOf(MONTHLY, SINCE, [], '2025-03-10T00:00:00Z')).toBe('2025-02-05T00:00:00.000Z')
  })

  test('a running month is due as often as it is refreshed, for the first time so long after it began', () => {
    const running = { ...MONTHLY, openWindow: true, refresh: { every: 'P2D', for: 'P70D' } }
    expect(nextDueOf(running, SINCE, ['2025-01-01/2025-03-01'], '2025-03-02T00:00:00Z')).toBe(
      '2025-03-03T00:00:00.000Z',
    )
    expect(dueLines(running, SINCE, ['2025-01-01/2025-03-01'], '2025-03-03T00:00:00Z')).toEqual([
      'live 2025-03-01/2025-04-01',
    ])
  })

  test('a running week that is not refreshed is due after its delay', () => {
    const running = { ...WEEKLY, openWindow: true }
    expect(nextDueOf(running, SINCE, ['2025-03-01/2025-03-10'], SINCE)).toBe('2025-03-11T00:00:00.000Z')
  })

  test('a delay that ends before the next refresh makes a window due', () => {
    const running = { ...MONTHLY, openWindow: true, refresh: { every: 'P60D', for: 'P70D' } }
    expect(nextDueOf(running, SINCE, ['2025-01-01/2025-03-01'], SINCE)).toBe('2025-04-05T00:00:00.000Z')
  })

  test('a window still to come is due after its delay', () => {
    expect(nextDueOf(MONTHLY, SINCE, ['2025-01-01/2025-03-01'], '2025-03-10T00:00:00Z')).toBe(
      '2025-04-05T00:00:00.000Z',
    )
  })

  test('a delay of a month moves with the calendar', () => {
    const feed = { ...DAILY, delay: 'P1M', from: '2025-01-30' }
    expect(nextDueOf(feed, SINCE, [], SINCE)).toBe('2025-02-28T00:00:00.000Z')
  })

  test('no window is due after the end of history', () => {
    expect(nextDueOf({ ...MONTHLY, to: '2025-03-01' }, SINCE, ['2025-01-01/2025-03-01'], SINCE)).toBeUndefined()
  })

  test('no window is due where history would end before it starts', () => {
    expect(nextDueOf({ from: 'P3M', to: '2020-01-01' }, SINCE, [], SINCE)).toBeUndefined()
  })
})

describe('snapshots', () => {
  const feed = { dataset: 'Profile', snapshot: 'P7D' }

  test.each([
    ['the running week is asked for at once', [], '2025-03-05T10:00:00Z', ['live 2025-03-03/2025-03-10']],
    ['nothing more is asked while it runs', ['2025-03-03/2025-03-10'], '2025-03-09T23:59:59Z', []],
    ['missed weeks are no gap', ['2025-02-03/2025-02-10'], '2025-03-05T10:00:00Z', ['live 2025-03-03/2025-03-10']],
    ['a clock set back asks for nothing', ['2025-03-03/2025-03-10'], '2025-02-05T10:00:00Z', []],
    ['a shorter one waits until the taken one ends', ['2025-03-01/2025-04-01'], '2025-03-12T10:00:00Z', []],
    ['a longer one never reaches back over a taken one', ['2025-03-03/2025-03-04'], '2025-03-05T10:00:00Z', []],
  ])('%s', (_name, taken, now, due) => {
    expect(dueLines(feed, SINCE, taken, now)).toEqual(due)
  })

  test('the running one is due since it began, the next one when it begins', () => {
    expect(nextDueOf(feed, SINCE, [], '2025-03-05T10:00:00Z')).toBe('2025-03-03T00:00:00.000Z')
    expect(nextDueOf(feed, SINCE, ['2025-03-03/2025-03-10'], '2025-03-05T10:00:00Z')).toBe('2025-03-10T00:00:00.000Z')
  })
})

describe('window ids', () => {
  const march = span('2025-03-01/2025-04-01')

  test('an id names both ends to the second', () => {
    expect(windowId(march)).toBe('20250301T000000Z_20250401T000000Z')
  })

  test('query times end a second before the window does', () => {
    expect(queryTimes(march, new Date('2025-04-06T00:00:00Z'))).toEqual({
      start: '2025-03-01T00:00:00Z',
      end: '2025-03-31T23:59:59Z',
    })
  })

  test('query times of a running window end where the request is made', () => {
    expect(queryTimes(march, new Date('2025-03-09T17:00:30.500Z'))).toEqual({
      start: '2025-03-01T00:00:00Z',
      end: '2025-03-09T17:00:29Z',
    })
  })

  test('an id is read back as the window it was made of', () => {
    const second = fc.integer({ min: Date.UTC(2000, 0, 1) / 1000, max: Date.UTC(9990, 0, 1) / 1000 })
    fc.assert(
      fc.property(second, fc.integer({ min: 1, max: 100_000_000 }), (start, seconds) => {
        const window = { from: new Date(start * 1000), to: new Date((start + seconds) * 1000) }
        expect(parseWindowId(windowId(window))).toEqual(window)
      }),
    )
  })

  test.each([
    ['nothing', ''],
    ['one date', '20250301T000000Z'],
    ['a window that ends as it starts', '20250301T000000Z_20250301T000000Z'],
    ['a window that ends before it starts', '20250401T000000Z_20250301T000000Z'],
    ['a day that does not exist', '20250230T000000Z_20250401T000000Z'],
    ['a month that does not exist', '20251301T000000Z_20260401T000000Z'],
    ['an hour that does not exist', '20250301T240000Z_20250401T000000Z'],
    ['milliseconds', '20250301T000000.000Z_20250401T000000Z'],
    ['small letters', '20250301t000000z_20250401t000000z'],
    ['something before it', 'x20250301T000000Z_20250401T000000Z'],
    ['a line break after it', '20250301T000000Z_20250401T000000Z\n'],
    ['other digits', '２0250301T000000Z_20250401T000000Z'],
  ])('%s is no window id', (_what, text) => {
    expect(parseWindowId(text)).toBeUndefined()
  })
})

function pad(day: number): string {
  return String(day).padStart(2, '0')
}
