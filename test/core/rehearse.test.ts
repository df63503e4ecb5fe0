import { describe, expect, it } from 'vitest'
import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry, Planned } from '../../src/core/ledger/ledger.ts'
import { EMPTY_PACING, type Pacing } from '../../src/core/plan/pacing.ts'
import { type AccountNow, type Assumed, rehearse } from '../../src/core/plan/rehearse.ts'
import type { Rehearsed } from '../../src/core/plan/rehearsed-feed.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:01Z')
const RULES = { adoptAfterMs: 5 * MINUTE_MS, leaseMs: 2 * MINUTE_MS, reportDeadlineMs: DAY_MS, deleteReports: true }

/** The next full quarter of an hour, or whatever the period is. */
const every = (milliseconds: number) => (after: Date) =>
  new Date(Math.floor(after.getTime() / milliseconds + 1) * milliseconds)

const ASSUMED: Assumed = {
  nextTick: every(15 * MINUTE_MS),
  nextSweep: every(5 * MINUTE_MS),
  requestMs: 1000,
  reportMs: () => 10 * MINUTE_MS,
}

const rowOf = (name: string, fields: object, row: Partial<FeedRow> = {}): FeedRow => ({
  ...newFeedRow(feedOf({ name, refresh: { every: 'P1D', for: 'P1D' }, openWindow: false, ...fields }), {}, NOW),
  ...row,
})

type Known = { readonly row: FeedRow; readonly entries?: readonly LedgerEntry[] }

const account = (feeds: readonly Known[], pacing: Pacing = EMPTY_PACING): AccountNow => ({
  feeds: feeds.map(({ entries = [], ...known }) => ({ ...known, entries, unreadable: [] })),
  pacing,
  limits: { maxInFlight: 10, maxReportsPerHour: 20 },
  rules: RULES,
})

const shown = ({ feed, window, at }: Rehearsed) =>
  `${at.toISOString().slice(11, 16)} ${feed} ${window.from.toISOString().slice(0, 7)}`

const planned = (from: string, to: string, fields: Partial<Planned> = {}): Planned => ({
  feed: 'usage',
  window: { from: new Date(from), to: new Date(to) },
  lane: 'backfill',
  attempt: 1,
  tries: 0,
  heals: 0,
  remoteReports: [],
  history: [],
  state: 'planned',
  reason: 'retry',
  notBefore: NOW,
  ...fields,
})

