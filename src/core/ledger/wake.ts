import { FAILURES } from '../failures.ts'
import { DAY_MS, HOUR_MS } from '../time/durations.ts'
import {
  type Failed,
  hasSpareReport,
  isFileDue,
  isOfPerson,
  type Landing,
  type LedgerEntry,
  type Requested,
  type Requesting,
  type State,
  takeoverAt,
} from './ledger.ts'

/** Stored where nothing is due: the last day that Table Storage and an operator can both read. */
export const NEVER = new Date('9999-12-31T00:00:00Z')

/** An entry is looked at again after this at the latest, so that no wrong clock keeps it asleep for longer. */
const LONGEST_SLEEP_MS = 8 * DAY_MS

/** No clock that is right writes an instant further ahead than this: what lies beyond it is due. */
export const TOO_FAR_MS = 9 * DAY_MS

/** The longest that a right clock lets an entry wait. The refresh of a landed one may lie months ahead. */
const LONGEST_WAITS_MS: Readonly<Record<State, number>> = {
  planned: DAY_MS,
  requesting: DAY_MS,
  requested: DAY_MS,
  landing: DAY_MS,
  landed: Number.POSITIVE_INFINITY,
  failed: TOO_FAR_MS,
}

/** A failure that heals with time is tried again after 6 hours, then after twice as long each time, up to a week. */
const FIRST_HEALING_MS = 6 * HOUR_MS
const LAST_HEALING_MS = 7 * DAY_MS

/** The settings that decide when an entry needs attention. */
export type WakeRules = {
  readonly adoptAfterMs: number
  readonly leaseMs: number
  readonly reportDeadlineMs: number
  readonly deleteReports: boolean
}

/** When an entry that is written at `now` next needs attention of a timer; `NEVER` where nothing is due. */
export function wakeAt(entry: LedgerEntry, now: Date, rules: WakeRules): Date {
  const due = dueAt(entry, rules)
  if (!due) return NEVER
  // A clock that was ahead wrote it: an audit must not put the entry to sleep until then.
  if (due > now && hasCome(due, now, LONGEST_WAITS_MS[entry.state])) return now
  return new Date(Math.min(due.getTime(), now.getTime() + LONGEST_SLEEP_MS))
}

function dueAt(entry: LedgerEntry, rules: WakeRules): Date | undefined {
  if (isFileDue(entry) && entry.figures) return entry.figures.landedAt
  switch (entry.state) {
    case 'planned':
      return entry.notBefore
    case 'requesting':
      return adoptAt(entry, rules)
    case 'requested':
      return entry.pollAfter < entry.deadline ? entry.pollAfter : entry.deadline
    case 'landing':
      return takeoverAt(entry, rules.leaseMs)
    case 'landed':
      return hasSpareReport(entry, rules.deleteReports) ? entry.figures.landedAt : entry.refreshAt
    case 'failed':
      return hasSpareReport(entry, rules.deleteReports) ? entry.since : healsAt(entry)
  }
}

/**
 * When a lost answer is looked for. After a look that failed, the next comes when four times as much time has passed, and
 * the last one at the deadline of the report.
 */
export function adoptAt(
  { requestedAt, lastError }: Requesting,
  { adoptAfterMs, reportDeadlineMs }: Pick<WakeRules, 'adoptAfterMs' | 'reportDeadlineMs'>,
): Date {
  const asked = requestedAt.getTime()
  const failedAfterMs = lastError && lastError.at > requestedAt ? lastError.at.getTime() - asked : 0
  return new Date(asked + Math.max(adoptAfterMs, Math.min(4 * failedAfterMs, reportDeadlineMs)))
}

/** The service has had its time for a report. */
export function isOverdue({ deadline }: Requested | Landing, now: Date, reportDeadlineMs: number): boolean {
  return hasCome(deadline, now, reportDeadlineMs)
}

/** When a failed window is asked for again by itself; undefined where time alone heals nothing. */
export function healsAt(entry: Failed): Date | undefined {
  const { kind, since, heals } = entry
  if (FAILURES[kind].heals !== 'time' || isOfPerson(entry)) return undefined
  const waitMs = Math.min(FIRST_HEALING_MS * 2 ** Math.min(heals, 20), LAST_HEALING_MS)
  return new Date(since.getTime() + waitMs)
}

/**
 * Whether a stored instant has come. One further ahead than `longestMs`, the longest that a right clock can have written,
 * counts as come: a clock that was wrong for one tick must not put anything to sleep.
 */
export function hasCome(at: Date, now: Date, longestMs: number): boolean {
  return at <= now || at.getTime() - now.getTime() > longestMs
}
