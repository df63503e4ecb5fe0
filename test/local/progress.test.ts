import { expect, it } from 'vitest'
import { progressLine } from '../../local/start/progress.ts'
import type { AppEvent } from '../../src/core/events.ts'

const WINDOW = { feed: 'costs', window: '20250301T000000Z_20250401T000000Z' }

const shown = (event: AppEvent) => progressLine(JSON.stringify(event))

it.each<[AppEvent['event'], number, string]>([
  ['window.archived', 1, '1 byte'],
  ['window.landed', 120, '120 rows'],
  ['window.rejects', 2, "2 rows can't land"],
  ['window.doubtful', 1, '1 row that a stray quote may have made of several'],
  ['window.erased', 3, '3 rows left out'],
  ['window.removed', 1, '1 row removed'],
])('%s says its count', (event, count, detail) => {
  expect(shown({ event, ...WINDOW, count })).toBe(`  ${event.padEnd(16)} costs 2025-03-01..2025-04-01  ${detail}`)
})

it('feed.empty-between-full says its count', () => {
  expect(shown({ event: 'feed.empty-between-full', feed: 'costs', count: 2 })).toMatch(
    /costs {2}2 empty windows between full ones$/,
  )
})

it('quota.reduced says its count and its message', () => {
  const message = 'account default waits until 2025-03-01T10:15Z: 429 Too many requests'
  expect(shown({ event: 'quota.reduced', message, count: 10 })).toBe(
    `  quota.reduced      ${message}; 10 reports an hour from now on`,
  )
})
