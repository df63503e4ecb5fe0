import { adviceText, isFailure } from '../../core/failures.ts'
import { withoutFailing } from '../../core/ledger/feed-block.ts'
import type { FeedOutline, RangedRow } from '../../core/ledger/feed-row.ts'
import {
  type Failed,
  isOfPerson,
  isOpen,
  isPublished,
  isResting,
  type LedgerEntry,
  type Planned,
} from '../../core/ledger/ledger.ts'
import { type PlanRow, rebuiltPlan } from '../../core/ledger/plan-row.ts'
import { toReopened } from '../../core/ledger/transitions.ts'
import { corrected, mayHeal, reopenings } from '../../core/plan/audit.ts'
import { emptyBetweenFull, type Fullness } from '../../core/plan/coverage.ts'
import type { UnreadableEntry } from '../../core/plan/known-feed.ts'
import { hasPassed } from '../../core/plan/plan.ts'
import { feedAlarms } from '../../core/status/alarms.ts'
import { unreadableAdvice } from '../../core/status/feed-to-do.ts'
import { forAlarms } from '../../core/status/windows.ts'
import type { Window } from '../../core/time/window.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import type { Services } from '../services.ts'
import { endPassed } from './end-attempt.ts'
import { changeFeedRow, noteAlarms, noteEmptyBetween } from './feed-row.ts'
import { subjectOf } from './job.ts'
import { readablePlan, readPlan } from './plan-row.ts'
import { tellOnce } from './tell-once.ts'

/** A feed as an audit leaves it. */
export type Audited = {
  readonly plan: Stored<PlanRow>
  readonly planned: readonly Stored<Planned>[]
  /** The windows that failed and that a landing, or a change, may heal. */
  readonly failed: readonly Stored<Failed>[]
  /** Whether an attempt is under way that tells something about the feed. */
  readonly isBusy: boolean
}

/**
 * Reads all entries of a feed and puts right what only a look at all of them can: the plan row, entries that sleep longer
 * than they may, and windows that failed before the feed changed or landed, or before the sign-in of its account worked
 * again (`signedInAt`). Tells which rows cannot be read. An entry that was deleted by hand takes no time any more, so its
 * window is asked for anew. Undefined where somebody created or removed an entry meanwhile: a later tick audits.
 */
export async function auditFeed(
  services: Services,
  outline: FeedOutline,
  signedInAt?: string,
): Promise<Audited | undefined> {
  const { ledger, clock } = services
  const feed = outline.feed.name
  // Before the entries: an entry that is created while they are read makes the write of the plan fail.
  const before = await ledger.readPlan(feed)
  const now = clock()
  const row = await withRanges(services, outline)
  const found = await readFeed(services, row, now)
  const plan = await ledger.writePlan(rebuiltPlan(feed, found.windows, readablePlan(before)?.value, now), before?.etag)
  if (!plan) return undefined
  // No attempt can heal the snapshot of a time that has passed, nor is one made.
  const isOver = ({ value }: Stored<Failed | Planned>) =>
    (value.state === 'planned' || mayHeal(value)) && hasPassed(now, row, value)
  for (const entry of [...found.failed, ...found.planned].filter(isOver)) await endPassed(services, entry)
  const healing = found.failed.filter((entry) => !isOver(entry))
  const planned = found.planned.filter((entry) => !isOver(entry))
  const values = healing.map(({ value }) => value)
  const chosen = new Set(reopenings(values, row, now, signedInAt))
  const isChosen = ({ value }: Stored<Failed>) => chosen.has(value)
  const reopened = await reopen(services, healing.filter(isChosen), now)
  const failed = healing.filter((each) => !isChosen(each) && mayHeal(each.value))
  if (failed.length === 0 && row.failing) await changeFeedRow(services, feed, withoutFailing)
  await noteEmptyBetween(services, row, emptyBetweenFull(found.fullness))
  await noteAlarms(services, row, feedAlarms(now, row, found.entries))
  await tellUnreadable(services, feed, found.unreadable)
  return { plan, planned: [...planned, ...reopened], failed, isBusy: found.isBusy }
}

/** How far back the service has data decides which windows are refreshed. The timers do not read it at each tick. */
async function withRanges({ ledger }: Services, outline: FeedOutline): Promise<RangedRow> {
  const { cadence } = outline.feed
  if (cadence.kind === 'snapshot' || !cadence.refresh) return outline
  const stored = await ledger.readFeed(outline.feed.name)
  const ranges = stored && !isFailure(stored) ? stored.value.ranges : undefined
  return { ...outline, ...(ranges && { ranges }) }
}

/** What an audit keeps of the entries: a feed has thousands, and most of them are landed and right. */
type Found = {
  readonly windows: Window[]
  readonly planned: Stored<Planned>[]
  readonly failed: Stored<Failed>[]
  readonly fullness: Fullness[]
  readonly entries: LedgerEntry[]
  readonly unreadable: UnreadableEntry[]
  isBusy: boolean
}

async function readFeed({ ledger, settings }: Services, row: RangedRow, now: Date): Promise<Found> {
  const found: Found = {
    windows: [],
    planned: [],
    failed: [],
    fullness: [],
    entries: [],
    unreadable: [],
    isBusy: false,
  }
  for await (const { value, etag, window, wakeAt } of ledger.scan(row.feed.name)) {
    // An entry that cannot be read keeps its time.
    if (window) found.windows.push(window)
    if (isFailure(value)) {
      found.unreadable.push({ failure: value, ...(window && { window }) })
      continue
    }
    const right = corrected(value, wakeAt, row, now, settings)
    keep(found, (right && (await ledger.write(right, etag))) ?? { value, etag })
  }
  return found
}

function keep(found: Found, { value: entry, etag }: Stored<LedgerEntry>): void {
  if (entry.state === 'planned') found.planned.push({ value: entry, etag })
  if (entry.state === 'failed') found.failed.push({ value: entry, etag })
  if (isOpen(entry) && !isResting(entry) && !isOfPerson(entry)) found.isBusy = true
  found.entries.push(forAlarms(entry))
  found.fullness.push({ window: entry.window, rows: isPublished(entry) ? entry.figures.rowsLanded : undefined })
}

async function reopen(
  { ledger, emit }: Services,
  failed: readonly Stored<Failed>[],
  now: Date,
): Promise<readonly Stored<Planned>[]> {
  const reopened: Stored<Planned>[] = []
  for (const { value, etag } of failed) {
    const written = await ledger.write(toReopened(value, now), etag)
    if (!written) continue
    reopened.push(written)
    emit({ event: 'window.reopened', ...subjectOf(value), kind: value.kind })
  }
  return reopened
}

async function tellUnreadable(services: Services, feed: string, unreadable: readonly UnreadableEntry[]): Promise<void> {
  const [first] = unreadable
  if (!first) return
  const { kind, message } = first.failure
  const remedy = adviceText(unreadableAdvice(feed, first))
  const event = { event: 'window.failed', feed, kind, message, remedy, count: unreadable.length } as const
  await tellOnce(services, `unreadable~${feed}`, event)
}

/** The plan row of a feed, which is made where it is missing. Undefined where somebody else changed it meanwhile. */
export async function readOrMakePlan(services: Services, row: FeedOutline): Promise<Stored<PlanRow> | undefined> {
  return (await readPlan(services, row.feed.name)) ?? (await auditFeed(services, row))?.plan
}
