import { describe, expect, test } from 'vitest'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { seeFeed } from '../../src/core/status/feed.ts'
import { windowDetail } from '../../src/core/status/window.ts'
import { forAlarms } from '../../src/core/status/windows.ts'
import { failedMonth, landed, months, NOW, rowOf } from './status-of.ts'

const see = (entries: readonly LedgerEntry[], row = rowOf()) => seeFeed(NOW, { row, entries, unreadable: [] })
const marksOf = (entries: readonly LedgerEntry[]) => see(entries).status.windows.map(({ mark }) => mark ?? '-')
const kindsOf = (entries: readonly LedgerEntry[]) => see(entries).toDo.map(({ kind }) => kind)

describe('the mark of a window', () => {
  test('is halved under half of the median of the six windows before it, and only where there are six', () => {
    expect(marksOf(months(100, 100, 100, 100, 100, 49, 49)).slice(-2)).toEqual(['-', 'halved'])
    expect(marksOf(months(100, 100, 100, 100, 100, 100, 52))).not.toContain('halved')
    // The median of 10, 10, 10, 100, 100, 100 is 55.
    expect(marksOf(months(10, 10, 10, 100, 100, 100, 26)).at(-1)).toBe('halved')
    expect(marksOf(months(10, 10, 10, 100, 100, 100, 29)).at(-1)).toBe('-')
  })

  test('compares windows of several lengths by what lands in the same time', () => {
    const quarter = { from: new Date('2025-07-01T00:00:00Z'), to: new Date('2025-10-01T00:00:00Z') }
    const entry = (rows: number): LedgerEntry => ({ ...landed('2025-07', rows), window: quarter })
    const before = months(100, 100, 100, 100, 100, 100)
    expect(marksOf([...before, entry(140)]).at(-1)).toBe('halved')
    expect(marksOf([...before, entry(170)]).at(-1)).toBe('-')
  })

  test('is outdated, running or empty where that is so, and does not count for the windows after it', () => {
    const outdated = landed('2025-07', 1, { rowSet: 'another question' })
    const running = landed('2025-08', 1, { running: true })
    const after = [landed('2025-09', 60), landed('2025-10', 0)]
    const before = months(100, 100, 100, 100, 100, 100)
    expect(marksOf([...before, outdated, running, ...after]).slice(6)).toEqual(['outdated', 'running', '-', 'empty'])
  })
})

test('a window whose rows were removed still tells how many are usual, unless it answered another question', () => {
  const removed = { verdict: 'removed', removedAt: NOW } as const
  const before = [1, 2, 3, 4, 5, 6].map((at) => landed(`2025-0${at}`, 100, removed))
  expect(marksOf([...before, landed('2025-07', 10)]).at(-1)).toBe('halved')
  const other = [1, 2, 3, 4, 5, 6].map((at) => landed(`2025-0${at}`, 100, { ...removed, rowSet: 'another question' }))
  expect(marksOf([...other, landed('2025-07', 10)]).at(-1)).toBe('-')
})

test('a window whose rows were removed says so, has no rows, and counts as complete whatever the feed asks for now', () => {
  const removed = { verdict: 'removed', removedAt: NOW, rowSet: 'another question' } as const
  const { windows, complete, removed: gone } = see([landed('2025-01', 9, removed)]).status
  expect(windows).toMatchObject([{ removed: true, rows: 0 }])
  expect(windows[0]).toMatchObject({ mark: 'removed' })
  expect(windowDetail(NOW, '1', landed('2025-01', 9, removed), rowOf())).toMatchObject({ removed: true })
  expect([complete, gone]).toEqual([1, 1])
})

