import type { About, FailureKind } from '../failures.ts'
import type { Asked, Form } from '../feeds/form.ts'
import { present } from '../present.ts'
import type { Generation } from '../report/generation.ts'
import { MINUTE_MS } from '../time/durations.ts'
import type { Window } from '../time/window.ts'
import { windowOption } from '../time/words.ts'
import type { FileEvidence, PhaseTimes, Progress } from './progress.ts'

/** The version of the stored form; a reader refuses a newer one. */
export const LEDGER_VERSION = 2

/** `live`: windows that end after the app first saw the feed. `backfill`: history before that. */
export type Lane = 'live' | 'backfill'

/** Where the bytes of a landing come from: a report of the service, or a file that a person brought. */
export type Origin = 'service' | 'import'

/** The evidence of the published generation of a window. */
export type Figures = Form & {
  readonly attempt: number
  readonly generation: Generation
  readonly origin: Origin
  readonly reportId: string
  readonly executionId: string
  readonly requestedAt: Date
  readonly rowsRead: number
  readonly rowsLanded: number
  /** A reject counts as many rows as it has lines. */
  readonly rowsRejected: number
  /** Rows that landed, although a stray quote may have made one of several. */
  readonly rowsDoubtful?: number
  /** Rows that were left out, because a person had a value of theirs erased. They count as neither read nor landed. */
  readonly rowsErased?: number
  /** The id of all values that were left out by then; absent where none were, and in entries of earlier versions. */
  readonly erasedBy?: string
  /** Size of the archive, as received. */
  readonly bytes: number
  /** SHA-256 of the archive's bytes, in hex. */
  readonly sha256: string
  /** The exact decimal sum of each numeric column. */
  readonly totals: Readonly<Record<string, string>>
  readonly archive: string
  /** The blob with the list of rejects; absent where every row landed. */
  readonly rejects?: string
  readonly table: string
  readonly landedAt: Date
  readonly milliseconds: PhaseTimes
  /** Requests to Table Storage that are billed: one per transaction or page. */
  readonly operations: number
  /** The window's file, which holds the same rows; absent where the feed writes none. */
  readonly file?: FileEvidence
  /** `removed`: the rows and files are gone, because they were older than what the feed kept. */
  readonly verdict: 'rows' | 'empty' | 'removed'
  /** When they were removed; absent while they stand. */
  readonly removedAt?: Date
  /** Columns that have no value in any of the rows. */
  readonly emptyColumns: readonly string[]
  /** Asked for before the data of the window had settled: it is asked for again, and proves nothing complete. */
  readonly running?: true
  /** The totals of the landing that this one replaced; absent where the two cannot be compared. */
  readonly totalsBefore?: Readonly<Record<string, string>>
  /** How many rows that landing had; absent where it cannot be compared, and in entries of earlier versions. */
  readonly rowsBefore?: number
  /** That landing was of the running window: that its numbers grew is no news. */
  readonly grown?: true
}

/** One ended attempt, as the history keeps it. */
export type PastAttempt = {
  readonly attempt: number
  readonly at: Date
  readonly outcome: 'landed' | 'expired' | FailureKind
  /** When the service was asked. */
  readonly requestedAt?: Date
  /** The service's own id of the call that failed. */
  readonly correlationId?: string
  readonly rows?: number
  /** The archive that landed, for `diff`; of a failed attempt its archive and the list of its rejects, for `replay` and `rejects`. */
  readonly archive?: string
  readonly rejects?: string
  /** What the archive is the answer to. */
  readonly asked?: Asked
}

export type LastError = { readonly kind: FailureKind; readonly message: string; readonly at: Date }

export type PlannedReason = 'refresh' | 'retry' | 'expired' | 'healed'
export type Phase = keyof PhaseTimes

/** Which window of which feed an entry is about: its keys in the table. */
export type EntryKey = { readonly feed: string; readonly window: Window }

/** What is known of a window in every state. */
export type SharedFields = {
  readonly lane: Lane
  /** Counts over the whole life of the window; never goes back. */
  readonly attempt: number
  /** Counts since the window became `planned` for a reason other than `expired`. */
  readonly tries: number
  readonly figures?: Figures
  readonly lastError?: LastError
  /** Reopenings since the last `landed`. */
  readonly heals: number
  /** Reports of ours at the service, each until its deletion is confirmed. */
  readonly remoteReports: readonly string[]
  readonly acceptEmpty?: boolean
  /** What the last publication still has to do: put the window's file in its place. */
  readonly owed?: 'parquet'
  readonly history: readonly PastAttempt[]
}

/** What was asked of the service. */
export type RequestFields = {
  readonly reportName: string
  readonly queryId: string
  /** As the feed was at the request: by the time the report lands it may ask for something else. */
  readonly asked: Asked
  readonly requestedAt: Date
  /** The columns that were asked for; absent where the user's query, or the file that a person lands, decides. */
  readonly columns?: readonly string[]
}

