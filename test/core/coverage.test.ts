import { describe, expect, it } from 'vitest'
import { newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { Figures, LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { coverage } from '../../src/core/plan/coverage.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const ROW = newFeedRow(feedOf({ from: '2025-04-01', to: '2025-07-01' }), {}, new Date('2025-07-01T00:00:00Z'))

const generation = newGeneration(() => '0123456789ab')

const figuresOf = (attempt: number, rowsLanded: number): Figures => ({
  ...{ attempt, generation, reportId: 'r', executionId: 'e', requestedAt: NOW, rowsRead: rowsLanded, rowsLanded },
  ...{
    origin: 'service',
    rowsRejected: 0,
    bytes: 1,
    sha256: 's',
    totals: {},
    archive: 'a',
    table: 'T',
    ...ROW.form,
    landedAt: NOW,
    operations: 1,
    verdict: 'rows',
    emptyColumns: [],
  },
  milliseconds: { check: 0, write: 0, count: 0 },
})

/** A month of 2025 in a state, with the attempt that was published last. */
function entry(month: number, state: 'landed' | 'failed', landed?: number): LedgerEntry {
  const window = { from: new Date(Date.UTC(2025, month - 1, 1)), to: new Date(Date.UTC(2025, month, 1)) }
  const common = {
    feed: 'azure-usage',
    window,
    lane: 'live',
    attempt: 9,
    tries: 0,
    heals: 0,
    remoteReports: [],
    history: [],
  } as const
  const figures = landed === undefined ? undefined : figuresOf(landed, 100)
  if (state === 'landed') return { ...common, state, figures: figures ?? figuresOf(0, 0) }
  return { ...common, state, kind: 'malformed', message: 'm', since: NOW, ...(figures && { figures }) }
}

describe('coverage', () => {
  it('of a feed that was never asked for is nothing', () => {
    expect(coverage(NOW, { row: ROW, unreadable: [], entries: [] })).toMatchObject({ waiting: 3, complete: 0, rows: 0 })
    expect(coverage(NOW, { row: ROW, unreadable: [], entries: [] }).completeUntil).toBeUndefined()
  })

  it('ends at the first gap, also where later months are landed', () => {
    const entries = [entry(4, 'landed', 1), entry(6, 'landed', 1)]
    const found = coverage(NOW, { row: ROW, unreadable: [], entries })
    expect(found).toMatchObject({ waiting: 1, complete: 2, rows: 200, completeUntil: new Date('2025-05-01T00:00:00Z') })
  })

  it('counts a month whose later attempt failed: its rows stand', () => {
    const found = coverage(NOW, { row: ROW, unreadable: [], entries: [entry(4, 'failed', 1)] })
    expect(found).toMatchObject({ complete: 1, rows: 100, states: { failed: 1 } })
  })

  it('shows a running month with its time, and does not count it before its data has settled', () => {
    const running = entry(6, 'landed', 1)
    const figures = { ...figuresOf(1, 100), running: true, requestedAt: new Date('2025-07-02T00:00:00Z') } as const
    const entries = [entry(4, 'landed', 1), entry(5, 'landed', 1), { ...running, figures }]
    expect(coverage(NOW, { row: ROW, unreadable: [], entries })).toMatchObject({
      ...{ complete: 2, outdated: 0, rows: 200, completeUntil: new Date('2025-06-01T00:00:00Z') },
      running: [{ window: '20250601T000000Z_20250701T000000Z', asOf: figures.requestedAt, rows: 100 }],
    })
  })

  it('does not count a month of which nothing was published', () => {
    const found = coverage(NOW, { row: ROW, unreadable: [], entries: [entry(4, 'failed')] })
    expect(found).toMatchObject({ complete: 0, rows: 0 })
    expect(found.completeUntil).toBeUndefined()
  })

  it('reaches the end of the last month where all are proven', () => {
    const entries = [6, 4, 5].map((month) => entry(month, 'landed', 1))
    expect(coverage(NOW, { row: ROW, unreadable: [], entries }).completeUntil).toEqual(new Date('2025-07-01T00:00:00Z'))
  })

  it('does not jump over a month that is not due yet, nor count what lies ahead', () => {
    const row = { ...ROW, feed: feedOf({ from: '2025-06-01' }) }
    const until = (...months: number[]) =>
      coverage(NOW, { row, unreadable: [], entries: months.map((month) => entry(month, 'landed', 1)) }).completeUntil
    expect(until(6, 8)).toEqual(new Date('2025-07-01T00:00:00Z'))
    // July runs: what was landed of it is no whole month.
    expect(until(6, 7, 8)).toEqual(new Date('2025-07-01T00:00:00Z'))
    expect(until(7, 8)).toBeUndefined()
  })

  it("begins at the feed's from: what failed before it does not count", () => {
    const row = { ...ROW, feed: feedOf({ from: '2025-05-01', to: '2025-07-01' }) }
    const entries = [entry(4, 'failed'), entry(5, 'landed', 1)]
    expect(coverage(NOW, { row, unreadable: [], entries }).completeUntil).toEqual(new Date('2025-06-01T00:00:00Z'))
  })

  it('passes a gap that a person accepted, and no other', () => {
    const entries = [entry(4, 'failed'), entry(5, 'failed'), entry(6, 'landed', 1)]
    const until = (...acceptedGaps: string[]) =>
      coverage(NOW, { row: { ...ROW, acceptedGaps }, unreadable: [], entries }).completeUntil
    expect(until('20250401T000000Z_20250501T000000Z')).toEqual(new Date('2025-05-01T00:00:00Z'))
    expect(until('20250401T000000Z_20250501T000000Z', '20250501T000000Z_20250601T000000Z')).toEqual(
      new Date('2025-07-01T00:00:00Z'),
    )
  })

  it('of a snapshot feed is its latest snapshot', () => {
    const row = { ...ROW, feed: feedOf({ name: 'profile', dataset: 'Profile', snapshot: 'P7D' }) }
    const entries = [entry(4, 'landed', 1), entry(5, 'landed', 1)]
    const found = coverage(NOW, { row, unreadable: [], entries })
    expect(found.latestSnapshot).toEqual(entries[1]?.window)
    expect(found.completeUntil).toBeUndefined()
  })
})
