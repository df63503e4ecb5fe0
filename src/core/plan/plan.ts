import type { Failure } from '../failures.ts'
import type { Feed } from '../feeds/feed.ts'
import type { FeedRow } from '../ledger/feed-row.ts'
import { isOpen, type Lane, type LedgerEntry } from '../ledger/ledger.ts'
import { DAY_MS } from '../time/durations.ts'
import type { Window } from '../time/window.ts'
import { missingWindows, nextDue } from './due-windows.ts'

/** A blocked feed asks for its newest due window once a day. */
const BLOCKED_RETRY_MS = DAY_MS

/** A feed with its row and entries from the ledger. */
export type KnownFeed = {
  readonly row: FeedRow
  readonly entries: readonly LedgerEntry[]
  /** Entries that cannot be read. Their windows are unknown, so the feed asks for nothing new until they are fixed. */
  readonly unreadable: readonly Failure[]
}

/** Whether a feed may ask for new windows. */
function isAsking({ row, unreadable }: KnownFeed): boolean {
  return row.feed.enabled && unreadable.length === 0
}

/** Ask the service for one window of a feed. */
export type RequestAction = {
  readonly feed: Feed
  readonly window: Window
  readonly lane: Lane
  readonly previous?: LedgerEntry
}

/**
 * Gives the windows to ask for at `now`: those that the ledger lacks and those that are `planned`. Live windows come first,
 * oldest first. History follows, newest first, so that recent months land soonest.
 */
export function plan(now: Date, feeds: readonly KnownFeed[]): readonly RequestAction[] {
  const due = feeds.filter(isAsking).flatMap((known) => withinBlock(now, known))
  const live = due.filter(({ lane }) => lane === 'live').sort((a, b) => byStart(a, b))
  const backfill = due.filter(({ lane }) => lane === 'backfill').sort((a, b) => byStart(b, a))
  return [...live, ...backfill]
}

/** How many windows of a feed are due and not yet asked for. */
export function waiting(now: Date, known: KnownFeed): number {
  return isAsking(known) ? dueActions(now, known).length : 0
}

/** When the next window of a feed becomes due, or undefined if there will be none. */
export function nextRequest(now: Date, known: KnownFeed): Date | undefined {
  if (!isAsking(known)) return undefined
  const { row, entries } = known
  const planned = entries.flatMap((entry) => (entry.state === 'planned' ? [entry.notBefore] : []))
  const missing = nextDue(row.feed, { since: new Date(row.since), taken: entries.map((entry) => entry.window), now })
  const all = missing ? [...planned, missing] : planned
  return all.sort((a, b) => a.getTime() - b.getTime())[0]
}

function dueActions(now: Date, { row, entries }: KnownFeed): readonly RequestAction[] {
  const { feed } = row
  const known = { since: new Date(row.since), taken: entries.map((entry) => entry.window), now }
  const missing = missingWindows(feed, known).map(({ window, lane }) => ({ feed, window, lane }))
  const planned = entries.flatMap((entry) =>
    entry.state === 'planned' && entry.notBefore <= now && !hasPassed(now, feed, entry)
      ? [{ feed, window: entry.window, lane: entry.lane, previous: entry }]
      : [],
  )
  return [...missing, ...planned]
}

/** Whether a snapshot's window has ended. It is not asked for any more: today's data must not land under an old date. */
export function hasPassed(now: Date, { cadence }: Feed, { window }: LedgerEntry): boolean {
  return cadence.kind === 'snapshot' && now >= window.to
}

/** A blocked feed asks for one window a day: the newest, and only while no attempt is in progress. */
function withinBlock(now: Date, known: KnownFeed): readonly RequestAction[] {
  const due = dueActions(now, known)
  const { blocked } = known.row
  if (!blocked) return due
  if (now.getTime() - Date.parse(blocked.at) < BLOCKED_RETRY_MS || known.entries.some(isOpen)) return []
  return [...due].sort((a, b) => byStart(b, a)).slice(0, 1)
}

function byStart(a: RequestAction, b: RequestAction): number {
  return a.window.from.getTime() - b.window.from.getTime()
}