/** What hints did to an entry that waits for the service. */
export type HintFields = {
  /** A message waits in the queue until the service may be asked: any other hint that comes too early has no effect. */
  readonly hinted?: true
}

/** The report that the service makes for the request. */
export type ReportFields = RequestFields & {
  readonly reportId: string
  readonly deadline: Date
  readonly pollAfter: Date
}

/** How far the landing of a report has come, and who is at it. */
export type LandingFields = ReportFields & {
  readonly executionId: string
  readonly origin: Origin
  /** A person asked for this landing of an archive or a file: it concerns its window alone. */
  readonly byPerson?: true
  /** The archive was cut off where a value of it was erased, and cannot land. */
  readonly cut?: true
  /** The blob with the report's bytes; absent until it is complete. */
  readonly archive?: string
  /** The rows that this landing writes. */
  readonly generation: Generation
  /** The blob with the list of rejects; absent until the check has passed, and where every row can land. */
  readonly rejects?: string
  readonly hash: string
  readonly phase: Phase
  /**
   * The lowest record that is not yet acknowledged; in phase `count` the shard to read next. The staged file itself says how
   * far phase `file` is.
   */
  readonly checkpoint: number
  readonly leaseUntil: Date
  /** Empty while nobody lands: the owner gave the lease up for a continuation. */
  readonly owner: string
  /** When the storage first failed this landing after its check. */
  readonly failingSince?: Date
  /** Absent until the check has passed. */
  readonly progress?: Progress
  /** How many owners in a row were lost without getting any further. */
  readonly lost?: number
}

/** The fields that an entry has in one state, beside the shared ones. */
export type StateFields = {
  readonly planned: { readonly reason: PlannedReason; readonly notBefore: Date }
  readonly requesting: RequestFields &
    HintFields & {
      /** No hint makes the app look for the report before this. */
      readonly lookAfter?: Date
    }
  readonly requested: ReportFields & HintFields
  readonly landing: LandingFields
  readonly landed: {
    readonly figures: Figures
    /** When the window is asked for again; absent where its data has settled. */
    readonly refreshAt?: Date
  }
  readonly failed: {
    readonly kind: FailureKind
    readonly message: string
    readonly since: Date
    /** What failed is a landing that a person asked for: of a file or a report. */
    readonly byPerson?: true
    readonly origin?: Origin
    /** What the attempt left. Of `out-of-range`: what an attempt before it left, which may land once the feed fits it. */
    readonly archive?: string
    /** Its file was cut off where a value of it was erased: it can land no more. */
    readonly cut?: true
    /** Most of its rejects are no whole rows: its file is broken. */
    readonly broken?: true
  }
}

export type State = keyof StateFields
type EntryIn<S extends State> = EntryKey & SharedFields & StateFields[S] & { readonly state: S }

export type Planned = EntryIn<'planned'>
export type Requesting = EntryIn<'requesting'>
export type Requested = EntryIn<'requested'>
export type Landing = EntryIn<'landing'>
export type Landed = EntryIn<'landed'>
export type Failed = EntryIn<'failed'>

/** What is known of one window of one feed; a field exists only in the states where it is true. */
export type LedgerEntry = Planned | Requesting | Requested | Landing | Landed | Failed

/** Whether rows of the window are published; a later attempt, whatever becomes of it, leaves them as they are. */
export function isPublished(entry: LedgerEntry): entry is LedgerEntry & { readonly figures: Figures } {
  return entry.figures !== undefined
}

/** Whether what a window held was removed, because it was older than what its feed kept. Its figures stay. */
export function isRemoved({ figures }: Pick<LedgerEntry, 'figures'>): boolean {
  return figures?.removedAt !== undefined
}

/** Whether the published rows and files of a window stand: nobody can ask what is true of those that were removed. */
export function isStanding(entry: LedgerEntry): entry is LedgerEntry & { readonly figures: Figures } {
  return isPublished(entry) && !isRemoved(entry)
}

/** How many rows of a window readers see. */
export function standingRows(entry: LedgerEntry): number {
  return isStanding(entry) ? entry.figures.rowsLanded : 0
}

/** Whether a window failed and has no rows of its whole time: a landing without rows, or of a running one, leaves a gap. */
export function isGap({ state, figures }: LedgerEntry): boolean {
  return state === 'failed' && (!figures || figures.running === true || figures.rowsLanded === 0)
}

/** Whether the published rows are not those that the feed asks for now: they stay, but prove nothing of it. */
export function isOutdated(entry: LedgerEntry, { rowSet }: Form): boolean {
  return isStanding(entry) && entry.figures.rowSet !== rowSet
}

