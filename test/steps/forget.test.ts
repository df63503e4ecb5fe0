import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/core/time/durations.ts'
import { parseWindowId, type Window } from '../../src/core/time/window.ts'
import { acceptGap } from '../../src/steps/operator/accept-gap.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import {
  dropFormer,
  entryOf,
  FEED,
  fileOf,
  HALF_A_YEAR,
  hint,
  landedWorld,
  landFile,
  MAY,
  names,
  rowsOf,
  serve,
  WINDOW,
  worldOf,
} from './one-window.ts'

function windowOf(id: string): Window {
  const window = parseWindowId(id)
  if (!window) throw new Error(`no window ${id}`)
  return window
}

const forgetMay = ({ services }: Pick<World, 'services'>) => forget(services, FEED.name, WINDOW)

/** Lets a tick ask for the window, and the report land. */
async function landAnew(world: World, attempt: number): Promise<void> {
  await provision(world.services)
  await hint(world, world.services, { attempt })
}

/** Makes the entry one that the app cannot read. */
const spoil = ({ ledgerTable }: World) =>
  ledgerTable.updateEntity({ partitionKey: FEED.name, rowKey: MAY, v: 99 }, 'Merge')

describe('a window that is forgotten', () => {
  it('while it is landed: no reader sees its rows, they go, and the next attempt has a higher number', async () => {
    const world = await landedWorld(fileOf(names(40)))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 2 })
    expect(await forgetMay(world)).toEqual({ forgotten: true })
    expect(await world.entries()).toEqual([])
    expect(await rowsOf(world)).toHaveLength(40)
    await dropFormer(world)
    expect(await rowsOf(world)).toEqual([])
    await serve(world, fileOf(names(7)))
    await landAnew(world, 3)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 3, figures: { rowsLanded: 7 } })
    expect(await rowsOf(world)).toHaveLength(7)
  })

  it('after it has failed is asked for anew with all its tries, and its earlier rows go', async () => {
    const world = await landedWorld(fileOf(names(40)))
    await landFile(world, Buffer.from('{"error":"something else"}'))
    expect(await entryOf(world)).toMatchObject({ state: 'failed', attempt: 3, figures: { rowsLanded: 40 } })
    expect(await forgetMay(world)).toEqual({ forgotten: true })
    await dropFormer(world)
    expect(await rowsOf(world)).toEqual([])
    await serve(world, fileOf(names(7)))
    await landAnew(world, 4)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 4, heals: 0, figures: { rowsLanded: 7 } })
  })

  it('although its entry cannot be read is asked for anew; the weekly look at the table finds its rows', async () => {
    const world = await landedWorld(fileOf(names(40)))
    await spoil(world)
    expect(await forgetMay(world)).toEqual({ forgotten: true })
    await serve(world, fileOf(names(7)))
    // No number is used twice: what the attempts before left still has theirs.
    await landAnew(world, 3)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 7 } })
    world.clock.advance(7 * DAY_MS)
    await sweep(world.services)
    await dropFormer(world)
    expect(await rowsOf(world)).toHaveLength(7)
  })

  it('is refused while it is being landed, and where there is nothing to forget', async () => {
    const world = await landedWorld(fileOf(names(40)))
    expect(await replay(world.services, FEED.name, WINDOW)).toMatchObject({ attempt: 3 })
    expect(await forgetMay(world)).toEqual({ problem: expect.stringContaining('is landing: wait') })
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 3 })
    const june = windowOf('20250601T000000Z_20250701T000000Z')
    expect(await forget(world.services, FEED.name, june)).toEqual({ problem: expect.stringContaining('has no entry') })
  })

  it('frees its time also when the process dies between its writes: at the next audit, with the attempts counted', async () => {
    const world = await landedWorld(fileOf(names(40)))
    const { services, clock } = world
    // A call that never returns, as a process that is gone.
    const gone = Promise.withResolvers<never>()
    const removed = Promise.withResolvers<void>()
    const ledger = {
      ...services.ledger,
      async remove(...about: Parameters<typeof services.ledger.remove>) {
        await services.ledger.remove(...about)
        removed.resolve()
        return gone.promise
      },
    }
    void forgetMay({ services: { ...services, ledger } })
    await removed.promise
    await provision(services)
    expect(await world.entries()).toEqual([])
    clock.advance(DAY_MS)
    await landAnew(world, 3)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 3 })
    clock.advance(7 * DAY_MS)
    await sweep(world.services)
    await dropFormer(world)
    expect(await rowsOf(world)).toHaveLength(40)
  })
})

