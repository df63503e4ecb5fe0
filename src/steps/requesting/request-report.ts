import { blocksFeed, type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type Asked, askedFor } from '../../core/feeds/form.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry, Requesting } from '../../core/ledger/ledger.ts'
import { withWindow } from '../../core/ledger/plan-row.ts'
import { isOutOfRange, outOfRangeReason, startWithinReach } from '../../core/ledger/reach.ts'
import { reportName } from '../../core/ledger/remote-names.ts'
import { nextAttempt, toFailed, toLandedAgain, toReopened, toRequesting } from '../../core/ledger/transitions.ts'
import { isClaimed, isSlotTaken, takeSlot } from '../../core/plan/pacing.ts'
import type { Priority, RequestAction } from '../../core/plan/plan.ts'
import { isEarlyBlank } from '../../core/plan/refresh.ts'
import { queryTimes, type Window, windowId } from '../../core/time/window.ts'
import { callbackToken } from '../../services/insights/callback-token.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { tellFailure } from '../ledger/end-attempt.ts'
import { blockFeed, noteTrouble } from '../ledger/feed-row.ts'
import { nameOf } from '../ledger/job.ts'
import { readPlan } from '../ledger/plan-row.ts'
import type { Services } from '../services.ts'
import { type AccountInTick, noAnswer, type RequestResult, slotKey } from './account-in-tick.ts'
import { conclude } from './conclude-request.ts'
import { withFreshRanges } from './look-at-datasets.ts'
import { noteRefusedSignIn, writePacing } from './pacing-row.ts'
import { registerQuery } from './register-query.ts'

/** Asks for the report of one window. Writes the pacing row first, then the ledger entry, and only then asks the service. */
export async function requestReport(
  services: Services,
  tick: AccountInTick,
  action: RequestAction,
): Promise<RequestResult> {
  const feed = action.row.feed.name
  const row = tick.rows.get(feed) ?? (await readRow(services, feed))
  if (!row) return 'feed'
  const insights = services.insights(tick.name, row.account)
  if (isFailure(insights)) return refuseFeed(services, tick, feed, insights)
  const registered = await registerQuery(services, insights, row)
  if (isFailure(registered)) return refuseFeed(services, tick, feed, registered)
  tick.rows.set(feed, registered)
  // By now the row may have a newer feed than the one that its query was registered for.
  const asked = askedFor(row.feed, registered.query?.columns ?? [])
  const requesting = nextRequesting(services, tick, action, registered, asked)
  const ended = await endedByRange(services, tick, action, registered, requesting)
  if (ended) return ended
  const taken = await takeAccountSlot(services, tick, requesting, action.priority)
  if (taken !== 'taken') return taken
  const written = await writeEntry(services, tick, action, requesting)
  if (!written) return 'feed'
  tick.open.set(slotKey(feed, windowId(action.window)), requesting)
  const creation = await insights.createReport(toReportRequest(services, requesting, registered.feed))
  return conclude({ services, insights, tick }, written, creation)
}

/**
 * What is over where the service has no data for the start of a window, by ranges that were read in this tick; undefined where
 * it has.
 */
async function endedByRange(
  services: Services,
  tick: AccountInTick,
  action: RequestAction,
  row: FeedRow,
  requesting: Requesting,
): Promise<RequestResult | undefined> {
  const { previous, window } = action
  if (!isOutOfRange(row, window, requesting.requestedAt)) return undefined
  if (!previous && isBeforeStart(row, window)) return 'window'
  const fresh = await withFreshRanges(services, tick, row)
  if (!fresh) return 'window'
  tick.rows.set(row.feed.name, fresh)
  if (!isOutOfRange(fresh, window, requesting.requestedAt)) return undefined
  return endOutOfRange(services, tick, action, fresh, requesting)
}

async function readRow({ ledger }: Services, feed: string): Promise<FeedRow | undefined> {
  const stored = await ledger.readFeed(feed)
  return stored && !isFailure(stored) ? stored.value : undefined
}

function nextRequesting(
  { settings, clock }: Services,
  { plans }: AccountInTick,
  { window, lane, previous }: RequestAction,
  { feed, query }: FeedRow,
  asked: Asked,
): Requesting {
  const now = clock()
  const removedAttempt = plans.get(feed.name)?.value.removedAttempt ?? 0
  const from = previous ?? { feed: feed.name, window, lane, removedAttempt }
  const start = previous?.state === 'failed' ? toReopened(previous, now) : from
  return toRequesting(start, {
    reportName: reportName(settings.deployment, feed, window, nextAttempt(start)),
    queryId: query?.queryId ?? '',
    asked,
    requestedAt: now,
    ...(query?.columns && { columns: query.columns }),
  })
}

