import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Cadence, Feed } from '../../src/core/feeds/feed.ts'
import { type DueWindow, missingWindows, nextDue } from '../../src/core/plan/due-windows.ts'
import { addDuration, type Duration } from '../../src/core/time/durations.ts'
import type { Window } from '../../src/core/time/window.ts'
import { feedOf } from './feed-of.ts'

/** The law of windows, checked day by day with a calendar of its own. */

const DAY = 86_400_000
const MONTH = { months: 1, days: 0, seconds: 0 }

const instant = fc.integer({ min: Date.UTC(2023, 5, 1), max: Date.UTC(2025, 0, 1) }).map((time) => new Date(time))
const date = instant.map((at) => at.toISOString().slice(0, 10))
const delay = fc.constantFrom('PT6H', 'P1D', 'P4D', 'P1M', 'P1M3D')

const CUTS = {
  MSLearn: ['P1D P1D', 'P1D P1M', 'P3D P2W', 'P1W P1M', 'P2W P3M', 'P1M P1Y'],
  AzureUsage: ['P1M P1M', 'P1M P3M', 'P2M P3M', 'P3M P1Y', 'P5M P5M'],
}

const spans = fc.oneof(
  fc.record({ from: date }),
  fc.constant({ from: 'P1Y' }),
  fc.constant({ from: 'P1Y', to: 'P10D' }),
  fc.record({ from: date, to: fc.constant('P1M') }),
  fc.record({ from: fc.constant('P100D'), to: date }),
  fc.uniqueArray(date, { minLength: 2, maxLength: 2 }).map((dates) => {
    const [from, to] = dates.toSorted()
    return { from, to }
  }),
)

function feeds(dataset: keyof typeof CUTS, span: object): fc.Arbitrary<Feed> {
  return fc.tuple(fc.constantFrom(...CUTS[dataset]), delay, fc.boolean()).map(([cut, settled, openWindow]) => {
    const [window, backfillWindow] = cut.split(' ')
    return feedOf({ dataset, ...span, window, backfillWindow, delay: settled, openWindow })
  })
}

/** A feed at a time, and before that the same feed cut otherwise, with what the ledger then got of what was due. */
const histories = fc
  .tuple(fc.constantFrom('MSLearn' as const, 'AzureUsage' as const), spans, instant, instant)
  .chain(([dataset, span, since, now]) =>
    fc.record({
      since: fc.constant(since),
      now: fc.constant(now),
      feed: feeds(dataset, span),
      before: fc.array(
        fc.record({ feed: feeds(dataset, span), now: instant, lost: fc.uniqueArray(fc.nat(40), { maxLength: 8 }) }),
        { maxLength: 4 },
      ),
      strangers: fc.array(fc.tuple(date, fc.integer({ min: 1, max: 40 })), { maxLength: 2 }),
    }),
  )

type History = typeof histories extends fc.Arbitrary<infer T> ? T : never

/** The ledger after all that came before: earlier runs that lost some windows, and entries that nobody planned. */
function ledgerOf({ before, strangers, since }: History): readonly Window[] {
  let taken: readonly Window[] = strangers.map(([from, days]) => {
    const start = new Date(from)
    return { from: start, to: new Date(start.getTime() + days * DAY) }
  })
  for (const run of before) {
    const due = missingWindows(run.feed, { since, taken, now: run.now })
    taken = [...taken, ...due.filter((_, index) => !run.lost.includes(index)).map(({ window }) => window)]
  }
  return taken
}

function isBoundary(at: Date, { months, days }: Duration): boolean {
  if (months === 0) return ((at.getTime() - Date.UTC(2001, 0, 1)) / DAY) % days === 0
  return at.getUTCDate() === 1 && (at.getUTCFullYear() * 12 + at.getUTCMonth()) % months === 0
}

/** The nearest boundary at or after a date (by 1), or at or before it (by -1), found by trying each day or month. */
function walk(from: Date, step: Duration, by: 1 | -1): Date {
  let day = by === 1 ? Math.ceil(from.getTime() / DAY) : Math.floor(from.getTime() / DAY)
  while (step.months > 0 && new Date(day * DAY).getUTCDate() !== 1) day += by
  let at = new Date(day * DAY)
  while (!isBoundary(at, step)) at = step.months > 0 ? addDuration(at, MONTH, by) : new Date(at.getTime() + by * DAY)
  return at
}

function windowsOf(feed: Feed): Extract<Cadence, { kind: 'windows' }> & { readonly grain: Duration } {
  if (feed.cadence.kind !== 'windows') throw new Error('a feed with windows is expected')
  return {
    ...feed.cadence,
    grain: { months: feed.grain === 'month' ? 1 : 0, days: feed.grain === 'month' ? 0 : 1, seconds: 0 },
  }
}

/** Where the feed's time starts and ends, in whole days or months. */
function rangeOf(feed: Feed, since: Date): Window {
  const { from, to, grain } = windowsOf(feed)
  const today = new Date(since.toISOString().slice(0, 10))
  const at = (edge: typeof from) => ('date' in edge ? new Date(edge.date) : addDuration(today, edge.back, -1))
  return { from: walk(at(from), grain, -1), to: to ? walk(at(to), grain, 1) : new Date(Date.UTC(2040, 0, 1)) }
}

