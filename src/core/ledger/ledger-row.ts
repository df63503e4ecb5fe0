import { FAILURES, type Failure, type FailureKind } from '../failures.ts'
import type { Asked } from '../feeds/form.ts'
import { type Generation, keyRange, toGeneration } from '../report/generation.ts'
import { parseWindowId } from '../time/window.ts'
import {
  type Codec,
  type Codecs,
  count,
  dictionary,
  flag,
  instant,
  isoInstant,
  json,
  list,
  mark,
  object,
  oneOf,
  optional,
  readFields,
  readStored,
  text,
  unfit,
  writeFields,
} from './codec.ts'
import {
  type EntryKey,
  type Figures,
  LEDGER_VERSION,
  type LedgerEntry,
  type Origin,
  type PastAttempt,
  type ReportFields,
  type RequestFields,
  type SharedFields,
  type State,
  type StateFields,
} from './ledger.ts'
import type { FileEvidence, PhaseTimes, Progress, ReadBack } from './progress.ts'

/** A ledger entry as Table Storage holds it, without its keys: what is compound is JSON text. */
export type LedgerRow = Readonly<Record<string, string | number | boolean | Date>>

/** History is kept under this size, in UTF-16 units, so that an entry stays far below a property's 64 KiB. */
const HISTORY_LENGTH = 16_000

const kind: Codec<FailureKind> = oneOf(...(Object.keys(FAILURES) as FailureKind[]))
const milliseconds = object<PhaseTimes>({ check: count, write: count, count, file: optional(count) })
const file = optional(object<FileEvidence>({ bytes: count, hash: text }))

export const generation: Codec<Generation> = {
  write: (value) => value,
  read: (stored) => toGeneration(text.read(stored)) ?? unfit('a generation'),
}

const ASKED: Codecs<Asked> = { rowSet: text, selection: text }
const origin: Codec<Origin> = oneOf('service', 'import')

const figures = json<Figures>(
  object<Figures>({
    attempt: count,
    generation,
    origin,
    reportId: text,
    executionId: text,
    requestedAt: isoInstant,
    rowsRead: count,
    rowsLanded: count,
    rowsRejected: count,
    rowsDoubtful: optional(count),
    rowsErased: optional(count),
    erasedBy: optional(text),
    bytes: count,
    sha256: text,
    totals: dictionary(text),
    archive: text,
    rejects: optional(text),
    table: text,
    ...ASKED,
    form: text,
    landedAt: isoInstant,
    milliseconds,
    operations: count,
    file,
    verdict: oneOf('rows', 'empty', 'removed'),
    removedAt: optional(isoInstant),
    emptyColumns: list(text),
    running: optional(mark),
    totalsBefore: optional(dictionary(text)),
    rowsBefore: optional(count),
    grown: optional(mark),
  }),
)

const progress = json<Progress>(
  object<Progress>({
    checked: object<Progress['checked']>({
      rowsRead: count,
      rowsRejected: count,
      rowsDoubtful: optional(count),
      totals: dictionary(text),
      filledColumns: list(text),
      emptyColumns: list(text),
    }),
    etag: text,
    acknowledged: count,
    rejected: count,
    refused: dictionary(list(count)),
    mustCount: flag,
    counted: count,
    rounds: count,
    operations: count,
    milliseconds,
    readBack: optional(object<ReadBack>({ groups: count, rows: count, hashes: list(text) })),
    file,
  }),
)

const pastAttempts = list(
  object<PastAttempt>({
    attempt: count,
    at: isoInstant,
    outcome: oneOf('landed', 'expired', ...(Object.keys(FAILURES) as FailureKind[])),
    requestedAt: optional(isoInstant),
    correlationId: optional(text),
    rows: optional(count),
    archive: optional(text),
    rejects: optional(text),
    asked: optional(object(ASKED)),
  }),
)

/** The oldest attempts are dropped where the history would grow too long. */
const history: Codec<readonly PastAttempt[]> = {
  read: json(pastAttempts).read,
  write(attempts) {
    const written = JSON.stringify(pastAttempts.write(attempts))
    return written.length <= HISTORY_LENGTH ? written : history.write(attempts.slice(1))
  },
}

const SHARED: Codecs<SharedFields> = {
  lane: oneOf('live', 'backfill'),
  attempt: count,
  tries: count,
  figures: optional(figures),
  lastError: optional(json(object({ kind, message: text, at: isoInstant }))),
  heals: count,
  remoteReports: json(list(text)),
  acceptEmpty: optional(flag),
  owed: optional(oneOf('parquet')),
  history,
}

const REQUEST: Codecs<RequestFields> = {
  reportName: text,
  queryId: text,
  asked: json(object(ASKED)),
  requestedAt: instant,
  columns: optional(json(list(text))),
}

const REPORT: Codecs<ReportFields> = { ...REQUEST, reportId: text, deadline: instant, pollAfter: instant }

