import { describe, expect, test } from 'vitest'
import { seeFeed } from '../../src/core/status/feed.ts'
import { freshness } from '../../src/core/status/freshness.ts'
import { failedMonth, landed, month, months, rowOf } from './status-of.ts'

const at = (text: string) => new Date(text)
// AzureUsage settles four days after a month, and a report has a day.
const DUE = at('2025-12-06T00:00:00Z')

describe('a feed of months', () => {
  const proven = [month('2025-09'), month('2025-10')]

  test('is fresh until the next month is due, and stale from then on', () => {
    const before = freshness(new Date(DUE.getTime() - 1), rowOf(), proven)
    expect(before).toMatchObject({ freshUntil: at('2025-11-01T00:00:00Z'), dueBy: DUE })
    expect(before).not.toHaveProperty('staleSince')
    expect(freshness(DUE, rowOf(), proven)).toMatchObject({ staleSince: DUE })
  })

  test('is not stale for a hole in the middle', () => {
    const now = at('2025-12-20T00:00:00Z')
    expect(freshness(now, rowOf(), [month('2025-06'), month('2025-11')])).not.toHaveProperty('staleSince')
  })

  test('is never stale when it asks for nothing, or has all that it wants', () => {
    const late = at('2026-09-01T00:00:00Z')
    expect(freshness(late, rowOf({ enabled: false }), proven)).not.toHaveProperty('staleSince')
    expect(freshness(late, rowOf({ to: '2025-11-01' }), proven)).not.toHaveProperty('staleSince')
    expect(freshness(late, rowOf({ to: '2025-12-01' }), proven)).toHaveProperty('staleSince')
  })

  test('has time for its first window, whatever lies before the day on which the app saw it', () => {
    // It was first seen on 20 October.
    expect(freshness(at('2025-10-21T00:00:00Z'), rowOf(), [])).toMatchObject({ dueBy: at('2025-11-06T00:00:00Z') })
    const early = [month('2025-03')]
    expect(freshness(at('2025-10-20T12:00:00Z'), rowOf(), early)).toMatchObject({ dueBy: at('2025-10-21T00:00:00Z') })
  })
})

test('a snapshot feed is stale a day after its next snapshot was due', () => {
  const row = rowOf({ dataset: 'Profile', from: undefined, openWindow: undefined, refresh: undefined, snapshot: 'P7D' })
  const latest = [{ from: at('2025-11-24T00:00:00Z'), to: at('2025-12-01T00:00:00Z') }]
  const fresh = { freshUntil: at('2025-11-24T00:00:00Z'), dueBy: at('2025-12-02T00:00:00Z') }
  expect(freshness(at('2025-12-01T23:00:00Z'), row, latest)).toMatchObject(fresh)
  expect(freshness(at('2025-12-02T00:00:00Z'), row, latest)).toMatchObject({ staleSince: fresh.dueBy })
})

describe('what is said of a stale feed', () => {
  const see = (entries: Parameters<typeof seeFeed>[1]['entries'], more = {}) =>
    seeFeed(DUE, { row: { ...rowOf(), ...more }, entries, unreadable: [] }).toDo

  test('names what it waits for, and the command for the window that failed', () => {
    const failed = failedMonth('2025-11', { kind: 'unavailable', message: 'no answer' })
    expect(see([...months(9, 9), landed('2025-10', 9), failed])).toMatchObject([
      {
        kind: 'feed-stale',
        sentence:
          'azure-usage is stale: its newest rows end on 1 November 2025, and November 2025 was due by 2025-12-06T00:00Z',
        command: 'npx partner-insights-sync retry azure-usage --month 2025-11',
        since: DUE,
      },
    ])
  })

  test('points to the doctor where nothing failed, and is silent where a block says it all', () => {
    expect(see(months(9))).toMatchObject([{ kind: 'feed-stale', command: 'npx partner-insights-sync doctor' }])
    const blocked = { kind: 'forbidden', message: 'no role', at: DUE.toISOString() } as const
    expect(see(months(9), { blocked })).toMatchObject([
      { kind: 'feed-blocked', command: 'npx partner-insights-sync unblock azure-usage' },
    ])
  })
})