/** Whether the published rows are those that the feed asks for now, landed with other columns, types or shards. */
export function isOfEarlierForm(entry: LedgerEntry, { rowSet, form }: Form): boolean {
  return isStanding(entry) && entry.figures.rowSet === rowSet && entry.figures.form !== form
}

/**
 * Whether the attempt is a landing that a person asked for, from an archive or a file. It concerns its window alone: the
 * feed is neither blocked nor freed by it, and its failure is not healed by asking the service.
 */
export function isOfPerson(entry: LedgerEntry): boolean {
  return (entry.state === 'landing' || entry.state === 'failed') && entry.byPerson === true
}

/** A window as commands take it. */
export function aboutOf({ feed, window }: EntryKey): Required<Pick<About, 'feed' | 'window'>> {
  return { feed, window: windowOption(window) }
}

/** Whether the rows that stand are those of a file that a person brought: a report of the service would replace them. */
export function holdsImport(entry: LedgerEntry): boolean {
  return isStanding(entry) && entry.figures.origin === 'import'
}

/** What a landing left in the archive: the report, what it answers, and the list of its rejects where there is one. */
export type LeftInArchive = { readonly archive: string; readonly rejects?: string; readonly asked?: Asked }

/** The archive that a window was landed from last: that of its failed attempt, else that of its published landing. */
export function lastArchive({ state, history, figures }: LedgerEntry): LeftInArchive | undefined {
  const last = state === 'failed' ? history.at(-1) : undefined
  if (last?.archive !== undefined) return present({ archive: last.archive, rejects: last.rejects, asked: last.asked })
  if (!figures || figures.removedAt) return undefined
  const { archive, rejects, rowSet, selection } = figures
  return present({ archive, rejects, asked: { rowSet, selection } })
}

/** The question that an archive of a window answers, as far as the ledger knows. */
export function askedOf(entry: LedgerEntry, archive: string): Asked | undefined {
  if (isStanding(entry) && entry.figures.archive === archive) {
    const { rowSet, selection } = entry.figures
    return { rowSet, selection }
  }
  const last = lastArchive(entry)
  return last?.archive === archive ? last.asked : undefined
}

/** The blobs that an entry needs: those of its landing, of its published rows, and of a failed attempt. */
export function namedBlobs(entry: LedgerEntry): readonly string[] {
  const parts = [
    entry.state === 'landing' ? entry : undefined,
    isStanding(entry) ? entry.figures : undefined,
    lastArchive(entry),
  ]
  return parts.flatMap((part) => [part?.archive, part?.rejects].filter((name) => name !== undefined))
}

/**
 * What a landing keeps of the one before: nothing, where the two cannot be compared. The report that landed before says nothing
 * new when it lands again, so it is still compared with the one before that.
 */
export function landingBefore(
  before: Figures | undefined,
  after: Figures,
): Pick<Figures, 'totalsBefore' | 'rowsBefore' | 'grown'> {
  if (!before || !isComparable(before, after)) return {}
  if (isSameReport(before, after)) {
    const { totalsBefore, rowsBefore, grown } = before
    return present({ totalsBefore, rowsBefore, grown })
  }
  if (after.requestedAt < before.requestedAt) return {}
  return { totalsBefore: before.totals, rowsBefore: before.rowsLanded, ...(before.running && { grown: true }) }
}

/** The entry without what its last landing is compared with. */
export function withoutLandingBefore<E extends LedgerEntry>(entry: E): E {
  if (!entry.figures) return entry
  const { totalsBefore: _, rowsBefore: __, grown: ___, ...figures } = entry.figures
  return { ...entry, figures }
}

/**
 * Whether only the service can have changed the numbers between two landings: both are reports of the service, to one question,
 * that land in one form. With other types other totals exist, and other rows are rejected.
 */
function isComparable(before: Figures, after: Figures): boolean {
  const areOfService = before.origin === 'service' && after.origin === 'service'
  return !before.removedAt && areOfService && before.form === after.form && leavesOutTheSame(before, after)
}

/** Whether two landings are of one report, which its archive brought back. */
export function isSameReport(before: Figures, after: Figures): boolean {
  return before.reportId === after.reportId && before.requestedAt.getTime() === after.requestedAt.getTime()
}

/** Whether the same values were erased of two landings: else their difference would be the figures of an erased one. */
function leavesOutTheSame(before: Figures, after: Figures): boolean {
  const isUnknown = before.rowsErased !== undefined && before.erasedBy === undefined
  return !isUnknown && before.erasedBy === after.erasedBy
}

/** A number that a landing changed: of a numeric column the exact sum. One that only one landing has is absent in the other. */
type Moved<T> = { readonly before?: T; readonly after?: T }

