import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import { type FeedRow, formNow } from '../../src/core/ledger/feed-row.ts'
import { isPublished, type LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { coverage } from '../../src/core/plan/coverage.ts'
import { nextRequest, plan, type RequestAction, waiting } from '../../src/core/plan/plan.ts'
import { ledgerStatus } from '../../src/core/status.ts'
import type { Window } from '../../src/core/time/window.ts'
import { windowId } from '../../src/core/time/window.ts'
import { anyEntry } from './any-entry.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const DAY = 86_400_000

const rowOf = (fields: object = {}, row: Partial<FeedRow> = {}): FeedRow => ({
  feed: feedOf({ from: '2024-12-01', to: '2025-07-01', ...fields }),
  account: {},
  since: '2025-03-15T00:00:00Z',
  ...row,
})

/** The month of 2025 (0 is January), or of the years around it. */
const month = (index: number): Window => ({
  from: new Date(Date.UTC(2025, index, 1)),
  to: new Date(Date.UTC(2025, index + 1, 1)),
})

const base = { feed: 'azure-usage', lane: 'live', attempt: 1, tries: 1, heals: 0, history: [] } as const
const planned = (index: number, notBefore: Date): LedgerEntry => ({
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

const startsOf = (actions: readonly RequestAction[]) =>
  actions.map(({ window }) => window.from.toISOString().slice(0, 7))

describe('the plan', () => {
  it('takes new windows oldest first, then history newest first', () => {
    const actions = plan(NOW, [{ row: rowOf(), unreadable: [], entries: [] }])
    expect(startsOf(actions)).toEqual(['2025-03', '2025-04', '2025-05', '2025-06', '2025-02', '2025-01', '2024-12'])
    expect(actions.map(({ lane }) => lane)).toEqual([
      'live',
      'live',
      'live',
      'live',
      'backfill',
      'backfill',
      'backfill',
    ])
  })

  it('mixes feeds by time and not by their place in the file', () => {
    const other = rowOf({ name: 'other', table: 'Other', from: '2025-04-01', to: '2025-05-01' })
    const actions = plan(NOW, [
      { row: rowOf(), unreadable: [], entries: [] },
      { row: other, unreadable: [], entries: [] },
    ])
    expect(startsOf(actions).slice(0, 4)).toEqual(['2025-03', '2025-04', '2025-04', '2025-05'])
  })

  it('asks again for a planned window once its time has come, and names the entry', () => {
    const entries = [planned(4, NOW), planned(5, new Date(NOW.getTime() + 1))]
    const actions = plan(NOW, [{ row: rowOf({ from: '2025-05-01' }), unreadable: [], entries }])
    expect(actions).toMatchObject([{ window: month(4), previous: entries[0] }])
  })

  it('asks for a planned snapshot only while its window runs', () => {
    const row = { ...rowOf(), feed: feedOf({ name: 'profile', dataset: 'Profile', snapshot: 'P7D' }) }
    const window = { from: new Date('2025-07-07'), to: new Date('2025-07-14') }
    const entry: LedgerEntry = { ...base, window, state: 'planned', reason: 'healed', notBefore: NOW }
    const asked = (now: Date) => plan(now, [{ row, unreadable: [], entries: [entry] }]).map(({ previous }) => previous)
    expect(asked(new Date(window.to.getTime() - 1))).toEqual([entry])
    expect(asked(window.to)).not.toContain(entry)
  })

  it('asks nothing of a feed that is not enabled', () => {
    const known = { row: rowOf({ enabled: false }), unreadable: [], entries: [] }
    expect([plan(NOW, [known]), waiting(NOW, known), nextRequest(NOW, known)]).toEqual([[], 0, undefined])
  })

  it('leaves a blocked feed alone for a day, then tries its newest window only, one at a time', () => {
    const blocked = { kind: 'query-refused', message: 'no', at: new Date(NOW.getTime() - DAY).toISOString() } as const
    const fresh = { ...blocked, at: new Date(NOW.getTime() - DAY + 1).toISOString() }
    expect(plan(NOW, [{ row: rowOf({}, { blocked: fresh }), unreadable: [], entries: [] }])).toEqual([])
    expect(startsOf(plan(NOW, [{ row: rowOf({}, { blocked }), unreadable: [], entries: [] }]))).toEqual(['2025-06'])
    expect(plan(NOW, [{ row: rowOf({}, { blocked }), unreadable: [], entries: [requesting(5)] }])).toEqual([])
  })

  it('says when a feed is asked for next', () => {
    const all = [...Array(7).keys()].map((index) => requesting(index - 1))
    const later = new Date('2025-07-12T00:00:00Z')
    expect(nextRequest(NOW, { row: rowOf(), unreadable: [], entries: [...all.slice(1), planned(-1, later)] })).toEqual(
      later,
    )
    expect(nextRequest(NOW, { row: rowOf(), unreadable: [], entries: all })).toBeUndefined()
    expect(nextRequest(NOW, { row: rowOf({ to: '2025-08-01' }), unreadable: [], entries: all })).toEqual(
      new Date('2025-08-05T00:00:00Z'),
    )
  })
})

const FORM = formNow(rowOf())

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
        const actions = plan(NOW, [{ row: rowOf(), unreadable: [], entries }])
        const ids = actions.map(({ window }) => windowId(window))
        expect(new Set(ids).size).toBe(ids.length)
        for (const { window, previous } of actions) {
          const entry = entries.find((each) => windowId(each.window) === windowId(window))
          expect(previous).toBe(entry)
          expect(entry === undefined || (entry.state === 'planned' && entry.notBefore <= NOW)).toBe(true)
        }
        expect(waiting(NOW, { row: rowOf(), unreadable: [], entries })).toBe(actions.length)
      }),
    )
  })

  it('a feed is complete up to the first month whose rows are not proven or not asked for now, and counts no others', () => {
    fc.assert(
      fc.property(anyLedger, (entries) => {
        const found = coverage(NOW, { row: rowOf(), unreadable: [], entries })
        const complete = entries.filter((entry) => entry.figures?.rowSet === FORM.rowSet)
        const proven = (index: number) => complete.some(({ window }) => windowId(window) === windowId(month(index)))
        const first = [-1, 0, 1, 2, 3, 4, 5].find((index) => !proven(index)) ?? 6
        expect(found.completeUntil).toEqual(first === -1 ? undefined : month(first).from)
        expect(found.complete).toBe(complete.length)
        expect(found.outdated).toBe(entries.filter(isPublished).length - complete.length)
        expect(found.earlierForm).toBe(complete.filter(({ figures }) => figures?.form !== FORM.form).length)
        expect(found.rows).toBe(complete.reduce((sum, { figures }) => sum + (figures?.rowsLanded ?? 0), 0))
        expect(Object.values(found.states).reduce((sum, count) => sum + count, 0)).toBe(entries.length)
      }),
    )
  })
})

describe('an entry that cannot be read', () => {
  const known = { row: rowOf(), entries: [], unreadable: [failed('unreadable-entry', 'state is not text')] }

  it('stops new requests of its feed, whose other windows might overlap it', () => {
    expect(plan(NOW, [known])).toEqual([])
    expect(waiting(NOW, known)).toBe(0)
    expect(nextRequest(NOW, known)).toBeUndefined()
  })

  it('is named in the status of a feed that is not shown as disabled', () => {
    const status = ledgerStatus(NOW, { feeds: [known], lastTick: undefined, source: undefined, packagedHash: '' })
    expect(status.feeds).toMatchObject([{ enabled: true, failures: [{ kind: 'unreadable-entry' }] }])
  })
})
