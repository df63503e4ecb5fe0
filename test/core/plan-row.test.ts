import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import {
  fromPlanFields,
  rebuiltPlan,
  takes,
  toPlanFields,
  withoutWindow,
  withRemovedAttempt,
  withWindow,
} from '../../src/core/ledger/plan-row.ts'
import type { Window } from '../../src/core/time/window.ts'

const DAY = 86_400_000
const NOW = new Date('2025-07-10T12:00:00Z')

const anyWindow = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20 }))
  .map(([from, days]): Window => ({ from: new Date(from * DAY), to: new Date((from + days) * DAY) }))

const daysOf = (windows: readonly Window[]) =>
  windows.flatMap(({ from, to }) =>
    Array.from({ length: (to.getTime() - from.getTime()) / DAY }, (_, day) => from.getTime() / DAY + day),
  )

const empty = rebuiltPlan('usage', [], undefined, NOW)

describe('the plan of a feed', () => {
  it('takes what overlaps nothing, and over any history its days are those of the windows that it holds', () => {
    const steps = fc.array(fc.record({ window: anyWindow, isRemoved: fc.boolean() }), { maxLength: 30 })
    fc.assert(
      fc.property(steps, (history) => {
        let [plan, held] = [empty, [] as Window[]]
        for (const { window, isRemoved } of history) {
          const [gone] = held
          if (isRemoved && gone) {
            plan = withoutWindow(plan, gone)
            held = held.slice(1)
            continue
          }
          const next = withWindow(plan, window)
          const overlaps = daysOf(held).some((day) => daysOf([window]).includes(day))
          expect(next === undefined).toBe(overlaps)
          if (next) [plan, held] = [next, [...held, window]]
        }
        expect(daysOf(plan.spans).toSorted()).toEqual(daysOf(held).toSorted())
        expect(plan.spans).toEqual(rebuiltPlan('usage', held, undefined, NOW).spans)
        expect(held.every((window) => takes(plan, window))).toBe(true)
      }),
    )
  })

  it('is as short as its gaps are few: windows that touch are one span', () => {
    const days = Array.from({ length: 4_000 }, (_, day) => ({
      from: new Date(day * DAY),
      to: new Date((day + 1) * DAY),
    }))
    const { spans } = rebuiltPlan('usage', days.toReversed(), undefined, NOW)
    expect(spans).toEqual([{ from: new Date(0), to: new Date(4_000 * DAY) }])
  })

  it('holds whole days, whatever an entry written by another says', () => {
    const half = { from: new Date('2025-01-01T12:00:00Z'), to: new Date('2025-01-02T12:00:00Z') }
    const [span] = rebuiltPlan('usage', [half], undefined, NOW).spans
    expect(span).toEqual({ from: new Date('2025-01-01'), to: new Date('2025-01-03') })
  })

  it('keeps the highest attempt of what was removed', () => {
    const window = { from: new Date(0), to: new Date(DAY) }
    const once = withRemovedAttempt(rebuiltPlan('usage', [window], undefined, NOW), 7)
    expect(withoutWindow(withRemovedAttempt(once, 3), window).removedAttempt).toBe(7)
    expect(rebuiltPlan('usage', [window], once, NOW).removedAttempt).toBe(7)
  })

  it('is read as it was written, and nothing else is read as a plan', () => {
    fc.assert(
      fc.property(fc.array(anyWindow, { maxLength: 5 }), fc.nat(99), (windows, removedAttempt) => {
        const plan = { ...rebuiltPlan('usage', windows, undefined, NOW), removedAttempt }
        expect(fromPlanFields('usage', toPlanFields(plan))).toEqual(plan)
      }),
    )
    const plan = '{"v":1,"spans":[[0,1]],"removedAttempt":0,"auditedAt":"2025-07-10T12:00:00.000Z"}'
    expect(isFailure(fromPlanFields('usage', { plan }))).toBe(false)
    const spoilt = [plan.replace('1', '2'), plan.replace('[0,1]', '[1,1]'), plan.replace('[0,1]', '[0]'), '{}', 'x']
    for (const each of spoilt) {
      expect(fromPlanFields('usage', { plan: each })).toMatchObject({ kind: 'unreadable-entry' })
    }
  })
})
