import { describe, expect, it } from 'vitest'
import { HOUR_MS } from '../../src/core/time/durations.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { findHoldings, purge } from '../../src/steps/operator/purge.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { deathsOf, dying, runUntilDeath } from '../setup/dying.ts'
import { rowsIfAny } from '../setup/site-storage.ts'
import type { World } from '../setup/world.ts'
import {
  entryOf,
  FEED,
  fileOf,
  filesIn,
  landedWorld,
  landFile,
  named,
  names,
  rowsOf,
  WINDOW,
  withReject,
} from './one-window.ts'

const OTHER = { ...FEED, name: 'other', table: 'Other' }

const reading = ({ services }: World, feeds: readonly object[]): Services => ({
  ...services,
  readFeeds: async () => ({ text: JSON.stringify({ feeds }), source: 'package' }),
})

/** A world whose feed landed twice, with rejects, and then left feeds.json. */
async function retiredWorld(): Promise<World> {
  const world = await landedWorld(withReject(40), { ...FEED, maxRejects: 0.9 })
  await landFile(world, withReject(30))
  await provision(reading(world, []))
  return world
}

const purgeNow = (services: Services) => purge(services, FEED.name)

async function hours({ services, clock, drain }: World, count: number): Promise<void> {
  for (let hour = 0; hour < count; hour += 1) {
    clock.advance(HOUR_MS)
    await sweep(services)
    await drain()
  }
}

/** All that the storage has of the feed. */
async function leftOf(world: World): Promise<readonly unknown[]> {
  const rows = await rowsIfAny(world.ledgerTable)
  const own = rows.filter((row) => JSON.stringify(row).includes('usage'))
  const keys = own.map((row) => (row as { readonly RowKey?: string }).RowKey ?? '')
  return [await rowsOf(world), await filesIn(world), keys.filter((key) => !/^(told~|feeds~source|pacing~)/.test(key))]
}

