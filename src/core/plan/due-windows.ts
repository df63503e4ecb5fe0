import type { Boundary, Cadence, Feed } from '../feeds/feed.ts'
import { isAtRest, type Lane, type LedgerEntry } from '../ledger/ledger.ts'
import { alignDown, alignUp, GRAIN, nextBoundary } from '../time/calendar.ts'
import { addDuration, type Duration } from '../time/durations.ts'
import { type Window, windowId } from '../time/window.ts'

/** A window of a feed that may be asked for from `dueAt` on. */
export type DueWindow = { readonly window: Window; readonly lane: Lane; readonly dueAt: Date }

/** What is known of one feed: since when the app has seen it, which windows the ledger holds, and the time. */
export type KnownWindows = { readonly since: Date; readonly taken: readonly Window[]; readonly now: Date }

type Windows = Extract<Cadence, { kind: 'windows' }>

/** No window reaches beyond: its id could not hold the year. */
const END_OF_TIME = new Date(Date.UTC(9999, 0, 1))

/** The windows that the ledger lacks and that are due now, in order of time. Of what is taken, nothing is asked again. */
export function missingWindows(feed: Feed, known: KnownWindows): readonly DueWindow[] {
  const due: DueWindow[] = []
  for (const planned of plannedWindows(feed, known)) {
    if (planned.dueAt > known.now) break
    due.push(planned)
  }
  return due
}

/** The lane of a window of a feed that the app has seen since `since`. */
export function laneOf(window: Window, since: Date): Lane {
  return window.to <= since ? 'backfill' : 'live'
}

/** When the next window that the ledger lacks is due, in the past when it is due now; undefined when there is none to come. */
export function nextDue(feed: Feed, known: KnownWindows): Date | undefined {
  for (const planned of plannedWindows(feed, known)) return planned.dueAt
  return undefined
}

/**
 * Says why a file cannot be imported into a window, or gives undefined where it can: a window of the ledger must be at
 * rest, and a new one cut at the grain and free of others.
 */
export function whyNotImported(feed: Feed, window: Window, entries: readonly LedgerEntry[]): string | undefined {
  const same = entries.find((entry) => windowId(entry.window) === windowId(window))
  if (same) return isAtRest(same) ? undefined : `is ${same.state}: only what is landed or failed can be landed over`
  const overlapping = entries.find((entry) => entry.window.from < window.to && window.from < entry.window.to)
  if (overlapping) return `overlaps the window ${windowId(overlapping.window)}`
  const { grain } = feed
  const isAligned =
    !grain || [window.from, window.to].every((at) => alignDown(at, GRAIN[grain]).getTime() === at.getTime())
  return isAligned ? undefined : `is not cut at a ${grain}, the grain of ${feed.dataset}`
}

/** All windows still to be asked for, in order of time and of becoming due: without end unless the feed has one. */
function* plannedWindows(feed: Feed, known: KnownWindows): Generator<DueWindow> {
  const { cadence } = feed
  if (cadence.kind === 'snapshot') {
    const window = nextSnapshot(cadence.every, known)
    yield { window, lane: 'live', dueAt: window.from }
    return
  }
  for (const gap of gaps(feed, cadence, known)) {
    for (const window of cut(gap, cadence, known.since)) {
      yield { window, lane: laneOf(window, known.since), dueAt: addDuration(window.to, feed.delay) }
    }
  }
}

/** The running snapshot, or where the ledger already reaches into it (or past it: a clock was set back) the one after. */
function nextSnapshot(every: Duration, { taken, now }: KnownWindows): Window {
  const running = alignDown(now, every)
  const free = alignUp(new Date(Math.max(running.getTime(), ...taken.map(({ to }) => to.getTime()))), every)
  return { from: free, to: addDuration(free, every) }
}

/**
 * The spans between the feed's start and end that no ledger entry covers, in order of time. A day or month (the feed's
 * grain) that an entry covers in part counts as covered: the rest of it could not be asked for alone.
 */
function gaps(feed: Feed, cadence: Windows, { since, taken }: KnownWindows): readonly Window[] {
  const grain = GRAIN[feed.grain ?? 'day']
  const end = cadence.to ? alignUp(instant(cadence.to, since), grain) : END_OF_TIME
  const found: Window[] = []
  let from = alignDown(instant(cadence.from, since), grain)
  for (const entry of taken.toSorted((a, b) => a.from.getTime() - b.from.getTime())) {
    found.push({ from, to: earliest(alignDown(entry.from, grain), end) })
    from = latest(from, alignUp(entry.to, grain))
  }
  return [...found, { from, to: end }].filter((gap) => gap.from < gap.to)
}

/** Cuts a gap at the boundaries of the calendar, so that every span of it is in exactly one window. */
function* cut(gap: Window, cadence: Windows, since: Date): Generator<Window> {
  let from = gap.from
  while (from < gap.to) {
    const to = endOfWindow(from, gap, cadence, since)
    yield { from, to }
    from = to
  }
}

function endOfWindow(from: Date, gap: Window, { window, backfillWindow }: Windows, since: Date): Date {
  const historyEnd = earliest(gap.to, since)
  const backfillStart = alignUp(from, backfillWindow)
  const backfillEnd = addDuration(backfillStart, backfillWindow)
  const end = earliest(nextBoundary(from, window), gap.to)
  if (backfillEnd > historyEnd) return end
  return backfillStart > from ? earliest(end, backfillStart) : backfillEnd
}

/** The instant of a boundary; one given as a duration counts back from the start of the day the feed was first seen. */
function instant(boundary: Boundary, since: Date): Date {
  return 'date' in boundary ? new Date(boundary.date) : addDuration(alignDown(since, GRAIN.day), boundary.back, -1)
}

function earliest(a: Date, b: Date): Date {
  return a < b ? a : b
}

function latest(a: Date, b: Date): Date {
  return a > b ? a : b
}