describe('a replay without an entry', () => {
  it('after the window was forgotten lands the archive that a person names, and no other', async () => {
    const world = await landedWorld(fileOf(names(40)))
    const archive = (await entryOf(world)).figures?.archive ?? ''
    await forgetMay(world)
    const { services } = world
    const unnamed = await replay(services, FEED.name, WINDOW)
    expect(unnamed).toEqual({ problem: expect.stringContaining(archive) })
    expect(await replay(services, FEED.name, WINDOW, 'usage/elsewhere.csv')).toEqual({
      problem: expect.stringContaining('has no archive'),
    })
    const asked = world.simulator.requests.length
    expect(await replay(services, FEED.name, WINDOW, archive)).toEqual({ attempt: 3, archive })
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 3, figures: { archive, origin: 'service' } })
    expect(world.simulator.requests.slice(asked)).toEqual([])
    await dropFormer(world)
    expect(await rowsOf(world)).toHaveLength(40)
  })
})

describe('a gap that a person accepts', () => {
  const month = (from: number) => windowOf(`20250${from}01T000000Z_20250${from + 1}01T000000Z`)

  it('is listed by status, and "complete until" passes it', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR] })
    const { services, simulator } = world
    // Asked for newest first: the fifth report is that of February.
    simulator.fault({ endpoint: 'report', effect: 'nothing', nth: 5 })
    for (let tick = 0; tick < 2; tick += 1) {
      await provision(services)
      for (const { window, state, attempt } of await world.entries()) {
        const id = `20250${window.from.getUTCMonth() + 1}01T000000Z_20250${window.from.getUTCMonth() + 2}01T000000Z`
        if (state === 'requested') await hint(world, services, { window: id, attempt })
      }
    }
    const shown = async () => (await status(services)).feeds[0]
    expect(await shown()).toMatchObject({ states: { failed: 1, landed: 5 }, acceptedGaps: [] })
    expect((await shown())?.completeUntil).toEqual(month(2).from)
    expect(await acceptGap(services, FEED.name, month(3))).toEqual({ problem: expect.stringContaining('is landed') })
    expect(await acceptGap(services, FEED.name, month(7))).toEqual({ problem: expect.stringContaining('no gap') })
    expect(await acceptGap(services, FEED.name, month(2))).toEqual({ accepted: true })
    expect(await shown()).toMatchObject({ acceptedGaps: ['20250201T000000Z_20250301T000000Z'] })
    expect((await shown())?.completeUntil).toEqual(month(6).to)
    // Once it is forgotten, it is as if nobody had accepted anything: also where the window fails again.
    expect(await forget(services, FEED.name, month(2))).toEqual({ forgotten: true })
    expect(await shown()).toMatchObject({ acceptedGaps: [], states: { failed: 0 } })
    simulator.fault({ endpoint: 'report', effect: 'nothing', nth: 1 })
    await provision(services)
    await hint(world, services, { window: '20250201T000000Z_20250301T000000Z', attempt: 2 })
    expect(await shown()).toMatchObject({ acceptedGaps: [], states: { failed: 1 } })
  })

  it('is none while rows of an earlier landing stand', async () => {
    const world = await landedWorld(fileOf(names(40)))
    await landFile(world, Buffer.from('{"error":"something else"}'))
    expect(await acceptGap(world.services, FEED.name, WINDOW)).toEqual({
      problem: expect.stringContaining('is failed'),
    })
  })
})