/**
 * Writes an entry of a new window together with the feed's plan, which says that nobody else has taken its time. Where
 * somebody changed the plan meanwhile, it is read again: the slot for the window is taken, and would be lost for an hour.
 */
async function writeEntry<E extends LedgerEntry>(
  services: Services,
  { plans, etags }: AccountInTick,
  { previous, window }: RequestAction,
  entry: E,
): Promise<Stored<E> | undefined> {
  const { ledger } = services
  if (previous) return ledger.write(entry, etags.get(previous))
  const { feed } = entry
  let plan = plans.get(feed)
  while (plan) {
    const taken = withWindow(plan.value, window)
    if (!taken) return undefined
    const written = await ledger.write(entry, undefined, { plan: { value: taken, etag: plan.etag } })
    if (written?.plan) plans.set(feed, written.plan)
    if (written) return written
    const changed = await readPlan(services, feed)
    // Where the plan is as it was, somebody else wrote the entry.
    plan = changed?.etag === plan.etag ? undefined : changed
  }
  return undefined
}

/** A window before the feed's later start, which its plan did not know yet, is not wanted at all. */
function isBeforeStart(row: FeedRow, { from }: Window): boolean {
  const start = startWithinReach(row)
  return start !== undefined && from < new Date(start)
}

/**
 * The service has no data for the start of a window any more: nothing is asked, since the answer would be empty or a part.
 * Rows that landed stay, and where they are proven the window is landed.
 */
async function endOutOfRange(
  services: Services,
  tick: AccountInTick,
  action: RequestAction,
  row: FeedRow,
  requesting: Requesting,
): Promise<RequestResult> {
  const { previous, window } = action
  const failure = failed('out-of-range', `${nameOf(requesting)}: it ${outOfRangeReason(row)}`)
  const before = previous ?? requesting
  const { figures } = before
  const isProven = figures && !figures.running && !isEarlyBlank(row.feed, window, figures)
  const next = isProven ? toLandedAgain(before, figures) : toFailed(before, failure, requesting.requestedAt)
  const written = await writeEntry<LedgerEntry>(services, tick, action, next)
  if (!written) return 'feed'
  if (next.state === 'failed') await tellFailure(services, next, failure)
  return 'window'
}

/**
 * The query of a feed cannot be registered: the feed's turn is over. Blocks it where only a change outside helps. What is
 * wrong with the sign-in is over with the account. The feed's windows stay in the plan.
 */
async function refuseFeed(
  services: Services,
  tick: AccountInTick,
  feed: string,
  failure: Failure,
): Promise<RequestResult> {
  if (failure.kind === 'mfa-required') {
    await noteRefusedSignIn(services, tick.name, failure)
    return 'account'
  }
  if (blocksFeed(failure)) {
    await blockFeed(services, feed, failure)
    return 'feed'
  }
  await noteTrouble(services, feed, failure)
  if (failure.kind === 'unauthorized') await noteRefusedSignIn(services, tick.name, failure)
  return failure.kind === 'unauthorized' ? 'account' : noAnswer(tick, feed)
}

/** Takes a slot of the account for an attempt. */
async function takeAccountSlot(
  services: Services,
  { name, pacing, open }: AccountInTick,
  { feed, window, attempt, requestedAt }: Requesting,
  priority: Priority,
): Promise<'taken' | RequestResult> {
  const { adoptAfterMs, limits } = services.settings
  const slot = { feed, window: windowId(window), attempt, at: requestedAt.toISOString() }
  if (isClaimed(pacing.value, slot, requestedAt, adoptAfterMs)) return 'window'
  const next = takeSlot(pacing.value, { ...slot, priority }, limits, (each) =>
    isSlotTaken(each, open.get(slotKey(each.feed, each.window)), requestedAt, adoptAfterMs),
  )
  if (typeof next === 'string') return next
  return (await writePacing(services, name, pacing, next)) ? 'taken' : 'account'
}

function toReportRequest({ settings }: Services, requesting: Requesting, { cadence }: Feed) {
  const { feed, window, attempt, reportName, queryId, requestedAt } = requesting
  const id = windowId(window)
  const { callback } = settings
  const token = callback?.secrets[0] && callbackToken(callback.secrets[0], { feed, window: id, attempt })
  return {
    reportName,
    queryId,
    ...(cadence.kind === 'windows' && { queryTimes: queryTimes(window, requestedAt) }),
    ...(callback && token && { callbackUrl: `${callback.baseUrl}/${feed}/${id}/${attempt}/${token}` }),
  }
}
