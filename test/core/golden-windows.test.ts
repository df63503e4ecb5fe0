import { describe, expect, test } from 'vitest'
import { missingWindows, nextDue } from '../../src/core/plan/due-windows.ts'
import { windowId } from '../../src/core/time/window.ts'
import { feedOf } from './feed-of.ts'

/**
 * One line of a golden table: what is due at `now`, and when the next window comes. Each `due` line is the window's id, its
 * lane, and since when it is due. All are written by hand from the law of windows, and not printed by the code.
 */
type Golden = {
  readonly name: string
  readonly feed: Readonly<Record<string, unknown>>
  /** When the app first saw the feed. */
  readonly since: string
  readonly now: string
  /** The time that entries take, as `2024-01-01/2024-02-01`. */
  readonly taken: readonly string[]
  readonly due: readonly string[]
  /** When the next window is due, once those are taken. */
  readonly next: string
}

const at = (text: string) => new Date(text.includes('T') ? `${text}Z` : `${text}T00:00:00Z`)

function spanOf(text: string) {
  const [from = '', to = ''] = text.split('/')
  return { from: at(from), to: at(to) }
}

function textOf(instant: Date | undefined): string {
  return instant?.toISOString().replace('T00:00:00.000Z', '') ?? 'never'
}

/** Months settle four days after their end (AzureUsage), and are asked for only then. */
const MONTHS = { dataset: 'AzureUsage', delay: 'P4D', openWindow: false }

/** Days settle three days after their end (MSLearn). */
const DAYS = { dataset: 'MSLearn', delay: 'P3D' }

const WEEKS = { ...DAYS, window: 'P1W' }

const MONTH_GRAIN: readonly Golden[] = [
  {
    name: 'February has 29 days in 2024: it is due four days after the 1st of March',
    feed: { ...MONTHS, from: '2024-01-01' },
    ...{ since: '2024-02-29T12:00:00', now: '2024-03-05' },
    taken: [],
    due: ['20240101T000000Z_20240201T000000Z backfill 2024-02-05', '20240201T000000Z_20240301T000000Z live 2024-03-05'],
    next: '2024-04-05',
  },
  {
    name: 'a second before the four days after the leap day are over, February is not due',
    feed: { ...MONTHS, from: '2024-01-01' },
    ...{ since: '2024-02-29T12:00:00', now: '2024-03-04T23:59:59' },
    taken: ['2024-01-01/2024-02-01'],
    due: [],
    next: '2024-03-05',
  },
  {
    name: 'a month back from the 31st of March is the 29th of February, and so all of February',
    feed: { ...MONTHS, from: 'P1M' },
    ...{ since: '2024-03-31T06:00:00', now: '2024-04-05' },
    taken: [],
    due: ['20240201T000000Z_20240301T000000Z backfill 2024-03-05', '20240301T000000Z_20240401T000000Z live 2024-04-05'],
    next: '2024-05-05',
  },
  {
    name: 'a year back from the leap day is the 28th of February, and so all of that February',
    feed: { ...MONTHS, from: 'P1Y', to: '2023-04-01' },
    ...{ since: '2024-02-29T00:00:00', now: '2024-02-29T00:00:00' },
    taken: [],
    due: [
      '20230201T000000Z_20230301T000000Z backfill 2023-03-05',
      '20230301T000000Z_20230401T000000Z backfill 2023-04-05',
    ],
    next: 'never',
  },
  {
    name: 'an end on the leap day is widened to all of February',
    feed: { ...MONTHS, from: '2024-02-01', to: '2024-02-29' },
    ...{ since: '2024-06-01', now: '2024-06-01' },
    taken: [],
    due: ['20240201T000000Z_20240301T000000Z backfill 2024-03-05'],
    next: 'never',
  },
  {
    name: 'December ends with the year, and is history for a feed that is first seen in that moment',
    feed: { ...MONTHS, from: '2023-12-01' },
    ...{ since: '2024-01-01', now: '2024-02-05' },
    taken: [],
    due: ['20231201T000000Z_20240101T000000Z backfill 2024-01-05', '20240101T000000Z_20240201T000000Z live 2024-02-05'],
    next: '2024-03-05',
  },
  {
    name: 'December is live for a feed that is first seen a second before the year ends',
    feed: { ...MONTHS, from: '2023-12-01' },
    ...{ since: '2023-12-31T23:59:59', now: '2024-01-05' },
    taken: [],
    due: ['20231201T000000Z_20240101T000000Z live 2024-01-05'],
    next: '2024-02-05',
  },
  {
    name: 'the running February is due four days after it began, and December before it since then, too',
    feed: { dataset: 'AzureUsage', from: '2023-12-01' },
    ...{ since: '2024-02-04T23:00:00', now: '2024-02-05' },
    taken: ['2024-01-01/2024-02-01'],
    due: ['20231201T000000Z_20240101T000000Z backfill 2023-12-05', '20240201T000000Z_20240301T000000Z live 2024-02-05'],
    next: '2024-03-05',
  },
  {
    name: 'a delay of a month after a short and after a long February ends on the 1st of April',
    feed: { ...MONTHS, delay: 'P1M', from: '2023-02-01' },
    ...{ since: '2024-04-01', now: '2024-04-01' },
    taken: ['2023-03-01/2024-02-01'],
    due: [
      '20230201T000000Z_20230301T000000Z backfill 2023-04-01',
      '20240201T000000Z_20240301T000000Z backfill 2024-04-01',
    ],
    next: '2024-05-01',
  },
  {
    name: 'quarters of history across the year end and the leap February, months at both ends',
    feed: { ...MONTHS, from: '2023-09-15', backfillWindow: 'P3M' },
    ...{ since: '2024-05-10', now: '2024-06-05' },
    taken: [],
    due: [
      '20230901T000000Z_20231001T000000Z backfill 2023-10-05',
      '20231001T000000Z_20240101T000000Z backfill 2024-01-05',
      '20240101T000000Z_20240401T000000Z backfill 2024-04-05',
      '20240401T000000Z_20240501T000000Z backfill 2024-05-05',
      '20240501T000000Z_20240601T000000Z live 2024-06-05',
    ],
    next: '2024-07-05',
  },
  {
    name: 'a month changed to a quarter in November: the rest of the year, then the first quarter with the leap day',
    feed: { ...MONTHS, from: '2023-09-01', window: 'P3M' },
    ...{ since: '2023-09-01', now: '2024-04-05' },
    taken: ['2023-09-01/2023-11-01'],
    due: ['20231101T000000Z_20240101T000000Z live 2024-01-05', '20240101T000000Z_20240401T000000Z live 2024-04-05'],
    next: '2024-07-05',
  },
  {
    name: 'and back to months while the first quarter has no entry',
    feed: { ...MONTHS, from: '2023-09-01', window: 'P1M' },
    ...{ since: '2023-09-01', now: '2024-03-05' },
    taken: ['2023-09-01/2024-01-01'],
    due: ['20240101T000000Z_20240201T000000Z live 2024-02-05', '20240201T000000Z_20240301T000000Z live 2024-03-05'],
    next: '2024-04-05',
  },
]

