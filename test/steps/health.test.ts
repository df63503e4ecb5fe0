import type { InvocationContext } from '@azure/functions'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startAzurite } from '../../local/azurite.ts'
import { openApp } from '../../src/app/app.ts'
import { STARTED_KEY, SWEEP_KEY, TICK_KEY } from '../../src/core/ledger/app-rows.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { createHandlers } from '../../src/handlers.ts'
import { health, keptHealth } from '../../src/steps/health.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { testSettings } from '../setup/settings.ts'
import { openWorld, type World } from '../setup/world.ts'
import { named } from './one-window.ts'

/** By default `provision` runs every 15 minutes and `sweep` every 5: three periods of each. */
const PROVISION_SILENT = 45 * MINUTE_MS
const SWEEP_SILENT = 15 * MINUTE_MS

/** A feed and its windows would only slow the timers down. */
const idleWorld = (now?: string) => openWorld({ feeds: [], ...(now && { now }) })

const silent = async ({ services }: World) => (await health(services)).silent

const kindsOf = async ({ services }: World) => (await status(services)).toDo.map(({ kind }) => kind)

describe('health', () => {
  it('misses a timer that has finished no tick for three of its periods, until it ticks again', async () => {
    const world = await idleWorld()
    await provision(world.services)
    await sweep(world.services)
    world.clock.advance(SWEEP_SILENT - 1)
    expect(await silent(world)).toEqual([])
    world.clock.advance(1)
    expect(await silent(world)).toEqual(['sweep'])
    world.clock.advance(PROVISION_SILENT - SWEEP_SILENT)
    expect(await silent(world)).toEqual(['provision', 'sweep'])
    await sweep(world.services)
    expect(await silent(world)).toEqual(['provision'])
    await provision(world.services)
    expect(await silent(world)).toEqual([])
  })

  it('counts from the first look where no timer has ever ticked', async () => {
    const world = await idleWorld()
    expect(await silent(world)).toEqual([])
    const started = await world.services.ledger.readApp(STARTED_KEY)
    expect(started?.value).toEqual({ at: world.clock.now().toISOString() })
    world.clock.advance(SWEEP_SILENT)
    expect(await silent(world)).toEqual(['sweep'])
    world.clock.advance(PROVISION_SILENT)
    expect(await silent(world)).toEqual(['provision', 'sweep'])
    // Later looks do not move the start.
    expect(await world.services.ledger.readApp(STARTED_KEY)).toEqual(started)
  })

  it('is kept for a minute, and a look that fails is not', async () => {
    const world = await idleWorld()
    const { services, clock } = world
    await provision(services)
    await sweep(services)
    const look = keptHealth()
    let looks = 0
    let isAway = true
    const ledger: typeof services.ledger = {
      ...services.ledger,
      async appRows() {
        looks += 1
        if (isAway) throw new Error('the storage does not answer')
        return services.ledger.appRows()
      },
    }
    const kept = async () => (await look({ ...services, ledger })).silent
    await expect(kept()).rejects.toThrow('does not answer')
    isAway = false
    expect(await kept()).toEqual([])
    clock.advance(SWEEP_SILENT)
    expect(await kept()).toEqual(['sweep'])
    await sweep(services)
    clock.advance(MINUTE_MS - 1)
    expect([await kept(), looks]).toEqual([['sweep'], 3])
    clock.advance(1)
    expect([await kept(), looks]).toEqual([[], 4])
  })

  it('answers 503 with the timers that are silent, and 200 again after their ticks', async () => {
    const azurite = await startAzurite()
    onTestFinished(() => azurite.stop())
    const settings = testSettings({ DataStorage: azurite.connectionString })
    const context = { log: () => undefined } as unknown as InvocationContext
    // Each looks anew, as an app does that has just started.
    const answer = async () => {
      const { headers, ...answered } = await createHandlers(settings, 'feeds.json', '7', 'dashboard.html').health(
        context,
      )
      // Every answer has the same headers: test/handlers looks at them.
      expect(headers).toBeDefined()
      return answered
    }
    const { ledger } = openApp(settings, 'feeds.json')(() => undefined)
    const plant = async (key: string, value: object) =>
      ledger.writeApp(key, value, (await ledger.readApp(key))?.etag).then((written) => expect(written).toBeDefined())
    const ago = (ms: number) => ({ at: new Date(Date.now() - ms).toISOString() })
    expect(await answer()).toEqual({ jsonBody: { status: 'ok', version: '7' } })
    await plant(STARTED_KEY, ago(DAY_MS))
    const timers = ['provision', 'sweep']
    expect(await answer()).toEqual({ status: 503, jsonBody: { status: 'timer-silent', timers, version: '7' } })
    await plant(TICK_KEY, { ...ago(HOUR_MS), requested: 0, waiting: 0 })
    await plant(SWEEP_KEY, ago(MINUTE_MS))
    expect(await answer()).toMatchObject({ status: 503, jsonBody: { timers: ['provision'] } })
    await plant(TICK_KEY, { ...ago(MINUTE_MS), requested: 0, waiting: 0 })
    expect(await answer()).toEqual({ jsonBody: { status: 'ok', version: '7' } })
  })
})

