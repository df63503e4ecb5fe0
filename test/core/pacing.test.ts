import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allowance, EMPTY_PACING, type Pacing, takeSlot, throttled } from '../../src/core/plan/pacing.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.parse('2025-07-10T12:00:00Z')
const LIMITS = { maxInFlight: 10, maxReportsPerHour: 20 }

const slot = (at: number, lane: 'live' | 'backfill' = 'live', attempt = 1) =>
  ({ feed: 'usage', window: 'w', attempt, lane, at: new Date(at).toISOString() }) as const

/** Takes as many slots as there are at one instant. */
function fill(pacing: Pacing, at: number, lane: 'live' | 'backfill', limits = LIMITS, isOpen = false) {
  let [row, taken] = [pacing, 0]
  for (let next = takeSlot(row, slot(at, lane), limits, () => isOpen); next; taken++) {
    row = next
    next = takeSlot(row, slot(at, lane), limits, () => isOpen)
  }
  return { row, taken }
}

/** One thing that happens to an account: time passes, and a report is asked for, ends, or is refused for a quota. */
const happening = fc.record({
  after: fc.integer({ min: 0, max: 30 * MINUTE }),
  what: fc.constantFrom('live', 'backfill', 'live', 'backfill', 'end', 'quota'),
})
const limits = fc.record({
  maxInFlight: fc.integer({ min: 1, max: 6 }),
  maxReportsPerHour: fc.integer({ min: 1, max: 8 }),
})

describe('over any history', () => {
  it('neither limit is passed, one slot of each stays for new windows, and no wait is cut short', () => {
    let granted = 0
    fc.assert(
      fc.property(limits, fc.array(happening, { maxLength: 60 }), (limit, happenings) => {
        const open = new Set<number>()
        const asked: number[] = []
        let [row, now, attempt, waitUntil]: [Pacing, number, number, number] = [EMPTY_PACING, START, 0, 0]
        for (const { after, what } of happenings) {
          now += after
          if (what === 'end') open.delete(Math.min(...open))
          if (what === 'quota') {
            row = throttled(row, new Date(now), 10 * MINUTE, limit)
            waitUntil = now + 10 * MINUTE
          }
          if (what !== 'live' && what !== 'backfill') continue
          attempt += 1
          const inFlight = open.size
          const inHour = asked.filter((at) => now - at < HOUR).length
          const next = takeSlot(row, slot(now, what, attempt), limit, (each) => open.has(each.attempt))
          if (!next) continue
          granted += 1
          const kept = what === 'live' ? 0 : 1
          expect(inFlight).toBeLessThan(Math.max(limit.maxInFlight - kept, 1))
          expect(inHour).toBeLessThan(Math.max(limit.maxReportsPerHour - kept, 1))
          expect(now).toBeGreaterThanOrEqual(waitUntil)
          row = next
          open.add(attempt)
          asked.push(now)
        }
      }),
    )
    expect(granted).toBeGreaterThan(100)
  })

  it('the allowance after a quota is at least one, at most the limit, and never shrinks by waiting', () => {
    fc.assert(
      fc.property(
        limits,
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat({ max: 5 * HOUR })),
        (limit, times, waits) => {
          let row: Pacing = EMPTY_PACING
          for (let time = 0; time < times; time++) row = throttled(row, new Date(START), MINUTE, limit)
          const allowed = waits.toSorted((a, b) => a - b).map((wait) => allowance(row, START + wait, limit))
          expect(allowed.every((count) => count >= 1 && count <= limit.maxReportsPerHour)).toBe(true)
          expect(allowed).toEqual(allowed.toSorted((a, b) => a - b))
        },
      ),
    )
  })
})

describe('an account', () => {
  it('takes 20 new windows an hour, or 19 of history', () => {
    expect(fill(EMPTY_PACING, START, 'live').taken).toBe(20)
    expect(fill(EMPTY_PACING, START, 'backfill').taken).toBe(19)
    const full = fill(EMPTY_PACING, START, 'backfill').row
    expect(fill(full, START + HOUR - 1, 'live').taken).toBe(1)
    expect(fill(full, START + HOUR, 'live').taken).toBe(20)
  })

  it('has 10 new windows open, or 9 of history', () => {
    expect(fill(EMPTY_PACING, START, 'live', LIMITS, true).taken).toBe(10)
    expect(fill(EMPTY_PACING, START, 'backfill', LIMITS, true).taken).toBe(9)
  })

  it('that may ask once an hour asks for history too', () => {
    expect(fill(EMPTY_PACING, START, 'backfill', { maxInFlight: 1, maxReportsPerHour: 1 }).taken).toBe(1)
  })

  it('refused for its quota halves its allowance, which doubles after each quiet hour', () => {
    const once = throttled(EMPTY_PACING, new Date(START), 2 * MINUTE, LIMITS)
    const twice = throttled(once, new Date(START + MINUTE), 2 * MINUTE, LIMITS)
    expect(once).toMatchObject({ notBefore: '2025-07-10T12:02:00.000Z', reduced: { allowance: 10 } })
    expect(twice.reduced?.allowance).toBe(5)
    const hours = [0, 1, 2, 3].map((hour) => allowance(twice, START + MINUTE + hour * HOUR, LIMITS))
    expect(hours).toEqual([5, 10, 20, 20])
  })

  it('waits until the named instant and not longer', () => {
    const row = throttled(EMPTY_PACING, new Date(START), 2 * MINUTE, LIMITS)
    expect(takeSlot(row, slot(START + 2 * MINUTE - 1), LIMITS, () => true)).toBeUndefined()
    expect(takeSlot(row, slot(START + 2 * MINUTE), LIMITS, () => true)).toBeDefined()
  })
})