/** Every field of every state: a field that is added to a state's type does not compile until it is here. */
const BY_STATE: { readonly [S in State]: Codecs<StateFields[S]> } = {
  planned: { reason: oneOf('refresh', 'retry', 'expired', 'healed'), notBefore: instant },
  requesting: { ...REQUEST, lookAfter: optional(instant), hinted: optional(mark) },
  requested: { ...REPORT, hinted: optional(mark) },
  landing: {
    ...REPORT,
    executionId: text,
    origin,
    byPerson: optional(mark),
    cut: optional(mark),
    archive: optional(text),
    generation,
    rejects: optional(text),
    hash: text,
    phase: oneOf('check', 'write', 'count', 'file'),
    checkpoint: count,
    leaseUntil: instant,
    owner: text,
    failingSince: optional(instant),
    progress: optional(progress),
    lost: optional(count),
  },
  landed: { figures, refreshAt: optional(instant) },
  failed: {
    kind,
    message: text,
    since: instant,
    byPerson: optional(mark),
    origin: optional(origin),
    archive: optional(text),
    cut: optional(mark),
    broken: optional(mark),
  },
}

const STATE: Codecs<{ readonly state: State }> = { state: oneOf(...(Object.keys(BY_STATE) as State[])) }

/** Whether two entries are the same but for what hints change. */
export function differOnlyInHints(entry: LedgerEntry, other: LedgerEntry): boolean {
  const [row, otherRow] = [entry, other].map((each) => toRow(each, entry.window.from))
  const names = Object.keys({ ...row, ...otherRow }).filter((name) => name !== 'hinted' && name !== 'lookAfter')
  return names.every((name) => JSON.stringify(row?.[name]) === JSON.stringify(otherRow?.[name]))
}

/** Gives the stored form of an entry, without its keys. `wakeAt` is when a timer looks at it next. */
export function toRow(entry: LedgerEntry, wakeAt: Date): LedgerRow {
  const shared = writeFields(SHARED, entry)
  const own = writeFields<object>(BY_STATE[entry.state], entry)
  return { v: LEDGER_VERSION, state: entry.state, wakeAt, ...shared, ...own, ...publishedColumns(entry) } as LedgerRow
}

/** What readers of the landing table need, as columns of their own beside the figures that prove it. */
function publishedColumns({ window, figures }: LedgerEntry) {
  if (!figures) return {}
  const { generation, table, rowsLanded, landedAt, removedAt } = figures
  if (removedAt) return { removedAt }
  return { table, ...keyRange(window, generation), rows: rowsLanded, landedAt }
}

/** What an overview leaves out: the long texts that say nothing of how it stands with a window. */
const LEFT_OUT = ['history', 'progress', 'columns', 'reportName', 'asked']

/** The columns of an entry that an overview of many reads. */
export const OVERVIEW_COLUMNS: readonly string[] = [
  ...new Set(['v', ...Object.keys({ ...STATE, ...SHARED }), ...Object.values(BY_STATE).flatMap(Object.keys)]),
].filter((name) => !LEFT_OUT.includes(name))

/**
 * Reads what an overview has of a stored entry. The entry has no history, and must never be written. What is left out is not
 * looked at, so an entry can be unreadable for the steps and not for an overview.
 */
export function fromOverview(feed: string, id: string, row: Readonly<Record<string, unknown>>): LedgerEntry | Failure {
  return fromRow(feed, id, { ...row, history: '[]', reportName: '', asked: NOTHING_ASKED })
}

const NOTHING_ASKED = JSON.stringify({ rowSet: '', selection: '' } satisfies Asked)

/** Reads a stored entry; anything that does not fit is a failure, never a guess. */
export function fromRow(feed: string, id: string, row: Readonly<Record<string, unknown>>): LedgerEntry | Failure {
  return readStored(`ledger entry ${feed} ${id}`, () => readEntry(feed, id, row))
}

function readEntry(feed: string, id: string, row: Readonly<Record<string, unknown>>): LedgerEntry {
  const window = parseWindowId(id)
  if (!window) throw new Error('its key is not a window')
  if (row.v !== LEDGER_VERSION) throw new Error(`version ${String(row.v)} is not known to this app`)
  const { state } = readFields(STATE, row)
  return entryIn(state, { feed, window, ...readFields(SHARED, row) }, row)
}

function entryIn<S extends State>(
  name: S,
  shared: EntryKey & SharedFields,
  row: Readonly<Record<string, unknown>>,
): LedgerEntry {
  // One state with the fields of that very state: the compiler cannot follow this through a state that is a variable.
  return { ...shared, ...readFields(BY_STATE[name], row, { ...shared }), state: name } as unknown as LedgerEntry
}

/** The keys of an entry and the fields it has in every state: what a change of state leaves as it was. */
export function sharedFields(entry: LedgerEntry): EntryKey & SharedFields {
  const names = Object.keys(SHARED) as (keyof SharedFields)[]
  const present = names.filter((name) => entry[name] !== undefined).map((name) => [name, entry[name]])
  return { feed: entry.feed, window: entry.window, ...Object.fromEntries(present) }
}
