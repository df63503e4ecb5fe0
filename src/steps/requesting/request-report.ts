import { FAILURES, type Failure, isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type FeedRow, withoutQuery } from '../../core/ledger/feed-row.ts'
import { type LedgerEntry, neededReports, type Requesting } from '../../core/ledger/ledger.ts'
import { reportName } from '../../core/ledger/remote-names.ts'
import { toFailed, toNextAttempt, toPlannedAtNoCost, toRequested, toRequesting } from '../../core/ledger/transitions.ts'
import { isClaimed, isSlotTaken, takeSlot } from '../../core/plan/pacing.ts'
import type { RequestAction } from '../../core/plan/plan.ts'
import { queryTimes, windowId } from '../../core/time/window.ts'
import { callbackToken } from '../../services/insights/callback-token.ts'
import type { Creation, InsightsClient } from '../../services/insights/client.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import { endAttempt } from '../ledger/end-attempt.ts'
import { blockFeed, changeFeedRow, noteTrouble } from '../ledger/feed-row.ts'
import { subjectOf } from '../ledger/job.ts'
import type { Services } from '../services.ts'
import { type PacingRow, reduceAllowance, writePacing } from './pacing-row.ts'
import { registerQuery } from './register-query.ts'

/** When more feeds than this are in trouble, the service is down. Fewer do not hold up the others. */
const TROUBLES_A_TICK = 3

/** How long to wait after a refusal for quota that names no time. */
const QUOTA_WAIT_MS = 15 * 60_000

/** What one tick knows about an account. Its rows and entries are the ones that this tick read or wrote. */
export type AccountInTick = {
  readonly name: string
  readonly rows: Map<string, FeedRow>
  readonly entries: Map<string, LedgerEntry>
  readonly pacing: PacingRow
  /** Feeds whose query could not be registered in this tick. */
  readonly troubles: string[]
}

export const entryKey = (feed: string, window: string): string => `${feed} ${window}`

/** `next`: this window can't be asked for now, others may. `stop`: nothing more of this account in this tick. */
type RequestResult = 'requested' | 'next' | 'stop'

/** Asks for the report of one window. Writes the pacing row first, then the ledger entry, and only then asks the service. */
export async function requestReport(
  services: Services,
  account: AccountInTick,
  action: RequestAction,
): Promise<RequestResult> {
  const { feed, window, lane, previous } = action
  const known = account.rows.get(feed.name)
  if (!known) return 'next'
  const insights = services.insights(account.name, known.account)
  if (isFailure(insights)) return refuseFeed(services, account, feed, insights)
  const row = await registerQuery(services, insights, known)
  if (isFailure(row)) return refuseFeed(services, account, feed, row)
  account.rows.set(feed.name, row)
  const requesting = toRequesting(
    previous,
    { feed: feed.name, window, lane },
    {
      reportName: reportName(services.settings.deployment, feed, window, (previous?.attempt ?? 0) + 1),
      queryId: row.query?.queryId ?? '',
      requestedAt: services.clock(),
      ...(row.query?.columns && { columns: row.query.columns }),
    },
  )
  // Read before a slot is taken: a slot for a window that another instance has asked for would be lost for an hour.
  const stored = await services.ledger.read(feed.name, windowId(window))
  if (stored && isFailure(stored)) return 'next'
  if (!isStill(stored?.value, previous)) return 'stop'
  const taken = await takeAccountSlot(services, account, requesting)
  if (taken !== 'taken') return taken
  const written = await services.ledger.write(requesting, stored?.etag)
  if (!written) return 'stop'
  account.entries.set(entryKey(feed.name, windowId(window)), requesting)
  const creation = await insights.createReport(toReportRequest(services, requesting, feed))
  return conclude({ services, insights, account }, written, creation)
}

/**
 * Skips a feed whose query cannot be registered for the rest of this tick, and blocks it where only a change outside helps.
 * Its windows stay in the plan.
 */
