import { describe, expect, it } from 'vitest'
import { awaitLanding } from '../../src/steps/operator/await-landing.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { unblock } from '../../src/steps/operator/unblock.ts'
import { provision } from '../../src/steps/provision.ts'
import type { World } from '../setup/world.ts'
import {
  asked,
  entryOf,
  FEED,
  feedRowOf,
  fileOf,
  hint,
  importFile,
  landedWorld,
  landFile,
  MAY,
  named,
  names,
  rowsOf,
  serve,
  WINDOW,
  watched,
} from './one-window.ts'

// The cases of a person who acts on a feed in trouble. `by-person.test.ts` holds those of an import or a replay that fails.

/** A world whose feed is blocked, because its last report lacks a column. From now on reports are right again. */
async function blockedWorld(): Promise<World> {
  const world = await landedWorld(fileOf(names(20)))
  await landFile(world, Buffer.from('Month,CustomerName\r\n2025-05-01,Contoso\r\n'))
  expect(await feedRowOf(world)).toMatchObject({ blocked: { kind: 'column-missing' } })
  await provision(world.services)
  expect(asked(world)).toHaveLength(3)
  await serve(world, fileOf(names(30)))
  return world
}

describe('the case of a feed that is blocked', () => {
  it('whose window a person retries: the next tick asks for it, and its landing ends the block', async () => {
    const world = await blockedWorld()
    expect(await retry(world.services, FEED.name, WINDOW, false)).toEqual({ state: 'planned' })
    await provision(world.services)
    expect(asked(world)).toHaveLength(4)
    await hint(world, world.services, { attempt: 4 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 4, figures: { rowsLanded: 30 } })
    expect(await feedRowOf(world)).not.toHaveProperty('blocked')
  })

  it('which a person frees: the next tick asks for what failed under the block', async () => {
    const world = await blockedWorld()
    expect(await unblock(world.services, FEED.name)).toEqual({ unblocked: true })
    expect(named(world, 'feed.unblocked')).toHaveLength(1)
    expect(await unblock(world.services, FEED.name)).toEqual({ problem: expect.stringContaining('is not blocked') })
    await provision(world.services)
    await hint(world, world.services, { attempt: 4 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 4 })
  })

  it('for what feeds.json says: retry and unblock say that only feeds.json ends it, and change nothing', async () => {
    const world = await landedWorld(fileOf(names(20)))
    const { services } = world
    const text = JSON.stringify({ feeds: [{ ...FEED, table: 'Elsewhere' }] })
    await provision({ ...services, readFeeds: async () => ({ text, source: 'package' }) })
    const problem = expect.stringContaining('only feeds.json ends this block')
    expect(await retry(services, FEED.name, WINDOW, false)).toEqual({ problem })
    expect(await unblock(services, FEED.name)).toEqual({ problem })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 2 })
  })
})

describe('the case of an import that is killed before its entry is written', () => {
  it('leaves an archive that the next replay does not land', async () => {
    const world = await landedWorld(fileOf(names(20)))
    const { services } = world
    const reached = Promise.withResolvers<void>()
    const ledger = watched(services.ledger, () => {
      reached.resolve()
      return new Promise<never>(() => undefined)
    })
    void importFile({ ...services, ledger }, fileOf(['one']))
    await reached.promise
    expect(await services.archive.list(FEED.name, MAY)).toHaveLength(2)
    const { figures } = await entryOf(world)
    expect(await replay(services, FEED.name, WINDOW)).toEqual({ attempt: 3, archive: figures?.archive })
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 20, origin: 'service' } })
  })
})

describe('who waits for an import', () => {
  it('hears of its landing also where the feed changed while its rows were written', async () => {
    const world = await landedWorld(fileOf(names(20)))
    const { services, clock, drain } = world
    expect(await importFile(services, fileOf(names(5)))).toMatchObject({ attempt: 3 })
    const crashing = watched(services.ledger, async ({ state }) => {
      if (state === 'landed') throw new Error('gone')
    })
    await expect(hint(world, { ...services, ledger: crashing }, { attempt: 3 })).rejects.toThrow('gone')
    const text = JSON.stringify({ feeds: [{ ...FEED, shards: 2 }] })
    await provision({ ...services, readFeeds: async () => ({ text, source: 'package' }) })
    let looks = 0
    const landed = await awaitLanding(services, FEED.name, WINDOW, async () => {
      looks += 1
      clock.advance(2 * services.settings.leaseMs)
      // Taken over under the changed feed, the landing begins anew as the next attempt; somebody looks just then.
      if (looks === 1) await hint(world, { ...services, ledger: crashing }, { attempt: 3 }).catch(() => undefined)
      else await hint(world, services, { attempt: (await entryOf(world)).attempt })
      await drain()
    })
    expect(landed).toEqual({ attempt: 4, rows: 5, rejected: 0 })
    expect((await rowsOf(world)).length).toBeGreaterThanOrEqual(5)
  })
})
