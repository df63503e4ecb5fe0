import { join } from 'node:path'
import type { InvocationContext } from '@azure/functions'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { STARTED_KEY, SWEEP_KEY, TICK_KEY } from '../../src/core/ledger/app-rows.ts'
import { DAY_MS, HOUR_MS } from '../../src/core/time/durations.ts'
import { createHandlers } from '../../src/handlers.ts'
import { type Deployment, startDeployment } from '../cli/deployment.ts'
import { namesIn, rowsOf, textOf } from '../docs/page.ts'
import { drain, openReceiver } from '../setup/queue.ts'
import { requireSettings } from '../setup/settings.ts'
import { storageOf } from '../setup/storage.ts'

// An app whose HTTP routes and queue go on and whose timers never fire, as Azure has been seen to leave one behind.

const FEED = { name: 'usage', dataset: 'AzureUsage', from: '2025-04-01', to: '2025-06-01', refresh: false }

let deployment: Deployment

beforeAll(async () => {
  deployment = await startDeployment([FEED])
  const { ledger } = deployment.services
  await ledger.create()
  await ledger.writeApp(STARTED_KEY, { at: new Date(Date.now() - DAY_MS).toISOString() }, undefined)
})
afterAll(() => deployment.close())

const context = { log: () => undefined } as unknown as InvocationContext

/** The app as an instance sees it that has just started: it has not looked at its timers yet. */
const app = () =>
  createHandlers(requireSettings(deployment.settings), join(deployment.folder, 'feeds.json'), '7', 'dashboard.html')

const BOTH = { status: 503, jsonBody: { status: 'timer-silent', timers: ['provision', 'sweep'], version: '7' } }

/** Every action of a sweep that docs/commands.md names. */
const NAMED = Object.fromEntries(
  namesIn(rowsOf(textOf('docs/commands.md'), 'action of `sweep`'), 'action of `sweep`').map((name) => [
    name,
    expect.any(Number),
  ]),
)

it('health answers 503 and names both timers, and status says what to do', async () => {
  expect(await app().health(context)).toMatchObject(BOTH)
  const { body } = await app().status(context)
  const kinds = JSON.parse(String(body)).toDo.map(({ kind }: { kind: string }) => kind)
  expect(kinds.filter((kind: string) => kind === 'timer-silent')).toHaveLength(2)
})

it('run/provision and run/sweep do all that the timers do, without a callback, and health answers 200 again', async () => {
  const { run, health } = app()
  const receive = openReceiver(storageOf(deployment.azurite.connectionString).queue('ingest'))
  await storageOf(deployment.azurite.connectionString).queue('ingest').createIfNotExists()
  expect(await run('provision', context)).toMatchObject({ jsonBody: { requested: 2, waiting: 0 } })
  await waitUntil('both windows have landed', async () => {
    expect(await run('sweep', context)).toMatchObject({ jsonBody: expect.any(Object) })
    await drain(receive, deployment.services)
    const entries = await deployment.entries('usage')
    return entries.length === 2 && entries.every(({ state, remoteReports }) => state === 'landed' && !remoteReports[0])
  })
  // Whatever is left of the removals, the second of two sweeps has nothing to do: it says so in the same words.
  await waitUntil('a sweep has nothing left to do', async () => {
    const { jsonBody } = await run('sweep', context)
    expect(jsonBody).toEqual({ at: expect.any(Date), done: expect.any(Number), actions: NAMED })
    await drain(receive, deployment.services)
    return jsonBody.done === 0
  })
  expect((await run('sweep', context)).jsonBody).toMatchObject({ done: 0, actions: { hint: 0, reopen: 0, drop: 0 } })
  expect((await run('provision', context)).jsonBody).toEqual({ at: expect.any(String), requested: 0, waiting: 0 })
  const healthy = await health(context)
  expect(healthy).toMatchObject({ jsonBody: { status: 'ok', version: '7' } })
  expect(healthy.status ?? 200).toBe(200)
})

it('health answers 503 again when nobody runs them any more', async () => {
  const { ledger } = deployment.services
  const at = new Date(Date.now() - HOUR_MS).toISOString()
  for (const key of [TICK_KEY, SWEEP_KEY]) {
    const row = await ledger.readApp<object>(key)
    await ledger.writeApp(key, { ...row?.value, at }, row?.etag)
  }
  expect(await app().health(context)).toMatchObject(BOTH)
})
