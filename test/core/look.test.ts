import { expect, it } from 'vitest'
import { isLookDue, restsFromLook, withLookBegun, withLookDone } from '../../src/core/plan/look.ts'
import { EMPTY_PACING, isPacing, type Pacing } from '../../src/core/plan/pacing.ts'

const SEEN = new Date('2026-01-10T12:00:00Z')
const HOUR = 3_600_000

const after = (hours: number) => new Date(SEEN.getTime() + hours * HOUR)
const isDue = (pacing: Pacing, hours: number) => isLookDue(pacing, SEEN, after(hours))

it('the first look is due a day after the first feed was seen, the next ones a day after each other', () => {
  expect([0, 23, 24, 1000].map((hours) => isDue(EMPTY_PACING, hours))).toEqual([false, false, true, true])
  const done = withLookDone(EMPTY_PACING, after(24))
  expect([25, 47, 48, 1000].map((hours) => isDue(done, hours))).toEqual([false, false, true, true])
})

it('a look that ends in nothing is due again in an hour, and until then none is made', () => {
  const begun = withLookBegun(EMPTY_PACING, after(24))
  expect([24, 24.9, 25].map((hours) => isDue(begun, hours))).toEqual([false, false, true])
  expect([24, 24.9, 25].map((hours) => restsFromLook(begun, after(hours)))).toEqual([true, true, false])
  expect(restsFromLook(withLookDone(begun, after(24)), after(30))).toBe(false)
  expect(restsFromLook(EMPTY_PACING, after(24))).toBe(false)
})

it('no wrong clock puts it off for more than a day', () => {
  expect(isDue(withLookDone(EMPTY_PACING, after(10_000)), 30)).toBe(true)
  expect(isLookDue(EMPTY_PACING, after(10_000), after(0))).toBe(true)
})

it('is kept in the pacing row', () => {
  expect(isPacing(withLookDone(EMPTY_PACING, SEEN))).toBe(true)
  expect(isPacing({ ...EMPTY_PACING, lookAt: 'soon' })).toBe(false)
})