describe('what a person should look at', () => {
  test('is an empty window between full ones, and a halved one, with the command that asks once more', () => {
    const { toDo } = see(months(100, 0, 100, 100, 100, 100, 100, 10))
    expect(toDo.filter(({ kind }) => kind.startsWith('window-'))).toMatchObject([
      {
        kind: 'window-empty',
        window: '20250201T000000Z_20250301T000000Z',
        sentence: 'February 2025 of azure-usage has no rows, and the windows beside it have',
        command: 'npx partner-insights-sync retry azure-usage --month 2025-02',
      },
      {
        kind: 'window-halved',
        window: '20250801T000000Z_20250901T000000Z',
        sentence: 'August 2025 of azure-usage has 10 rows, and about 100 are usual',
        command: 'npx partner-insights-sync retry azure-usage --month 2025-08',
      },
    ])
  })

  test('is no empty window at the edge, and none that the service has confirmed or a person brought', () => {
    const withSecond = (second: LedgerEntry) => [landed('2025-01', 9), second, landed('2025-03', 9)]
    expect(kindsOf(withSecond(landed('2025-02', 0)))).toContain('window-empty')
    expect(kindsOf(months(9, 0))).not.toContain('window-empty')
    const confirmed = landed('2025-02', 0, { totals: {}, totalsBefore: {}, rowsBefore: 0 })
    expect(kindsOf(withSecond(confirmed))).not.toContain('window-empty')
    expect(kindsOf(withSecond(landed('2025-02', 0, { origin: 'import' })))).not.toContain('window-empty')
    // The landing of the running window confirms nothing.
    const grown = landed('2025-02', 0, { totals: {}, totalsBefore: {}, rowsBefore: 0, grown: true })
    expect(kindsOf(withSecond(grown))).toContain('window-empty')
  })

  test('is confirmed by the same number of rows and the same totals: without numeric columns by the rows alone', () => {
    const halved = (more: Parameters<typeof landed>[2]) =>
      kindsOf([...months(100, 100, 100, 100, 100, 100), landed('2025-07', 10, more)]).includes('window-halved')
    expect(halved({ totals: {}, totalsBefore: {}, rowsBefore: 10 })).toBe(false)
    expect(halved({ totals: {}, totalsBefore: {}, rowsBefore: 80 })).toBe(true)
    expect(halved({ totals: { Units: '5' }, totalsBefore: { Units: '5' }, rowsBefore: 80 })).toBe(true)
    // Entries of earlier versions have no number of rows.
    expect(halved({ totals: { Units: '5' }, totalsBefore: { Units: '5' } })).toBe(false)
    expect(halved({ totals: {}, totalsBefore: {} })).toBe(true)
  })

  test('is the same where only what an alarm needs of an entry is kept', () => {
    for (const rowsBefore of [10, 80]) {
      const entries = [
        ...months(100, 100, 100, 100, 100, 100),
        landed('2025-07', 10, { totals: {}, totalsBefore: {}, rowsBefore }),
      ]
      expect(kindsOf(entries.map(forAlarms))).toEqual(kindsOf(entries))
    }
  })
})

describe('restated windows', () => {
  const moved = { totalsBefore: { Units: '7', Gone: '1' } }

  test('are listed with the totals that moved, and marked, unless only the running window grew', () => {
    const { restated, windows } = see([
      landed('2025-01', 9, moved),
      landed('2025-02', 9, { ...moved, grown: true }),
    ]).status
    expect(restated).toMatchObject([
      {
        window: '20250101T000000Z_20250201T000000Z',
        moved: [
          { name: 'Units', before: '7', after: '9' },
          { name: 'Gone', before: '1' },
        ],
      },
    ])
    expect(windows.map(({ restated: is }) => is)).toEqual([true, undefined])
  })

  test('are those with another number of rows as well, although no total moved', () => {
    const entry = landed('2025-01', 9, { totals: {}, totalsBefore: {}, rowsBefore: 7 })
    const { restated, windows } = see([entry]).status
    expect(restated).toMatchObject([{ rows: { before: 7, after: 9 }, moved: [] }])
    expect(windows).toMatchObject([{ restated: true }])
    expect(windowDetail(NOW, '1', entry, rowOf()).figures).toMatchObject({ rowsLanded: 9, rowsBefore: 7 })
  })
})

describe('a failed window', () => {
  test.each([
    ['malformed', 'retry azure-usage --month 2025-01'],
    ['suspicious-empty', 'retry azure-usage --month 2025-01 --accept-empty'],
    ['too-many-rejects', 'rejects --feed azure-usage --month 2025-01'],
    ['out-of-range', 'accept-gap azure-usage --month 2025-01'],
    ['poison', 'retry azure-usage --month 2025-01'],
  ] as const)('of kind %s is listed with the command that its remedy speaks of', (kind, command) => {
    const [toDo] = see([failedMonth('2025-01', { kind })]).toDo
    expect(toDo).toMatchObject({ kind: 'window-failed', command: `npx partner-insights-sync ${command}`, since: NOW })
    expect(toDo?.sentence).toContain(`January 2025 of azure-usage failed (${kind}), it has no rows`)
  })

  test('that heals with time, or with its feed or account, is not listed', () => {
    const kinds = ['unavailable', 'deadline', 'unauthorized', 'column-missing'] as const
    for (const kind of kinds) expect(kindsOf([failedMonth('2025-01', { kind })])).not.toContain('window-failed')
  })
})
