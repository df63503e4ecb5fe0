import { describe, expect, it } from 'vitest'
import { type FailureKind, failed } from '../../src/core/failures.ts'
import { type FeedRow, newFeedRow, withBackfillPaused } from '../../src/core/ledger/feed-row.ts'
import type { Figures, Landed, LedgerEntry, Planned } from '../../src/core/ledger/ledger.ts'
import { toFailed, toPlanned, toReopened } from '../../src/core/ledger/transitions.ts'
import { viewBackfill } from '../../src/core/plan/backfill.ts'
import { historyCounts, historyOf } from '../../src/core/plan/feed-history.ts'
import { EMPTY_PACING } from '../../src/core/plan/pacing.ts'
import { dueRequests, nextRequest, pausedBefore, trialRequest } from '../../src/core/plan/plan.ts'
import { type Choice, setBack } from '../../src/core/plan/set-back.ts'
import { inTurns } from '../../src/core/plan/turns.ts'
import type { Generation } from '../../src/core/report/generation.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const SINCE = new Date('2025-03-15T00:00:00Z')
const ROW: FeedRow = {
  ...newFeedRow(feedOf({ from: '2024-12-01', openWindow: true }), {}, SINCE),
  ranges: ['LAST_1_YEAR'],
}

const inHours = (hours: number) => new Date(NOW.getTime() + hours * HOUR_MS)

const FIGURES: Figures = {
  ...ROW.form,
  attempt: 1,
  generation: '0123456789ab' as Generation,
  origin: 'service',
  reportId: 'r',
  executionId: 'e',
  requestedAt: new Date('2025-07-01T00:00:00Z'),
  rowsRead: 1,
  rowsLanded: 1,
  rowsRejected: 0,
  bytes: 1,
  sha256: '',
  totals: {},
  archive: 'a',
  table: 'AzureUsage',
  landedAt: new Date('2025-07-01T00:20:00Z'),
  milliseconds: { check: 1, write: 1, count: 0 },
  operations: 1,
  verdict: 'rows',
  emptyColumns: [],
}

/** The month of 2025 (0 is January), or of the years around it, landed. */
const landed = (index: number, figures: Partial<Figures> = {}, lane: Landed['lane'] = 'live'): Landed => ({
  feed: 'azure-usage',
  window: { from: new Date(Date.UTC(2025, index, 1)), to: new Date(Date.UTC(2025, index + 1, 1)) },
  lane,
  attempt: 1,
  tries: 0,
  heals: 0,
  remoteReports: [],
  history: [],
  figures: { ...FIGURES, ...figures },
  state: 'landed',
})

const outcome = (choice: Choice, entry: LedgerEntry, row: FeedRow = ROW) => {
  const next = setBack(choice, row, entry, NOW)
  if (!next) return undefined
  return 'why' in next ? next.why : `${next.state} ${next.lane} ${next.reason}`
}

describe('what a choice sets back', () => {
  it('goes with the history, also where it was live, and keeps its rows', () => {
    const entry = landed(4)
    expect(outcome('all', entry)).toBe('planned backfill retry')
    expect(setBack('all', ROW, entry, NOW)).toMatchObject({ figures: entry.figures, tries: 0, notBefore: NOW })
    expect(outcome('failed', toFailed(entry, failed('malformed', 'no'), NOW))).toBe('planned backfill retry')
    expect(outcome('outdated', landed(4, { rowSet: 'another' }))).toBe('planned backfill retry')
  })

  it('is nothing that the choice is not about', () => {
    expect(outcome('failed', landed(4))).toBeUndefined()
    expect(outcome('outdated', landed(4))).toBeUndefined()
  })

  it('leaves what is planned, under way, unsettled, or out of range, and says why', () => {
    const planned = setBack('all', ROW, landed(4), NOW) as Planned
    expect(outcome('all', planned)).toBe('is planned already')
    expect(outcome('all', landed(6, { running: true }))).toMatch(/^has not settled/)
    expect(outcome('failed', toFailed(landed(6, { running: true }), failed('malformed', 'no'), NOW))).toMatch(
      /^has not/,
    )
    expect(outcome('all', landed(-7))).toBe('begins before what the service offers of AzureUsage (LAST_1_YEAR)')
  })

  it('says of what has not settled when the app asks for it, or else how a person does', () => {
    const running = { ...landed(6, { running: true, rowSet: 'another' }), refreshAt: inHours(30) }
    for (const choice of ['outdated', 'all'] as const)
      expect(outcome(choice, running)).toBe('has not settled: the app asks for it by itself, at 2025-07-11T18:00Z')
    const failing = (kind: FailureKind) => outcome('outdated', toFailed(running, failed(kind, 'no'), NOW))
    expect(failing('deadline')).toBe('has not settled: the app asks for it by itself, at 2025-07-10T18:00Z')
    for (const kind of ['malformed', 'column-missing'] as const)
      expect(failing(kind)).toBe('has not settled: "retry" has it asked for again')
    // Its delay became longer after it had landed, and nothing refreshes it.
    expect(outcome('outdated', landed(6, { rowSet: 'another' }))).toMatch(/^has not settled: "retry"/)
  })

  it('takes what failed once it has settled, whatever it landed while it ran', () => {
    const running = landed(4, { running: true })
    expect(outcome('failed', toFailed(running, failed('malformed', 'no'), NOW))).toBe('planned backfill retry')
    // The app asks for that one by itself.
    expect(outcome('all', running)).toMatch(/^has not settled/)
  })

  it('leaves an imported file, unless the service is known to have its time', () => {
    const file = landed(4, { origin: 'import' })
    const { ranges: _, ...unknown } = ROW
    expect(outcome('all', file, unknown)).toMatch(/^was imported/)
    expect(outcome('all', landed(-7, { origin: 'import' }))).toMatch(/^was imported/)
    expect(outcome('all', file)).toBe('planned backfill retry')
    expect(outcome('all', landed(4), unknown)).toBe('planned backfill retry')
  })

  it('never comes before a live window', () => {
    const planned = [3, 4].map((index) => setBack('all', ROW, landed(index), NOW) as Planned)
    const taken = Array.from({ length: 6 }, (_, index) => landed(index - 1).window)
    const due = inTurns(dueRequests(NOW, { row: ROW, spans: taken, planned }), {})
    expect(due.map(({ priority, window }) => `${priority} ${window.from.toISOString().slice(0, 7)}`)).toEqual([
      'live 2025-06',
      'live 2025-07',
      'backfill 2025-05',
      'backfill 2025-04',
    ])
  })
})