const NEW_YEAR: readonly Golden[] = [
  {
    name: 'the week over the new year of 2025 begins on Monday the 30th of December and is one window',
    feed: { ...WEEKS, from: '2024-12-23' },
    ...{ since: '2024-12-31', now: '2025-01-09' },
    taken: [],
    due: ['20241223T000000Z_20241230T000000Z backfill 2025-01-02', '20241230T000000Z_20250106T000000Z live 2025-01-09'],
    next: '2025-01-16',
  },
  {
    name: 'history that starts on Christmas has a short first week',
    feed: { ...WEEKS, from: '2024-12-25' },
    ...{ since: '2024-12-30', now: '2025-01-08T23:59:59' },
    taken: [],
    due: ['20241225T000000Z_20241230T000000Z backfill 2025-01-02'],
    next: '2025-01-09',
  },
  {
    name: 'the 53rd week of 2020 reaches to the 3rd of January',
    feed: { ...WEEKS, from: '2020-12-28', to: '2021-01-11' },
    ...{ since: '2021-02-01', now: '2021-02-01' },
    taken: [],
    due: [
      '20201228T000000Z_20210104T000000Z backfill 2021-01-07',
      '20210104T000000Z_20210111T000000Z backfill 2021-01-14',
    ],
    next: 'never',
  },
  {
    name: 'the year 2001 began on a Monday: no week reaches over its start',
    feed: { ...WEEKS, from: '2000-12-25', to: '2001-01-08' },
    ...{ since: '2001-02-01', now: '2001-02-01' },
    taken: [],
    due: [
      '20001225T000000Z_20010101T000000Z backfill 2001-01-04',
      '20010101T000000Z_20010108T000000Z backfill 2001-01-11',
    ],
    next: 'never',
  },
  {
    name: 'an end at the new year cuts its week',
    feed: { ...WEEKS, from: '2024-12-23', to: '2025-01-01' },
    ...{ since: '2025-03-01', now: '2025-03-01' },
    taken: ['2024-12-23/2024-12-30'],
    due: ['20241230T000000Z_20250101T000000Z backfill 2025-01-04'],
    next: 'never',
  },
  {
    name: 'the week of the leap day has seven days, as every other',
    feed: { ...WEEKS, from: '2024-02-26' },
    ...{ since: '2024-02-26', now: '2024-03-07' },
    taken: [],
    due: ['20240226T000000Z_20240304T000000Z live 2024-03-07'],
    next: '2024-03-14',
  },
  {
    name: 'the last days of a year and the first ones are days',
    feed: { ...DAYS, from: '2023-12-30' },
    ...{ since: '2024-01-01', now: '2024-01-05' },
    taken: [],
    due: [
      '20231230T000000Z_20231231T000000Z backfill 2024-01-03',
      '20231231T000000Z_20240101T000000Z backfill 2024-01-04',
      '20240101T000000Z_20240102T000000Z live 2024-01-05',
    ],
    next: '2024-01-06',
  },
  {
    name: 'the 29th of February is a day between the 28th and the 1st of March',
    feed: { ...DAYS, from: '2024-02-01' },
    ...{ since: '2024-02-01', now: '2024-03-05' },
    taken: ['2024-02-01/2024-02-28'],
    due: [
      '20240228T000000Z_20240229T000000Z live 2024-03-03',
      '20240229T000000Z_20240301T000000Z live 2024-03-04',
      '20240301T000000Z_20240302T000000Z live 2024-03-05',
    ],
    next: '2024-03-06',
  },
  {
    name: 'the 28th of February is followed by the 1st of March in a year without a leap day',
    feed: { ...DAYS, from: '2025-02-01' },
    ...{ since: '2025-02-01', now: '2025-03-05' },
    taken: ['2025-02-01/2025-02-28'],
    due: ['20250228T000000Z_20250301T000000Z live 2025-03-04', '20250301T000000Z_20250302T000000Z live 2025-03-05'],
    next: '2025-03-06',
  },
  {
    name: 'with a delay of a month the last days of January all settle on the leap day',
    feed: { ...DAYS, delay: 'P1M', from: '2024-01-01' },
    ...{ since: '2024-01-01', now: '2024-02-29' },
    taken: ['2024-01-01/2024-01-28'],
    due: [
      '20240128T000000Z_20240129T000000Z live 2024-02-29',
      '20240129T000000Z_20240130T000000Z live 2024-02-29',
      '20240130T000000Z_20240131T000000Z live 2024-02-29',
    ],
    next: '2024-03-01',
  },
  {
    name: 'the snapshot of the week over the new year begins in the old one, and those before it are no gap',
    feed: { dataset: 'Profile', snapshot: 'P7D' },
    ...{ since: '2024-12-01', now: '2025-01-01T08:00:00' },
    taken: ['2024-12-02/2024-12-09'],
    due: ['20241230T000000Z_20250106T000000Z live 2024-12-30'],
    next: '2025-01-06',
  },
  {
    name: 'the monthly snapshot of the leap February runs to its last day',
    feed: { dataset: 'Profile', snapshot: 'P1M' },
    ...{ since: '2024-01-10', now: '2024-02-29T23:59:59' },
    taken: ['2024-01-01/2024-02-01'],
    due: ['20240201T000000Z_20240301T000000Z live 2024-02-01'],
    next: '2024-03-01',
  },
]