async function refuseFeed(
  services: Services,
  account: AccountInTick,
  feed: Feed,
  failure: Failure,
): Promise<RequestResult> {
  account.rows.delete(feed.name)
  if (FAILURES[failure.kind].heals === 'change') {
    await blockFeed(services, feed.name, failure)
    return 'next'
  }
  await noteTrouble(services, feed.name, failure)
  account.troubles.push(feed.name)
  return failure.kind === 'unauthorized' || account.troubles.length > TROUBLES_A_TICK ? 'stop' : 'next'
}

/** Whether an entry is still as the plan knew it: nobody has asked for its window or ended its attempt meanwhile. */
function isStill(entry: LedgerEntry | undefined, planned: LedgerEntry | undefined): boolean {
  return entry?.attempt === planned?.attempt && entry?.state === planned?.state
}

/** Takes a slot of the account for an attempt. */
async function takeAccountSlot(
  services: Services,
  account: AccountInTick,
  { feed, window, attempt, lane, requestedAt }: Requesting,
): Promise<'taken' | 'next' | 'stop'> {
  const { adoptAfterMs, limits } = services.settings
  const slot = { feed, window: windowId(window), attempt, at: requestedAt.toISOString() }
  if (isClaimed(account.pacing.value, slot, requestedAt, adoptAfterMs)) return 'next'
  const pacing = takeSlot(account.pacing.value, { ...slot, lane }, limits, (each) =>
    isSlotTaken(each, account.entries.get(entryKey(each.feed, each.window)), requestedAt, adoptAfterMs),
  )
  return pacing && (await writePacing(services, account.name, account.pacing, pacing)) ? 'taken' : 'stop'
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

type Context = { readonly services: Services; readonly insights: InsightsClient; readonly account: AccountInTick }

/** Records the outcome of the request. After a lost answer the entry stays as it is, because the report may exist. */
async function conclude(
  context: Context,
  { value, etag }: Stored<Requesting>,
  creation: Creation,
): Promise<RequestResult> {
  const { services, account } = context
  const { ledger, clock, settings, emit } = services
  if (creation.outcome === 'unknown') return 'stop'
  if (creation.outcome === 'throttled') return yieldToQuota(context, { value, etag }, creation.waitMs ?? QUOTA_WAIT_MS)
  const isOursAndGone = creation.outcome === 'query-gone' && account.rows.get(value.feed)?.query?.ours === true
  if (isOursAndGone) return forgetQuery(context, { value, etag }, creation.failure)
  if (creation.outcome !== 'created') {
    await endAttempt(services, toFailed(value, creation.failure, clock()), etag, creation.failure)
    return 'stop'
  }
  const requested = toRequested(value, creation.reportId, clock(), settings.reportDeadlineMs)
  const written = await ledger.write(requested, etag)
  if (!written) return withdrawUnnamed(context, value, creation.reportId)
  account.entries.set(entryKey(value.feed, windowId(value.window)), requested)
  emit({ event: 'window.requested', ...subjectOf(requested) })
  return 'requested'
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
  return 'stop'
}

/** Somebody changed the entry meanwhile. Deletes the report unless the entry needs it. */
async function withdrawUnnamed(
  { services, insights }: Context,
  asked: Requesting,
  reportId: string,
): Promise<RequestResult> {
  const stored = await services.ledger.read(asked.feed, windowId(asked.window))
  // An unreadable entry may need the report, so it is left to `deleteStrays`.
  if (stored && isFailure(stored)) return 'stop'
  if (stored && neededReports(stored.value, !services.settings.deleteReports).includes(reportId)) return 'requested'
  await insights.deleteReport(reportId)
  return 'stop'
}

/** A refusal for quota costs no try. The account waits, and then asks for half as many reports an hour. */
async function yieldToQuota(
  { services, account }: Context,
  { value, etag }: Stored<Requesting>,
  waitMs: number,
): Promise<RequestResult> {
  const { ledger, clock, emit } = services
  const now = clock()
  const reduced = await reduceAllowance(services, account.name, account.pacing, now, waitMs)
  await ledger.write(toPlannedAtNoCost(value, new Date(now.getTime() + waitMs)), etag)
  emit({ event: 'quota.reduced', message: `account ${account.name}`, count: reduced.reduced?.allowance ?? 0 })
  return 'stop'
}
