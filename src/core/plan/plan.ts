import { FAILURES } from '../failures.ts'
import { mayTry } from '../ledger/feed-block.ts'
import type { FeedOutline } from '../ledger/feed-row.ts'
import {
  CLOCK_DIFFERENCE_MS,
  type Failed,
  type Lane,
  type LedgerEntry,
  type Planned,
  type Requested,
} from '../ledger/ledger.ts'
import { withinReach } from '../ledger/reach.ts'
import { hasCome } from '../ledger/wake.ts'
import { addDuration, DAY_MS } from '../time/durations.ts'
import { earlier, earliest, later } from '../time/instants.ts'
import type { Window } from '../time/window.ts'
import { dueAt, missingWindows, nextDue, settledAt } from './due-windows.ts'
import { isPastKeep } from './keep.ts'
import { refreshAt } from './refresh.ts'

/** The longest that a planned window waits by itself. */
const LONGEST_WAIT_MS = DAY_MS

/** What decides which windows of a feed are asked for: the time that its entries take, and those that are planned. */
export type FeedPlan = {
  readonly row: FeedOutline
  readonly spans: readonly Window[]
  readonly planned: readonly Planned[]
}

/** Ask the service for one window of a feed. `previous` is its entry, where there is one. */
export type RequestAction = {
  readonly row: FeedOutline
  readonly window: Window
  readonly lane: Lane
  readonly priority: Priority
  readonly previous?: Planned | Failed
}

/** What an account asks for first: what is missing now, then what is asked for again, then history. */
export const PRIORITIES = ['live', 'refresh', 'backfill'] as const
export type Priority = (typeof PRIORITIES)[number]

/**
 * Gives the windows of a feed to ask for at `now`: those that the ledger lacks and those that are `planned`. Live windows
 * come first, oldest first, then those that are refreshed, those that wait longest first. History follows, newest first, so
 * that recent months land soonest. In each, windows whose last attempt failed come after the others, which they could hold up
 * again and again.
 */
export function dueRequests(now: Date, known: FeedPlan): readonly RequestAction[] {
  if (known.row.blocked) return []
  const due = waitingWindows(now, known).filter(isNotPaused)
  return PRIORITIES.flatMap((priority) => {
    const ofPriority = due.filter((action) => action.priority === priority)
    return ofPriority.sort((a, b) => bySuccess(a, b) || IN_PRIORITY[priority](a, b))
  })
}

/**
 * The window by which a blocked feed finds out whether it can be asked for again: one that a person asked for, else the
 * newest. `failed` are the windows that failed for a reason that only a change heals; a snapshot that has ended is none.
 */
export function trialRequest(now: Date, known: FeedPlan, failed: readonly Failed[]): RequestAction | undefined {
  const { row } = known
  const running = failed.filter((entry) => !hasPassed(now, row, entry) && !isPastKeep(row.feed, entry.window, now))
  const due = [...waitingWindows(now, known), ...running.map((entry) => again(now, row, entry))]
  const newest = due.filter(isNotPaused).sort((a, b) => byStart(b, a))
  return newest.find(({ previous }) => previous?.state === 'planned' && previous.reason === 'retry') ?? newest[0]
}

/** Whether a window may be asked for, although a person may have paused the feed's history. */
function isNotPaused({ row, priority }: RequestAction): boolean {
  return priority !== 'backfill' || !row.backfillPaused
}

/**
 * Before this, no window of paused history begins that is due all the same because it is young or has not settled: such
 * windows wait for the end of the pause, or are planned as refreshes. Undefined where nothing is paused.
 */
export function pausedBefore(now: Date, { feed, backfillPaused }: FeedOutline): Date | undefined {
  const { cadence, delay } = feed
  if (!backfillPaused || cadence.kind === 'snapshot') return undefined
  const { refresh, window, backfillWindow } = cadence
  const unsettled = addDuration(addDuration(now, delay, -1), delay, -1)
  const young = refresh ? addDuration(now, refresh.for, -1) : now
  return [window, backfillWindow].reduce((from, length) => addDuration(from, length, -1), earlier(unsettled, young))
}

/** The windows of a feed that are due and not asked for yet, also while the feed is blocked or its history is paused. */
export function waitingWindows(now: Date, known: FeedPlan): readonly RequestAction[] {
  return known.row.feed.enabled ? [...missing(now, known), ...plannedAndDue(now, known)] : []
}

/** When the next window of a feed becomes due, or undefined if there will be none. */
export function nextRequest(now: Date, { row, spans, planned }: FeedPlan): Date | undefined {
  if (!row.feed.enabled) return undefined
  const lane = row.backfillPaused ? 'live' : undefined
  const next = nextDue(withinReach(row), { since: new Date(row.since), taken: spans, now }, lane)
  const waiting = planned.map((entry) =>
    isNotPaused(again(now, row, entry)) ? entry.notBefore : refreshDueAt(now, row, entry),
  )
  return earliest([next, ...waiting])
}

/** When a planned window may be asked for: in the past if that is now. */
export function mayAskFrom({ feed, nextTrial }: FeedOutline, entry: Planned, now: Date): Date {
  const from = later(entry.notBefore, dueAt(feed, entry.window))
  const isHeld = nextTrial !== undefined && needsChange(entry) && !mayTry({ nextTrial }, now)
  return isHeld ? later(from, new Date(nextTrial)) : from
}

