import { type Failure, isFailure } from '../../core/failures.ts'
import type { FeedRow } from '../../core/ledger/app-rows.ts'
import { isOpen, type LedgerEntry, type Requesting } from '../../core/ledger/ledger.ts'
import { reportName } from '../../core/ledger/remote-names.ts'
import { toFailed, toNextAttempt, toPlanned, toRequested, toRequesting } from '../../core/ledger/transitions.ts'
import { type Creation as Slot, takeSlot } from '../../core/plan/pacing.ts'
import type { RequestAction } from '../../core/plan/plan.ts'
import { queryTimes, windowId } from '../../core/time/window.ts'
import { callbackToken } from '../../services/insights/callback-token.ts'
import type { Creation, InsightsClient } from '../../services/insights/client.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import { subjectOf } from '../landing/job.ts'
import { tellFailure } from '../landing/settle.ts'
import type { Services } from '../services.ts'
import { block, changeFeedRow, noteTrouble } from './feed-row.ts'
import { type PacingRow, reduceAllowance, writePacing } from './pacing-row.ts'
import { registerQuery } from './register-query.ts'

/** One feed's trouble holds up no other; more than these mean that the service is away. */
const TROUBLES_A_TICK = 3

/** A quota that names no time is asked about again after this. */
const QUOTA_WAIT = 15 * 60_000

/** What one tick knows of an account; its rows and entries are those it read and wrote itself. */
export type Account = {
  readonly name: string
  readonly rows: Map<string, FeedRow>
  readonly entries: Map<string, LedgerEntry>
  readonly pacing: PacingRow
  /** Feeds whose query could not be had in this tick. */
  readonly troubles: string[]
}

export const entryKey = (feed: string, window: string): string => `${feed} ${window}`

/** `next`: this window can't be asked for now, others may. `stop`: nothing more of this account in this tick. */
type Outcome = 'requested' | 'next' | 'stop'

/** Asks for the report of one window. Order of the writes: pacing row, ledger entry, only then the service. */
export async function requestReport(services: Services, account: Account, action: RequestAction): Promise<Outcome> {
  const known = account.rows.get(action.feed.name)
  if (!known) return 'next'
  const insights = services.insights(account.name, known.account)
  const row = isFailure(insights) ? insights : await registerQuery(services, insights, known)
  if (isFailure(insights)) return refuseFeed(services, account, action, insights)
  if (isFailure(row)) return refuseFeed(services, account, action, row)
  account.rows.set(action.feed.name, row)
  const requesting = intend(services, row, action)
  // Looked at before a slot is taken: a slot for what another instance has asked meanwhile is lost for an hour.
  const stored = await services.ledger.read(requesting.feed, windowId(requesting.window))
  if (stored && isFailure(stored)) return 'next'
  if (!isStill(stored?.value, action.previous)) return 'stop'
  if (isTaken(services, account, requesting)) return 'next'
  if (!(await takePacing(services, account, requesting))) return 'stop'
  const written = await services.ledger.write(requesting, stored?.etag)
  if (!written) return 'stop'
  account.entries.set(entryKey(requesting.feed, windowId(requesting.window)), requesting)
  const creation = await insights.createReport(toRequest(services, requesting, action))
  return conclude({ services, insights, account }, written, creation)
}

/**
 * A feed whose query cannot be had is blocked where only a change outside helps: its windows stay in the plan, and none
 * of them is looked at again in this tick.
 */
async function refuseFeed(
  services: Services,
  account: Account,
  { feed }: RequestAction,
  failure: Failure,
): Promise<Outcome> {
  account.rows.delete(feed.name)
  if (failure.kind === 'query-refused' || failure.kind === 'forbidden') {
    await block(services, feed.name, failure, true)
    return 'next'
  }
  await noteTrouble(services, feed.name, failure)
  account.troubles.push(feed.name)
  return failure.kind === 'unauthorized' || account.troubles.length > TROUBLES_A_TICK ? 'stop' : 'next'
}

/** Whether an entry stands as the plan knew it: nobody asked for its window meanwhile, or ended it. */
function isStill(entry: LedgerEntry | undefined, planned: LedgerEntry | undefined): boolean {
  return entry?.attempt === planned?.attempt && entry?.state === planned?.state
}

function intend(
  { settings, clock }: Services,
  row: FeedRow,
  { feed, window, lane, previous }: RequestAction,
): Requesting {
  const name = reportName(settings.deployment, feed, window, (previous?.attempt ?? 0) + 1)
  const asked = { reportName: name, queryId: row.query?.queryId ?? '', requestedAt: clock() }
  return toRequesting(previous, { feed: feed.name, window, lane }, asked)
}

/** Another instance has just taken the slot of this very attempt and is about to write its entry. */
function isTaken({ settings }: Services, { pacing }: Account, requesting: Requesting): boolean {
  const { feed, attempt, requestedAt } = requesting
  const window = windowId(requesting.window)
  const since = requestedAt.getTime() - settings.adoptAfterMs
  return pacing.value.open.some(
    (slot) => slot.feed === feed && slot.window === window && slot.attempt === attempt && Date.parse(slot.at) > since,
  )
}

