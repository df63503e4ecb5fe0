import { FAILURES, type Failure, isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type Asked, askedFor } from '../../core/feeds/form.ts'
import { type FeedRow, withBackoff, withoutBackoff, withoutQuery } from '../../core/ledger/feed-row.ts'
import { type LedgerEntry, neededReports, type Requesting } from '../../core/ledger/ledger.ts'
import { type PlanRow, withWindow } from '../../core/ledger/plan-row.ts'
import { reportName } from '../../core/ledger/remote-names.ts'
import {
  toFailed,
  toNextAttempt,
  toPlannedAtNoCost,
  toReopened,
  toRequested,
  toRequesting,
} from '../../core/ledger/transitions.ts'
import { isClaimed, isSlotTaken, takeSlot } from '../../core/plan/pacing.ts'
import type { RequestAction } from '../../core/plan/plan.ts'
import { queryTimes, windowId } from '../../core/time/window.ts'
import { callbackToken } from '../../services/insights/callback-token.ts'
import type { Creation, InsightsClient } from '../../services/insights/client.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { endAttempt } from '../ledger/end-attempt.ts'
import { blockFeed, changeFeedRow, noteTrouble } from '../ledger/feed-row.ts'
import { subjectOf } from '../ledger/job.ts'
import type { Services } from '../services.ts'
import { type PacingRow, reduceAllowance, writePacing } from './pacing-row.ts'
import { registerQuery } from './register-query.ts'

/** When so many feeds get no answer in a tick, the service is down. One does not hold up the others. */
const UNANSWERED_A_TICK = 2

/** How long to wait after a refusal for quota that names no time. */
const QUOTA_WAIT_MS = 15 * 60_000

/** What one tick knows about an account, as it last read or wrote it. */
export type AccountInTick = {
  readonly name: string
  readonly pacing: PacingRow
  /** The rows of the feeds that were asked for in this tick. */
  readonly rows: Map<string, FeedRow>
  readonly plans: Map<string, Stored<PlanRow>>
  /** The ETags of the entries that may be asked for again. */
  readonly etags: ReadonlyMap<LedgerEntry, string>
  /** The entries of the account's slots. */
  readonly open: Map<string, LedgerEntry>
  /** Feeds for which the service gave no answer in this tick. */
  readonly unanswered: Set<string>
}

export const slotKey = (feed: string, window: string): string => `${feed} ${window}`

