import type { Failure } from '../failures.ts'
import type { Generation } from '../report/generation.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time/durations.ts'
import {
  type EntryKey,
  type Failed,
  type Figures,
  isOfPerson,
  type Landed,
  type Landing,
  type LandingFields,
  type Lane,
  type LastError,
  type LedgerEntry,
  type Origin,
  type PastAttempt,
  type Planned,
  type PlannedReason,
  type ReportFields,
  type Requested,
  type RequestFields,
  type Requesting,
  type SharedFields,
} from './ledger.ts'
import { sharedFields } from './ledger-row.ts'

/** How many attempts the history of an entry keeps. */
const HISTORY_LIMIT = 20

/** A landing that the storage fails rests for as long as it has failed, within these limits, and for a week in all. */
const SHORTEST_REST_MS = 5 * MINUTE_MS
const LONGEST_REST_MS = 6 * HOUR_MS
const RESTS_MS = 7 * DAY_MS

/** A window without an entry. `removedAttempt`: the attempts of the feed's removed entries end there. */
export type NewWindow = EntryKey & { readonly lane: Lane; readonly removedAttempt: number }

/** What the next attempt of a window starts from. */
function beforeNextAttempt(from: LedgerEntry | NewWindow): EntryKey & SharedFields {
  if ('state' in from) return sharedFields(from)
  const { feed, window, lane, removedAttempt } = from
  return { feed, window, lane, attempt: removedAttempt, tries: 0, heals: 0, remoteReports: [], history: [] }
}

/** The number of a window's next attempt. */
export function nextAttempt(from: LedgerEntry | NewWindow): number {
  return beforeNextAttempt(from).attempt + 1
}

/** The entry of a window's next attempt, written before the report is asked for. */
export function toRequesting(from: LedgerEntry | NewWindow, request: RequestFields): Requesting {
  const base = beforeNextAttempt(from)
  return { ...base, ...request, attempt: base.attempt + 1, tries: base.tries + 1, state: 'requesting' }
}

/** A lost answer was looked for, and the service did not say whether it made the report. */
export function toLookedFor(entry: Requesting, { kind, message }: Failure, now: Date): Requesting {
  return { ...entry, lastError: { kind, message, at: now } }
}

/** The service made the report, and has `reportDeadlineMs` from now on to finish it. */
export function toRequested(entry: Requesting, reportId: string, now: Date, reportDeadlineMs: number): Requested {
  const deadline = new Date(now.getTime() + reportDeadlineMs)
  const { lookAfter: _, ...asked } = withRemoteReport(entry, reportId)
  return { ...asked, reportId, deadline, pollAfter: now, state: 'requested' }
}

/** A hint names the report: the service is asked whether it is ours, and no other hint does that before `lookAfter`. */
export function toLookedUp({ hinted: _, ...entry }: Requesting, lookAfter: Date): Requesting {
  return { ...entry, lookAfter }
}

/** The service is asked whether the report is ready: not again before `pollAfter`. */
export function toPolled({ hinted: _, ...entry }: Requested, pollAfter: Date): Requested {
  return { ...entry, pollAfter }
}

/** The first hint that comes too early waits in the queue for the others. */
export function toHinted<E extends Requesting | Requested>(entry: E): E {
  return { ...entry, hinted: true }
}

/** The report is ready and an owner lands it. */
export function toLanding(entry: Requested, landing: Omit<LandingFields, keyof ReportFields>): Landing {
  const { hinted: _, ...requested } = entry
  return { ...requested, ...landing, state: 'landing' }
}

/** What is landed from an archive instead of a report that the service makes. */
export type ReplaySource = Omit<RequestFields, 'reportName' | 'columns'> & {
  readonly reportId: string
  readonly executionId: string
  readonly origin: Origin
  readonly hash: string
  readonly archive: string
  readonly generation: Generation
}

/**
 * A person lands a window anew from an archive: the next attempt, with no report to wait for, free for whoever takes it.
 * What went wrong before does not count.
 */
export function toReplayed(from: LedgerEntry | NewWindow, archived: ReplaySource, now: Date): Landing {
  const { lastError: _, ...base } = beforeNextAttempt(from)
  return {
    ...base,
    ...archived,
    byPerson: true,
    attempt: base.attempt + 1,
    tries: 0,
    reportName: '',
    deadline: now,
    pollAfter: now,
    owner: '',
    leaseUntil: now,
    phase: 'check',
    checkpoint: 0,
    state: 'landing',
  }
}

/** Who takes a landing over, and what for. */
export type NewOwner = Pick<Landing, 'hash' | 'owner' | 'leaseUntil'> & { readonly generation: Generation }

/**
 * Another owner goes on with a landing. Under another feed `hash` it starts anew: as the next attempt, with a generation
 * of its own, where rows may have been written. After a lease that ran out nobody knows what the former owner still
 * wrote, so the rows are counted.
 */
