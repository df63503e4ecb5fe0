import { type About, adviceOn, type FailureKind } from '../failures.ts'
import { endBefore } from '../feeds/history.ts'
import { emptiedColumns } from '../ledger/emptied.ts'
import { blockAdvice } from '../ledger/feed-block.ts'
import { type FeedOutline, type RangedRow, restsUntil, type Trouble } from '../ledger/feed-row.ts'
import {
  aboutOf,
  CLOCK_DIFFERENCE_MS,
  isOpen,
  isPublished,
  isResting,
  isStanding,
  type Lane,
  type LedgerEntry,
} from '../ledger/ledger.ts'
import { driftOf } from '../ledger/offer.ts'
import { startWithinReach } from '../ledger/reach.ts'
import { coverage, isSettledFailure, provenWindows } from '../plan/coverage.ts'
import { laterHistory, type RangedFeed } from '../plan/feed-history.ts'
import { type KnownFeed, planOf } from '../plan/known-feed.ts'
import { nextRequest, waitingWindows } from '../plan/plan.ts'
import { present } from '../present.ts'
import { HOUR_MS } from '../time/durations.ts'
import { windowId } from '../time/window.ts'
import { adviceOnWindow } from './failed-window.ts'
import { feedToDo, unreadableAdvice } from './feed-to-do.ts'
import type { ExplainedFailure, FeedStatus, ToDo } from './fields.ts'
import { freshness } from './freshness.ts'
import { gapsIn } from './gaps.ts'
import { feedNotes } from './notes.ts'
import { markedWindows, restatedWindows, toWindowStatus } from './windows.ts'

/** The status of one feed, and what of it needs a person. */
export type SeenFeed = { readonly status: FeedStatus; readonly toDo: readonly ToDo[] }

/** Says how far a feed is complete and fresh, what failed and what a person does about it. */
export function seeFeed(now: Date, known: RangedFeed): SeenFeed {
  const { row, entries, unreadable } = known
  const { name, dataset, table, account, enabled, grain, cadence } = row.feed
  const covered = coverage(now, known)
  const { completeUntil, latestSnapshot, acceptedGaps, ...counts } = covered
  const { next, ...fresh } = freshness(now, row, provenWindows(known))
  const reach = startWithinReach(row)
  const startsAt = reach === undefined ? undefined : new Date(reach)
  const windows = markedWindows(row, entries)
  const missing = waitingWindows(now, planOf(known)).filter(({ previous }) => !previous)
  const facts = present<Omit<FeedStatus, 'notes'>>({
    name,
    dataset,
    table,
    account,
    enabled,
    grain: cadence.kind === 'snapshot' ? 'snapshot' : (grain ?? 'day'),
    since: new Date(row.since),
    firstSeenAhead: Date.parse(row.since) - now.getTime() > CLOCK_DIFFERENCE_MS || undefined,
    removedSince: row.purgedAt === undefined ? undefined : new Date(row.purgedAt),
    startsAt,
    ...counts,
    gaps: gapsIn(missing.map(({ window }) => window)),
    completeUntil,
    latestSnapshot: latestSnapshot && windowId(latestSnapshot),
    ...fresh,
    nextDue: nextRequest(now, planOf(known)),
    // A feed that asks for nothing is not held up.
    blocked:
      enabled && row.blocked ? { ...explainedTrouble(row, row.blocked), ...blockAdvice(row, row.blocked) } : undefined,
    trouble: row.trouble && explainedTrouble(row, row.trouble),
    restsUntil: restsUntil(row, now),
    backfill: {
      paused: row.backfillPaused === true,
      left: historyLeft(known, missing),
      ...historyLanded(now, entries),
      ...historyLater(now, known),
    },
    stretch: row.stretch,
    drift: driftOf(row),
    emptied: emptiedColumns(row, entries),
    problems: [
      ...unreadable.map((each) => ({ ...explained(each.failure), ...unreadableAdvice(name, each) })),
      ...entries
        .filter((entry) => !isSettledFailure(now, row, entry))
        .flatMap((entry) => failedWindow(now, row, entry)),
    ],
    resting: entries.flatMap(restingWindow),
    slow: entries.flatMap((entry) => slowWindow(now, entry)),
    doubtful: entries.flatMap(doubtfulWindow),
    acceptedGaps,
    restated: restatedWindows(entries),
    windows: windows.map(toWindowStatus),
  })
  const end = startsAt && endBefore(row.feed, startsAt, facts.since)
  const status = { ...facts, notes: feedNotes(facts, end) }
  return { status, toDo: feedToDo(now, known, status, windows, next) }
}

/** A failure with what a person does about it. */
export function explained(
  { kind, message }: { readonly kind: FailureKind; readonly message: string },
  about: About = {},
): ExplainedFailure {
  return { kind, message, ...adviceOn(kind, about) }
}

function explainedTrouble(
  { feed: { name, account } }: FeedOutline,
  trouble: Trouble,
): NonNullable<FeedStatus['blocked']> {
  return { ...explained(trouble, { feed: name, account }), at: new Date(trouble.at) }
}

/** Windows of history that are due or asked for and have no rows yet. */
function historyLeft(known: KnownFeed, missing: readonly { readonly lane: Lane }[]): number {
  const open = known.entries.filter(
    (entry) => entry.lane === 'backfill' && entry.state !== 'failed' && !isPublished(entry),
  )
  return missing.filter(({ lane }) => lane === 'backfill').length + open.length
}

/** Windows of history that have landed, and those that did in the last hour. */
function historyLanded(
  now: Date,
  entries: readonly LedgerEntry[],
): { readonly landed: number; readonly lately: number } {
  const landed = entries.filter((entry) => entry.lane === 'backfill').filter(isPublished)
  const lately = landed.filter(({ figures }) => now.getTime() - figures.landedAt.getTime() < HOUR_MS)
  return { landed: landed.length, lately: lately.length }
}

/** Windows of history whose data has not settled, where there are any. */
function historyLater(now: Date, known: KnownFeed): Pick<FeedStatus['backfill'], 'dueLater'> {
  const later = laterHistory(now, known)
  const last = later.at(-1)
  return last ? { dueLater: { windows: later.length, lastAt: last.dueAt } } : {}
}

function restingWindow(entry: LedgerEntry): readonly ExplainedFailure[] {
  if (!isResting(entry) || !entry.lastError) return []
  const error = explained(entry.lastError, aboutOf(entry))
  return [{ window: windowId(entry.window), ...error, landedBefore: isPublished(entry) }]
}

function doubtfulWindow(entry: LedgerEntry): FeedStatus['doubtful'] {
  if (!isStanding(entry) || !entry.figures.rowsDoubtful) return []
  return [{ window: windowId(entry.window), rows: entry.figures.rowsDoubtful }]
}

function failedWindow(now: Date, row: RangedRow, entry: LedgerEntry): readonly ExplainedFailure[] {
  if (entry.state !== 'failed') return []
  const { kind, message, since, window } = entry
  const failure = { kind, message, ...adviceOnWindow(now, row, entry) }
  return [{ window: windowId(window), ...failure, since, landedBefore: isPublished(entry) }]
}

const SLOW_MS = HOUR_MS

function slowWindow(now: Date, entry: LedgerEntry): FeedStatus['slow'] {
  if (!isOpen(entry) || now.getTime() - entry.requestedAt.getTime() < SLOW_MS) return []
  const { window, state, requestedAt } = entry
  return [{ window: windowId(window), state, requestedAt, ...('deadline' in entry && { until: entry.deadline }) }]
}
