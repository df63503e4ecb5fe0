import { describe, expect, it } from 'vitest'
import type { Landing, Requested } from '../../src/core/ledger/ledger.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import type { World } from '../setup/world.ts'
import {
  askAgain,
  dropFormer,
  entryOf,
  etagOf,
  feedRowOf,
  fileOf,
  hint,
  serve,
  watched,
  withTable,
  worldOf,
} from './one-window.ts'

const SECOND = 1000
const LEASE = 120 * SECOND

const landedNames = async (world: World) =>
  (await rawRows(world.landingTable('Usage'))).map(({ CustomerName, _attempt }) => `${CustomerName} ${_attempt}`)

/** Puts the entry in the hands of an owner that will never finish. */
async function landingOf(world: World): Promise<Landing> {
  const entry = (await entryOf(world)) as Requested
  const { hash } = (await feedRowOf(world)).feed
  const generation = newGeneration(world.services.newId)
  const held = { executionId: 'x', origin: 'service', generation, hash, phase: 'check', checkpoint: 0 } as const
  const leaseUntil = new Date(world.clock.now().getTime() + LEASE)
  return { ...entry, ...held, state: 'landing', leaseUntil, owner: 'an instance that is gone' }
}

describe('two owners of one landing', () => {
  it('the second takes over only half a lease after the first lease has ended', async () => {
    const world = await worldOf()
    await provision(world.services)
    await world.services.ledger.write(await landingOf(world), await etagOf(world))
    await hint(world)
    world.clock.advance(LEASE + LEASE / 2 - SECOND)
    await hint(world)
    await sweep(world.services)
    expect(world.sent).toEqual([])
    expect(await entryOf(world)).toMatchObject({ state: 'landing', owner: 'an instance that is gone' })
    world.clock.advance(SECOND)
    await sweep(world.services)
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 40 } })
  })

  it('an owner that loses the entry before its first row writes no row', async () => {
    const world = await worldOf()
    await provision(world.services)
    const robbed = withTable(world.services, (table) => ({
      async create() {
        await table.create()
        const stolen = { ...((await entryOf(world)) as Landing), owner: 'rival' }
        await world.services.ledger.write(stolen, await etagOf(world))
      },
    }))
    await expect(hint(world, robbed)).rejects.toThrow('lease')
    expect(await entryOf(world)).toMatchObject({ state: 'landing', owner: 'rival' })
    expect(await rawRows(world.landingTable('Usage'))).toEqual([])
  })

  it('an owner that could not renew for half a lease stops writing', async () => {
    const world = await worldOf()
    await provision(world.services)
    const slow = withTable(world.services, (table) => ({
      async write(entities, options) {
        world.clock.advance(LEASE / 2 + 1)
        return table.write(entities, options)
      },
    }))
    await expect(hint(world, slow)).rejects.toThrow('lease')
    expect(await rawRows(world.landingTable('Usage'))).toEqual([])
  })

  it('an owner that vanishes after the last row leaves only the ledger to repair', async () => {
    const world = await worldOf()
    await provision(world.services)
    await serve(world, fileOf(['a', 'b', 'c']))
    await askAgain(world)
    const { ledger } = world.services
    let reached: () => void = () => undefined
    const gone = new Promise<void>((resolve) => {
      reached = resolve
    })
    const vanishing = watched(ledger, async ({ state }) => {
      if (state !== 'landed') return
      reached()
      await new Promise(() => undefined)
    })
    void hint(world, { ...world.services, ledger: vanishing }, { attempt: 2 })
    await gone
    expect(await entryOf(world)).toMatchObject({ state: 'landing', phase: 'write' })
    world.clock.advance(LEASE * 1.5)
    await hint(world, world.services, { attempt: 2 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 2, figures: { rowsLanded: 3 } })
    await dropFormer(world)
    expect(await landedNames(world)).toEqual(['a 2', 'b 2', 'c 2'])
  })
})
