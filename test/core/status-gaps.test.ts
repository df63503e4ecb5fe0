import { describe, expect, test } from 'vitest'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { planOf } from '../../src/core/plan/known-feed.ts'
import { waitingWindows } from '../../src/core/plan/plan.ts'
import { seeFeed } from '../../src/core/status/feed.ts'
import { windowsOf } from '../../src/core/status/gaps.ts'
import { landed, NOW, rowOf } from './status-of.ts'

const knownOf = (entries: readonly LedgerEntry[], row = rowOf()) => ({ row, entries, unreadable: [] })
const gapsOf = (known: ReturnType<typeof knownOf>) => seeFeed(NOW, known).status.gaps
const day = (text: string) => new Date(`${text}T00:00:00Z`)

describe('the gaps of a feed', () => {
  test('are the due windows that nobody asked for, those that follow each other in one range', () => {
    const known = knownOf([landed('2025-03', 9), landed('2025-07', 9)])
    expect(gapsOf(known)).toEqual([
      { from: day('2025-01-01'), to: day('2025-03-01'), windows: 2, each: 'P1M' },
      { from: day('2025-04-01'), to: day('2025-07-01'), windows: 3, each: 'P1M' },
      { from: day('2025-08-01'), to: day('2025-12-01'), windows: 4, each: 'P1M' },
    ])
  })

  test('are none where the feed asks for nothing, and have no window that is planned', () => {
    expect(gapsOf(knownOf([landed('2025-03', 9)], rowOf({ enabled: false })))).toEqual([])
    const { figures: _, ...entry } = landed('2025-11', 9)
    const planned = { ...entry, state: 'planned', reason: 'retry', notBefore: NOW } as LedgerEntry
    expect(gapsOf(knownOf([planned])).at(-1)).toMatchObject({ to: day('2025-11-01'), windows: 10 })
  })

  test.each([
    ['months after days', { window: 'P1D', backfillWindow: 'P1M', dataset: 'MSLearn', from: '2025-01-15' }],
    ['weeks', { window: 'P7D', backfillWindow: 'P7D', dataset: 'MSLearn', from: '2024-02-10' }],
    ['quarters', { window: 'P1M', backfillWindow: 'P3M', from: '2024-02-01' }],
    ['thirty days', { window: 'P30D', backfillWindow: 'P30D', dataset: 'MSLearn', from: '2024-01-01' }],
  ])('give back exactly the windows that the app asks for: %s', (_, fields) => {
    const known = knownOf([], rowOf(fields))
    const waiting = waitingWindows(NOW, planOf(known)).map(({ window }) => window)
    expect(waiting.length).toBeGreaterThan(5)
    expect(gapsOf(known).flatMap(windowsOf)).toEqual(waiting)
    expect(gapsOf(known).length).toBeLessThan(waiting.length)
  })
})