function within(at: Date, { from, to }: Window): boolean {
  return at >= from && at < to
}

/** Every day or month of a span, as the window it is. */
function grainsOf(span: Window, grain: Duration): readonly Window[] {
  const grains: Window[] = []
  for (let from = span.from; from < span.to; from = addDuration(from, grain))
    grains.push({ from, to: addDuration(from, grain) })
  return grains
}

function covers(grain: Window, windows: readonly Window[]): number {
  return windows.filter(({ from, to }) => from < grain.to && to > grain.from).length
}

function expectCut(due: DueWindow, feed: Feed, since: Date): void {
  const { window, backfillWindow, grain } = windowsOf(feed)
  const { from, to } = due.window
  expect(isBoundary(from, grain) && isBoundary(to, grain), 'cut at the grain').toBe(true)
  expect(due.lane).toBe(to <= since ? 'backfill' : 'live')
  const wholeBackfill = isBoundary(from, backfillWindow) && addDuration(from, backfillWindow).getTime() === to.getTime()
  const end = walk(new Date(from.getTime() + 1), window, 1)
  expect(to <= end || (wholeBackfill && to <= since), 'no longer than asked for').toBe(true)
}

/** Once its data has settled, or earlier where the running window is asked for. */
function firstDue({ from, to }: Window, feed: Feed): Date {
  const { openWindow, refresh } = windowsOf(feed)
  const settled = addDuration(to, feed.delay)
  const early = addDuration(from, refresh?.every ?? feed.delay)
  return openWindow && early < settled ? early : settled
}

/** A day that no window has may only wait for one that is not due: of its length, or a long one of history. */
function mayWait(grain: Window, feed: Feed, since: Date, now: Date): boolean {
  const { window, backfillWindow } = windowsOf(feed)
  const ends = [walk(grain.to, window, 1)]
  const longEnd = walk(grain.to, backfillWindow, 1)
  if (longEnd <= since) ends.push(longEnd)
  return ends.some((end) => addDuration(end, feed.delay) > now)
}

test('taken, missing and still to come cover the time of a feed exactly once, whatever was taken', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const { feed, since, now } = history
      const taken = ledgerOf(history)
      const missing = missingWindows(feed, { since, taken, now })
      const range = rangeOf(feed, since)
      for (const due of missing) expectCut(due, feed, since)
      for (const { window, dueAt } of missing) {
        expect(dueAt).toEqual(firstDue(window, feed))
        expect(dueAt <= now && within(window.from, range) && window.to <= range.to).toBe(true)
      }
      const windows = missing.map(({ window }) => window)
      expect(windows).toEqual(windows.toSorted((a, b) => a.from.getTime() - b.from.getTime()))
      const settled = { from: range.from, to: range.to < now ? range.to : now }
      for (const grain of grainsOf(settled, windowsOf(feed).grain)) {
        const due = addDuration(grain.to, feed.delay) <= now
        const inLedger = covers(grain, taken)
        const inPlan = covers(grain, windows)
        if (inLedger > 0) expect(inPlan, `${grain.from.toISOString()} asked for again`).toBe(0)
        else if (inPlan === 0 && due)
          expect(mayWait(grain, feed, since, now), `${grain.from.toISOString()} forgotten`).toBe(true)
        else expect(inPlan).toBeLessThanOrEqual(1)
      }
    }),
    { numRuns: 300 },
  )
})

test('once everything due is taken nothing is missing, and the next window is due later', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const { feed, since, now } = history
      const before = ledgerOf(history)
      const missing = missingWindows(feed, { since, taken: before, now })
      const next = nextDue(feed, { since, taken: before, now })
      if (missing.length > 0) expect(next).toEqual(missing[0]?.dueAt)
      const taken = [...before, ...missing.map(({ window }) => window)]
      expect(missingWindows(feed, { since, taken, now })).toEqual([])
      const later = nextDue(feed, { since, taken, now })
      expect(later === undefined || later > now).toBe(true)
      if (later) expect(missingWindows(feed, { since, taken, now: later }).length).toBeGreaterThan(0)
    }),
    { numRuns: 300 },
  )
})

test('asked tick by tick, the whole time of a feed ends up covered exactly once', () => {
  fc.assert(
    fc.property(
      histories,
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 3, maxLength: 10 }),
      (history, days) => {
        const { feed, since } = history
        const grain = windowsOf(feed).grain
        let taken: readonly Window[] = []
        let now = since
        for (const step of [...days, 800]) {
          now = new Date(now.getTime() + step * DAY)
          taken = [...taken, ...missingWindows(feed, { since, taken, now }).map(({ window }) => window)]
        }
        const range = rangeOf(feed, since)
        const old = new Date(now.getTime() - 500 * DAY)
        const times = Map.groupBy(
          taken.flatMap((window) => grainsOf(window, grain)),
          ({ from }) => from.getTime(),
        )
        const all = grainsOf({ from: range.from, to: range.to < old ? range.to : old }, grain)
        expect(all.filter(({ from }) => times.get(from.getTime())?.length !== 1)).toEqual([])
      },
    ),
    { numRuns: 300 },
  )
})
