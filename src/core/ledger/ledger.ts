import type { FailureKind } from '../failures.ts'
import type { Window } from '../time/window.ts'
import type { Progress } from './progress.ts'

/** The version of the stored form; a reader refuses a newer one. */
export const LEDGER_VERSION = 1

/** `live`: windows that end after the app first saw the feed. `backfill`: history before that. */
export type Lane = 'live' | 'backfill'

/** The evidence of the last completed landing of a window. */
export type Figures = {
  readonly attempt: number
  readonly reportId: string
  readonly executionId: string
  readonly requestedAt: Date
  readonly rowsRead: number
  readonly rowsLanded: number
  readonly rowsRejected: number
  /** Size of the archive, as received. */
  readonly bytes: number
  /** SHA-256 of the archive's bytes, in hex. */
  readonly sha256: string
  /** The exact decimal sum of each numeric column. */
  readonly totals: Readonly<Record<string, string>>
  readonly archive: string
  readonly table: string
  readonly landedAt: Date
  readonly milliseconds: { readonly check: number; readonly write: number; readonly remove: number }
  /** Requests to Table Storage that are billed: one per transaction or page. */
  readonly operations: number
  readonly verdict: 'rows' | 'empty'
  /** The totals of the landing that this one replaced. */
  readonly totalsBefore?: Readonly<Record<string, string>>
}

/** One ended attempt, as the history keeps it. */
export type PastAttempt = {
  readonly attempt: number
  readonly at: Date
  readonly outcome: 'landed' | 'expired' | FailureKind
  readonly rows?: number
}

export type LastError = { readonly kind: FailureKind; readonly message: string; readonly at: Date }

export type PlannedReason = 'refresh' | 'retry' | 'expired' | 'healed'
export type Phase = 'check' | 'write' | 'remove'

/** What is known in every state. */
export type Common = {
  readonly feed: string
  readonly window: Window
  readonly lane: Lane
  /** Counts over the whole life of the window; never goes back. */
  readonly attempt: number
  /** Counts since the window became `planned` for a reason other than `expired`. */
  readonly tries: number
  readonly figures?: Figures
  readonly lastError?: LastError
  /** The last attempt that began phase `write`. */
  readonly wrote?: number
  /** Reopenings since the last `landed`. */
  readonly heals: number
  /** A report of ours that still stands at the service. */
  readonly remoteReport?: string
  readonly acceptEmpty?: boolean
  readonly history: readonly PastAttempt[]
}

export type Asked = { readonly reportName: string; readonly queryId: string; readonly requestedAt: Date }
export type Known = Asked & { readonly reportId: string; readonly deadline: Date; readonly pollAfter: Date }
export type Held = Known & {
  readonly executionId: string
  /** The blob with the report's bytes; absent until it is complete. */
  readonly archive?: string
  readonly hash: string
  readonly phase: Phase
  /** The lowest record that is not yet acknowledged, or, while removing, the partition to read next. */
  readonly checkpoint: number
  readonly leaseUntil: Date
  /** Empty while nobody lands: the owner gave the lease up for a continuation. */
  readonly owner: string
  /** Absent until the check has passed. */
  readonly progress?: Progress
}

export type Planned = Common & { readonly state: 'planned'; readonly reason: PlannedReason; readonly notBefore: Date }
export type Requesting = Common & Asked & { readonly state: 'requesting' }
export type Requested = Common & Known & { readonly state: 'requested' }
export type Landing = Common & Held & { readonly state: 'landing' }
export type Landed = Common & { readonly state: 'landed'; readonly figures: Figures }
export type Failed = Common & {
  readonly state: 'failed'
  readonly kind: FailureKind
  readonly message: string
  readonly since: Date
}

/** What is known of one window of one feed; a field exists only in the states where it is true. */
export type LedgerEntry = Planned | Requesting | Requested | Landing | Landed | Failed
export type State = LedgerEntry['state']

/** A window counts as complete only while nothing has begun to write over its last landing. */
export function isComplete(entry: LedgerEntry): boolean {
  return entry.figures !== undefined && entry.wrote === entry.figures.attempt
}

/** Whether an attempt is on its way: asked for, or being landed. */
export function isOpen(entry: LedgerEntry): entry is Requesting | Requested | Landing {
  return entry.state === 'requesting' || entry.state === 'requested' || entry.state === 'landing'
}
