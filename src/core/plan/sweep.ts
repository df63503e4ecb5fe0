import { FAILURES } from '../failures.ts'
import type { FeedRow } from '../ledger/feed-row.ts'
import {
  type Failed,
  isOfPerson,
  isOverdue,
  type Landed,
  type Landing,
  type LedgerEntry,
  neededReports,
  type Planned,
  type Requested,
  type Requesting,
  takeoverAt,
} from '../ledger/ledger.ts'
import { addDuration, DAY_MS, HOUR_MS } from '../time/durations.ts'
import { hasPassed, type KnownFeed } from './plan.ts'

/** A failure that heals with time is tried again after 6 hours, then after twice as long each time, up to a week. */
const FIRST_HEALING_MS = 6 * HOUR_MS
const LAST_HEALING_MS = 7 * DAY_MS

/** After a block has ended, the windows that failed under it are tried again, one a day. */
const RETRY_AFTER_BLOCK_MS = DAY_MS

/** One action on one entry. `hint` puts a message in the queue, so that `ingest` reads the entry. */
export type SweepAction =
  | { readonly kind: 'hint'; readonly entry: Requested | Landing }
  | { readonly kind: 'adopt'; readonly entry: Requesting }
  | { readonly kind: 'expire'; readonly entry: Requested }
  | { readonly kind: 'reopen'; readonly entry: Failed }
  | { readonly kind: 'ask-again'; readonly entry: Landed }
  | { readonly kind: 'out-of-range'; readonly entry: Planned | Requesting | Requested }
  | { readonly kind: 'withdraw'; readonly entry: LedgerEntry }

export type SweepLimits = { readonly adoptAfterMs: number; readonly leaseMs: number; readonly deleteReports: boolean }

/** Gives the actions that the entries of one feed need at `now`, at most one for each entry. */
export function sweepActions(now: Date, known: KnownFeed, limits: SweepLimits): readonly SweepAction[] {
  const reopened = new Set(reopenings(now, known))
  return known.entries.flatMap((entry): readonly SweepAction[] => {
    if (entry.state === 'failed' && reopened.has(entry)) return [{ kind: 'reopen', entry }]
    if (isLate(now, known, entry)) return [{ kind: 'out-of-range', entry }]
    if (isTooEarlyEmpty(now, known, entry)) return [{ kind: 'ask-again', entry }]
    return actionsFor(now, entry, limits)
  })
}

function actionsFor(now: Date, entry: LedgerEntry, limits: SweepLimits): readonly SweepAction[] {
  switch (entry.state) {
    case 'requesting':
      return now.getTime() - entry.requestedAt.getTime() < limits.adoptAfterMs ? [] : [{ kind: 'adopt', entry }]
    case 'requested':
      if (isOverdue(entry, now)) return [{ kind: 'expire', entry }]
      return now >= entry.pollAfter ? [{ kind: 'hint', entry }] : []
    case 'landing':
      return now >= takeoverAt(entry, limits.leaseMs) ? [{ kind: 'hint', entry }] : []
    case 'planned':
    case 'landed':
    case 'failed':
      return withdrawal(entry, limits)
  }
}

/** Withdraws a report that the entry no longer needs but the service still has. */
function withdrawal(entry: LedgerEntry, { deleteReports }: SweepLimits): readonly SweepAction[] {
  const { remoteReport } = entry
  if (remoteReport === undefined || neededReports(entry, !deleteReports).includes(remoteReport)) return []
  return [{ kind: 'withdraw', entry }]
}

/** Whether the window of a snapshot has ended before its report landed. */
function isLate(now: Date, { row }: KnownFeed, entry: LedgerEntry): entry is Planned | Requesting | Requested {
  const open = entry.state === 'planned' || entry.state === 'requesting' || entry.state === 'requested'
  return open && hasPassed(now, row.feed, entry)
}

/** Whether an empty report was asked for too early and is due again, which is twice the delay after the window's end. */
function isTooEarlyEmpty(now: Date, { row }: KnownFeed, entry: LedgerEntry): entry is Landed {
  if (entry.state !== 'landed' || entry.figures.verdict !== 'empty') return false
  if (entry.figures.origin === 'import' || row.feed.cadence.kind === 'snapshot') return false
  const settled = addDuration(addDuration(entry.window.to, row.feed.delay), row.feed.delay)
  return entry.figures.requestedAt < settled && now >= settled
}

/** The failed entries that are due for another attempt. */
function reopenings(now: Date, { row, entries }: KnownFeed): readonly Failed[] {
  const failed = healing(entries)
  const byTime = failed.filter((entry) => FAILURES[entry.kind].heals === 'time' && now.getTime() >= healsAt(entry))
  const changed = failed.filter(
    (entry) => entry.kind !== 'unreadable-entry' && isOfEarlierFeed(entry, row.reopenBefore),
  )
  return [...byTime, ...changed, ...oneOfBlock(now, row, entries)]
}

/** The failed entries that another report of the service can heal. */
function healing(entries: readonly LedgerEntry[]): readonly Failed[] {
  return entries.filter((entry): entry is Failed => entry.state === 'failed' && !isOfPerson(entry))
}

function healsAt({ since, heals }: Failed): number {
  return since.getTime() + Math.min(FIRST_HEALING_MS * 2 ** Math.min(heals, 20), LAST_HEALING_MS)
}

/** Whether the window failed before the feed was changed. A failure that heals with time has its own schedule. */
function isOfEarlierFeed({ kind, since }: Failed, reopenBefore: string | undefined): boolean {
  return reopenBefore !== undefined && FAILURES[kind].heals !== 'time' && since.getTime() < Date.parse(reopenBefore)
}

/** One failed window a day: the newest while the feed is blocked, then the others, newest first. */
function oneOfBlock(now: Date, row: FeedRow, entries: readonly LedgerEntry[]): readonly Failed[] {
  const failed = healing(entries)
  const waiting = failed.filter(({ kind }) => FAILURES[kind].heals === 'change')
  const last = Math.max(
    ...waiting.map(({ since }) => since.getTime()),
    ...[row.blocked?.at, row.retriedAt].map((at) => Date.parse(at ?? '') || 0),
  )
  const busy = entries.some(({ state, heals }) => heals > 0 && state !== 'landed' && state !== 'failed')
  if (waiting.length === 0 || busy || now.getTime() - last < RETRY_AFTER_BLOCK_MS) return []
  return waiting.toSorted((a, b) => b.window.from.getTime() - a.window.from.getTime()).slice(0, 1)
}
