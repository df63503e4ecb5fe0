import { type Failure, failed, isFailureKind } from '../failures.ts'
import { parseWindowId } from '../time/window.ts'
import {
  type Figures,
  type LastError,
  LEDGER_VERSION,
  type LedgerEntry,
  type PastAttempt,
  type Phase,
  type PlannedReason,
} from './ledger.ts'
import type { Progress } from './progress.ts'

/** A ledger entry as Table Storage holds it: what is compound is JSON text. */
export type LedgerRow = Readonly<Record<string, string | number | boolean | Date>>

/** History is kept under this size, in UTF-16 units, so that an entry stays far below a property's 64 KiB. */
const HISTORY_LENGTH = 16_000

/** Gives the stored form of an entry, without its keys. */
export function toRow(entry: LedgerEntry): LedgerRow {
  const { feed: _, window: __, figures, lastError, history, ...rest } = entry
  const { progress, ...plain } = 'progress' in rest ? rest : { ...rest, progress: undefined }
  return {
    v: LEDGER_VERSION,
    ...plain,
    ...(figures && { figures: JSON.stringify(figures) }),
    ...(progress && { progress: JSON.stringify(progress) }),
    ...(lastError && { lastError: JSON.stringify(lastError) }),
    history: historyText(history),
  }
}

function historyText(history: readonly PastAttempt[]): string {
  const text = JSON.stringify(history)
  return text.length <= HISTORY_LENGTH ? text : historyText(history.slice(1))
}

/** Reads a stored entry; anything that does not fit is a failure, never a guess. */
export function fromRow(feed: string, id: string, row: Readonly<Record<string, unknown>>): LedgerEntry | Failure {
  try {
    return readEntry(feed, id, row)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return failed('unreadable-entry', `ledger entry ${feed} ${id}: ${reason}`)
  }
}

function readEntry(feed: string, id: string, row: Readonly<Record<string, unknown>>): LedgerEntry {
  const window = parseWindowId(id)
  if (!window) throw new Error('its key is not a window')
  if (row.v !== LEDGER_VERSION) throw new Error(`version ${String(row.v)} is not known to this app`)
  const read = reader(row)
  const common = {
    ...{ feed, window, lane: read.oneOf('lane', ['live', 'backfill'] as const) },
    ...{ attempt: read.number('attempt'), tries: read.number('tries'), heals: read.number('heals') },
    history: read.json<PastAttempt[]>('history').map((past) => ({ ...past, at: instant(past.at, 'history') })),
    ...(row.figures !== undefined && { figures: readFigures(read) }),
    ...(row.lastError !== undefined && { lastError: readLastError(read) }),
    ...(row.wrote !== undefined && { wrote: read.number('wrote') }),
    ...(row.remoteReport !== undefined && { remoteReport: read.text('remoteReport') }),
    ...(row.acceptEmpty === true && { acceptEmpty: true }),
  }
  return { ...common, ...readState(read) } as unknown as LedgerEntry
}

const STATES = ['planned', 'requesting', 'requested', 'landing', 'landed', 'failed'] as const
const REASONS = ['refresh', 'retry', 'expired', 'healed'] as const satisfies readonly PlannedReason[]
const PHASES = ['check', 'write', 'remove'] as const satisfies readonly Phase[]

/** The fields of each state; `landed` has only the figures, which every state may have. */
function readState(read: Reader): object {
  const state = read.oneOf('state', STATES)
  if (state === 'planned') return { state, reason: read.oneOf('reason', REASONS), notBefore: read.date('notBefore') }
  if (state === 'failed') {
    return { state, kind: read.kind('kind'), message: read.text('message'), since: read.date('since') }
  }
  if (state === 'landed') return { state, figures: readFigures(read) }
  const asked = {
    reportName: read.text('reportName'),
    queryId: read.text('queryId'),
    requestedAt: read.date('requestedAt'),
  }
  if (state === 'requesting') return { state, ...asked }
  const known = { reportId: read.text('reportId'), deadline: read.date('deadline'), pollAfter: read.date('pollAfter') }
  if (state === 'requested') return { state, ...asked, ...known }
  return { state, ...asked, ...known, ...readHeld(read) }
}

function readFigures(read: Reader): Figures {
  const figures = read.json<Figures>('figures')
  const requestedAt = instant(figures.requestedAt, 'figures')
  return { ...figures, requestedAt, landedAt: instant(figures.landedAt, 'figures') }
}

function readLastError(read: Reader): LastError {
  const lastError = read.json<LastError>('lastError')
  return { ...lastError, at: instant(lastError.at, 'lastError') }
}

/** An instant inside JSON is ISO text. It is read by its place, not by its name: a column's total can have any name. */
function instant(value: unknown, name: string): Date {
  const date = new Date(String(value))
  if (Number.isNaN(date.getTime())) throw new Error(`${name} holds no time where one belongs`)
  return date
}

function readHeld(read: Reader): object {
  return {
    executionId: read.text('executionId'),
    ...(read.has('archive') && { archive: read.text('archive') }),
    hash: read.text('hash'),
    phase: read.oneOf('phase', PHASES),
    checkpoint: read.number('checkpoint'),
    leaseUntil: read.date('leaseUntil'),
    owner: read.text('owner'),
    ...(read.has('progress') && { progress: read.json<Progress>('progress') }),
  }
}

type Reader = ReturnType<typeof reader>

function reader(row: Readonly<Record<string, unknown>>) {
  const text = (name: string): string => {
    const value = row[name]
    return typeof value === 'string' ? value : wrong(name, 'text')
  }
  return {
    text,
    has: (name: string) => row[name] !== undefined,
    number(name: string): number {
      const value = row[name]
      return typeof value === 'number' && Number.isInteger(value) ? value : wrong(name, 'a whole number')
    },
    date(name: string): Date {
      const value = row[name]
      return value instanceof Date && !Number.isNaN(value.getTime()) ? value : wrong(name, 'a time')
    },
    oneOf: <T extends string>(name: string, allowed: readonly T[]): T =>
      allowed.find((each) => each === row[name]) ?? wrong(name, `one of ${allowed.join(', ')}`),
    kind(name: string) {
      const value = text(name)
      return isFailureKind(value) ? value : wrong(name, 'a kind of failure')
    },
    json: <T>(name: string): T => JSON.parse(text(name)) as T,
  }
}

function wrong(name: string, what: string): never {
  throw new Error(`${name} is not ${what}`)
}