describe('a paused history', () => {
  const paused = withBackfillPaused(ROW, true)
  const plan = { row: paused, spans: [], planned: [] }

  it('is not asked for, while what is live is', () => {
    expect(dueRequests(NOW, plan).map(({ lane }) => lane)).toEqual(Array(5).fill('live'))
    expect(nextRequest(NOW, plan)).toEqual(new Date('2025-03-05T00:00:00Z'))
    const trial = trialRequest(NOW, { ...plan, spans: dueRequests(NOW, plan).map(({ window }) => window) }, [])
    expect(trial).toBeUndefined()
  })

  it('stays paused, however often the report of a window that was set back expired or failed', () => {
    const back = setBack('all', ROW, landed(1), NOW) as Planned
    const expired = toPlanned(back, 'expired', NOW, 1)
    const healed = toReopened(toFailed(expired, failed('deadline', 'no'), NOW), NOW)
    const all = { row: paused, spans: [landed(1).window], planned: [back, expired, healed] }
    expect(dueRequests(NOW, all).filter(({ lane }) => lane === 'backfill')).toEqual([])
    const resumed = dueRequests(NOW, { ...all, row: ROW }).filter(({ previous }) => previous)
    expect(resumed.map(({ priority }) => priority)).toEqual(Array(3).fill('backfill'))
    // One that is refreshed by its age goes on, also after its report expired.
    const young = {
      ...landed(4, {}, 'backfill'),
      figures: { ...FIGURES, requestedAt: new Date('2025-06-08T00:00:00Z') },
    }
    const refreshes = ['refresh', 'expired', 'healed'] as const
    const again = refreshes.map((reason) => toPlanned(young, reason, NOW, 1))
    const due = dueRequests(NOW, { ...all, planned: again }).filter(({ previous }) => previous)
    expect(due.map(({ priority }) => priority)).toEqual(Array(3).fill('refresh'))
  })

  it('goes on refreshing the young windows that were set back', () => {
    const back = setBack('all', paused, landed(4, { requestedAt: NOW, landedAt: NOW }), NOW) as Planned
    const known = {
      row: paused,
      spans: [{ from: new Date('2024-12-01'), to: new Date('2026-01-01') }],
      planned: [back],
    }
    expect(dueRequests(NOW, known)).toEqual([])
    const next = nextRequest(NOW, known)
    expect(next && next > NOW).toBe(true)
    expect(next && dueRequests(next, known).map(({ priority }) => priority)).toEqual(['refresh'])
  })

  it('leaves nothing due that begins before the time from which a tick reads paused history', () => {
    const held = pausedBefore(NOW, paused)
    if (!held) throw new Error('a paused feed holds something')
    const planned = Array.from({ length: 36 }, (_, at) => setBack('all', paused, landed(at - 30), NOW)).flatMap(
      (each) => (each && 'state' in each ? [each] : []),
    )
    const known = { row: { ...paused, ranges: ['LIFETIME'] }, spans: [], planned }
    const due = dueRequests(NOW, known).flatMap(({ previous }) => (previous ? [previous.window.from] : []))
    expect(due.length).toBeGreaterThan(0)
    expect(due.every((from) => from >= held)).toBe(true)
    // Only the young ones: a tick reads no more than those of its refresh.
    expect(NOW.getTime() - held.getTime()).toBeLessThan(140 * DAY_MS)
    expect(pausedBefore(NOW, ROW)).toBeUndefined()
  })

  it('is absent from the row of a feed that is not paused', () => {
    expect(withBackfillPaused(ROW, false)).toBe(ROW)
    expect(withBackfillPaused(paused, true)).toBe(paused)
    expect(withBackfillPaused(paused, false)).toEqual(ROW)
    expect(JSON.stringify(withBackfillPaused(paused, false))).toBe(JSON.stringify(ROW))
  })
})

