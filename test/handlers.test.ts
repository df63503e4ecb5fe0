import type { InvocationContext } from '@azure/functions'
import { expect, test } from 'vitest'
import { createHandlers, writer } from '../src/handlers.ts'

/** An invocation that keeps what is logged. */
function invocation() {
  const lines: string[] = []
  const context = { log: (line: string) => void lines.push(line) } as unknown as InvocationContext
  return { context, event: () => JSON.parse(lines[0] ?? '') }
}

test('an event is one short line that does nothing to a terminal, whatever its message quotes', () => {
  const { context, event } = invocation()
  writer(context)({ event: 'feed.drift', feed: 'usage', message: `a\u0085b\u202ec\nd${'y'.repeat(30_000)}`, count: 2 })
  expect(event()).toEqual({
    event: 'feed.drift',
    feed: 'usage',
    message: expect.stringMatching(/^a b c dy{992}…$/),
    count: 2,
  })
})

test('an event without a message gets none', () => {
  const { context, event } = invocation()
  writer(context)({ event: 'feed.fresh', feed: 'usage' })
  expect(event()).toEqual({ event: 'feed.fresh', feed: 'usage' })
})

test('the event of wrong settings names every problem, on one line', () => {
  const { context, event } = invocation()
  const problems = Array.from({ length: 100 }, (_, index) => `SETTING_${index} is\u2028wrong`)
  createHandlers({ problems }, 'feeds.json', '1', 'dashboard.html').health(context)
  expect(event().message).toBe(problems.join('; ').replaceAll('\u2028', ' '))
})
