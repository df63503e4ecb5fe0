import { FAILURES, isOfSignIn } from '../failures.ts'
import type { AuditedRow, TickRow } from '../ledger/app-rows.ts'
import { mayTry, TRIAL_MS } from '../ledger/feed-block.ts'
import type { FeedOutline, RangedRow } from '../ledger/feed-row.ts'
import { CLOCK_DIFFERENCE_MS, type Failed, isOfPerson, type Landed, type LedgerEntry } from '../ledger/ledger.ts'
import type { PlanRow } from '../ledger/plan-row.ts'
import { type WakeRules, wakeAt } from '../ledger/wake.ts'
import { DAY_MS } from '../time/durations.ts'
import { earlier } from '../time/instants.ts'
import { settledAt } from './due-windows.ts'
import { nextOfRunning, refreshAt } from './refresh.ts'

const TABLE_AUDIT_MS = 7 * DAY_MS

/**
 * Whether all entries of a feed are to be read: once a day, when the feed changed, landed after failures or reaches further
 * back, and when the sign-in of its account works again (`signedInAt`).
 */
export function isAuditDue(
  { changedAt, healedAt, widerAt, failing }: FeedOutline,
  plan: PlanRow | undefined,
  now: Date,
  signedInAt?: string,
): boolean {
  if (!plan) return true
  const last = plan.auditedAt.getTime()
  const isOld = Math.abs(now.getTime() - last) >= DAY_MS
  const causes = [changedAt, healedAt, widerAt, failing && signedInAt]
  return isOld || causes.some((at) => at !== undefined && Date.parse(at) >= last)
}

/**
 * Whether the last tick lies ahead: the clock of an instance was. All feeds are audited at once, because what landed too early
 * can be told from the rest only until that time has come.
 */
export function wasClockAhead(lastTick: Pick<TickRow, 'at'> | undefined, now: Date): boolean {
  return lastTick !== undefined && Date.parse(lastTick.at) - now.getTime() > CLOCK_DIFFERENCE_MS
}

/** Whether a table is to be looked through: once a week, and until its end is reached. */
export function isTableAuditDue({ at, after }: AuditedRow, now: Date): boolean {
  // A time far ahead was noted under a wrong clock.
  return after !== undefined || Math.abs(now.getTime() - Date.parse(at)) >= TABLE_AUDIT_MS
}

/**
 * The failed windows to ask for again: those whose feed changed, or landed, after they failed, those that failed because of
 * a sign-in that works again, and those whose earlier rows are due for a refresh. Where there are none and the feed is free,
 * the newest that failed for a reason that only a change heals is tried, a day after it failed.
 */
export function reopenings(
  failed: readonly Failed[],
  row: RangedRow,
  now: Date,
  signedInAt?: string,
): readonly Failed[] {
  const reopened = failed.filter(
    (entry) => isReopened(entry, row, now) || isSignedInSince(entry, signedInAt) || isRefreshDue(entry, row, now),
  )
  if (reopened.length > 0 || row.blocked || !mayTry(row, now)) return reopened
  const waiting = failed.filter((entry) => FAILURES[entry.kind].heals === 'change' && mayHeal(entry))
  const old = waiting.filter(({ since }) => Math.abs(now.getTime() - since.getTime()) >= TRIAL_MS)
  return old.toSorted((a, b) => b.window.from.getTime() - a.window.from.getTime()).slice(0, 1)
}

function isSignedInSince(entry: Failed, signedInAt: string | undefined): boolean {
  if (signedInAt === undefined || !isOfSignIn(entry) || isOfPerson(entry)) return false
  return entry.since.getTime() < Date.parse(signedInAt)
}

/** Whether a failed window is asked for again because its feed changed, landed or reaches further back since it failed. */
function isReopened(entry: Failed, row: FeedOutline, now: Date): boolean {
  if (!mayTry(row, now) || isOfPerson(entry)) return false
  const isBefore = (at: string | undefined) => at !== undefined && entry.since.getTime() <= Date.parse(at)
  const { heals } = FAILURES[entry.kind]
  if (entry.kind === 'out-of-range' && isBefore(row.widerAt)) return true
  return (heals !== 'time' && isBefore(row.changedAt)) || (heals !== 'person' && isBefore(row.healedAt))
}

/**
 * A window whose refresh failed is refreshed like one that is landed, counted from the failure. One that still counts as
 * running, and was asked for once its data had settled, is running no more: that it has settled makes nothing due again.
 * Where a person's landing failed, nothing was asked of the service: it counts from the last landing.
 */
function isRefreshDue(entry: Failed, row: RangedRow, now: Date): boolean {
  const { figures, window, since } = entry
  if (!figures) return isRunningDue(entry, row, now)
  const { running, ...settled } = figures
  const last = running && since < settledAt(row.feed, window) ? figures : settled
  const at = refreshAt(row, window, isOfPerson(entry) ? figures : { ...last, requestedAt: since, landedAt: since }, now)
  return at !== undefined && at <= now
}

/** Whether the first report of a running window was none, and the next one is due: it is a report of more. */
function isRunningDue(entry: Failed, { feed }: RangedRow, now: Date): boolean {
  const { kind, window, since } = entry
  if (FAILURES[kind].heals !== 'person' || kind === 'out-of-range' || isOfPerson(entry)) return false
  const settled = settledAt(feed, window)
  return since < settled && nextOfRunning(feed, since, settled) <= now
}

/** Whether another landing of the feed, or a change, may heal a failed window. */
export function mayHeal(entry: Failed): boolean {
  return FAILURES[entry.kind].heals !== 'person' && !isOfPerson(entry)
}

/**
 * The entry as it has to be stored, where it sleeps longer than it may or is asked for again at another time than its feed
 * says; undefined where it is right.
 */
export function corrected(
  entry: LedgerEntry,
  stored: Date | undefined,
  row: RangedRow,
  now: Date,
  rules: WakeRules,
): LedgerEntry | undefined {
  const next = withRefresh(entry, row, now)
  const isLate = stored === undefined || stored > wakeAt(next, now, rules)
  return next !== entry || isLate ? next : undefined
}

function withRefresh(stored: LedgerEntry, row: RangedRow, now: Date): LedgerEntry {
  if (stored.state !== 'landed') return stored
  const entry = withoutFuture(stored, row, now)
  const at = refreshAt(row, entry.window, entry.figures, now)
  if (at?.getTime() === entry.refreshAt?.getTime()) return entry
  const { refreshAt: _, ...rest } = entry
  return at ? { ...rest, refreshAt: at } : rest
}

/** What an instance whose clock was ahead landed was asked for by now at the latest, and may have been running. */
function withoutFuture(entry: Landed, { feed }: RangedRow, now: Date): Landed {
  const { figures, window } = entry
  const { landedAt, requestedAt, origin } = figures
  if (landedAt.getTime() - now.getTime() <= CLOCK_DIFFERENCE_MS || origin === 'import') return entry
  const isRunning = now < settledAt(feed, window)
  const seen = { ...figures, landedAt: now, requestedAt: earlier(requestedAt, now) }
  return { ...entry, figures: isRunning ? { ...seen, running: true } : seen }
}
