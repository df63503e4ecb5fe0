import { describe, expect, it } from 'vitest'
import { newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { seeFeed } from '../../src/core/status/feed.ts'
import { countWaiting } from '../../src/core/status/gaps.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const HOUR = 3_600_000
const WINDOW = { from: new Date('2025-05-01T00:00:00Z'), to: new Date('2025-06-01T00:00:00Z') }
const ID = '20250501T000000Z_20250601T000000Z'
const ROW = newFeedRow(feedOf({ from: '2025-05-01', to: '2025-06-01' }), {}, NOW)
const SHARED = { feed: 'azure-usage', window: WINDOW, lane: 'live', attempt: 1, tries: 1, heals: 0 } as const

const statusOf = (entries: readonly LedgerEntry[], row = ROW) => seeFeed(NOW, { row, entries, unreadable: [] }).status

const requested = (requestedAt: Date): LedgerEntry => ({
  ...{ ...SHARED, remoteReports: [], history: [], reportName: 'r', queryId: 'q', requestedAt, reportId: 'id' },
  ...{ asked: { rowSet: 's', selection: 's' }, deadline: new Date('2025-07-11T00:00:00Z'), pollAfter: NOW },
  state: 'requested',
})

describe('the status of a feed', () => {
  it('names a window that has been open for an hour, and until when the service has time', () => {
    const early = new Date(NOW.getTime() - HOUR)
    const slow = { window: ID, state: 'requested', requestedAt: early, until: new Date('2025-07-11T00:00:00Z') }
    expect(statusOf([requested(early)])).toMatchObject({ slow: [slow] })
    expect(statusOf([requested(new Date(early.getTime() + 1))])).toMatchObject({ slow: [] })
  })

  it('says what a person does about their own file, and not what they would do about a report', () => {
    const failed: LedgerEntry = {
      ...{ ...SHARED, remoteReports: [], history: [], kind: 'malformed', message: 'm', since: NOW },
      state: 'failed',
    }
    const remedies = (entry: LedgerEntry) => statusOf([entry]).problems.map(({ remedy }) => remedy)
    const own = { ...failed, byPerson: true } as const
    expect(remedies({ ...own, origin: 'import' })).toEqual([expect.stringMatching(/^Correct the file or its window/)])
    // An earlier version did not say what it was.
    expect(remedies(own)).toEqual([expect.stringMatching(/^If it was a file of yours/)])
    expect(remedies(failed)).toEqual([expect.stringMatching(/^The file is no report/)])
  })

  it('counts each window that waits once: what was never asked for, and what is planned, be it due or not', () => {
    const wide = newFeedRow(feedOf({ from: '2025-04-01', to: '2025-07-01', openWindow: false }), {}, NOW)
    const planned = (notBefore: Date): LedgerEntry => ({
      ...{ ...SHARED, remoteReports: [], history: [], reason: 'retry', notBefore },
      state: 'planned',
    })
    const waits = (at: Date) => countWaiting(statusOf([planned(at)], wide))
    expect([waits(NOW), waits(new Date(NOW.getTime() + HOUR))]).toEqual([3, 3])
    expect(statusOf([planned(NOW)], wide)).toMatchObject({ waiting: 3, states: { planned: 1 } })
  })

  it('shows no block of a feed that asks for nothing', () => {
    const blocked = { kind: 'query-refused', message: 'no', at: NOW.toISOString() } as const
    expect(statusOf([], { ...ROW, blocked })).toHaveProperty('blocked')
    const retired = { ...ROW, feed: { ...ROW.feed, enabled: false }, blocked }
    expect(statusOf([], retired)).not.toHaveProperty('blocked')
  })
})
