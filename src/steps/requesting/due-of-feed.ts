import { FAILURES, type Failure, isFailure } from '../../core/failures.ts'
import { mayTry, withTrial, withTrialLater } from '../../core/ledger/feed-block.ts'
import { type FeedOutline, restsUntil } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry, Planned } from '../../core/ledger/ledger.ts'
import type { PlanRow } from '../../core/ledger/plan-row.ts'
import { isAuditDue } from '../../core/plan/audit.ts'
import {
  dueRequests,
  endedWindows,
  type FeedPlan,
  pausedBefore,
  type RequestAction,
  trialRequest,
} from '../../core/plan/plan.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { type Audited, auditFeed } from '../ledger/audit-feed.ts'
import { endPassed } from '../ledger/end-attempt.ts'
import { changeFeedRow } from '../ledger/feed-row.ts'
import { readablePlan } from '../ledger/plan-row.ts'
import type { Services } from '../services.ts'

/** What of a feed may be asked for, with what a request of it is written under. */
export type DueOfFeed = {
  readonly actions: readonly RequestAction[]
  readonly plan?: Stored<PlanRow>
  readonly etags: ReadonlyMap<LedgerEntry, string>
}

const NOTHING_DUE: DueOfFeed = { actions: [], etags: new Map() }

/** Reads what is due of a feed. All of its entries are read only where an audit is due, or must be, or a blocked feed is tried. */
export async function readDue(
  services: Services,
  row: FeedOutline,
  mayAsk: boolean,
  signedInAt: string | undefined,
  mustAudit = false,
): Promise<DueOfFeed> {
  const { ledger, clock } = services
  const { name, enabled } = row.feed
  const now = clock()
  if (!enabled) return NOTHING_DUE
  const isTrial = mayAsk && row.blocked !== undefined && !row.refused && mayTry(row, now)
  const isAsking = mayAsk && !row.blocked && !restsUntil(row, now)
  // What a pause holds is not read at each tick: a person may have set back thousands of windows. The daily audit reads all.
  const due = isAsking
    ? await ledger.due(name, 'provision', now, pausedBefore(now, row))
    : { plan: await ledger.readPlan(name), entries: [] }
  const plan = readablePlan(due.plan)
  if (plan && !isTrial && !mustAudit && !isAuditDue(row, plan.value, now, signedInAt)) {
    return isAsking ? dueOf(services, row, plan, plannedIn(due.entries)) : NOTHING_DUE
  }
  const audited = await auditFeed(services, row, signedInAt)
  if (!audited) return NOTHING_DUE
  if (isAsking) return dueOf(services, row, audited.plan, audited.planned)
  return isTrial ? dueTrial(services, row, audited) : NOTHING_DUE
}

function plannedIn(entries: readonly (Stored<LedgerEntry> | Failure)[]): readonly Stored<Planned>[] {
  // An entry that cannot be read is told by the audit.
  return entries.flatMap((each) => {
    if (isFailure(each) || each.value.state !== 'planned') return []
    return { value: each.value, etag: each.etag }
  })
}

async function dueOf(
  services: Services,
  row: FeedOutline,
  plan: Stored<PlanRow>,
  planned: readonly Stored<Planned>[],
): Promise<DueOfFeed> {
  const now = services.clock()
  const known = planOf(row, plan, planned)
  const etags = etagsOf(planned)
  for (const entry of endedWindows(now, known)) {
    await endPassed(services, { value: entry, etag: etags.get(entry) ?? '' })
  }
  return { actions: dueRequests(now, known), plan, etags }
}

/** The window by which a blocked feed is tried, unless an attempt of the feed is under way. */
async function dueTrial(
  services: Services,
  row: FeedOutline,
  { plan, planned, failed, isBusy }: Audited,
): Promise<DueOfFeed> {
  const now = services.clock()
  const noted = isBusy ? withTrialLater : withTrial
  await changeFeedRow(services, row.feed.name, (each) => noted(each, now))
  if (isBusy) return NOTHING_DUE
  const waiting = failed.filter(({ value }) => FAILURES[value.kind].heals === 'change')
  const trial = trialRequest(now, planOf(row, plan, planned), valuesOf(waiting))
  return { actions: trial ? [trial] : [], plan, etags: etagsOf([...planned, ...waiting]) }
}

function planOf(
  row: FeedOutline,
  { value: { spans } }: Stored<PlanRow>,
  planned: readonly Stored<Planned>[],
): FeedPlan {
  return { row, spans, planned: valuesOf(planned) }
}

function valuesOf<T>(stored: readonly Stored<T>[]): readonly T[] {
  return stored.map(({ value }) => value)
}

function etagsOf(entries: readonly Stored<LedgerEntry>[]): ReadonlyMap<LedgerEntry, string> {
  return new Map(entries.map(({ value, etag }) => [value, etag]))
}