export function toTakenOver(entry: Landing, { generation, ...owner }: NewOwner): Landing {
  const wasReplaced = entry.owner !== ''
  const { progress, rejects, ...rest } = wasReplaced ? { ...entry, lost: (entry.lost ?? 0) + 1 } : entry
  if (entry.hash !== owner.hash && entry.phase !== 'check') {
    return { ...rest, ...owner, generation, attempt: entry.attempt + 1, phase: 'check', checkpoint: 0 }
  }
  if (entry.phase === 'check') return { ...rest, ...owner }
  const mustCount = wasReplaced || progress?.mustCount === true
  return {
    ...rest,
    ...owner,
    ...(rejects !== undefined && { rejects }),
    ...(progress && { progress: { ...progress, mustCount } }),
  }
}

/** The landing has changed; where it got further, no owner was lost in vain. */
export function toAdvanced(entry: Landing, change: Partial<Landing>): Landing {
  const isFurther = change.phase !== undefined || change.checkpoint !== undefined
  const { lost, ...rest } = entry
  return { ...rest, ...(lost !== undefined && !isFurther && { lost }), ...change }
}

/** The landing is complete: `figures` are its evidence. `refreshAt`: when the window is asked for again. */
export function toLanded(entry: Landing, figures: Figures, refreshAt?: Date): Landed {
  const { acceptEmpty: _, lastError: __, owed: ___, ...kept } = sharedFields(entry)
  const past: PastAttempt = {
    attempt: entry.attempt,
    at: figures.landedAt,
    outcome: 'landed',
    requestedAt: figures.requestedAt,
    rows: figures.rowsLanded,
    archive: figures.archive,
  }
  return {
    ...kept,
    tries: 0,
    heals: 0,
    history: remember(entry, past),
    figures,
    ...(refreshAt && { refreshAt }),
    ...(figures.file && { owed: 'parquet' as const }),
    state: 'landed',
  }
}

/** The attempt ended; rows and figures of an earlier landing stay as they are. */
export function toFailed(entry: LedgerEntry, { kind, message, broken }: Failure, at: Date): Failed {
  const history = remember(entry, { ...ended(entry, at, message), outcome: kind, ...leftBehind(entry) })
  const lastError = { kind, message, at }
  const next = { ...sharedFields(entry), history, lastError, kind, message, since: at, state: 'failed' } as const
  const landing = entry.state === 'landing' ? entry : undefined
  const archive = kind === 'out-of-range' ? mayStillLand(entry) : landing?.archive
  return {
    ...next,
    ...(isOfPerson(entry) && { byPerson: true, ...(landing && { origin: landing.origin }) }),
    ...(archive !== undefined && { archive }),
    ...(landing?.cut && { cut: true }),
    ...(broken && { broken }),
  }
}

/** These say nothing against the archive: it lands once the feed, the storage or the app is right. */
const MAY_STILL_LAND: readonly PastAttempt['outcome'][] = ['too-many-rejects', 'storage', 'poison']

/** The report that a window got last, if it may still land. */
function mayStillLand({ history }: LedgerEntry): string | undefined {
  const last = history.findLast(({ archive }) => archive !== undefined)
  return last && MAY_STILL_LAND.includes(last.outcome) ? last.archive : undefined
}

/** The attempt ended for a reason that another attempt may not meet; after `maxTries` of them the window is `failed`. */
export function toNextAttempt(entry: LedgerEntry, failure: Failure, now: Date, maxTries: number): Planned | Failed {
  if (entry.tries >= maxTries) return toFailed(entry, failure, now)
  const { kind, message } = failure
  const history = remember(entry, { ...ended(entry, now, message), outcome: 'expired' })
  return { ...toPlanned(entry, 'expired', now, entry.tries), history, lastError: { kind, message, at: now } }
}

/** The attempt ended through no fault of its own and costs no try: the window is asked for again, not before `notBefore`. */
export function toPlannedAtNoCost(entry: LedgerEntry, notBefore: Date): Planned {
  return toPlanned(entry, 'expired', notBefore, entry.tries - 1)
}

/** The report still stands at the service: the attempt goes on from there, not before `pollAfter`. */
export function toRequestedAgain(entry: Landing | Requested, pollAfter: Date, lastError: LastError): Requested {
  const { reportName, queryId, asked, requestedAt, columns, reportId, deadline } = entry
  const request = { reportName, queryId, asked, requestedAt, ...(columns && { columns }) }
  return { ...sharedFields(entry), ...request, reportId, deadline, pollAfter, lastError, state: 'requested' }
}

/** A message about the attempt failed again and again: it rests until `until`, and what is archived goes on from there. */
export function toRested(entry: Landing | Requested, until: Date, lastError: LastError): Landing | Requested {
  if (entry.state === 'requested' || entry.archive === undefined) return toRequestedAgain(entry, until, lastError)
  return { ...entry, lastError, owner: '', leaseUntil: until }
}

