import { type Failure, isFailure } from '../../core/failures.ts'
import { withBackoff, withoutBackoff, withoutQuery } from '../../core/ledger/feed-row.ts'
import { neededReports, type Requesting } from '../../core/ledger/ledger.ts'
import { toFailed, toNextAttempt, toPlannedAtNoCost, toRequested } from '../../core/ledger/transitions.ts'
import { waitsUntil } from '../../core/plan/pacing.ts'
import { MINUTE_MS } from '../../core/time/durations.ts'
import { minuteText } from '../../core/time/instants.ts'
import { windowId } from '../../core/time/window.ts'
import type { Creation, InsightsClient } from '../../services/insights/client.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { endAttempt } from '../ledger/end-attempt.ts'
import { changeFeedRow } from '../ledger/feed-row.ts'
import { subjectOf } from '../ledger/job.ts'
import { writePastHints } from '../ledger/write-past-hints.ts'
import type { Services } from '../services.ts'
import { type AccountInTick, noAnswer, type RequestResult, slotKey } from './account-in-tick.ts'
import { endRefusedSignIn, noteRefusedSignIn, reduceAllowance } from './pacing-row.ts'

/** How long to wait after a refusal for quota that names no time. */
const QUOTA_WAIT_MS = 15 * MINUTE_MS

type Context = { readonly services: Services; readonly insights: InsightsClient; readonly tick: AccountInTick }

/** Records the outcome of the request. After a lost answer the entry stays as it is, because the report may exist. */
export async function conclude(
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
  if (creation.outcome === 'throttled') return yieldToQuota(context, { value, etag }, creation)
  const isOursAndGone = creation.outcome === 'query-gone' && tick.rows.get(value.feed)?.query?.ours === true
  if (isOursAndGone) return forgetQuery(context, { value, etag }, creation.failure)
  if (creation.outcome !== 'created' && creation.failure.kind === 'mfa-required') {
    await ledger.write(toPlannedAtNoCost(value, clock()), etag)
    await noteRefusedSignIn(services, tick.name, creation.failure)
    return 'account'
  }
  if (creation.outcome !== 'created') {
    await endAttempt(services, toFailed(value, creation.failure, clock()), etag, creation.failure)
    return creation.failure.kind === 'unauthorized' ? 'account' : 'feed'
  }
  await endRefusedSignIn(services, tick.name, tick.pacing)
  const requested = toRequested(value, creation.reportId, clock(), settings.reportDeadlineMs)
  const written = await writePastHints(ledger, requested, { value, etag })
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
  { waitMs = QUOTA_WAIT_MS, failure }: Extract<Creation, { outcome: 'throttled' }>,
): Promise<RequestResult> {
  const { ledger, clock, emit } = services
  const now = clock()
  const reduced = await reduceAllowance(services, tick.name, tick.pacing, now, waitMs)
  await ledger.write(toPlannedAtNoCost(value, new Date(now.getTime() + waitMs)), etag)
  const until = waitsUntil(reduced, now) ?? now
  const message = `account ${tick.name} waits until ${minuteText(until)}: ${failure.message}`
  emit({ event: 'quota.reduced', message, count: reduced.reduced?.allowance ?? 0 })
  return 'account'
}
