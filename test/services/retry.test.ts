import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failed, isFailure } from '../../src/core/failures.ts'
import { pause, readRetryAfterMs, retryDelayMs, withRetry } from '../../src/services/retry.ts'

const middle = () => 0.5
const answer = (status: number, retryAfterMs?: number) => ({ status, retryAfterMs })

describe('how long to wait before a call is repeated', () => {
  test.each([
    ['no answer', undefined, 1, 375],
    ['no answer a second time', undefined, 2, 750],
    ['the third try was the last', undefined, 3, undefined],
    ['the service is busy', answer(503), 1, 375],
    ['too many calls', answer(429), 1, 375],
    ['a time-out of the service', answer(408), 1, 375],
    ['a wait that was asked for', answer(429, 4000), 1, 4000],
    ['a shorter wait than ours', answer(503, 10), 2, 750],
    ['a longer wait than a call may take', answer(429, 10_001), 1, undefined],
    ['success', answer(200), 1, undefined],
    ['a refusal', answer(400), 1, undefined],
    ['a refused token', answer(401), 1, undefined],
    ['nothing there', answer(404), 1, undefined],
  ])('%s', (_, given, attempt, expected) => {
    expect(retryDelayMs(given, attempt, middle)).toBe(expected)
  })

  test('is never longer than ten seconds, never shorter than what was asked for, and there are three tries', () => {
    const asked = fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined })
    const law = fc.property(
      fc.integer({ min: 100, max: 599 }),
      asked,
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (status, retryAfterMs, attempt, chance) => {
        const delay = retryDelayMs({ status, retryAfterMs }, attempt, () => chance)
        if (delay === undefined) return
        expect(attempt).toBeLessThan(3)
        expect(delay).toBeLessThanOrEqual(10_000)
        expect(delay).toBeGreaterThanOrEqual(retryAfterMs ?? 250)
      },
    )
    fc.assert(law, { numRuns: 500 })
  })

  test('two callers that failed together do not come back together', () => {
    expect(retryDelayMs(undefined, 1, () => 0)).not.toBe(retryDelayMs(undefined, 1, () => 1))
  })
})

describe('Retry-After', () => {
  const now = new Date('2025-07-10T12:00:00Z')
  test.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 10 Jul 2025 12:00:30 GMT', 30_000],
    ['Thu, 10 Jul 2025 11:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    [null, undefined],
  ])('"%s" is a wait of %s ms', (value, milliseconds) => {
    expect(readRetryAfterMs(value, now)).toBe(milliseconds)
  })
})

describe('a repeated call', () => {
  const waits: number[] = []
  const retry = { random: middle, wait: async (milliseconds: number) => void waits.push(milliseconds) }

  test('ends with the first good answer', async () => {
    waits.length = 0
    let calls = 0
    const send = async () => answer(++calls < 3 ? 503 : 200)
    expect(await withRetry(send, retry)).toEqual(answer(200))
    expect(waits).toEqual([375, 750])
  })

  test('ends at once with a failure that no waiting heals', async () => {
    let calls = 0
    const send = async () => failed('unauthorized', `call ${++calls}`)
    expect(await withRetry(send, retry)).toEqual(failed('unauthorized', 'call 1'))
  })

  test('is not repeated once it was cancelled, even during the wait', async () => {
    const controller = new AbortController()
    let calls = 0
    const send = async () => failed('unavailable', `call ${++calls}`)
    const wait = async () => controller.abort()
    const last = await withRetry(send, { random: middle, wait }, controller.signal)
    expect(isFailure(last) && last.message).toBe('call 2')
  })

  test('a real wait ends as soon as it is cancelled', async () => {
    const controller = new AbortController()
    const waiting = pause(3_600_000, controller.signal)
    controller.abort()
    await waiting
  })
})
