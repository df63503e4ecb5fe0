import { describe, expect, it } from 'vitest'
import type { Figures } from '../../src/core/ledger/ledger.ts'
import { isEarlyBlank, refreshAt } from '../../src/core/plan/refresh.ts'
import { feedOf } from './feed-of.ts'

const JUNE = { from: new Date('2025-06-01'), to: new Date('2025-07-01') }
const ONE_DAY = { from: new Date('2025-06-10'), to: new Date('2025-06-11') }
const NOW = new Date('2025-07-06T12:00:00Z')

/** So that nothing but the blank is a reason to ask again. */
const ONCE = { refresh: { every: 'P1D', for: 'PT1H' } }

const blank = (fields: Partial<Figures> = {}) =>
  ({ verdict: 'empty', origin: 'service', requestedAt: NOW, landedAt: NOW, ...fields }) as Figures

describe('a window without rows is asked for again', () => {
  it.each([
    ['AzureUsage', {}, JUNE, '2025-07-09'], // twice the delay, after the month was loaded on the 5th
    ['AzureUsage', { delay: 'P1D' }, JUNE, '2025-07-06'], // the day after the 5th
    ['CustomersAndTenants', {}, JUNE, '2025-07-16'], // the day after the 15th
    ['CustomersAndTenants', { delay: 'P20D' }, JUNE, '2025-08-10'], // twice the delay
    ['OfficeUsage', {}, JUNE, '2025-09-01'], // twice the delay
    ['TeamsUsage3PApps', { delay: 'P1D' }, ONE_DAY, '2025-07-16'], // the day after its month was loaded
    ['TrainingCompletions', {}, JUNE, '2025-07-11'], // twice the delay: no day is documented
    ['MSLearn', {}, ONE_DAY, '2025-06-17'], // twice the delay
  ])('of %s with %j', (dataset, fields, window, at) => {
    const feed = feedOf({ dataset, ...ONCE, ...fields })
    const settled = new Date(at)
    const early = blank({ requestedAt: new Date(settled.getTime() - 1) })
    expect(refreshAt({ feed }, window, early, NOW)).toEqual(settled)
    expect(isEarlyBlank(feed, window, early)).toBe(true)
    const late = blank({ requestedAt: settled, landedAt: settled })
    expect(refreshAt({ feed }, window, late, settled)).toBeUndefined()
    expect(isEarlyBlank(feed, window, late)).toBe(false)
  })

  it('at the turn of a year', () => {
    const december = { from: new Date('2025-12-01'), to: new Date('2026-01-01') }
    const feed = feedOf({ dataset: 'CustomersAndTenants', ...ONCE })
    const early = blank({ requestedAt: new Date('2026-01-06'), landedAt: new Date('2026-01-06') })
    expect(refreshAt({ feed }, december, early, early.landedAt)).toEqual(new Date('2026-01-16'))
  })

  it.each([
    ['one with rows', ONCE, { verdict: 'rows' }],
    ['a file that a person brought', ONCE, { origin: 'import' }],
    ['a snapshot', { dataset: 'Profile', snapshot: 'P7D' }, {}],
  ] as const)('but not %s', (_, fields, figures) => {
    const feed = feedOf({ dataset: 'CustomersAndTenants', ...fields })
    expect(refreshAt({ feed }, JUNE, blank(figures), NOW)).toBeUndefined()
    expect(isEarlyBlank(feed, JUNE, blank(figures))).toBe(false)
  })
})
