import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { Figures, LedgerEntry } from '../../src/core/ledger/ledger.ts'
import type { Generation } from '../../src/core/report/generation.ts'
import type { Window } from '../../src/core/time/window.ts'
import { parseMonth } from '../../src/core/time/words.ts'
import { feedOf } from './feed-of.ts'

/** When the status of these tests is asked for. */
export const NOW = new Date('2025-12-10T12:00:00Z')

export const rowOf = (fields: Readonly<Record<string, unknown>> = {}): FeedRow =>
  newFeedRow(
    feedOf({ from: '2025-01-01', openWindow: false, refresh: false, ...fields }),
    {},
    new Date('2025-10-20T00:00:00Z'),
  )

export function month(text: string): Window {
  const window = parseMonth(text)
  if (!window) throw new Error(`${text} is no month`)
  return window
}

const SHARED = { feed: 'azure-usage', lane: 'live', tries: 0, heals: 0, remoteReports: [], history: [] } as const

/** A landed window, asked for when its data had surely settled. */
export function landed(text: string, rows: number, more: Partial<Figures> = {}, row = rowOf()): LedgerEntry {
  const window = month(text)
  const requestedAt = new Date(window.to.getTime() + 45 * 86_400_000)
  const figures: Figures = {
    ...{ attempt: 1, generation: '3f2a1c09b7de' as Generation, origin: 'service', reportId: 'r', executionId: 'e' },
    ...{ requestedAt, rowsRead: rows, rowsLanded: rows, rowsRejected: 0, bytes: 9, sha256: 'a1', archive: 'blob' },
    ...{ totals: { Units: String(rows) }, table: 'AzureUsage', landedAt: new Date(requestedAt.getTime() + 60_000) },
    ...{ milliseconds: { check: 1, write: 2, count: 3 }, operations: 4, emptyColumns: [], selection: 's' },
    ...{ verdict: rows === 0 ? 'empty' : 'rows', rowSet: row.form.rowSet, form: row.form.form },
    ...more,
  }
  return { ...SHARED, window, attempt: figures.attempt, figures, state: 'landed' }
}

/** Months of 2025 with so many rows, from January on. */
export const months = (...rows: readonly number[]): readonly LedgerEntry[] =>
  rows.map((count, at) => landed(`2025-${String(at + 1).padStart(2, '0')}`, count))

export function failedMonth(text: string, more: Partial<Extract<LedgerEntry, { state: 'failed' }>> = {}): LedgerEntry {
  const failure = { kind: 'malformed', message: 'the file is no report', since: NOW } as const
  return {
    ...SHARED,
    window: month(text),
    attempt: 1,
    ...failure,
    lastError: { ...failure, at: NOW },
    ...more,
    state: 'failed',
  }
}
