import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import { type Failed, isPublished, type Lane, type LedgerEntry, type Planned } from '../../src/core/ledger/ledger.ts'
import { coverage } from '../../src/core/plan/coverage.ts'
import { type KnownFeed, planOf } from '../../src/core/plan/known-feed.ts'
import { dueRequests, endedWindows, nextRequest, type RequestAction, trialRequest } from '../../src/core/plan/plan.ts'
import { inTurns } from '../../src/core/plan/turns.ts'
import { seeFeed } from '../../src/core/status/feed.ts'
import { DAY_MS, HOUR_MS } from '../../src/core/time/durations.ts'
import type { Window } from '../../src/core/time/window.ts'
import { windowId } from '../../src/core/time/window.ts'
import { anyEntry } from './any-entry.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const DAY = 86_400_000

const rowOf = (fields: object = {}, row: Partial<FeedRow> = {}): FeedRow => ({
  ...newFeedRow(
    feedOf({ from: '2024-12-01', to: '2025-07-01', openWindow: false, ...fields }),
    {},
    new Date('2025-03-15T00:00:00Z'),
  ),
  ...row,
})

/** The month of 2025 (0 is January), or of the years around it. */
const month = (index: number): Window => ({
  from: new Date(Date.UTC(2025, index, 1)),
  to: new Date(Date.UTC(2025, index + 1, 1)),
})

const base = {
  feed: 'azure-usage',
  lane: 'live',
  attempt: 1,
  tries: 1,
  heals: 0,
  remoteReports: [],
  history: [],
} as const
const planned = (index: number, notBefore: Date): Planned => ({
  ...base,
  window: month(index),
  state: 'planned',
  reason: 'retry',
  notBefore,
})
const requesting = (index: number): LedgerEntry => ({
  ...base,
  window: month(index),
  state: 'requesting',
  reportName: 'r',
  queryId: 'q',
  asked: { rowSet: 's', selection: 's' },
  requestedAt: NOW,
})

/** A feed as a ledger with these entries shows it. */
const known = (row: FeedRow, entries: readonly LedgerEntry[] = []): KnownFeed => ({ row, entries, unreadable: [] })
const due = (row: FeedRow, entries: readonly LedgerEntry[] = [], now = NOW) =>
  dueRequests(now, planOf(known(row, entries)))
const startsOf = (actions: readonly (RequestAction | undefined)[]) =>
  actions.map((action) => action?.window.from.toISOString().slice(0, 7))