describe('timer.silent', () => {
  it.each([
    ['provision', sweep, provision, PROVISION_SILENT],
    ['sweep', provision, sweep, SWEEP_SILENT],
  ] as const)(
    'is told of %s by the other timer, once a day, until it ticks again',
    async (name, other, dead, after) => {
      const world = await idleWorld()
      const { services, clock } = world
      const told = () => named(world, 'timer.silent').length
      await dead(services)
      await other(services)
      clock.advance(after - 1)
      await other(services)
      await other(services)
      expect(told()).toBe(0)
      clock.advance(1)
      await other(services)
      // What was so at its own last tick counts: the next one tells it.
      await other(services)
      expect(named(world, 'timer.silent')).toMatchObject([
        {
          message: expect.stringContaining(`The timer ${name} is silent: it last ran at`),
          remedy: expect.any(String),
        },
      ])
      expect(await kindsOf(world)).toContain('timer-silent')
      clock.advance(DAY_MS - MINUTE_MS)
      await other(services)
      expect(told()).toBe(1)
      clock.advance(MINUTE_MS)
      await other(services)
      expect(told()).toBe(2)
      await dead(services)
      expect(await kindsOf(world)).not.toContain('timer-silent')
      clock.advance(after - 1)
      await other(services)
      await dead(services)
      clock.advance(DAY_MS)
      await dead(services)
      await other(services)
      await other(services)
      expect(told()).toBe(2)
    },
  )
})

describe('queue.old', () => {
  it('is told once a day while a message that is due has waited for half an hour', async () => {
    // The queue has a clock of its own.
    const world = await idleWorld(new Date().toISOString())
    const { services, clock, drain } = world
    const told = () => named(world, 'queue.old').length
    await services.queue.send({ feed: 'nobody', window: '20250501T000000Z_20250601T000000Z', attempt: 1 })
    await sweep(services)
    clock.advance(29 * MINUTE_MS)
    await sweep(services)
    expect([told(), await kindsOf(world)]).toEqual([0, expect.not.arrayContaining(['queue-old'])])
    clock.advance(2 * MINUTE_MS)
    await sweep(services)
    await sweep(services)
    expect(named(world, 'queue.old')).toMatchObject([
      { message: expect.stringContaining('The oldest message in the queue ingest is due'), remedy: expect.any(String) },
    ])
    expect(await kindsOf(world)).toContain('queue-old')
    clock.advance(DAY_MS)
    await sweep(services)
    expect(told()).toBe(2)
    await drain()
    expect(await kindsOf(world)).not.toContain('queue-old')
    clock.advance(DAY_MS)
    await sweep(services)
    expect(told()).toBe(2)
  })
})