async function takePacing(services: Services, account: Account, requesting: Requesting): Promise<boolean> {
  const { settings } = services
  const { feed, window, attempt, lane, requestedAt } = requesting
  const slot = { feed, window: windowId(window), attempt, lane, at: requestedAt.toISOString() }
  const counts = (each: Slot): boolean => {
    const entry = account.entries.get(entryKey(each.feed, each.window))
    const young = requestedAt.getTime() - Date.parse(each.at) < settings.adoptAfterMs
    const asked = entry?.attempt === each.attempt && isOpen(entry) && entry.state !== 'landing'
    return asked || (young && (entry?.attempt ?? 0) < each.attempt)
  }
  const taken = takeSlot(account.pacing.value, slot, settings.limits, counts)
  return taken !== undefined && writePacing(services, account.name, account.pacing, taken)
}

function toRequest(
  { settings }: Services,
  { feed, window, attempt, reportName, queryId }: Requesting,
  action: RequestAction,
) {
  const id = windowId(window)
  const { callback } = settings
  const token = callback?.secrets[0] && callbackToken(callback.secrets[0], { feed, window: id, attempt })
  return {
    ...{ reportName, queryId },
    ...(action.feed.cadence.kind === 'windows' && { queryTimes: queryTimes(window) }),
    ...(callback && token && { callbackUrl: `${callback.baseUrl}/${feed}/${id}/${attempt}/${token}` }),
  }
}

type Context = { readonly services: Services; readonly insights: InsightsClient; readonly account: Account }

/** Writes down what became of the request. A lost answer leaves the entry as it is: the report may exist. */
async function conclude(context: Context, { value, etag }: Stored<Requesting>, creation: Creation): Promise<Outcome> {
  const { services, account } = context
  const { ledger, clock, settings, emit } = services
  if (creation.outcome === 'unknown') return 'stop'
  if (creation.outcome === 'throttled') return yieldToQuota(context, { value, etag }, creation.waitMs ?? QUOTA_WAIT)
  if (creation.outcome === 'refused') return refuseWindow(context, { value, etag }, creation.failure)
  const now = clock()
  const { reportId } = creation
  const known = { reportId, deadline: new Date(now.getTime() + settings.reportDeadlineMs), pollAfter: now }
  const requested = toRequested(value, known)
  if (!(await ledger.write(requested, etag))) return withdraw(context, value, reportId)
  account.entries.set(entryKey(value.feed, windowId(value.window)), requested)
  emit({ event: 'window.requested', ...subjectOf(requested) })
  return 'requested'
}

/** A query of ours that somebody deleted at the service is registered anew; anything else needs a change outside. */
async function refuseWindow(
  { services, account }: Context,
  { value, etag }: Stored<Requesting>,
  failure: Failure,
): Promise<Outcome> {
  const { ledger, clock, settings } = services
  const { query } = account.rows.get(value.feed) ?? {}
  const deleted = query?.ours === true && /Invalid QueryId/i.test(failure.message)
  if (deleted) await changeFeedRow(services, value.feed, ({ query: _, ...row }) => row)
  const next = deleted
    ? toNextAttempt(value, failure, clock(), settings.maxTries)
    : toFailed(value, failure.kind, failure.message, clock())
  if (!(await ledger.write(next, etag))) return 'stop'
  if (next.state === 'failed') await tellFailure(services, next, failure)
  return 'stop'
}

/** Somebody changed the entry meanwhile: unless it names our report, also as one that is kept, nobody ever will. */
async function withdraw({ services, insights }: Context, asked: Requesting, reportId: string): Promise<Outcome> {
  const stored = await services.ledger.read(asked.feed, windowId(asked.window))
  // What an unreadable entry names, nobody knows: its report is left to the sweep of strays.
  if (stored && isFailure(stored)) return 'stop'
  const entry = stored?.value
  const named = [entry?.remoteReport, entry && 'reportId' in entry ? entry.reportId : undefined]
  if (named.includes(reportId)) return 'requested'
  await insights.deleteReport(reportId)
  return 'stop'
}

/** A quota costs no try; the account waits and asks for half as many in an hour. */
async function yieldToQuota(
  { services, account }: Context,
  { value, etag }: Stored<Requesting>,
  wait: number,
): Promise<Outcome> {
  const { ledger, clock, emit } = services
  const now = clock()
  const reduced = await reduceAllowance(services, account.name, account.pacing, now, wait)
  await ledger.write(toPlanned(value, 'expired', new Date(now.getTime() + wait), value.tries - 1), etag)
  emit({ event: 'quota.reduced', message: `account ${account.name}`, count: reduced.reduced?.allowance ?? 0 })
  return 'stop'
}