describe('the plan', () => {
  it('takes new windows oldest first, then history newest first', () => {
    const actions = due(rowOf())
    expect(startsOf(actions)).toEqual(['2025-03', '2025-04', '2025-05', '2025-06', '2025-02', '2025-01', '2024-12'])
    expect(actions.map(({ lane }) => lane)).toEqual([...Array(4).fill('live'), ...Array(3).fill('backfill')])
  })

  it('asks again for a planned window once its time has come, and names the entry', () => {
    const entries = [planned(4, NOW), planned(5, new Date(NOW.getTime() + 1))]
    const row = rowOf({ from: '2025-05-01' })
    expect(due(row, entries)).toMatchObject([{ window: month(4), previous: entries[0] }])
    expect(due(row, entries, new Date(NOW.getTime() + 1))).toHaveLength(2)
  })

  it('refreshes first what has waited longest, whatever its time', () => {
    const figures = { verdict: 'rows' } as Planned['figures']
    const waiting = (index: number, hours: number): LedgerEntry => {
      const since = new Date(NOW.getTime() - hours * HOUR_MS)
      return { ...planned(index, since), reason: 'refresh', ...(figures && { figures }) }
    }
    const actions = due(rowOf({ from: '2025-04-01' }), [waiting(3, 1), waiting(4, 5), waiting(5, 3)])
    expect(startsOf(actions)).toEqual(['2025-05', '2025-06', '2025-04'])
  })

  it('takes a time that no right clock can have written for one that has come', () => {
    const [entry, asked] = [planned(5, new Date(NOW.getTime() + DAY)), planned(5, new Date(NOW.getTime() + DAY + 1))]
    expect(due(rowOf({ from: '2025-06-01' }), [entry])).toEqual([])
    expect(due(rowOf({ from: '2025-06-01' }), [asked])).toHaveLength(1)
  })

  it('asks for no window before its data has settled, also where a clock that was ahead planned it', () => {
    const row = rowOf({ from: '2025-06-01', to: '2025-09-01' })
    expect(startsOf(due(row, [planned(6, NOW), planned(7, NOW)]))).toEqual(['2025-06'])
  })

  it('asks for a planned snapshot only while its window runs', () => {
    const row = { ...rowOf(), feed: feedOf({ name: 'profile', dataset: 'Profile', snapshot: 'P7D' }) }
    const window = { from: new Date('2025-07-07'), to: new Date('2025-07-14') }
    const entry: LedgerEntry = { ...base, window, state: 'planned', reason: 'healed', notBefore: NOW }
    const asked = (now: Date) => due(row, [entry], now).map(({ previous }) => previous)
    expect(asked(new Date(window.to.getTime() - 1))).toEqual([entry])
    expect(endedWindows(new Date(window.to.getTime() - 1), planOf(known(row, [entry])))).toEqual([])
    expect(asked(window.to)).not.toContain(entry)
    expect(endedWindows(window.to, planOf(known(row, [entry])))).toEqual([entry])
  })

  it('asks nothing of a feed that is not enabled', () => {
    const row = rowOf({ enabled: false })
    expect([due(row), nextRequest(NOW, planOf(known(row)))]).toEqual([[], undefined])
  })

  it('asks nothing of a feed that is blocked, and tries its newest window, or one that a person asked for', () => {
    const blocked = { kind: 'query-refused', message: 'no', at: NOW.toISOString() } as const
    const row = rowOf({}, { blocked })
    const trial = (entries: readonly LedgerEntry[], failed: readonly Failed[] = []) =>
      startsOf([trialRequest(NOW, planOf(known(row, entries)), failed)])
    expect(due(row, [planned(2, NOW)])).toEqual([])
    expect(trial([])).toEqual(['2025-06'])
    const june: Failed = { ...base, window: month(5), state: 'failed', kind: 'forbidden', message: 'm', since: NOW }
    expect(trial([june])).toEqual(['2025-05'])
    expect(trial([june], [june])).toEqual(['2025-06'])
    expect(trial([planned(2, NOW)])).toEqual(['2025-03'])
  })

  it('tries a blocked feed by no snapshot that has ended', () => {
    const blocked = { kind: 'malformed', message: 'no', at: NOW.toISOString() } as const
    const row = { ...rowOf({}, { blocked }), feed: feedOf({ name: 'profile', dataset: 'Profile', snapshot: 'P7D' }) }
    const window = { from: new Date('2025-07-07'), to: new Date('2025-07-14') }
    const failure: Failed = { ...base, window, state: 'failed', kind: 'forbidden', message: 'm', since: NOW }
    const known = { row, spans: [window], planned: [] }
    expect(trialRequest(new Date(window.to.getTime() - 1), known, [failure])).toMatchObject({ previous: failure })
    const next = trialRequest(window.to, known, [failure])
    expect(next).toMatchObject({ window: { from: window.to } })
    expect(next).not.toHaveProperty('previous')
    expect(trialRequest(window.to, { ...known, spans: [window, ...(next ? [next.window] : [])] }, [failure])).toBe(
      undefined,
    )
  })

  it('lets windows that failed before wait while a trial has just failed, and no others', () => {
    const lastError = { kind: 'forbidden', message: 'm', at: NOW } as const
    const healed: LedgerEntry = { ...planned(2, NOW), reason: 'healed', lastError }
    const row = rowOf(
      { from: '2025-03-01', to: '2025-05-01' },
      { nextTrial: new Date(NOW.getTime() + 1).toISOString() },
    )
    expect(startsOf(due(row, [healed]))).toEqual(['2025-04'])
    expect(startsOf(due(row, [planned(2, NOW)]))).toEqual(['2025-03', '2025-04'])
    // What failed before comes after the others.
    expect(startsOf(due(row, [healed], new Date(NOW.getTime() + 1)))).toEqual(['2025-04', '2025-03'])
  })

  it('says when a feed is asked for next', () => {
    const all = [...Array(7).keys()].map((index) => requesting(index - 1))
    const later = new Date('2025-07-12T00:00:00Z')
    const next = (row: FeedRow, entries: readonly LedgerEntry[]) => nextRequest(NOW, planOf(known(row, entries)))
    expect(next(rowOf(), [...all.slice(1), planned(-1, later)])).toEqual(later)
    expect(next(rowOf(), all)).toBeUndefined()
    expect(next(rowOf({ to: '2025-08-01' }), all)).toEqual(new Date('2025-08-05T00:00:00Z'))
  })
})