/** The planned windows of a snapshot feed that have ended: today's data must not land under an old date. */
export function endedWindows(now: Date, { row, planned }: FeedPlan): readonly Planned[] {
  return planned.filter((entry) => hasPassed(now, row, entry))
}

/** Whether a snapshot's window has ended. It is not asked for any more. */
export function hasPassed(now: Date, { feed }: FeedOutline, { window }: Pick<LedgerEntry, 'window'>): boolean {
  return feed.cadence.kind === 'snapshot' && now >= window.to
}

/** Whether nobody may ask for a window any more: a snapshot that has passed, or what is older than its feed keeps. */
export function isOver(now: Date, row: FeedOutline, entry: Pick<LedgerEntry, 'window'>): boolean {
  return hasPassed(now, row, entry) || isPastKeep(row.feed, entry.window, now)
}

/**
 * A clock that was ahead may ask for a window too early, or for more of a running one than there is. Gives when such a
 * window is asked for again, and undefined where the request was right.
 */
export function askedTooEarly(
  now: Date,
  { feed }: FeedOutline,
  { window, requestedAt }: Pick<Requested, 'window' | 'requestedAt'>,
): Date | undefined {
  if (now >= settledAt(feed, window)) return undefined
  const due = dueAt(feed, window)
  if (now < due) return due
  return requestedAt.getTime() - now.getTime() > CLOCK_DIFFERENCE_MS ? now : undefined
}

function missing(now: Date, { row, spans }: FeedPlan): readonly RequestAction[] {
  const due = missingWindows(withinReach(row), { since: new Date(row.since), taken: spans, now })
  return due.map(({ window, lane }) => ({ row, window, lane, priority: lane }))
}

function plannedAndDue(now: Date, { row, planned }: FeedPlan): readonly RequestAction[] {
  return planned.filter((entry) => isPlannedDue(now, row, entry)).map((entry) => again(now, row, entry))
}

/** Whether a planned window may be asked for now, as far as its feed may ask for anything. */
export function isPlannedDue(now: Date, row: FeedOutline, entry: Planned): boolean {
  return (
    hasCome(entry.notBefore, now, LONGEST_WAIT_MS) &&
    now >= dueAt(row.feed, entry.window) &&
    !isPastKeep(row.feed, entry.window, now) &&
    !hasPassed(now, row, entry) &&
    (mayTry(row, now) || !needsChange(entry))
  )
}

/** Whether a window failed for a reason that only a change heals: after a trial has failed, such windows wait. */
function needsChange({ reason, lastError }: Planned): boolean {
  return reason === 'healed' && lastError !== undefined && FAILURES[lastError.kind].heals === 'change'
}

function again(now: Date, row: FeedOutline, previous: Planned | Failed): RequestAction {
  const { window, lane } = previous
  return { row, window, lane, priority: priorityOf(now, row, previous), previous }
}

/** The priority of a window that has an entry. */
export function priorityOf(now: Date, row: FeedOutline, previous: Planned | Failed): Priority {
  return isRefresh(now, row, previous) ? 'refresh' : previous.lane
}

/**
 * Whether rows of the window stand and nothing is missing without new ones. A person who asks again wants it soon. History
 * whose attempt failed, or which they paused after they asked for it again, is a refresh only where its age makes it one.
 */
function isRefresh(now: Date, row: FeedOutline, previous: Planned | Failed): boolean {
  const { figures, lane, window } = previous
  if (!figures || (figures.running && now >= settledAt(row.feed, window))) return false
  const reason = previous.state === 'planned' ? previous.reason : undefined
  if (reason === 'retry' && !(lane === 'backfill' && row.backfillPaused)) return false
  if (reason === 'refresh' || lane === 'live') return true
  const due = refreshDueAt(now, row, previous)
  return due !== undefined && due <= now
}

/** When a window is refreshed by its age, whatever else it is asked for again for; undefined where that is over. */
export function refreshDueAt(now: Date, row: FeedOutline, { window, figures }: Planned | Failed): Date | undefined {
  return figures && refreshAt(row, window, figures, now)
}

/** What is asked for again goes by how long it has waited: otherwise the newest would wait for all the others each time. */
const IN_PRIORITY: Readonly<Record<Priority, (a: RequestAction, b: RequestAction) => number>> = {
  live: byStart,
  refresh: (a, b) => waitingSince(a) - waitingSince(b) || byStart(a, b),
  backfill: (a, b) => byStart(b, a),
}

function waitingSince({ previous }: RequestAction): number {
  return previous?.state === 'planned' ? previous.notBefore.getTime() : 0
}

function bySuccess(a: RequestAction, b: RequestAction): number {
  return Number(hasFailed(a)) - Number(hasFailed(b))
}

function hasFailed({ previous }: RequestAction): boolean {
  return previous?.state === 'planned' && (previous.reason === 'expired' || previous.reason === 'healed')
}

function byStart(a: RequestAction, b: RequestAction): number {
  return a.window.from.getTime() - b.window.from.getTime()
}
