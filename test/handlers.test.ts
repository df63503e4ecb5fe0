import type { HttpRequest, InvocationContext } from '@azure/functions'
import { expect, onTestFinished, test } from 'vitest'
import { storageConnectionString } from '../local/azurite.ts'
import { createHandlers, writer } from '../src/handlers.ts'
import { callbackToken } from '../src/services/insights/callback-token.ts'
import { startScripted } from './services/scripted-server.ts'
import { CALLBACK_SECRET, testSettings } from './setup/settings.ts'

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

test('an error inside is answered by 500 with the headers of every answer, without a body, and logged with its stack', async () => {
  const storage = await startScripted()
  onTestFinished(() => storage.close())
  // No client repeats it, and none can make sense of it.
  storage.script(() => ({ status: 400, body: 'Error: at secret.ts:1' }))
  const port = Number(new URL(storage.origin).port)
  const connection = storageConnectionString({ blob: port, queue: port, table: port })
  const callback = { CALLBACK_BASE_URL: 'http://127.0.0.1:1/api/callback', CALLBACK_SECRET }
  const settings = testSettings({ DataStorage: connection, ...callback })
  const handlers = createHandlers(settings, 'none.json', '1', 'none.html')
  const logged: string[] = []
  const context = {
    log: () => undefined,
    error: (text: string) => void logged.push(text),
  } as unknown as InvocationContext
  const subject = { feed: 'usage', window: '20250101T000000Z_20250201T000000Z', attempt: 1 }
  const token = callbackToken(CALLBACK_SECRET, subject)
  const request = {
    params: { ...subject, attempt: '1', token },
    query: new URLSearchParams(),
  } as unknown as HttpRequest
  const answers = {
    health: () => handlers.health(context),
    status: () => handlers.status(context),
    windowStatus: () => handlers.windowStatus(request, context),
    dashboard: () => handlers.dashboard(context),
    callback: () => handlers.callback(request, context),
    run: () => handlers.run('provision', context),
  }
  for (const [name, answer] of Object.entries(answers)) {
    const { status, headers, body, jsonBody } = await answer()
    expect({ name, status, body, jsonBody }).toEqual({ name, status: 500 })
    expect(headers).toEqual({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    expect(logged.splice(0)).toEqual([expect.stringMatching(/\n {4}at /)])
  }
})