/** A feed by day, first seen on the 1st of February 2024, whose windows become months in the middle of one, and days again. */
const RECUT: readonly Golden[] = [
  {
    name: 'days until the 11th have entries, then the window is a month: the rest of February is one window',
    feed: { ...DAYS, from: '2024-02-01', window: 'P1M' },
    ...{ since: '2024-02-01', now: '2024-03-04' },
    taken: ['2024-02-01/2024-02-12'],
    due: ['20240212T000000Z_20240301T000000Z live 2024-03-04'],
    next: '2024-04-04',
  },
  {
    name: 'the rest of February is not due before the month has settled',
    feed: { ...DAYS, from: '2024-02-01', window: 'P1M' },
    ...{ since: '2024-02-01', now: '2024-03-03T23:59:59' },
    taken: ['2024-02-01/2024-02-12'],
    due: [],
    next: '2024-03-04',
  },
  {
    name: 'a day without an entry before the change becomes a piece of its own',
    feed: { ...DAYS, from: '2024-02-01', window: 'P1M' },
    ...{ since: '2024-02-01', now: '2024-03-04' },
    taken: ['2024-02-01/2024-02-05', '2024-02-06/2024-02-12'],
    due: ['20240205T000000Z_20240206T000000Z live 2024-02-09', '20240212T000000Z_20240301T000000Z live 2024-03-04'],
    next: '2024-04-04',
  },
  {
    name: 'back to days before the rest of February has an entry: each day is a window again',
    feed: { ...DAYS, from: '2024-02-01', window: 'P1D' },
    ...{ since: '2024-02-01', now: '2024-02-17' },
    taken: ['2024-02-01/2024-02-12'],
    due: ['20240212T000000Z_20240213T000000Z live 2024-02-16', '20240213T000000Z_20240214T000000Z live 2024-02-17'],
    next: '2024-02-18',
  },
  {
    name: 'back to days after the rest of February has an entry: days begin with March',
    feed: { ...DAYS, from: '2024-02-01', window: 'P1D' },
    ...{ since: '2024-02-01', now: '2024-03-05' },
    taken: ['2024-02-01/2024-03-01'],
    due: ['20240301T000000Z_20240302T000000Z live 2024-03-05'],
    next: '2024-03-06',
  },
  {
    name: 'the running rest of February is asked for three days after it began, and keeps its end when days come back',
    feed: { ...DAYS, from: '2024-02-01', window: 'P1M', openWindow: true },
    ...{ since: '2024-02-01', now: '2024-02-15' },
    taken: ['2024-02-01/2024-02-12'],
    due: ['20240212T000000Z_20240301T000000Z live 2024-02-15'],
    next: '2024-03-04',
  },
  {
    name: 'back to days while that running window has an entry: nothing is due until the first day of March has settled',
    feed: { ...DAYS, from: '2024-02-01', window: 'P1D' },
    ...{ since: '2024-02-01', now: '2024-02-20' },
    taken: ['2024-02-01/2024-03-01'],
    due: [],
    next: '2024-03-05',
  },
  {
    name: 'a month of history over the year end, after days of which some have entries',
    feed: { ...DAYS, from: '2023-11-29', window: 'P1M' },
    ...{ since: '2024-01-20', now: '2024-02-04' },
    taken: ['2023-12-10/2023-12-12'],
    due: [
      '20231129T000000Z_20231201T000000Z backfill 2023-12-04',
      '20231201T000000Z_20231210T000000Z backfill 2023-12-13',
      '20231212T000000Z_20240101T000000Z backfill 2024-01-04',
      '20240101T000000Z_20240201T000000Z live 2024-02-04',
    ],
    next: '2024-03-04',
  },
  {
    name: 'weeks changed to months over the new year, and the month that a week has begun',
    feed: { ...DAYS, from: '2024-12-23', window: 'P1M' },
    ...{ since: '2024-12-23', now: '2025-02-04' },
    taken: ['2024-12-23/2025-01-06'],
    due: ['20250106T000000Z_20250201T000000Z live 2025-02-04'],
    next: '2025-03-04',
  },
  {
    name: 'and back to weeks: the first one is short, because a month ends on a Friday',
    feed: { ...DAYS, from: '2024-12-23', window: 'P1W' },
    ...{ since: '2024-12-23', now: '2025-02-13' },
    taken: ['2024-12-23/2025-02-01'],
    due: ['20250201T000000Z_20250203T000000Z live 2025-02-06', '20250203T000000Z_20250210T000000Z live 2025-02-13'],
    next: '2025-02-20',
  },
]

describe.each([
  ['months across the leap day and year ends', MONTH_GRAIN],
  ['weeks, days and snapshots over the new year and the leap day', NEW_YEAR],
  ['a window that changes in the middle of a month, and back', RECUT],
])('%s', (_table, cases) => {
  test.each(cases)('$name', ({ feed: fields, since, now, taken, due, next }) => {
    const feed = feedOf(fields)
    const known = { since: at(since), now: at(now), taken: taken.map(spanOf) }
    const missing = missingWindows(feed, known)
    expect(missing.map(({ window, lane, dueAt }) => `${windowId(window)} ${lane} ${textOf(dueAt)}`)).toEqual(due)
    const all = { ...known, taken: [...known.taken, ...missing.map(({ window }) => window)] }
    expect(textOf(nextDue(feed, all))).toBe(next)
  })
})
