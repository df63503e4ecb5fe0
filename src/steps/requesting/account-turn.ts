import { FAILURES, type Failure, failed, isFailure } from '../../core/failures.ts'
import { type FeedOutline, isBackedOff, mayTry, withTrial } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry, Planned } from '../../core/ledger/ledger.ts'
import type { PlanRow } from '../../core/ledger/plan-row.ts'
import { toFailed, toLandedAgain } from '../../core/ledger/transitions.ts'
import { isAuditDue } from '../../core/plan/audit.ts'
import { waitsUntil } from '../../core/plan/pacing.ts'
import { dueRequests, endedWindows, type RequestAction, trialRequest } from '../../core/plan/plan.ts'
import { inTurns } from '../../core/plan/turns.ts'
import { parseWindowId, windowId } from '../../core/time/window.ts'
import type { AppRows, Stored } from '../../services/storage/ledger-table.ts'
import { auditFeed } from '../ledger/audit-feed.ts'
import { endAttempt } from '../ledger/end-attempt.ts'
import { changeFeedRow } from '../ledger/feed-row.ts'
import { nameOf } from '../ledger/job.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'
import { pacingOf } from './pacing-row.ts'
import { type AccountInTick, requestReport, slotKey } from './request-report.ts'

/** What an account did in a tick: reports that were asked for, and windows that were due and wait. */
export type Turn = { readonly requested: number; readonly waiting: number }

/** Asks for the due windows of one account's feeds, as far as its quota goes. */
export async function takeTurn(
  services: Services,
  app: AppRows,
  account: string,
  rows: readonly FeedOutline[],
): Promise<Turn> {
  const pacing = pacingOf(app, account)
  if (isFailure(pacing)) {
    const { kind, message } = pacing
    await tellOnce(services, `unreadable~pacing~${account}`, {
      event: 'app.settings',
      kind,
      message,
      remedy: FAILURES[kind].remedy,
    })
    return { requested: 0, waiting: 0 }
  }
  const known: Due[] = []
  const waits = waitsUntil(pacing.value, services.clock()) !== undefined
  // One after the other: an audit holds many entries.
  for (const row of rows) known.push(await readDue(services, row, !waits))
  const actions = inTurns(
    known.flatMap((each) => each.actions),
    pacing.value.served,
  )
  const tick: AccountInTick = {
    name: account,
    pacing,
    rows: new Map(),
    plans: new Map(known.flatMap(({ plan }) => (plan ? [[plan.value.feed, plan]] : []))),
    etags: new Map(known.flatMap(({ etags }) => [...etags])),
    open: actions.length > 0 ? await readOpen(services, pacing.value.open) : new Map(),
    unanswered: new Set(),
  }
  return requestAll(services, tick, actions)
}

/** Asks for windows one by one, because each request changes the pacing row that decides about the next. */
async function requestAll(services: Services, tick: AccountInTick, actions: readonly RequestAction[]): Promise<Turn> {
  const ended = new Set<string>()
  let requested = 0
  for (const action of actions) {
    const feed = action.row.feed.name
    if (ended.has(feed)) continue
    const result = await requestReport(services, tick, action)
    if (result === 'account') break
    if (result === 'feed') ended.add(feed)
    if (result === 'requested') requested++
  }
  return { requested, waiting: actions.length - requested }
}

/** What of a feed may be asked for, with what a request of it is written under. */
type Due = {
  readonly actions: readonly RequestAction[]
  readonly plan?: Stored<PlanRow>
  readonly etags: ReadonlyMap<LedgerEntry, string>
}

const NOTHING_DUE: Due = { actions: [], etags: new Map() }

/** Reads what is due of a feed. All of its entries are read only where an audit is due, or a blocked feed is tried. */
async function readDue(services: Services, row: FeedOutline, mayAsk: boolean): Promise<Due> {
  const { ledger, clock } = services
  const { name, enabled } = row.feed
  const now = clock()
  if (!enabled) return NOTHING_DUE
  const isTrial = mayAsk && row.blocked !== undefined && !row.refused && mayTry(row, now)
  const isAsking = mayAsk && !row.blocked && !isBackedOff(row, now)
  const due = isAsking ? await ledger.due(name, 'provision', now) : { plan: await ledger.readPlan(name), entries: [] }
  const plan = due.plan && !isFailure(due.plan.value) ? { value: due.plan.value, etag: due.plan.etag } : undefined
  if (isTrial || !plan || isAuditDue(row, plan.value, now)) return auditDue(services, row, { isTrial, isAsking })
  return isAsking ? dueOf(services, row, plan, plannedIn(due.entries)) : NOTHING_DUE
}

function plannedIn(entries: readonly (Stored<LedgerEntry> | Failure)[]): readonly Stored<Planned>[] {
  // An entry that cannot be read is told by the audit.
  return entries.flatMap((each) => {
    if (isFailure(each) || each.value.state !== 'planned') return []
    return { value: each.value, etag: each.etag }
  })
}

async function auditDue(
  services: Services,
  row: FeedOutline,
  { isTrial, isAsking }: { readonly isTrial: boolean; readonly isAsking: boolean },
): Promise<Due> {
  const audited = await auditFeed(services, row)
  if (!audited) return NOTHING_DUE
  const { plan, planned, failed: waiting } = audited
  if (isAsking) return dueOf(services, row, plan, planned)
  if (!isTrial || audited.isBusy) return NOTHING_DUE
  const now = services.clock()
  await changeFeedRow(services, row.feed.name, (each) => withTrial(each, now))
  const byChange = waiting.filter(({ value }) => FAILURES[value.kind].heals === 'change')
  const known = { row, spans: plan.value.spans, planned: planned.map(({ value }) => value) }
  const trial = trialRequest(
    now,
    known,
    byChange.map(({ value }) => value),
  )
  return { actions: trial ? [trial] : [], plan, etags: etagsOf([...planned, ...byChange]) }
}

async function dueOf(
  services: Services,
  row: FeedOutline,
  plan: Stored<PlanRow>,
  planned: readonly Stored<Planned>[],
): Promise<Due> {
  const now = services.clock()
  const known = { row, spans: plan.value.spans, planned: planned.map(({ value }) => value) }
  const etags = etagsOf(planned)
  for (const entry of endedWindows(now, known)) await endWindow(services, entry, etags.get(entry) ?? '')
  return { actions: dueRequests(now, known), plan, etags }
}

function etagsOf(entries: readonly Stored<LedgerEntry>[]): ReadonlyMap<LedgerEntry, string> {
  return new Map(entries.map(({ value, etag }) => [value, etag]))
}

/** The window of a snapshot has passed before it landed. */
async function endWindow(services: Services, entry: Planned, etag: string): Promise<void> {
  const failure = failed('out-of-range', `${nameOf(entry)}: its time has passed before it landed`)
  const next = entry.figures ? toLandedAgain(entry, entry.figures) : toFailed(entry, failure, services.clock())
  await endAttempt(services, next, etag, failure)
}

/** The entries of the reports that may be under way, of all feeds of the account, also of those that left feeds.json. */
async function readOpen(
  { ledger }: Services,
  slots: readonly { readonly feed: string; readonly window: string }[],
): Promise<Map<string, LedgerEntry>> {
  const entries = await Promise.all(
    slots.map(async ({ feed, window }) => {
      const span = parseWindowId(window)
      const stored = span && (await ledger.read(feed, windowId(span)))
      return stored && !isFailure(stored) ? [[slotKey(feed, window), stored.value] as const] : []
    }),
  )
  return new Map(entries.flat())
}
