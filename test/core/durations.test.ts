import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addDuration, durationMilliseconds, parseDuration } from '../../src/core/time/durations.ts'

function duration(text: string) {
  const parsed = parseDuration(text)
  if (!parsed) throw new Error(`${text} is not a duration`)
  return parsed
}

test.each([
  ['P1Y', { months: 12, days: 0, seconds: 0 }],
  ['P3M', { months: 3, days: 0, seconds: 0 }],
  ['P1Y2M', { months: 14, days: 0, seconds: 0 }],
  ['P1W', { months: 0, days: 7, seconds: 0 }],
  ['P7D', { months: 0, days: 7, seconds: 0 }],
  ['PT12H', { months: 0, days: 0, seconds: 43_200 }],
  ['P1DT6H', { months: 0, days: 1, seconds: 21_600 }],
  ['PT5M', { months: 0, days: 0, seconds: 300 }],
  ['PT2S', { months: 0, days: 0, seconds: 2 }],
  ['P2Y3M1W4DT5H6M7S', { months: 27, days: 11, seconds: 18_367 }],
])('%s is read part by part', (text, expected) => {
  expect(parseDuration(text)).toEqual(expected)
})

test.each([
  ['nothing', ''],
  ['a P alone', 'P'],
  ['a T with nothing after it', 'P1DT'],
  ['zero', 'P0D'],
  ['zero in every part', 'P0Y0M0DT0H0M0S'],
  ['a negative one', '-P1D'],
  ['a negative part', 'P-1D'],
  ['a fraction', 'PT0.5S'],
  ['parts in the wrong order', 'P1D1M'],
  ['hours without T', 'P5H'],
  ['small letters', 'p1d'],
  ['blanks around it', ' P1D'],
  ['a line break after it', 'P1D\n'],
  ['words', '3 months'],
  ['over a hundred years', 'P101Y'],
  ['more digits than a number holds', `P${'9'.repeat(10)}Y`],
])('%s is no duration', (_what, text) => {
  expect(parseDuration(text)).toBeUndefined()
})

describe('moving a date', () => {
  test.each([
    ['2025-01-31T10:00:00Z', 'P1M', '2025-02-28T10:00:00Z'],
    ['2024-01-31T00:00:00Z', 'P1M', '2024-02-29T00:00:00Z'],
    ['2025-01-31T00:00:00Z', 'P2M', '2025-03-31T00:00:00Z'],
    ['2024-02-29T00:00:00Z', 'P1Y', '2025-02-28T00:00:00Z'],
    ['2024-12-31T23:59:59Z', 'PT1S', '2025-01-01T00:00:00Z'],
    ['2024-02-28T00:00:00Z', 'P1D', '2024-02-29T00:00:00Z'],
    ['2025-01-31T00:00:00Z', 'P1M1D', '2025-03-01T00:00:00Z'],
  ])('%s and %s is %s', (from, text, to) => {
    expect(addDuration(new Date(from), duration(text))).toEqual(new Date(to))
  })

  test.each([
    ['2025-03-31T00:00:00Z', 'P1M', '2025-02-28T00:00:00Z'],
    ['2024-03-31T00:00:00Z', 'P1M', '2024-02-29T00:00:00Z'],
    ['2025-01-15T00:00:00Z', 'P24M', '2023-01-15T00:00:00Z'],
    ['2025-03-01T00:00:00Z', 'P1D', '2025-02-28T00:00:00Z'],
    ['2025-01-01T00:00:00Z', 'P1DT6H', '2024-12-30T18:00:00Z'],
  ])('%s back by %s is %s', (from, text, to) => {
    expect(addDuration(new Date(from), duration(text), -1)).toEqual(new Date(to))
  })

  test('a later date never moves to before an earlier one', () => {
    const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(instant, instant, fc.nat(40), fc.nat(400), (a, b, months, days) => {
        const [early, late] = a < b ? [a, b] : [b, a]
        const moved = [early, late].map((date) => addDuration(date, { months, days, seconds: 0 }))
        expect(Number(moved[0])).toBeLessThanOrEqual(Number(moved[1]))
      }),
    )
  })

  test('the date given stays as it is', () => {
    const date = new Date('2025-01-31T00:00:00Z')
    addDuration(date, duration('P1M'))
    expect(date).toEqual(new Date('2025-01-31T00:00:00Z'))
  })
})

test('a time limit counts a month as thirty days', () => {
  expect(durationMilliseconds(duration('P1M1DT1H'))).toBe((31 * 24 + 1) * 3_600_000)
})