/** What the last landing changed of the one before: the number of its rows, and the totals that moved. */
export type Change = {
  readonly rows?: { readonly before: number; readonly after: number }
  readonly totals: readonly (Moved<string> & { readonly name: string })[]
}

/**
 * What the last landing changed of the one before; undefined where the two cannot be compared: that the numbers of a running
 * window grow is no news.
 */
export function changeOf({ figures }: Pick<LedgerEntry, 'figures'>): Change | undefined {
  if (!figures?.totalsBefore || figures.grown) return undefined
  const { totalsBefore, totals, rowsBefore, rowsLanded } = figures
  const names = new Set([...Object.keys(totalsBefore), ...Object.keys(totals)])
  const moved = [...names].filter((name) => totalsBefore[name] !== totals[name])
  return {
    ...(rowsBefore !== undefined && rowsBefore !== rowsLanded && { rows: { before: rowsBefore, after: rowsLanded } }),
    totals: moved.map((name) => {
      const [before, after] = [totalsBefore[name], totals[name]]
      return { name, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
    }),
  }
}

/** Whether the source restated a window: its last landing changed the number of rows, or a total, of the one before. */
export function isRestated(entry: Pick<LedgerEntry, 'figures'>): boolean {
  const change = changeOf(entry)
  return change !== undefined && (change.rows !== undefined || change.totals.length > 0)
}

/**
 * Whether the service gave the same answer twice. Where an earlier version kept no number of rows, equal totals say so, if
 * there are any.
 */
export function isConfirmed(entry: Pick<LedgerEntry, 'figures'>): boolean {
  const { figures } = entry
  const isComparable = figures?.rowsBefore !== undefined || Object.keys(figures?.totals ?? {}).length > 0
  return changeOf(entry) !== undefined && isComparable && !isRestated(entry)
}

/** Whether an attempt is under way: asked for, or being landed. */
export function isOpen(entry: LedgerEntry): entry is Requesting | Requested | Landing {
  return entry.state === 'requesting' || entry.state === 'requested' || entry.state === 'landing'
}

/** Whether the file of a window may be put in its place: it is owed, and nobody works on the entry. */
export function isFileDue(entry: LedgerEntry): boolean {
  return entry.owed !== undefined && !isOpen(entry)
}

/** Whether a landing waits for the storage, which failed it. */
export function isResting(entry: LedgerEntry): entry is Landing {
  return entry.state === 'landing' && entry.failingSince !== undefined
}

/** Whether an attempt has ended and none is planned: only then may a person ask for another. */
export function isAtRest(entry: LedgerEntry): entry is Landed | Failed {
  return entry.state === 'landed' || entry.state === 'failed'
}

/**
 * When another owner may take a landing over: at once where the lease was given up, else half a lease after its end,
 * when the writer of the former owner has stopped.
 */
export function takeoverAt({ owner, leaseUntil }: Landing, leaseMs: number): Date {
  return owner === '' ? leaseUntil : new Date(leaseUntil.getTime() + leaseMs / 2)
}

/** What the service says of a report, as far as it decides whose it is. */
export type ReportAtService = {
  readonly reportId: string
  readonly reportName: string
  readonly queryId: string
  readonly createdAt?: Date
}

/** How far the clocks of the service and of the app may differ. */
export const CLOCK_DIFFERENCE_MS = 5 * MINUTE_MS

/**
 * Whether a report at the service is the one that an entry asked for. The service may compare names only in part, and an
 * entry that was removed by hand may have asked under the same name before.
 */
export function isReportOf({ reportName, queryId, requestedAt }: RequestFields, report: ReportAtService): boolean {
  const isEarlier = report.createdAt && report.createdAt.getTime() < requestedAt.getTime() - CLOCK_DIFFERENCE_MS
  return report.reportName === reportName && report.queryId === queryId && !isEarlier
}

/**
 * The reports at the service that an entry still needs: the one of its open attempt, and where `keepsLanded`
 * (`DELETE_REPORTS` is false) the one that landed. Any other report of ours can be deleted.
 */
export function neededReports(entry: LedgerEntry, keepsLanded: boolean): readonly string[] {
  const { figures, remoteReports } = entry
  const open = entry.state === 'requested' || entry.state === 'landing' ? [entry.reportId] : []
  const landed = keepsLanded && figures && remoteReports.includes(figures.reportId) ? [figures.reportId] : []
  return [...open, ...landed]
}

/** The reports of an entry that stand at the service and that nothing needs any more. */
export function spareReports(entry: LedgerEntry, deleteReports: boolean): readonly string[] {
  const needed = neededReports(entry, !deleteReports)
  return entry.remoteReports.filter((reportId) => !needed.includes(reportId))
}

export function hasSpareReport(entry: LedgerEntry, deleteReports: boolean): boolean {
  return spareReports(entry, deleteReports).length > 0
}