/**
 * The storage failed a landing after its check. The archive stands, so the landing rests and goes on from its checkpoint;
 * after a week of that the attempt fails.
 */
export function toStorageAwaited(entry: Landing, failure: Failure, now: Date): Landing | Failed {
  const failingSince = entry.failingSince ?? now
  const failingMs = now.getTime() - failingSince.getTime()
  if (failingMs >= RESTS_MS) return toFailed(entry, failure, now)
  const until = new Date(now.getTime() + Math.min(Math.max(failingMs, SHORTEST_REST_MS), LONGEST_REST_MS))
  const { kind, message } = failure
  // Rows may have been written although their answer was lost: in the end they are counted.
  const progress = entry.progress && { ...entry.progress, mustCount: true }
  const rested = { ...entry, ...(progress && { progress }), failingSince, lastError: { kind, message, at: now } }
  return { ...rested, owner: '', leaseUntil: until }
}

/** No later landing will come: the window goes back to the one that its figures prove. */
export function toLandedAgain(entry: LedgerEntry, figures: Figures): Landed {
  const { acceptEmpty: _, lastError: __, ...kept } = sharedFields(entry)
  return { ...kept, figures, state: 'landed' }
}

/** What the window holds is older than what its feed keeps: it goes, and the figures stay as evidence of what was there. */
export function toRemoved(entry: LedgerEntry, figures: Figures, now: Date): Landed {
  const removed = { ...figures, verdict: 'removed' as const, removedAt: now }
  const { refreshAt: _, owed: __, ...landed } = toLandedAgain(entry, removed)
  return landed
}

/** The window's file is in its place: nothing is owed. */
export function withFileInPlace(entry: LedgerEntry): LedgerEntry {
  const { owed: _, ...rest } = entry
  return rest
}

/** The window's file is lost: its rows stand without one until it is written again. */
export function withFileLost(entry: LedgerEntry): LedgerEntry {
  if (!entry.figures) return entry
  const { file: _, ...figures } = entry.figures
  return { ...withFileInPlace(entry), figures } as LedgerEntry
}

/** A failed window gets another attempt with all its tries. */
export function toReopened(entry: Failed, now: Date): Planned {
  return { ...toPlanned(entry, 'healed', now, 0), heals: entry.heals + 1 }
}

/** A person asks for a window again. `acceptEmpty`: a report without rows may land over rows, this once. */
export function toRetried(entry: Landed | Failed, now: Date, acceptEmpty: boolean): Planned {
  const { acceptEmpty: _, ...planned } = toPlanned(entry, 'retry', now, 0)
  return acceptEmpty ? { ...planned, acceptEmpty } : planned
}

/**
 * A person asks for a window once more together with many others: it goes with the history of its feed, whatever its lane
 * was, so that no live window waits for it.
 */
export function toBackfilled(entry: Landed | Failed, now: Date): Planned {
  return { ...toRetried(entry, now, false), lane: 'backfill' }
}

/** The window waits for its next attempt. `tries` are those that count from now on. */
export function toPlanned(entry: LedgerEntry, reason: PlannedReason, notBefore: Date, tries: number): Planned {
  return { ...sharedFields(entry), tries, reason, notBefore, state: 'planned' }
}

/** A report of ours stands at the service, and the entry names it until it is gone. */
export function withRemoteReport<E extends LedgerEntry>(entry: E, reportId: string): E {
  return { ...entry, remoteReports: [...new Set([...entry.remoteReports, reportId])] }
}

/** Reports that the entry names as ours at the service are gone. */
export function withoutRemoteReports(entry: LedgerEntry, gone: readonly string[]): LedgerEntry {
  return { ...entry, remoteReports: entry.remoteReports.filter((reportId) => !gone.includes(reportId)) }
}

/** What the history keeps of an attempt that ended with a failure. The service names each call that failed. */
function ended(entry: LedgerEntry, at: Date, message: string): Omit<PastAttempt, 'outcome'> {
  const [, correlationId] = /\(MS-CorrelationId ([\w-]{1,64})\)/.exec(message) ?? []
  return {
    attempt: entry.attempt,
    at,
    ...('requestedAt' in entry && { requestedAt: entry.requestedAt }),
    ...(correlationId !== undefined && { correlationId }),
  }
}

/** What a failed attempt leaves in the archive. */
function leftBehind(entry: LedgerEntry): Pick<PastAttempt, 'archive' | 'rejects' | 'asked'> {
  if (entry.state !== 'landing') return {}
  const { archive, rejects, asked } = entry
  return { ...(archive !== undefined && { archive, asked }), ...(rejects !== undefined && { rejects }) }
}

function remember(entry: LedgerEntry, past: PastAttempt): readonly PastAttempt[] {
  return [...entry.history, past].slice(-HISTORY_LIMIT)
}
