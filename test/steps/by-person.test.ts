import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/core/time/durations.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import {
  askAgain,
  entryOf,
  FEED,
  feedRowOf,
  fileOf,
  HINT,
  hint,
  landedWorld,
  landFile,
  landImport,
  named,
  names,
  WINDOW,
  watched,
  withTable,
  worldOf,
} from './one-window.ts'

/** A feed whose window is not refreshed: only healing would ask for it again. */
const NO_REFRESH = { ...FEED, refresh: { every: 'P1D', for: 'PT1H' } }

/** From now on the feed asks for one column more; its new query is registered with the request for another month. */
async function askForMore({ services }: World, before: object = FEED): Promise<void> {
  const feed = { ...before, columns: [...FEED.columns, 'SubscriptionStartDate'], from: '2025-04-01' }
  const text = JSON.stringify({ feeds: [feed] })
  await provision({ ...services, readFeeds: async () => ({ text, source: 'package' }) })
}

async function landReplay({ services, drain }: World): Promise<void> {
  expect(await replay(services, FEED.name, WINDOW)).toHaveProperty('attempt')
  await drain()
}

describe('the columns that a report must have', () => {
  it('are those that its attempt asked for, whatever the feed asks for when it lands', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await askAgain(world)
    const crashing = watched(world.services.ledger, async ({ state }) => {
      if (state === 'landed') throw new Error('the process is gone')
    })
    await expect(hint(world, { ...world.services, ledger: crashing }, { attempt: 3 })).rejects.toThrow('gone')
    expect(await entryOf(world)).toMatchObject({ state: 'landing', columns: FEED.columns })
    await askForMore(world)
    world.clock.advance(world.services.settings.leaseMs * 2)
    await hint(world, world.services, { attempt: 3 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 20 } })
  })

  it('are not asked of an archive that is replayed: it was made for an earlier query', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await askForMore(world)
    await landReplay(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 3, figures: { rowsLanded: 20 } })
    expect(await feedRowOf(world)).not.toHaveProperty('blocked')
  })

  it('are not asked of a file that is imported: its header decides', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await landImport(world, Buffer.from('Month,UsageQuantity\r\n2025-05-01,7\r\n'))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 1 } })
  })
})

const OUTSIDE = Buffer.from(`${fileOf(['in'])}2025-06-01,late,1\r\n`)

describe('where the rows of a window come from', () => {
  it('is a file where a person imported it, also after it was replayed', async () => {
    const world = await landedWorld(fileOf(names(20)))
    expect((await entryOf(world)).figures).toMatchObject({ origin: 'service' })
    await landReplay(world)
    expect((await entryOf(world)).figures).toMatchObject({ attempt: 3, origin: 'service' })
    await landImport(world, fileOf(names(5)))
    expect((await entryOf(world)).figures).toMatchObject({ attempt: 4, origin: 'import' })
    await landReplay(world)
    expect((await entryOf(world)).figures).toMatchObject({ attempt: 5, origin: 'import' })
  })

  it('is that of the archive where an attempt that failed is replayed', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await landImport(world, OUTSIDE)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', figures: { origin: 'service' } })
    expect(await replay(world.services, FEED.name, WINDOW)).toHaveProperty('attempt')
    expect(await entryOf(world)).toMatchObject({ state: 'landing', origin: 'import' })
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'failed', attempt: 4 })
  })
})

/** A month of both timers, once a day. */
async function aMonth({ services, clock, drain }: World): Promise<void> {
  for (let day = 0; day < 30; day += 1) {
    clock.advance(DAY_MS)
    await provision(services)
    await sweep(services)
    await drain()
  }
}

/** A replay whose message fails for good, rests, and fails for good again. */
async function poisonedReplay(world: World): Promise<void> {
  const { services, clock } = world
  const broken = withTable(services, () => ({ create: () => Promise.reject(new Error('broken')) }))
  const replayed = await replay(services, FEED.name, WINDOW)
  if ('problem' in replayed) throw new Error(replayed.problem)
  const { attempt } = replayed
  for (const state of ['landing', 'failed']) {
    await expect(hint(world, broken, { attempt })).rejects.toThrow('broken')
    await poison({ ingest: { ...HINT, attempt } }, services)
    expect(await entryOf(world)).toMatchObject({ state, attempt, lastError: { kind: 'poison' } })
    clock.advance(HOUR_MS)
  }
}

describe('a landing of a person that fails', () => {
  it('blocks no feed, and is told', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await landImport(world, OUTSIDE)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'outside-window', byPerson: true })
    expect(await feedRowOf(world)).not.toHaveProperty('blocked')
    const [told, ...more] = named(world, 'window.failed')
    expect([told, more]).toMatchObject([{ kind: 'outside-window', attempt: 3 }, []])
    const [shown] = (await status(world.services)).toDo
    expect(told?.remedy).toBe(`${shown?.remedy} Type: ${shown?.command}`)
  })

  it.each([
    ['waits for a change, also after a change', 'outside-window', (world: World) => landImport(world, OUTSIDE)],
    ['heals with time', 'poison', poisonedReplay],
  ] as const)('and %s is not healed by asking the service', async (_, kind, fail) => {
    const world = await landedWorld(fileOf(names(20)), NO_REFRESH)
    await fail(world)
    await askForMore(world, NO_REFRESH)
    await aMonth(world)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind, attempt: 3 })
  })

  it('because its archive is gone asks the service for nothing', async () => {
    const world = await landedWorld(fileOf(names(20)))
    const before = world.simulator.requests.length
    expect(await replay(world.services, FEED.name, WINDOW)).toHaveProperty('attempt')
    await world.container.deleteBlob((await entryOf(world)).figures?.archive ?? '')
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'malformed', figures: { rowsLanded: 20 } })
    expect(world.simulator.requests.slice(before)).toEqual([])
  })
})

it('a replay whose message fails rests for an hour, also where one before it failed for good', async () => {
  const world = await landedWorld(fileOf(names(20)))
  await poisonedReplay(world)
  await poisonedReplay(world)
  expect(named(world, 'window.failed')).toMatchObject([{ attempt: 3 }, { attempt: 4 }])
  await landReplay(world)
  expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 5 })
})

it('a landing of a person frees no feed, and its columns are not those of the feed', async () => {
  const world = await landedWorld(fileOf(names(20)))
  await landFile(world, Buffer.from('Month,CustomerName,UsageQuantity,Odd\r\n2025-06-01,late,1,x\r\n'))
  const { blocked } = await feedRowOf(world)
  expect(blocked).toMatchObject({ kind: 'outside-window' })
  await landImport(world, fileOf(names(3)))
  expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 3 } })
  expect(await feedRowOf(world)).toMatchObject({ blocked, drift: ['Odd'] })
})

it('an imported file without rows is not asked for again when its window settles', async () => {
  const world = await worldOf({ now: '2025-06-02T00:00:00Z', feeds: [{ ...FEED, openWindow: false }] })
  await provision(world.services)
  await landImport(world, fileOf([]))
  expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { verdict: 'empty', origin: 'import' } })
  await aMonth(world)
  expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 1 })
})