describe('turns', () => {
  const action = (name: string, index: number, lane: Lane): RequestAction => ({
    row: rowOf({ name }),
    window: month(index),
    lane,
    priority: lane,
  })
  const order = (actions: readonly RequestAction[], served: Readonly<Record<string, string>> = {}) =>
    inTurns(actions, served).map(({ row, window }) => `${row.feed.name} ${window.from.getUTCMonth()}`)

  it('give each feed one window before any gets a second, live before history', () => {
    const live = [0, 1, 2].map((index) => action('aaa', index, 'live'))
    const actions = [...live, action('aaa', 8, 'backfill'), action('bba', 5, 'live'), action('bba', 9, 'backfill')]
    expect(order(actions)).toEqual(['aaa 0', 'bba 5', 'aaa 1', 'aaa 2', 'aaa 8', 'bba 9'])
  })

  it('ask again for what has landed after what is live, and before history', () => {
    const refresh = { ...action('aaa', 1, 'live'), priority: 'refresh' } as const
    const actions = [action('aaa', 8, 'backfill'), refresh, action('bba', 5, 'live')]
    expect(order(actions)).toEqual(['bba 5', 'aaa 1', 'aaa 8'])
  })

  it('begin with the feed that has waited longest', () => {
    const actions = ['aaa', 'bba', 'cca'].map((name) => action(name, 0, 'live'))
    const served = { aaa: '2025-07-10T12:00:00.000Z', bba: '2025-07-10T11:00:00.000Z' }
    expect(order(actions, served)).toEqual(['cca 0', 'bba 0', 'aaa 0'])
  })

  it('lose no window and make none, whatever is due', () => {
    const any = fc.record({
      feed: fc.constantFrom('aaa', 'bba', 'cca'),
      index: fc.nat(11),
      lane: fc.constantFrom('live', 'backfill'),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 40 }), (all) => {
        const actions = all.map(({ feed, index, lane }) => action(feed, index, lane as Lane))
        expect(inTurns(actions, {})).toHaveLength(actions.length)
        expect(new Set(inTurns(actions, {}))).toEqual(new Set(actions))
      }),
    )
  })
})

const FORM = rowOf().form

/** A form that a window may have landed under: the one of now, an earlier one, or one of another row set. */
const anyForm = fc.constantFrom(FORM, { ...FORM, form: 'earlier' }, { ...FORM, rowSet: 'other' })

/** Any entry whose rows, where there are any, landed under a form of the feed. */
const anyLandedEntry = fc
  .tuple(anyEntry, anyForm)
  .map(([entry, form]): LedgerEntry => (entry.figures ? { ...entry, figures: { ...entry.figures, ...form } } : entry))

/** Any ledger of the feed: some months have an entry, in any state. */
const anyLedger = fc
  .uniqueArray(fc.integer({ min: -1, max: 5 }))
  .chain((months) =>
    fc.tuple(...months.map((index) => anyLandedEntry.map((entry) => ({ ...entry, window: month(index) })))),
  )

describe('over any ledger', () => {
  it('each month is asked for at most once, and only where nothing is on its way or done', () => {
    fc.assert(
      fc.property(anyLedger, (entries) => {
        const actions = due(rowOf(), entries)
        const ids = actions.map(({ window }) => windowId(window))
        expect(new Set(ids).size).toBe(ids.length)
        for (const { window, previous } of actions) {
          const entry = entries.find((each) => windowId(each.window) === windowId(window))
          expect(previous).toBe(entry)
          expect(entry === undefined || entry.state === 'planned').toBe(true)
        }
        expect(coverage(NOW, known(rowOf(), entries)).waiting).toBe(actions.length)
      }),
    )
  })

  it('a feed is complete up to the first month whose rows are not proven or not asked for now, and counts no others', () => {
    fc.assert(
      fc.property(anyLedger, (entries) => {
        const found = coverage(NOW, known(rowOf(), entries))
        const current = entries.filter((entry) => entry.figures?.rowSet === FORM.rowSet)
        const settled = current.filter((entry) => !entry.figures?.running)
        // The feed is settled four days after a month, and surely settled after eight.
        const isEarly = ({ window: { to }, figures }: LedgerEntry) =>
          figures?.verdict === 'empty' &&
          figures.origin === 'service' &&
          figures.requestedAt.getTime() < to.getTime() + 8 * DAY_MS
        const complete = settled.filter((entry) => !isEarly(entry))
        const proven = (index: number) => complete.some(({ window }) => windowId(window) === windowId(month(index)))
        const first = [-1, 0, 1, 2, 3, 4, 5].find((index) => !proven(index)) ?? 6
        expect(found.completeUntil).toEqual(first === -1 ? undefined : month(first).from)
        expect(found.complete).toBe(complete.length)
        expect(found.outdated).toBe(entries.filter(isPublished).length - current.length)
        expect(found.earlyBlanks).toBe(settled.length - complete.length)
        expect(found.earlierForm).toBe(complete.filter(({ figures }) => figures?.form !== FORM.form).length)
        expect(found.running.length).toBe(current.length - settled.length)
        expect(found.rows).toBe(complete.reduce((sum, { figures }) => sum + (figures?.rowsLanded ?? 0), 0))
        expect(Object.values(found.states).reduce((sum, count) => sum + count, 0)).toBe(entries.length)
      }),
    )
  })
})

describe('an entry that cannot be read', () => {
  const failure = failed('unreadable-entry', 'state is not text')
  const may = { ...known(rowOf()), unreadable: [{ failure, window: month(4) }] }

  it('keeps its window, and the other windows of its feed are asked for', () => {
    expect(startsOf(dueRequests(NOW, planOf(may)))).toEqual([
      '2025-03',
      '2025-04',
      '2025-06',
      '2025-02',
      '2025-01',
      '2024-12',
    ])
  })

  it('is named in the status of a feed that is not shown as disabled', () => {
    expect(seeFeed(NOW, may).status).toMatchObject({ enabled: true, problems: [{ kind: 'unreadable-entry' }] })
  })
})
