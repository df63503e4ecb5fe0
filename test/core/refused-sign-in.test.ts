import { describe, expect, it } from 'vitest'
import { EMPTY_PACING, isPacing, type Pacing, takeSlot } from '../../src/core/plan/pacing.ts'
import {
  isSignInBlocked,
  isTrialDue,
  withoutRefusedSignIn,
  withRefusedSignIn,
} from '../../src/core/plan/refused-sign-in.ts'

const MINUTE = 60_000
const at = (minutes: number) => new Date(Date.parse('2026-01-10T12:00:00Z') + minutes * MINUTE)
const NO_MFA = { kind: 'mfa-required', message: 'no multi-factor' } as const
const REFUSED = { kind: 'unauthorized', message: 'refused' } as const

const refusedAt = (minutes: number, failure: typeof NO_MFA | typeof REFUSED = NO_MFA, pacing: Pacing = EMPTY_PACING) =>
  withRefusedSignIn(pacing, failure, at(minutes))

describe('a sign-in that is refused', () => {
  it('is remembered since the first time, and tried last at the last time', () => {
    const twice = refusedAt(20, NO_MFA, refusedAt(0))
    expect(twice.refused).toEqual({ ...NO_MFA, since: at(0).toISOString(), triedAt: at(20).toISOString() })
    expect(isPacing(JSON.parse(JSON.stringify(twice)))).toBe(true)
  })

  it('for another reason than before counts from then on', () => {
    expect(refusedAt(20, NO_MFA, refusedAt(0, REFUSED)).refused?.since).toBe(at(20).toISOString())
  })

  it('stays remembered when a slot is taken', () => {
    const pacing = refusedAt(0, REFUSED, withoutRefusedSignIn(refusedAt(-90, REFUSED), at(-80)))
    const slot = { feed: 'usage', window: 'w', attempt: 1, at: at(1).toISOString(), priority: 'live' } as const
    const taken = takeSlot(pacing, slot, { maxInFlight: 2, maxReportsPerHour: 2 }, () => true)
    expect(taken).toMatchObject({ refused: pacing.refused, signedInAt: at(-80).toISOString() })
  })
})

describe('a sign-in without multi-factor', () => {
  it('blocks its account after an hour, and no other refusal ever does', () => {
    expect([0, 59, 60, 1000].map((now) => isSignInBlocked(refusedAt(0), at(now)))).toEqual([false, false, true, true])
    expect(isSignInBlocked(refusedAt(0, REFUSED), at(1000))).toBe(false)
    expect(isSignInBlocked(EMPTY_PACING, at(0))).toBe(false)
  })

  it('is tried at each tick for an hour, and every hour from then on', () => {
    const first = refusedAt(0)
    expect([0, 15, 59].map((now) => isTrialDue(first, at(now)))).toEqual([true, true, true])
    const later = refusedAt(60, NO_MFA, first)
    expect([61, 114, 115].map((now) => isTrialDue(later, at(now)))).toEqual([false, false, true])
  })

  it('is tried again although a clock that was ahead noted it', () => {
    const ahead = refusedAt(100_000)
    expect([isSignInBlocked(ahead, at(0)), isTrialDue(ahead, at(0))]).toEqual([true, true])
  })

  it('is over with the first success', () => {
    const over = withoutRefusedSignIn(
      refusedAt(0, NO_MFA, { ...EMPTY_PACING, signedInAt: at(-1).toISOString() }),
      at(1),
    )
    expect(over).toEqual({ ...EMPTY_PACING, signedInAt: at(1).toISOString() })
    expect(isTrialDue(over, at(2))).toBe(false)
  })
})

describe('a sign-in that is refused for another reason', () => {
  it('is tried at each tick, and works as soon as one succeeds', () => {
    const refused = refusedAt(0, REFUSED)
    expect([0, 15, 6000].map((now) => isTrialDue(refused, at(now)))).toEqual([true, true, true])
    expect(withoutRefusedSignIn(refused, at(15))).toEqual({ ...EMPTY_PACING, signedInAt: at(15).toISOString() })
  })

  it('though others work meanwhile, counts as working once an hour', () => {
    const again = refusedAt(20, REFUSED, withoutRefusedSignIn(refusedAt(0, REFUSED), at(15)))
    expect([21, 69, 70].map((now) => isTrialDue(again, at(now)))).toEqual([false, false, true])
    const noted = withoutRefusedSignIn(again, at(21))
    expect(noted).toEqual({ ...again, refused: { ...again.refused, works: true } })
    expect(withoutRefusedSignIn(noted, at(22))).toBe(noted)
    expect(refusedAt(30, REFUSED, noted).refused).toMatchObject({ since: at(30).toISOString() })
    expect(refusedAt(30, REFUSED, noted).refused).not.toHaveProperty('works')
    expect([69, 70].map((now) => isTrialDue(noted, at(now)))).toEqual([false, true])
    expect(withoutRefusedSignIn(noted, at(70))).toEqual({ ...EMPTY_PACING, signedInAt: at(70).toISOString() })
  })

  it('is nothing where none was refused', () => {
    expect(withoutRefusedSignIn(EMPTY_PACING, at(0))).toBe(EMPTY_PACING)
    expect(isTrialDue(EMPTY_PACING, at(0))).toBe(false)
  })
})
