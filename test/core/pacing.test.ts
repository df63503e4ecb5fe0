import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  allowance,
  EMPTY_PACING,
  isPacing,
  type Pacing,
  takeSlot,
  throttled,
  waitsUntil,
} from '../../src/core/plan/pacing.ts'
import type { Priority } from '../../src/core/plan/plan.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.parse('2025-07-10T12:00:00Z')
const LIMITS = { maxInFlight: 10, maxReportsPerHour: 20 }

const slot = (at: number, priority: Priority = 'live', attempt = 1, feed = 'usage') =>
  ({ feed, window: 'w', attempt, priority, at: new Date(at).toISOString() }) as const

/** The row after a slot is taken; undefined where there is none. */
function take(...args: Parameters<typeof takeSlot>): Pacing | undefined {
  const next = takeSlot(...args)
  return typeof next === 'string' ? undefined : next
}

/** Takes as many slots as there are at one instant, each for another feed. */
function fill(pacing: Pacing, at: number, priority: Priority, limits = LIMITS, isOpen = false) {
  let [row, taken] = [pacing, 0]
  const next = () => take(row, slot(at, priority, 1, `feed-${taken}`), limits, () => isOpen)
  for (let taking = next(); taking; taking = next()) {
    row = taking
    taken++
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

describe('refreshes', () => {
  it('take a quarter of the reports of an hour, and leave the rest to what is live and to history', () => {
    const { row, taken } = fill(EMPTY_PACING, START, 'refresh')
    expect(taken).toBe(5)
    expect(takeSlot(row, slot(START, 'refresh', 1, 'one more'), LIMITS, () => false)).toBe('priority')
    const { row: withHistory, taken: history } = fill(row, START, 'backfill')
    expect([history, fill(withHistory, START, 'live').taken]).toEqual([14, 1])
  })

  it('take one where an hour has fewer than four, and as many again an hour later', () => {
    const few = { ...LIMITS, maxReportsPerHour: 3 }
    const { row, taken } = fill(EMPTY_PACING, START, 'refresh', few)
    expect([taken, fill(row, START + HOUR, 'refresh', few).taken]).toEqual([1, 1])
  })
})

describe('over any history', () => {
  it('neither limit is passed, one slot of each stays for new windows, and no wait is cut short', () => {
    let granted = 0
    fc.assert(
      fc.property(limits, fc.array(happening, { maxLength: 60 }), (limit, happenings) => {
        const [open, live] = [new Set<number>(), new Set<number>()]
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
          const feed = `feed-${attempt % 3}`
          const next = take(row, slot(now, what, attempt, feed), limit, (each) => open.has(each.attempt))
          if (!next) continue
          granted += 1
          const kept = what === 'live' ? 0 : 1
          expect(inFlight).toBeLessThan(Math.max(limit.maxInFlight - kept, 1))
          expect(inHour).toBeLessThan(Math.max(limit.maxReportsPerHour - kept, 1))
          expect(now).toBeGreaterThanOrEqual(waitUntil)
          row = next
          const ofFeed = [...open].filter((each) => each % 3 === attempt % 3)
          const isFirstLive = what === 'live' && !ofFeed.some((each) => live.has(each))
          const most = Math.max(Math.floor(limit.maxInFlight / 2), 1) + Number(isFirstLive)
          expect(ofFeed.length).toBeLessThan(most)
          open.add(attempt)
          if (what === 'live') live.add(attempt)
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

  it('gives a feed half of what may be open, and one while a report of it is older than two hours', () => {
    let row: Pacing = EMPTY_PACING
    for (let taken = 0; taken < 5; taken++) row = take(row, slot(START), LIMITS, () => true) ?? row
    expect(takeSlot(row, slot(START), LIMITS, () => true)).toBe('feed')
    expect(take(row, slot(START, 'live', 1, 'other'), LIMITS, () => true)).toBeDefined()
    const one = take(EMPTY_PACING, slot(START), LIMITS, () => true) ?? row
    expect(take(one, slot(START + 2 * HOUR - 1), LIMITS, () => true)).toBeDefined()
    expect(takeSlot(one, slot(START + 2 * HOUR), LIMITS, () => true)).toBe('feed')
  })

  it('gives a feed its first live slot, however many of its history are open and however slow they are', () => {
    let row: Pacing = EMPTY_PACING
    for (let taken = 0; taken < 5; taken++) row = take(row, slot(START, 'backfill'), LIMITS, () => true) ?? row
    const late = START + 3 * HOUR
    expect(takeSlot(row, slot(late, 'backfill'), LIMITS, () => true)).toBe('feed')
    expect(takeSlot(row, slot(late, 'refresh'), LIMITS, () => true)).toBe('feed')
    const next = take(row, slot(late), LIMITS, () => true)
    expect(next?.open).toHaveLength(6)
    expect(isPacing(JSON.parse(JSON.stringify(next)))).toBe(true)
    expect(takeSlot(next ?? row, slot(late), LIMITS, () => true)).toBe('feed')
  })

  it('forgets what a clock that was days ahead wrote', () => {
    const ahead = START + 30 * 24 * HOUR
    const wrong = throttled(fill(EMPTY_PACING, ahead, 'live').row, new Date(ahead), 2 * MINUTE, LIMITS)
    expect(waitsUntil(wrong, new Date(START))).toBeUndefined()
    expect(fill(wrong, START, 'live').taken).toBe(20)
  })

  it('waits a day at most, whatever the service asks for', () => {
    const row = throttled(EMPTY_PACING, new Date(START), 1_767_225_600_000, LIMITS)
    expect(waitsUntil(row, new Date(START))).toEqual(new Date(START + 24 * HOUR))
    expect(waitsUntil(row, new Date(START + 24 * HOUR))).toBeUndefined()
  })

  it('remembers for a day when each feed was served', () => {
    const first = take(EMPTY_PACING, slot(START, 'live', 1, 'a'), LIMITS, () => false) ?? EMPTY_PACING
    const second = take(first, slot(START + HOUR, 'live', 1, 'b'), LIMITS, () => false)
    expect(second?.served).toEqual({ a: new Date(START).toISOString(), b: new Date(START + HOUR).toISOString() })
    const third = take(first, slot(START + 24 * HOUR, 'live', 1, 'b'), LIMITS, () => false)
    expect(Object.keys(third?.served ?? {})).toEqual(['b'])
  })

  it('waits until the named instant and not longer', () => {
    const row = throttled(EMPTY_PACING, new Date(START), 2 * MINUTE, LIMITS)
    expect(takeSlot(row, slot(START + 2 * MINUTE - 1), LIMITS, () => true)).toBe('account')
    expect(take(row, slot(START + 2 * MINUTE), LIMITS, () => true)).toBeDefined()
  })
})