describe('rehearse', () => {
  it('begins no tick before the one before it has ended, so that what it asks for stays in order', () => {
    const usage = { row: rowOf('usage', { from: '2022-07-01', to: '2025-07-01' }) }
    const often = { ...ASSUMED, nextTick: every(2000), nextSweep: every(2000), reportMs: () => 1000 }
    const limits = { maxInFlight: 10, maxReportsPerHour: 600 }
    const { requests } = rehearse(NOW, { ...account([usage]), limits }, often)
    const inTime = requests.toSorted((a, b) => a.at.getTime() - b.at.getTime())
    expect(new Set(requests.map(({ at }) => at.getTime())).size).toBe(36)
    expect(inTime.map(shown)).toEqual(requests.map(shown))
  })

  it('goes over the time in which nothing is due or under way, however often the timers run', () => {
    const usage = { row: rowOf('usage', { from: '2025-05-01', to: '2025-07-01', delay: 'P2M' }) }
    let ticks = 0
    const nextTick = (after: Date) => {
      ticks++
      return every(2000)(after)
    }
    const { requests, isEndless } = rehearse(NOW, account([usage]), { ...ASSUMED, nextTick, reportMs: () => 60_000 })
    expect(requests.map(shown)).toEqual(['00:00 usage 2025-05', '00:00 usage 2025-06'])
    expect(requests.map(({ at }) => at.toISOString().slice(0, 10))).toEqual(['2025-08-01', '2025-09-01'])
    expect(isEndless).toBe(false)
    expect(ticks).toBeLessThan(100)
  })

  it('ends where what is live takes all that the account may have under way, so that history never has its turn', () => {
    const fields = { dataset: 'TeamsUsageMeetingsAndCalls', window: 'P1D', openWindow: true, delay: 'P20D' }
    const feeds = ['first', 'second'].map((name) => ({
      row: rowOf(name, { ...fields, from: '2025-05-01' }, { since: '2025-07-01T00:00:00.000Z' }),
    }))
    const { isEndless } = rehearse(NOW, account(feeds), { ...ASSUMED, reportMs: () => 7 * HOUR_MS })
    expect(isEndless).toBe(true)
  })

  it('asks in turns, newest first, and half of the account at most for one feed', () => {
    const usage = { row: rowOf('usage', { from: '2024-12-01', to: '2025-07-01' }) }
    const other = { row: rowOf('other', { from: '2025-05-01', to: '2025-07-01' }) }
    const { requests, isEndless } = rehearse(NOW, account([usage, other]), ASSUMED)
    expect(requests.map(shown)).toEqual([
      '12:15 usage 2025-06',
      '12:15 other 2025-06',
      '12:15 usage 2025-05',
      '12:15 other 2025-05',
      '12:15 usage 2025-04',
      '12:15 usage 2025-03',
      '12:15 usage 2025-02',
      '12:30 usage 2025-01',
      '12:30 usage 2024-12',
    ])
    expect(requests.at(-1)?.landsAt).toEqual(new Date('2025-07-10T12:40:01Z'))
    expect(isEndless).toBe(false)
  })

  it('goes as fast as the quota of an hour lets it, counted from when each report was asked for', () => {
    const row = rowOf('usage', { from: '2022-08-01', to: '2025-07-01' })
    const { requests } = rehearse(NOW, account([{ row }]), ASSUMED)
    const perTick = Map.groupBy(requests, ({ at }) => at.toISOString().slice(11, 16))
    expect([...perTick].map(([at, { length }]) => `${at} ${length}`)).toEqual([
      ...['12:15 5', '12:30 5', '12:45 5', '13:00 4'],
      // One of the 20 is kept for what is live: the others are free again an hour after they were asked for.
      ...['13:15 5', '13:30 5', '13:45 5', '14:00 1'],
    ])
  })

  it('asks for what becomes live meanwhile first, and for landed windows again when they are due', () => {
    const now = new Date('2025-07-31T22:00:00Z')
    const feed = feedOf({ name: 'usage', from: '2020-01-01', delay: 'PT1H', refresh: { every: 'PT2H', for: 'P30D' } })
    const row = newFeedRow(feed, {}, now)
    const { requests } = rehearse(now, account([{ row }]), ASSUMED)
    const of = (priority: string) => requests.filter((each) => each.priority === priority).map(shown)
    expect(of('live').slice(0, 2)).toEqual(['22:15 usage 2025-07', '01:15 usage 2025-07'])
    expect(of('backfill')).toHaveLength(66)
    // The month that landed while it ran is asked for again, as a refresh.
    expect(of('refresh')).toEqual(['00:30 usage 2025-07'])
  })

  it('asks for no history of a feed that is paused, blocked or disabled, and goes on with the others', () => {
    const own = { from: '2025-05-01', to: '2025-07-01' }
    const refusal = { kind: 'forbidden', message: 'no', at: NOW.toISOString() } as const
    const feeds = [
      { row: rowOf('paused', own, { backfillPaused: true }) },
      { row: rowOf('blocked', own, { blocked: refusal }) },
      { row: rowOf('disabled', { ...own, enabled: false }) },
      { row: rowOf('free', own) },
    ]
    const { requests, isEndless } = rehearse(NOW, account(feeds), ASSUMED)
    expect(requests.map(({ feed }) => feed)).toEqual(['free', 'free'])
    expect(isEndless).toBe(false)
  })

  it('says what falls out of the range of the service before its turn comes', () => {
    const fields = { from: '2024-07-11', window: 'P1D', dataset: 'MSLearn', to: '2025-07-10' }
    const row = rowOf('usage', fields, { ranges: ['LAST_1_YEAR'] })
    const { requests, missed } = rehearse(NOW, account([{ row }]), ASSUMED)
    expect(missed.map(({ window }) => windowId(window))).toEqual(['20240711T000000Z_20240712T000000Z'])
    const earliest = requests.map(({ window }) => windowId(window)).toSorted()[0]
    expect(earliest).toBe('20240712T000000Z_20240713T000000Z')
  })

  it('waits for what is planned for later', () => {
    const later = new Date('2025-07-10T15:00:00Z')
    const entries = [
      planned('2025-06-01', '2025-07-01'),
      planned('2025-05-01', '2025-06-01', { reason: 'expired', notBefore: later }),
    ]
    const row = rowOf('usage', { from: '2025-04-01', to: '2025-07-01' })
    const { requests } = rehearse(NOW, account([{ row, entries }]), ASSUMED)
    expect(requests.map(shown)).toEqual(['12:15 usage 2025-06', '12:15 usage 2025-04', '15:00 usage 2025-05'])
  })

  it('waits for history that is not settled yet, and forgets none of it', () => {
    const row = rowOf('claims', { dataset: 'CPORM365Usage', from: '2025-06-01' })
    const { requests, isEndless } = rehearse(NOW, account([{ row }]), ASSUMED)
    const history = requests.filter(({ priority }) => priority === 'backfill')
    // The first nine days of June have settled after the month that this data takes; July goes up to when it was first seen.
    expect(history).toHaveLength(39)
    expect(history.at(-1)?.at.toISOString().slice(0, 10)).toBe('2025-08-10')
    expect(isEndless).toBe(false)
  })

  it('waits for the next trial of a feed that failed', () => {
    const lastError = { kind: 'column-missing', message: 'no', at: NOW } as const
    const entry = planned('2025-05-01', '2025-06-01', { reason: 'healed', lastError })
    const row = rowOf('usage', { from: '2025-05-01', to: '2025-06-01' }, { nextTrial: '2025-07-11T08:00:00.000Z' })
    const { requests, isEndless } = rehearse(NOW, account([{ row, entries: [entry] }]), ASSUMED)
    expect(requests.map(({ at }) => at)).toEqual([new Date('2025-07-11T08:00:00Z')])
    expect(isEndless).toBe(false)
  })

  it('says that history is endless where it is due and nothing of it is asked for', () => {
    const row = rowOf('usage', { from: '2025-06-01', to: '2025-07-01' })
    const known = account([{ row }])
    const { requests, isEndless } = rehearse(NOW, { ...known, limits: { ...known.limits, maxInFlight: 0 } }, ASSUMED)
    expect([requests, isEndless]).toEqual([[], true])
  })

  it('takes the slots of the reports under way, and the wait that the service asked for', () => {
    const row = rowOf('usage', { from: '2025-05-01', to: '2025-07-01' })
    const at = new Date(NOW.getTime() - 50 * MINUTE_MS).toISOString()
    const pacing = { ...EMPTY_PACING, creations: Array(19).fill(at) }
    const first = (state: Pacing) => rehearse(NOW, account([{ row }], state), ASSUMED).requests.map(shown)
    expect(first(pacing)[0]).toBe('12:15 usage 2025-06')
    expect(first({ ...pacing, creations: Array(19).fill(NOW.toISOString()) })[0]).toBe('13:15 usage 2025-06')
    expect(first({ ...EMPTY_PACING, notBefore: new Date(NOW.getTime() + 2 * HOUR_MS).toISOString() })[0]).toBe(
      '14:15 usage 2025-06',
    )
  })

  it('holds half of the slots at most for one feed until its reports have landed', () => {
    const row = rowOf('usage', { from: '2024-12-01', to: '2025-07-01' })
    const { requests } = rehearse(NOW, account([{ row }]), { ...ASSUMED, reportMs: () => 65 * MINUTE_MS })
    const perTick = Map.groupBy(requests, ({ at }) => at.toISOString().slice(11, 16))
    expect([...perTick].map(([at, { length }]) => `${at} ${length}`)).toEqual(['12:15 5', '13:30 2'])
  })

  it('takes time in proportion to the windows', () => {
    const play = (from: string) => {
      const row = rowOf('usage', { from, to: '2025-07-01', dataset: 'MSLearn', window: 'P1D' })
      const before = process.cpuUsage()
      const { requests } = rehearse(NOW, account([{ row }]), ASSUMED)
      return { reports: requests.length, milliseconds: process.cpuUsage(before).user / 1000 }
    }
    // What else goes on can only add to it: the least of many rounds is what the work itself takes.
    const least = { few: Number.POSITIVE_INFINITY, many: Number.POSITIVE_INFINITY }
    const isInProportion = () => least.many / least.few < 14
    for (let round = 0; round < 3 || (round < 15 && !isInProportion()); round++) {
      const [few, many] = [play('2023-10-01'), play('2015-07-04')]
      expect([few.reports, many.reports]).toEqual([639, 3650])
      least.few = Math.min(least.few, few.milliseconds)
      least.many = Math.min(least.many, many.milliseconds)
    }
    // With the square of the windows it would be 32 times as much.
    expect(isInProportion(), `${least.many} ms against ${least.few} ms`).toBe(true)
  })
})