/** What is over after a request: that window, the feed or the account for this tick. */
type RequestResult = 'requested' | 'window' | 'feed' | 'account'

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
  const taken = await takeAccountSlot(services, tick, requesting)
  if (taken !== 'taken') return taken
  const written = await writeRequesting(services, tick, action, requesting)
  if (!written) return 'feed'
  tick.open.set(slotKey(feed, windowId(action.window)), requesting)
  const creation = await insights.createReport(toReportRequest(services, requesting, registered.feed))
  return conclude({ services, insights, tick }, written, creation)
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
  const attempt = ('attempt' in start ? start.attempt : removedAttempt) + 1
  return toRequesting(start, {
    reportName: reportName(settings.deployment, feed, window, attempt),
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
async function writeRequesting(
  services: Services,
  { plans, etags }: AccountInTick,
  { previous, window }: RequestAction,
  requesting: Requesting,
): Promise<Stored<Requesting> | undefined> {
  const { ledger } = services
  if (previous) return ledger.write(requesting, etags.get(previous))
  let plan = plans.get(requesting.feed)
  for (let before = ''; plan && plan.etag !== before; plan = await readPlan(services, requesting.feed)) {
    const taken = withWindow(plan.value, window)
    if (!taken) return undefined
    const written = await ledger.write(requesting, undefined, { plan: { value: taken, etag: plan.etag } })
    if (written?.plan) plans.set(requesting.feed, written.plan)
    if (written) return written
    before = plan.etag
  }
  return undefined
}

async function readPlan({ ledger }: Services, feed: string): Promise<Stored<PlanRow> | undefined> {
  const stored = await ledger.readPlan(feed)
  return stored && !isFailure(stored.value) ? { value: stored.value, etag: stored.etag } : undefined
}

/**
 * The query of a feed cannot be registered: the feed's turn is over. Blocks it where only a change outside helps. Its
 * windows stay in the plan.
 */
async function refuseFeed(
  services: Services,
  tick: AccountInTick,
  feed: string,
  failure: Failure,
): Promise<RequestResult> {
  if (FAILURES[failure.kind].heals === 'change') {
    await blockFeed(services, feed, failure)
    return 'feed'
  }
  await noteTrouble(services, feed, failure)
  return failure.kind === 'unauthorized' ? 'account' : noAnswer(tick, feed)
}

function noAnswer({ unanswered }: AccountInTick, feed: string): RequestResult {
  unanswered.add(feed)
  return unanswered.size < UNANSWERED_A_TICK ? 'feed' : 'account'
}

/** Takes a slot of the account for an attempt. */
async function takeAccountSlot(
  services: Services,
  { name, pacing, open }: AccountInTick,
  { feed, window, attempt, lane, requestedAt }: Requesting,
): Promise<'taken' | RequestResult> {
  const { adoptAfterMs, limits } = services.settings
  const slot = { feed, window: windowId(window), attempt, at: requestedAt.toISOString() }
  if (isClaimed(pacing.value, slot, requestedAt, adoptAfterMs)) return 'window'
  const next = takeSlot(pacing.value, { ...slot, lane }, limits, (each) =>
    isSlotTaken(each, open.get(slotKey(each.feed, each.window)), requestedAt, adoptAfterMs),
  )
  if (next === 'account' || next === 'feed') return next
  return (await writePacing(services, name, pacing, next)) ? 'taken' : 'account'
}

function toReportRequest({ settings }: Services, requesting: Requesting, { cadence }: Feed) {
  const { feed, window, attempt, reportName, queryId } = requesting
  const id = windowId(window)
  const { callback } = settings
  const token = callback?.secrets[0] && callbackToken(callback.secrets[0], { feed, window: id, attempt })
  return {
    reportName,
    queryId,
    ...(cadence.kind === 'windows' && { queryTimes: queryTimes(window) }),
    ...(callback && token && { callbackUrl: `${callback.baseUrl}/${feed}/${id}/${attempt}/${token}` }),
  }
}

type Context = { readonly services: Services; readonly insights: InsightsClient; readonly tick: AccountInTick }

/** Records the outcome of the request. After a lost answer the entry stays as it is, because the report may exist. */
async function conclude(
  context: Context,
  { value, etag }: Stored<Requesting>,
  creation: Creation,
): Promise<RequestResult> {
  const { services, tick } = context
  const { ledger, clock, settings, emit } = services
  if (creation.outcome === 'unknown') {
    await backOff(services, value.feed)
    return noAnswer(tick, value.feed)
  }
  if (creation.outcome === 'throttled') return yieldToQuota(context, { value, etag }, creation.waitMs ?? QUOTA_WAIT_MS)
  const isOursAndGone = creation.outcome === 'query-gone' && tick.rows.get(value.feed)?.query?.ours === true
  if (isOursAndGone) return forgetQuery(context, { value, etag }, creation.failure)
  if (creation.outcome !== 'created') {
    await endAttempt(services, toFailed(value, creation.failure, clock()), etag, creation.failure)
    return creation.failure.kind === 'unauthorized' ? 'account' : 'feed'
  }
  const requested = toRequested(value, creation.reportId, clock(), settings.reportDeadlineMs)
  const written = await ledger.write(requested, etag)
  if (!written) return withdrawUnnamed(context, value, creation.reportId)
  tick.open.set(slotKey(value.feed, windowId(value.window)), requested)
  if (tick.rows.get(value.feed)?.backoff) await changeFeedRow(services, value.feed, withoutBackoff)
  emit({ event: 'window.requested', ...subjectOf(requested) })
  return 'requested'
}

/** The service gave no answer for a feed: the feed rests, and longer each time. */
async function backOff(services: Services, feed: string): Promise<void> {
  const now = services.clock()
  await changeFeedRow(services, feed, (row) => withBackoff(row, now))
}

/** Somebody deleted a query of ours at the service. It is registered again with the next attempt. */
async function forgetQuery(
  { services }: Context,
  { value, etag }: Stored<Requesting>,
  failure: Failure,
): Promise<RequestResult> {
  const { clock, settings } = services
  await changeFeedRow(services, value.feed, withoutQuery)
  await endAttempt(services, toNextAttempt(value, failure, clock(), settings.maxTries), etag, failure)
  return 'feed'
}

/** Somebody changed the entry meanwhile. Deletes the report unless the entry needs it. */
async function withdrawUnnamed(
  { services, insights }: Context,
  asked: Requesting,
  reportId: string,
): Promise<RequestResult> {
  const stored = await services.ledger.read(asked.feed, windowId(asked.window))
  // An unreadable entry may need the report, so it is left to `deleteStrays`.
  if (stored && isFailure(stored)) return 'feed'
  if (stored && neededReports(stored.value, !services.settings.deleteReports).includes(reportId)) return 'requested'
  await insights.deleteReport(reportId)
  return 'feed'
}

/** A refusal for quota costs no try. The account waits, and then asks for half as many reports an hour. */
async function yieldToQuota(
  { services, tick }: Context,
  { value, etag }: Stored<Requesting>,
  waitMs: number,
): Promise<RequestResult> {
  const { ledger, clock, emit } = services
  const now = clock()
  const reduced = await reduceAllowance(services, tick.name, tick.pacing, now, waitMs)
  await ledger.write(toPlannedAtNoCost(value, new Date(now.getTime() + waitMs)), etag)
  emit({ event: 'quota.reduced', message: `account ${tick.name}`, count: reduced.reduced?.allowance ?? 0 })
  return 'account'
}
