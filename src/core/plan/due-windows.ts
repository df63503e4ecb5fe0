import type { Boundary, Cadence, Feed } from '../feeds/feed.ts'
import { isAtRest, type Lane, type LedgerEntry } from '../ledger/ledger.ts'
import { alignDown, alignUp, GRAIN, nextBoundary } from '../time/calendar.ts'
import { addDuration, type Duration } from '../time/durations.ts'
import { type Window, windowId } from '../time/window.ts'

/** A window of a feed. The app may ask for it from `dueAt` on. */
export type DueWindow = { readonly window: Window; readonly lane: Lane; readonly dueAt: Date }

/** What is known about one feed: when the app first saw it, which windows the ledger holds, and the current time. */
export type KnownWindows = { readonly since: Date; readonly taken: readonly Window[]; readonly now: Date }

type Windows = Extract<Cadence, { kind: 'windows' }>

/** Every window ends before this, because a window id has four digits for the year. */
const END_OF_TIME = new Date(Date.UTC(9999, 0, 1))

/** The windows that the ledger lacks and that are due now, in order of time. They overlap no window of the ledger. */
export function missingWindows(feed: Feed, known: KnownWindows): readonly DueWindow[] {
  const due: DueWindow[] = []
  for (const planned of plannedWindows(feed, known)) {
    if (planned.dueAt > known.now) break
    due.push(planned)
  }
  return due
}

/** The lane of a window, if the app first saw its feed at `since`. */
export function laneOf(window: Window, since: Date): Lane {
  return window.to <= since ? 'backfill' : 'live'
}

/** When the next window that the ledger lacks is due. In the past if it is due now, undefined if there will be none. */
export function nextDue(feed: Feed, known: KnownWindows): Date | undefined {
  for (const planned of plannedWindows(feed, known)) return planned.dueAt
  return undefined
}

/**
 * Gives the reason why a file cannot be imported into a window, or undefined if it can. A window of the ledger must be at
 * rest. A new window must be cut at the grain and must not overlap another.
 */
export function whyNotImported(feed: Feed, window: Window, entries: readonly LedgerEntry[]): string | undefined {
  const same = entries.find((entry) => windowId(entry.window) === windowId(window))
  if (same) return isAtRest(same) ? undefined : `is ${same.state}: only a landed or failed window can take a file`
  const overlapping = entries.find((entry) => entry.window.from < window.to && window.from < entry.window.to)
  if (overlapping) return `overlaps the window ${windowId(overlapping.window)}`
  const { grain } = feed
  const isAligned =
    !grain || [window.from, window.to].every((at) => alignDown(at, GRAIN[grain]).getTime() === at.getTime())
  return isAligned ? undefined : `is not cut at a ${grain}, the grain of ${feed.dataset}`
}

/** All windows to ask for, in order of time, which is also the order of `dueAt`. Endless unless the feed has an end. */
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

/** The running snapshot, or the next free one if the ledger already has it or a later one (after a clock was set back). */
function nextSnapshot(every: Duration, { taken, now }: KnownWindows): Window {
  const running = alignDown(now, every)
  const free = alignUp(new Date(Math.max(running.getTime(), ...taken.map(({ to }) => to.getTime()))), every)
  return { from: free, to: addDuration(free, every) }
}

/**
 * The spans between the feed's start and end that no ledger entry covers, in order of time. A day or month (the feed's
 * grain) that an entry covers in part counts as covered, because the app cannot ask for the rest of it alone.
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

/** Cuts a gap into windows at the boundaries of the calendar. The windows cover the gap and do not overlap. */
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

/** The instant of a boundary. A duration counts back from the start of the day on which the app first saw the feed. */
function instant(boundary: Boundary, since: Date): Date {
  return 'date' in boundary ? new Date(boundary.date) : addDuration(alignDown(since, GRAIN.day), boundary.back, -1)
}

function earliest(a: Date, b: Date): Date {
  return a < b ? a : b
}

function latest(a: Date, b: Date): Date {
  return a > b ? a : b
}
