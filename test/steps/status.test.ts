import type { HttpRequest, InvocationContext } from '@azure/functions'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { plantQuietFeeds, quietFeedsText } from '../../bench/quiet-feeds.ts'
import { startAzurite } from '../../local/azurite.ts'
import { proxiedConnectionString, serviceOrigins, startProxy } from '../../local/proxy.ts'
import { openApp } from '../../src/app/app.ts'
import { STATUS_FIELDS, type StatusAnswer, WINDOW_FIELDS, type WindowAnswer } from '../../src/core/status/fields.ts'
import { windowId } from '../../src/core/time/window.ts'
import { createHandlers } from '../../src/handlers.ts'
import { provision } from '../../src/steps/provision.ts'
import { status, windowStatus } from '../../src/steps/status.ts'
import { answerFaults } from '../setup/answer-faults.ts'
import { testSettings } from '../setup/settings.ts'
import { openWorld } from '../setup/world.ts'

const USAGE = { name: 'usage', dataset: 'AzureUsage', columns: ['Month', 'CustomerName', 'UsageQuantity'] }
const FEEDS = [
  { ...USAGE, from: '2025-03-01', to: '2025-07-01', refresh: false },
  { name: 'learn', dataset: 'MSLearn', from: '2025-07-01' },
]
const inJson = (value: object) => JSON.parse(JSON.stringify(value))

describe('the answers of the routes', () => {
  it('are as their tables of fields say, after landings, failures and with nothing done yet', async () => {
    const world = await openWorld({ feeds: FEEDS })
    expect(answerFaults(STATUS_FIELDS, inJson(await status(world.services)))).toEqual([])
    world.simulator.fault({ endpoint: 'createReport', nth: 2, effect: { status: 403 } })
    await world.run()
    const answer: StatusAnswer = inJson(await status(world.services))
    expect(answerFaults(STATUS_FIELDS, answer)).toEqual([])
    const states = new Set(answer.feeds.flatMap(({ windows }) => windows.map(({ state }) => state)))
    expect(states).toEqual(new Set(['landed', 'failed']))
    for (const { feed, window } of await world.entries()) {
      const detail: WindowAnswer = inJson(await windowStatus(world.services, feed, windowId(window)))
      expect(answerFaults(WINDOW_FIELDS, detail)).toEqual([])
    }
  })

  it('are not as the table says where a field is missing, of another shape, or not in the table', () => {
    const fields = { v: { is: 'count', means: '' }, at: { is: 'instant', means: '' } } as const
    expect(answerFaults(fields, { v: 1, at: '2025-07-10T12:00:00.000Z' })).toEqual([])
    expect(answerFaults(fields, { v: 'one', at: '10 July', more: true })).toEqual([
      '.more is not known',
      '.v is not a whole number',
      '.at is not a time',
    ])
    expect(answerFaults(fields, {})).toEqual(['.v is missing', '.at is missing'])
  })
})

describe('the status of one window', () => {
  it('names each attempt with its times, what the service called a call that failed, and what moved', async () => {
    const world = await openWorld({ feeds: [FEEDS[0] ?? {}] })
    world.simulator.fault({
      endpoint: 'createReport',
      effect: { status: 403, headers: { 'ms-correlationid': 'call-7' } },
    })
    await provision(world.services)
    const failed = (await world.entries()).find(({ state }) => state === 'failed')
    const id = failed ? windowId(failed.window) : ''
    const detail = await windowStatus(world.services, 'usage', id)
    expect(detail).toMatchObject({
      state: 'failed',
      sentence: expect.stringContaining('failed at 2025-07-10T12:00Z (forbidden), and has no rows'),
      attempts: [{ attempt: 1, outcome: 'forbidden', correlationId: 'call-7', seconds: 0 }],
      totals: [],
    })
  })

  it('has the figures of a landing, its totals, and the commands that make sense for it', async () => {
    const world = await openWorld({ feeds: [FEEDS[0] ?? {}] })
    await world.run()
    const detail = await windowStatus(world.services, 'usage', '20250601T000000Z_20250701T000000Z')
    expect(detail).toMatchObject({
      sentence: expect.stringMatching(/^June 2025 landed at 2025-07-10T\d\d:\d\dZ with \d+ rows$/),
      figures: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/), archive: expect.stringMatching(/^usage\//) },
      totals: [{ name: 'UsageQuantity', sum: expect.any(String) }],
      attempts: [{ attempt: 1, outcome: 'landed', requestedAt: expect.any(Date), seconds: expect.any(Number) }],
      commands: [
        'npx partner-insights-sync retry usage --month 2025-06',
        'npx partner-insights-sync replay usage --month 2025-06',
        'npx partner-insights-sync forget usage --month 2025-06',
      ],
    })
  })

  it('is a sentence for a window that was never asked for, and for a name that is none', async () => {
    const world = await openWorld({ feeds: [] })
    const find = (feed: string, window: string) => windowStatus(world.services, feed, window)
    expect(await find('usage', '20250601T000000Z_20250701T000000Z')).toEqual({
      problem: 'usage 20250601T000000Z_20250701T000000Z was never asked for',
    })
    const wrong = { problem: 'the address names no window: status/{feed}/{window id}' }
    expect(await find('_app', '20250601T000000Z_20250701T000000Z')).toEqual(wrong)
    expect(await find('usage', '../x')).toEqual(wrong)
  })

  it('is answered with 404 where there is none, and like every status is neither kept nor guessed at', async () => {
    const settings = testSettings({ DataStorage: inject('storage'), CALLBACK_BASE_URL: '', DEPLOYMENT_ID: 'none' })
    const handlers = createHandlers(settings, 'feeds.json', '1', 'dashboard.html')
    const request = { params: { feed: 'nobody', window: '2025' } } as unknown as HttpRequest
    const context = { log: () => undefined } as unknown as InvocationContext
    const headers = {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    }
    expect(await handlers.windowStatus(request, context)).toMatchObject({ status: 404, headers })
    expect(await handlers.status(context)).toMatchObject({ headers })
  })
})

it('reads a feed with three years of days in two requests, and knows every window', async () => {
  const azurite = await startAzurite()
  onTestFinished(() => azurite.stop())
  const tables = await startProxy({ target: serviceOrigins(azurite.connectionString).table })
  onTestFinished(() => tables.close())
  const [quiet, today] = [{ feeds: 2, windows: 1_095 }, new Date('2025-07-10T00:00:00Z')]
  await plantQuietFeeds(azurite.connectionString, quiet, today)
  const connection = proxiedConnectionString(azurite.connectionString, { table: tables.origin })
  const settings = testSettings({ DataStorage: connection, CALLBACK_BASE_URL: '', DEPLOYMENT_ID: 'many' })
  const packagedFeeds = async () => quietFeedsText(quiet, today)
  const services = openApp(settings, '', { packagedFeeds, clock: () => new Date('2025-07-10T12:00:00Z') })(
    () => undefined,
  )
  const { feeds } = await status(services)
  expect(feeds.map(({ windows, complete }) => [windows.length, complete])).toEqual([
    [1_095, 1_095],
    [1_095, 1_095],
  ])
  // The table is made, and the rows of the app are read at once.
  expect(tables.count()).toBe(2 + 2 * quiet.feeds)
})