describe('purge', () => {
  it('says with a dry run what would go, and changes nothing', async () => {
    const world = await retiredWorld()
    const before = await leftOf(world)
    expect(await findHoldings(world.services, FEED.name)).toEqual({ windows: 1, rows: 30, files: 4 })
    expect(await leftOf(world)).toEqual(before)
  })

  it('goes on past a file that the storage refuses to remove, says so, and ends once it may be removed', async () => {
    const world = await retiredWorld()
    const [first = ''] = await Array.fromAsync(world.container.listBlobsFlat(), ({ name }) => name)
    const lease = world.container.getBlockBlobClient(first).getBlobLeaseClient()
    await lease.acquireLease(-1)
    expect(await purgeNow(world.services)).toEqual({ problem: expect.stringContaining(first) })
    await hours(world, 4)
    expect(await leftOf(world)).toEqual([[], [first], expect.arrayContaining(['feed~usage'])])
    expect(named(world, 'cleanup.failing')).toMatchObject([{ feed: FEED.name, kind: 'storage' }])
    await lease.releaseLease()
    await hours(world, 4)
    expect(await leftOf(world)).toEqual([[], [], []])
  })

  it('removes everything of a feed that left feeds.json, and frees its table and its name', async () => {
    const world = await retiredWorld()
    expect(await purgeNow(world.services)).toEqual({ windows: 1, rows: 30, files: 4 })
    await hours(world, 3)
    expect(await leftOf(world)).toEqual([[], [], []])
    expect(named(world, 'feed.purged')).toMatchObject([{ feed: FEED.name }])
    expect((await status(world.services)).feeds).toEqual([])
    await provision(reading(world, [{ ...OTHER, table: 'Usage' }]))
    expect((await status(world.services)).feeds).toMatchObject([{ name: 'other', table: 'Usage', enabled: true }])
    expect((await status(world.services)).feeds[0]).not.toHaveProperty('blocked')
  })

  it('looks once more for what came late to table and archive, and for rows that no entry names', async () => {
    const world = await retiredWorld()
    const archive = (await entryOf(world)).figures?.archive ?? ''
    await purgeNow(world.services)
    await sweep(world.services)
    await world.drain()
    await world.container.getBlockBlobClient(archive).upload('late', 4)
    const late = { partitionKey: '20250501_g0123456789ab_000', rowKey: '000000001' }
    await world.landingTable('Usage').createEntity(late)
    await hours(world, 7)
    expect(await leftOf(world)).toEqual([[], [], []])
  })

  it('leaves other feeds alone', async () => {
    const world = await retiredWorld()
    const services = reading(world, [OTHER])
    await provision(services)
    await sweep(services)
    await world.drain()
    await purgeNow(world.services)
    await hours(world, 3)
    expect((await status(world.services)).feeds).toMatchObject([{ name: 'other', states: { landed: 1 }, complete: 1 }])
    const blobs = await Array.fromAsync(world.container.listBlobsFlat(), ({ name }) => name)
    expect(blobs).toEqual([expect.stringMatching(/^other\//)])
  })

  it('is refused for a feed that is asked for, and while a window is landing', async () => {
    const world = await landedWorld(fileOf(names(5)))
    expect(await purgeNow(world.services)).toEqual({
      problem: expect.stringMatching(/take it out of feeds.json or set/),
    })
    await provision(reading(world, []))
    expect(await replay(world.services, FEED.name, WINDOW)).toHaveProperty('attempt')
    expect(await purgeNow(world.services)).toEqual({ problem: expect.stringMatching(/is landing: wait until/) })
    await world.drain()
    expect(await purgeNow(world.services)).toMatchObject({ rows: 5 })
  })

  it('lets nothing land in the feed meanwhile, and a feed that comes back begins anew once it is over', async () => {
    const world = await retiredWorld()
    await forget(world.services, FEED.name, WINDOW)
    const archive = (await Array.fromAsync(world.container.listBlobsFlat(), ({ name }) => name)).find((name) =>
      name.includes('.csv'),
    )
    await purgeNow(world.services)
    expect(await replay(world.services, FEED.name, WINDOW, archive)).toEqual({
      problem: expect.stringContaining('its old rows are still being removed'),
    })
    const services = reading(world, [FEED])
    await provision(services)
    expect(await world.entries()).toEqual([])
    await hours(world, 3)
    await provision(services)
    expect(await entryOf(world)).toMatchObject({ state: 'requested', attempt: 1 })
  })

  it('removes a feed whose entry cannot be read', async () => {
    const world = await retiredWorld()
    const { partitionKey, rowKey } = { partitionKey: FEED.name, rowKey: '20250501T000000Z_20250601T000000Z' }
    await world.ledgerTable.updateEntity({ partitionKey, rowKey, v: 99 }, 'Merge')
    expect(await purgeNow(world.services)).toMatchObject({ windows: 1 })
    await hours(world, 7)
    expect(await leftOf(world)).toEqual([[], [], []])
  })

  it.each([
    ['the command', purgeNow, async () => undefined],
    ['the last sweep', sweep, async (world: World) => void [await purgeNow(world.services), await hours(world, 2)]],
  ] as const)(
    'comes to the same end when repeated, whichever call kills %s',
    async (_, step, prepare) => {
      const open = async () => {
        const world = await retiredWorld()
        await prepare(world)
        world.clock.advance(HOUR_MS)
        return world
      }
      const alive = dying((await open()).services)
      await step(alive.services)
      const points = deathsOf(alive.calls)
      expect(points.length).toBeGreaterThan(4)
      for (const death of points) {
        const world = await open()
        const where = `${death.side} call ${death.at}, ${alive.calls[death.at - 1]}`
        await runUntilDeath(dying(world.services, death), step)
        await purgeNow(world.services)
        await hours(world, 7)
        expect(await leftOf(world), where).toEqual([[], [], []])
        await world.close()
      }
    },
    120_000,
  )
})