describe('the history of a feed', () => {
  it('counts each window once, those before the reach of the service too', () => {
    const row = {
      ...ROW,
      feed: feedOf({ from: '2024-06-01' }),
      reach: { of: { date: '2024-06-01T00:00:00.000Z' }, from: '2024-08-01T00:00:00.000Z' },
    }
    const entries: readonly LedgerEntry[] = [
      landed(-5, {}, 'backfill'),
      toFailed(landed(-4, {}, 'backfill'), failed('malformed', 'no'), NOW),
      toFailed(landed(-3, {}, 'backfill'), failed('out-of-range', 'no'), NOW),
      setBack('all', ROW, landed(-2, {}, 'backfill'), NOW) as Planned,
    ]
    const history = historyOf(NOW, { row, entries, unreadable: [] })
    expect(historyCounts(history)).toEqual({
      landed: 1,
      failed: 1,
      waiting: 4,
      dueLater: 0,
      underWay: 0,
      outOfRange: 3,
    })
    expect(history.map(({ window, condition }) => `${window.from.toISOString().slice(0, 7)} ${condition}`)).toEqual([
      ...['2024-06 outOfRange', '2024-07 outOfRange', '2024-08 landed', '2024-09 failed', '2024-10 outOfRange'],
      ...['2024-11 waiting', '2024-12 waiting', '2025-01 waiting', '2025-02 waiting'],
    ])
  })

  it('counts as waiting what is due now, and apart what is due later, so that both are all that is to come', () => {
    const feed = feedOf({ from: '2025-03-01', delay: 'P45D', openWindow: false })
    const later = { ...(setBack('all', ROW, landed(2, {}, 'backfill'), NOW) as Planned), notBefore: inHours(6) }
    const history = historyOf(NOW, { row: newFeedRow(feed, {}, NOW), entries: [later], unreadable: [] })
    expect(history.map(({ window, condition }) => `${window.from.toISOString().slice(0, 7)} ${condition}`)).toEqual([
      '2025-03 dueLater',
      '2025-04 waiting',
      '2025-05 dueLater',
      '2025-06 dueLater',
    ])
  })

  it('takes as long as reports have taken: those of the feed, else those of the others', () => {
    const other = { ...ROW, feed: feedOf({ name: 'other', from: '2024-12-01' }) }
    const account = {
      feeds: [
        { row: ROW, entries: [landed(2), landed(1)], unreadable: [] },
        { row: other, entries: [], unreadable: [] },
      ],
      pacing: EMPTY_PACING,
      limits: { maxInFlight: 10, maxReportsPerHour: 20 },
      rules: { adoptAfterMs: 1, leaseMs: 1, reportDeadlineMs: DAY_MS, deleteReports: true },
    }
    const next = (ms: number) => (after: Date) => new Date(Math.floor(after.getTime() / ms + 1) * ms)
    const timers = { nextTick: next(15 * MINUTE_MS), nextSweep: next(5 * MINUTE_MS), requestMs: 1000 }
    const view = viewBackfill(NOW, [account], timers, { feed: 'other', isInSpan: () => true })
    expect(view.feeds).toMatchObject([
      { feed: 'other', reportMs: 20 * MINUTE_MS, waiting: 3, reports: 3, progress: 'going' },
    ])
    const again = viewBackfill(NOW, [account], timers, { feed: 'azure-usage', choice: 'all', isInSpan: () => true })
    const ofHistory = again.requests.filter(({ priority }) => priority === 'backfill')
    expect(ofHistory.map(({ window, state }) => `${window.from.toISOString().slice(0, 7)} ${state}`)).toEqual([
      ...['2025-03 landed', '2025-02 landed', '2025-01 waiting', '2024-12 waiting'],
    ])
    const before = viewBackfill(NOW, [{ ...account, feeds: account.feeds.slice(1) }], timers, { isInSpan: () => true })
    expect(before.feeds).toMatchObject([{ feed: 'other', reportMs: 10 * MINUTE_MS }])
  })
})
