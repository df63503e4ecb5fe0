import { expect, it } from 'vitest'
import { newFeedRow } from '../../src/core/ledger/feed-row.ts'
import { whyNotAskedFor } from '../../src/core/plan/own-window.ts'
import type { Window } from '../../src/core/time/window.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-02T12:00:00Z')
const month = (text: string): Window => {
  const from = new Date(`${text}-01T00:00:00Z`)
  return { from, to: new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 1)) }
}
const row = newFeedRow(feedOf({ from: '2025-01-01', openWindow: false }), {}, new Date('2025-06-15T00:00:00Z'))
const why = (window: Window, more: Partial<typeof row> = {}, spans: readonly Window[] = []) =>
  whyNotAskedFor(NOW, { ...row, ...more }, spans, window)

it('of a window without an entry it is told why there is none, and what to type', () => {
  const look = '"backfill --dry-run --feed azure-usage" shows what is to come'
  expect(why(month('2025-03'))).toMatch(
    /^it is due, and the app asks for it by itself; "status" shows what holds it up/,
  )
  expect(why(month('2025-06'))).toBe('it is due at 2025-07-05T00:00Z, and the app asks for it then')
  const paused = 'its history is paused; "backfill resume --feed azure-usage" lets it go on'
  expect(why(month('2025-03'), { backfillPaused: true })).toBe(paused)
  // A pause is about history alone.
  expect(why(month('2025-06'), { backfillPaused: true })).toMatch(/^it is due at/)
  expect(why(month('2024-12'))).toBe(
    'history of the feed starts at 2025-01-01; an earlier "from" and "feeds push" bring what the service still has',
  )
  const quarter = { from: month('2025-02').from, to: month('2025-04').to }
  expect(why(month('2025-03'), {}, [quarter])).toBe('other windows take its time; name them by --from and --to')
  expect(why(quarter)).toBe(`the feed has no such window; ${look}`)
  const day = { from: new Date('2025-03-05T00:00:00Z'), to: new Date('2025-03-06T00:00:00Z') }
  expect(why(day)).toBe('it is no window of the feed: --month 2025-03 holds that time')
})

it('of a snapshot that is not the running one there is nothing to ask for', () => {
  const profile = newFeedRow(feedOf({ name: 'profile', dataset: 'Profile', snapshot: 'P1D' }), {}, NOW)
  const day = (text: string) => ({ from: new Date(text), to: new Date(Date.parse(text) + 86_400_000) })
  const of = (text: string) => whyNotAskedFor(NOW, profile, [], day(text))
  expect(of('2025-07-02')).toMatch(/^it is due, /)
  expect(of('2025-07-03')).toMatch(/^it is due at 2025-07-03T00:00Z/)
  expect(of('2025-07-01')).toMatch(/^the feed has no such window/)
})
