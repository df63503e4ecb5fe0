import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FAILURES } from '../../src/core/failures.ts'
import { hasSpareReport, isOfPerson } from '../../src/core/ledger/ledger.ts'
import { hasCome, NEVER, wakeAt } from '../../src/core/ledger/wake.ts'
import { anyEntry, anyEntryIn, anyInstant } from './any-entry.ts'

const DAY = 86_400_000
const RULES = { adoptAfterMs: 300_000, leaseMs: 120_000, reportDeadlineMs: DAY, deleteReports: true }

describe('when an entry wakes', () => {
  it('is eight days ahead at most, or never: what only a person or a change heals, and what has landed', () => {
    fc.assert(
      fc.property(anyEntry, anyInstant, (entry, now) => {
        const at = wakeAt(entry, now, RULES)
        if (at.getTime() !== NEVER.getTime()) {
          expect(at.getTime() - now.getTime()).toBeLessThanOrEqual(8 * DAY)
          return
        }
        expect(['landed', 'failed']).toContain(entry.state)
        expect(hasSpareReport(entry, true)).toBe(false)
        if (entry.state === 'failed' && !isOfPerson(entry)) expect(FAILURES[entry.kind].heals).not.toBe('time')
      }),
    )
  })

  it('is now where a clock that was ahead wrote its instants, so that no audit puts it to sleep until then', () => {
    fc.assert(
      fc.property(anyEntryIn('requested'), anyInstant, (entry, now) => {
        const ahead = new Date(now.getTime() + 30 * DAY)
        const written = { ...entry, requestedAt: ahead, pollAfter: ahead, deadline: new Date(ahead.getTime() + DAY) }
        expect(wakeAt(written, now, RULES)).toEqual(now)
      }),
    )
  })
})

it('an instant has come when it is past, or further ahead than a right clock writes', () => {
  const now = new Date('2025-07-10T12:00:00Z')
  const at = (ms: number) => hasCome(new Date(now.getTime() + ms), now, 1000)
  expect([-1, 0, 1, 1000, 1001].map(at)).toEqual([true, true, false, false, true])
})
