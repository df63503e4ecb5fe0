import { FAILURES, type Failure, isOfSignIn } from '../failures.ts'
import type { FeedOutline } from '../ledger/feed-row.ts'
import {
  type Failed,
  hasSpareReport,
  isFileDue,
  type Landed,
  type LedgerEntry,
  type Requested,
  type Requesting,
  takeoverAt,
} from '../ledger/ledger.ts'
import { adoptAt, hasCome, healsAt, isOverdue, TOO_FAR_MS, type WakeRules } from '../ledger/wake.ts'
import { DAY_MS } from '../time/durations.ts'
import { hasPassed } from './plan.ts'

/** Whatever the service asks for, nothing rests longer than this by itself. */
const LONGEST_WAIT_MS = DAY_MS

/**
 * One action on one entry. `hint` puts a message in the queue, so that `ingest` reads the entry. `rest` writes the entry as
 * it is: it is looked at again later.
 */
export type SweepAction =
  | { readonly kind: 'hint'; readonly entry: LedgerEntry }
  | { readonly kind: 'adopt'; readonly entry: Requesting }
  | { readonly kind: 'expire'; readonly entry: Requested }
  | { readonly kind: 'reopen'; readonly entry: Failed }
  | { readonly kind: 'ask-again'; readonly entry: Landed }
  | { readonly kind: 'out-of-range'; readonly entry: Requesting | Requested }
  | { readonly kind: 'rest'; readonly entry: LedgerEntry }

/** Every kind of action. */
export const SWEEP_ACTIONS = [
  'hint',
  'adopt',
  'expire',
  'reopen',
  'ask-again',
  'out-of-range',
  'rest',
] as const satisfies readonly SweepAction['kind'][]

/** Gives the action that an entry needs at `now`; undefined where it only waits for a report of it to be deleted. */
export function sweepAction(
  now: Date,
  row: FeedOutline,
  entry: LedgerEntry,
  rules: WakeRules,
): SweepAction | undefined {
  const action = actionOf(now, row, entry, rules)
  if (action.kind !== 'rest') return action
  // What is due by time comes first: a file that the storage holds keeps no window from its refresh.
  if (isFileDue(entry)) return { kind: 'hint', entry }
  return hasSpareReport(entry, rules.deleteReports) ? undefined : action
}

function actionOf(now: Date, row: FeedOutline, entry: LedgerEntry, rules: WakeRules): SweepAction {
  const rest = { kind: 'rest', entry } as const
  switch (entry.state) {
    case 'requesting':
      if (hasPassed(now, row, entry)) return { kind: 'out-of-range', entry }
      return hasCome(adoptAt(entry, rules), now, LONGEST_WAIT_MS) ? { kind: 'adopt', entry } : rest
    case 'requested':
      if (hasPassed(now, row, entry)) return { kind: 'out-of-range', entry }
      if (isOverdue(entry, now, rules.reportDeadlineMs)) return { kind: 'expire', entry }
      return hasCome(entry.pollAfter, now, LONGEST_WAIT_MS) ? { kind: 'hint', entry } : rest
    case 'landing':
      return hasCome(takeoverAt(entry, rules.leaseMs), now, LONGEST_WAIT_MS) ? { kind: 'hint', entry } : rest
    case 'failed': {
      const at = healsAt(entry)
      return at && hasCome(at, now, TOO_FAR_MS) ? { kind: 'reopen', entry } : rest
    }
    case 'landed':
      return refreshed(now, row, entry)
    case 'planned':
      return rest
  }
}

/** A feed that asks for nothing does not wait for the day on which it would ask again. */
function refreshed(now: Date, { feed }: FeedOutline, entry: Landed): SweepAction {
  const { refreshAt, ...settled } = entry
  if (refreshAt === undefined || refreshAt > now) return { kind: 'rest', entry }
  return feed.enabled ? { kind: 'ask-again', entry } : { kind: 'rest', entry: settled }
}

/** Whether an action asks the service something, which may take long. */
export function asksService({ kind }: SweepAction): boolean {
  return kind === 'adopt' || kind === 'expire'
}

/**
 * Whether a look-up of a lost answer that failed with this ends the attempt: asking again would not help. What is wrong with
 * the sign-in is wrong for the whole account, and the attempt waits for it.
 */
export function endsLookUp(failure: Failure): boolean {
  return FAILURES[failure.kind].heals !== 'time' && !isOfSignIn(failure)
}
