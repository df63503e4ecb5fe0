import type { Cadence, Feed } from '../feeds/feed.ts'
import { instantOf } from '../feeds/history.ts'
import type { Lane } from '../ledger/ledger.ts'
import { alignDown, alignUp, GRAIN, nextBoundary } from '../time/calendar.ts'
import { addDuration, type Duration } from '../time/durations.ts'
import { earlier, later } from '../time/instants.ts'
import type { Window } from '../time/window.ts'
import { isPastKeep, keptSince } from './keep.ts'

/** The feed as far as it decides which windows there are. */
export type WindowRules = Pick<Feed, 'cadence' | 'delay' | 'grain' | 'keep'>

/** A window of a feed. The app may ask for it from `dueAt` on. */
export type DueWindow = { readonly window: Window; readonly lane: Lane; readonly dueAt: Date }

/** What is known about one feed: when the app first saw it, which time the ledger's entries take, and the current time. */
export type KnownWindows = { readonly since: Date; readonly taken: readonly Window[]; readonly now: Date }

type Windows = Extract<Cadence, { kind: 'windows' }>

/** Every window ends before this, because a window id has four digits for the year. */
const END_OF_TIME = new Date(Date.UTC(9999, 0, 1))

/** The windows that the ledger lacks and that are due now, in order of time. They overlap no window of the ledger. */
export function missingWindows(feed: WindowRules, known: KnownWindows): readonly DueWindow[] {
  const due: DueWindow[] = []
  for (const planned of plannedWindows(feed, known)) {
    if (planned.dueAt > known.now) break
    due.push(planned)
  }
  return due
}

/** The windows of history that the ledger lacks, also those whose data has not settled yet. */
export function historyWindows(feed: WindowRules, known: KnownWindows): readonly DueWindow[] {
  // History ended before the app saw the feed: by then all of it has settled.
  const allDue = later(known.now, addDuration(known.since, feed.delay))
  return missingWindows(feed, { ...known, now: allDue }).filter(({ lane }) => lane === 'backfill')
}

/** The lane of a window, if the app first saw its feed at `since`. */
export function laneOf(window: Window, since: Date): Lane {
  return window.to <= since ? 'backfill' : 'live'
}

/**
 * When the next window that the ledger lacks, of one lane or of any, is due. In the past if it is due now, undefined if
 * there will be none.
 */
export function nextDue(feed: WindowRules, known: KnownWindows, lane?: Lane): Date | undefined {
  for (const planned of plannedWindows(feed, known)) {
    if (lane === undefined || planned.lane === lane) return planned.dueAt
    // They are in order of time: no history comes after what is live, which may be endless.
    if (planned.lane === 'live') return undefined
  }
  return undefined
}

/** When the data of a window has settled. */
export function settledAt({ cadence, delay }: WindowRules, { from, to }: Window): Date {
  return cadence.kind === 'snapshot' ? from : addDuration(to, delay)
}

/** When a window may first be asked for: once its data has settled, or earlier where the feed wants the running one. */
export function dueAt(feed: WindowRules, window: Window): Date {
  const settled = settledAt(feed, window)
  const every = openEvery(feed)
  return every ? earlier(addDuration(window.from, every), settled) : settled
}

/** How often the running window is asked for; undefined where the feed waits for its end. */
export function openEvery({ cadence, delay }: WindowRules): Duration | undefined {
  if (cadence.kind === 'snapshot' || !cadence.openWindow) return undefined
  return cadence.refresh?.every ?? delay
}

/** Whether a window starts and ends where the data of a feed can be cut: at its grain, and always at a day. */
export function isAligned({ grain }: WindowRules, { from, to }: Window): boolean {
  return [from, to].every((at) => alignDown(at, GRAIN[grain ?? 'day']).getTime() === at.getTime())
}

/**
 * The first instant that a feed wants at `now`, and the first that it no longer wants: its history begins with what it keeps.
 * A snapshot feed has none.
 */
export function wantedSpan(feed: WindowRules, since: Date, now: Date): Window | undefined {
  const { cadence } = feed
  if (cadence.kind === 'snapshot') return undefined
  const { from, to } = span(feed, cadence, since)
  return { from: later(from, keptSince(feed, now) ?? from), to }
}

/** All windows to ask for, in order of time, which is also the order of their `dueAt`. Endless unless the feed has an end. */
function* plannedWindows(feed: WindowRules, known: KnownWindows): Generator<DueWindow> {
  const { cadence } = feed
  if (cadence.kind === 'snapshot') {
    const window = nextSnapshot(cadence.every, known)
    yield { window, lane: 'live', dueAt: window.from }
    return
  }
  for (const gap of gaps(feed, cadence, known)) {
    for (const window of cut(gap, cadence, known.since)) {
      if (isPastKeep(feed, window, known.now)) continue
      yield { window, lane: laneOf(window, known.since), dueAt: dueAt(feed, window) }
    }
  }
}

/**
 * The running snapshot, or the next free one if the ledger already has it or a later one: today's data must not land under
 * an old date, which a clock that was set back would show.
 */
function nextSnapshot(every: Duration, { taken, now }: KnownWindows): Window {
  const running = alignDown(now, every)
  const free = alignUp(new Date(Math.max(running.getTime(), ...taken.map(({ to }) => to.getTime()))), every)
  return { from: free, to: addDuration(free, every) }
}

/**
 * The spans between the feed's start and end that no ledger entry covers, in order of time. A day or month (the feed's
 * grain) that an entry covers in part counts as covered, because the app cannot ask for the rest of it alone.
 */
function gaps(feed: WindowRules, cadence: Windows, { since, taken, now }: KnownWindows): readonly Window[] {
  const grain = GRAIN[feed.grain ?? 'day']
  const { from: start, to: end } = span(feed, cadence, since)
  const found: Window[] = []
  const kept = keptSince(feed, now)
  let from = kept ? later(start, alignDown(kept, cadence.backfillWindow)) : start
  for (const entry of taken.toSorted((a, b) => a.from.getTime() - b.from.getTime())) {
    found.push({ from, to: earlier(alignDown(entry.from, grain), end) })
    from = later(from, alignUp(entry.to, grain))
  }
  return [...found, { from, to: end }].filter((gap) => gap.from < gap.to)
}

function span({ grain }: WindowRules, cadence: Windows, since: Date): Window {
  const step = GRAIN[grain ?? 'day']
  const to = cadence.to ? alignUp(instantOf(cadence.to, since), step) : END_OF_TIME
  return { from: alignDown(instantOf(cadence.from, since), step), to }
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
  const historyEnd = earlier(gap.to, since)
  const backfillStart = alignUp(from, backfillWindow)
  const backfillEnd = addDuration(backfillStart, backfillWindow)
  const end = earlier(nextBoundary(from, window), gap.to)
  if (backfillEnd > historyEnd) return end
  return backfillStart > from ? earlier(end, backfillStart) : backfillEnd
}
