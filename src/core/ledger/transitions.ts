import type { Failure, FailureKind } from '../failures.ts'
import type { Window } from '../time/window.ts'
import type {
  Asked,
  Common,
  Failed,
  Figures,
  Held,
  Known,
  Landed,
  Landing,
  Lane,
  LastError,
  LedgerEntry,
  PastAttempt,
  Planned,
  PlannedReason,
  Requested,
  Requesting,
} from './ledger.ts'

/** How many attempts the history of an entry keeps. */
const HISTORY_LIMIT = 20

/** The fields that survive every change of state. */
function common(entry: LedgerEntry): Common {
  const { feed, window, lane, attempt, tries, heals, history } = entry
  return {
    ...{ feed, window, lane, attempt, tries, heals, history },
    ...(entry.figures && { figures: entry.figures }),
    ...(entry.lastError && { lastError: entry.lastError }),
    ...(entry.wrote !== undefined && { wrote: entry.wrote }),
    ...(entry.remoteReport && { remoteReport: entry.remoteReport }),
    ...(entry.acceptEmpty && { acceptEmpty: true }),
  }
}

/** The entry of a window's next attempt, written before the report is asked for. */
export function toRequesting(
  previous: LedgerEntry | undefined,
  first: { readonly feed: string; readonly window: Window; readonly lane: Lane },
  asked: Asked,
): Requesting {
  const base: Common = previous ? common(previous) : { ...first, attempt: 0, tries: 0, heals: 0, history: [] }
  return { ...base, attempt: base.attempt + 1, tries: base.tries + 1, ...asked, state: 'requesting' }
}

/** The service knows the report by this id. */
export function toRequested(
  entry: Requesting,
  known: { readonly reportId: string; readonly deadline: Date; readonly pollAfter: Date },
): Requested {
  return { ...entry, ...known, remoteReport: known.reportId, state: 'requested' }
}

/** The report is ready and `owner` lands it. */
export function toLanding(entry: Requested, held: Omit<Held, keyof Known>): Landing {
  return { ...entry, ...held, state: 'landing' }
}

/** A window is landed anew from an archive: the next attempt, with no report to wait for, free for whoever takes it. */
export function toReplayed(
  previous: LedgerEntry | undefined,
  first: { readonly feed: string; readonly window: Window; readonly lane: Lane },
  held: Asked & Pick<Held, 'reportId' | 'executionId' | 'hash'> & { readonly archive: string },
  now: Date,
): Landing {
  const base: Common = previous ? common(previous) : { ...first, attempt: 0, tries: 0, heals: 0, history: [] }
  const free = { owner: '', leaseUntil: now, deadline: now, pollAfter: now, checkpoint: 0 }
  return { ...base, attempt: base.attempt + 1, tries: 0, ...held, ...free, phase: 'check', state: 'landing' }
}

/**
 * Another owner goes on with a landing. Under another feed `hash` it starts anew, as the next attempt where rows were
 * written already; after a lease that ran out nobody knows what the owner before still wrote, so the rows are counted.
 */
export function toTakenOver(entry: Landing, taken: Pick<Landing, 'hash' | 'owner' | 'leaseUntil'>): Landing {
  if (entry.hash !== taken.hash) {
    const { progress: _, ...rest } = entry
    const attempt = entry.wrote === entry.attempt ? entry.attempt + 1 : entry.attempt
    return { ...rest, ...taken, attempt, phase: 'check', checkpoint: 0 }
  }
  const untouched = entry.progress?.untouched === true && entry.owner === ''
  return { ...entry, ...taken, ...(entry.progress && { progress: { ...entry.progress, untouched } }) }
}

/** The landing is complete: `figures` are its evidence. */
export function toLanded(entry: Landing, figures: Figures): Landed {
  const { acceptEmpty: _, lastError: __, ...kept } = common(entry)
  const past = { attempt: entry.attempt, at: figures.landedAt, outcome: 'landed', rows: figures.rowsLanded } as const
  return { ...kept, tries: 0, heals: 0, history: remember(entry, past), state: 'landed', figures }
}

/** The attempt ended; rows and figures of an earlier landing stay as they are. */
export function toFailed(entry: LedgerEntry, kind: FailureKind, message: string, at: Date): Failed {
  const history = remember(entry, { attempt: entry.attempt, at, outcome: kind })
  return { ...common(entry), history, lastError: { kind, message, at }, state: 'failed', kind, message, since: at }
}

/** The attempt ended for a reason that another attempt may not meet; after `maxTries` of them the window is `failed`. */
export function toNextAttempt(entry: LedgerEntry, failure: Failure, now: Date, maxTries: number): Planned | Failed {
  const { kind, message } = failure
  if (entry.tries >= maxTries) return toFailed(entry, kind, message, now)
  const history = remember(entry, { attempt: entry.attempt, at: now, outcome: 'expired' })
  return { ...toPlanned(entry, 'expired', now, entry.tries), history, lastError: { kind, message, at: now } }
}

/** The report still stands at the service: the attempt goes on from there, not before `pollAfter`. */
export function toRequestedAgain(entry: Landing | Requested, pollAfter: Date, lastError: LastError): Requested {
  const { reportName, queryId, requestedAt, reportId, deadline } = entry
  const known = { reportName, queryId, requestedAt, reportId, deadline, pollAfter }
  return { ...common(entry), ...known, lastError, state: 'requested' }
}

/** What stands is all there will be: the window goes back to the landing its figures prove. */
export function toLandedAgain(entry: LedgerEntry, figures: Figures): Landed {
  return { ...common(entry), figures, state: 'landed' }
}

/** The window waits for its next attempt. `tries` are those that count from now on: a throttled request gives its own back. */
export function toPlanned(entry: LedgerEntry, reason: PlannedReason, notBefore: Date, tries: number): Planned {
  return { ...common(entry), tries, state: 'planned', reason, notBefore }
}

function remember(entry: LedgerEntry, past: PastAttempt): readonly PastAttempt[] {
  return [...entry.history, past].slice(-HISTORY_LIMIT)
}
