import { describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import type { Landing } from '../../src/core/ledger/ledger.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import type { LandingTable } from '../../src/services/storage/landing-table.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import {
  askAgain,
  asked,
  dropFormer,
  entryOf,
  fileOf,
  hint,
  landedWorld,
  named,
  names,
  polled,
  rowsOf,
  serve,
  withTable,
} from './one-window.ts'

const BUSY = failed('storage', 'the table is busy')

/** Writes what it is given, and then says that it could not. */
const busyTable = (table: LandingTable): Partial<LandingTable> => ({
  async write(entities, options) {
    await table.write(entities, options)
    return BUSY
  },
})

/** A landed window whose refresh, of so many other rows, meets those services. */
async function refreshed(count: number, hinder: (services: Services) => Services): Promise<World> {
  const world = await landedWorld(fileOf(names(120)))
  await serve(world, fileOf(names(count, 'refresh')))
  await askAgain(world)
  await hint(world, hinder(world.services), { attempt: 3 })
  return world
}

/** Lets so much time pass, and then the sweep and what it hints at. */
async function later({ services, clock, drain }: World, milliseconds: number): Promise<void> {
  clock.advance(milliseconds)
  await sweep(services)
  await drain()
}

const restOf = async (world: World) =>
  ((await entryOf(world)) as Landing).leaseUntil.getTime() - world.clock.now().getTime()

describe('a table that is busy while a refresh is written', () => {
  const busy = (services: Services) => withTable(services, busyTable)

  it('leaves what is published, and the refresh lands a little later from the same archive', async () => {
    const world = await refreshed(150, busy)
    const resting = await entryOf(world)
    expect(resting).toMatchObject({ state: 'landing', attempt: 3, owner: '', lastError: { kind: 'storage' } })
    expect(resting.figures).toMatchObject({ attempt: 2, rowsLanded: 120 })
    expect(named(world, 'window.rests')).toMatchObject([{ attempt: 3, kind: 'storage', message: BUSY.message }])
    const before = [asked(world).length, polled(world)]
    await later(world, 5 * MINUTE_MS - 1)
    expect(await entryOf(world)).toEqual(resting)
    await later(world, 1)
    const landed = await entryOf(world)
    const { generation } = resting as Landing
    expect(landed).toMatchObject({ state: 'landed', attempt: 3, figures: { rowsLanded: 150, generation } })
    expect([asked(world).length, polled(world)]).toEqual(before)
    expect(named(world, 'window.failed')).toEqual([])
    await dropFormer(world)
    expect((await rowsOf(world)).map(({ CustomerName }) => CustomerName)).toEqual(names(150, 'refresh'))
  })

  it('is not written again below the checkpoint, and counted because an answer may be lost', async () => {
    const written: number[] = []
    const watchedTable = (services: Services) =>
      withTable(services, (table) => ({
        write(entities, options) {
          async function* watched() {
            for await (const group of entities) {
              written.push(...group.map(({ rowKey }) => Number(rowKey)))
              yield group
            }
          }
          return table.write(watched(), options)
        },
      }))
    const hasty = (services: Services): Services => ({
      ...services,
      settings: { ...services.settings, ingestTimeLimitMs: 0 },
    })
    const world = await refreshed(4_000, (services) => hasty(watchedTable(services)))
    const { checkpoint } = (await entryOf(world)) as Landing
    expect(written).toEqual(Array.from({ length: checkpoint }, (_, record) => record))
    written.length = 0
    await hint(world, busy(world.services), { attempt: 3 })
    expect(await entryOf(world)).toMatchObject({ state: 'landing', owner: '', checkpoint })
    world.clock.advance(5 * MINUTE_MS)
    await hint(world, watchedTable(world.services), { attempt: 3 })
    expect(written).toEqual(Array.from({ length: 4_000 - checkpoint }, (_, index) => checkpoint + index))
    const landed = await entryOf(world)
    expect(landed).toMatchObject({ state: 'landed', figures: { rowsRead: 4_000, rowsLanded: 4_000 } })
    // One request for a thousand rows: the generation was counted.
    expect(landed.figures?.operations).toBe(40 + 5)
  })

  it('for a week ends the attempt, with longer and longer rests; its rows go, and then a new report is asked for', async () => {
    const world = await refreshed(30, busy)
    const before = asked(world).length
    const rests: number[] = []
    const hindered = { ...world, services: busy(world.services) }
    for (let rest = await restOf(world); rest > 0; rest = await restOf(world).catch(() => 0)) {
      rests.push(rest / MINUTE_MS)
      world.clock.advance(rest)
      await provision(hindered.services)
      await hint(hindered, hindered.services, { attempt: 3 })
    }
    expect(rests.slice(0, 9)).toEqual([5, 5, 10, 20, 40, 80, 160, 320, 360])
    expect(rests.reduce((sum, rest) => sum + rest, 0)).toBeGreaterThanOrEqual((7 * DAY_MS) / MINUTE_MS)
    expect(rests.length).toBeLessThan(40)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'storage', attempt: 3 })
    expect(named(world, 'window.failed')).toMatchObject([{ kind: 'storage', attempt: 3 }])
    expect(asked(world)).toHaveLength(before)
    await dropFormer(world)
    expect(await rowsOf(world)).toHaveLength(120)
    await later(world, 6 * HOUR_MS)
    await provision(world.services)
    await later(world, 0)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 4, figures: { rowsLanded: 30 } })
  })
})

it('a table that is busy while rows are counted is counted later, and no row is written again', async () => {
  const uncounted = (services: Services) => withTable(services, () => ({ count: async () => BUSY }))
  const world = await refreshed(150, (services) => withTable(services, busyTable))
  world.clock.advance(5 * MINUTE_MS)
  await hint(world, uncounted(world.services), { attempt: 3 })
  expect(await entryOf(world)).toMatchObject({ state: 'landing', phase: 'count', owner: '' })
  world.clock.advance(5 * MINUTE_MS)
  const unwritable = withTable(world.services, () => ({ write: () => Promise.reject(new Error('written again')) }))
  await hint(world, unwritable, { attempt: 3 })
  expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 150 } })
})

it('a table that something else changes ends the attempt after three rounds', async () => {
  const world = await refreshed(150, (services) => withTable(services, busyTable))
  const counts: number[] = []
  const wrong = withTable(world.services, () => ({
    async count() {
      counts.push(151)
      return { rows: 151, operations: 1 }
    },
  }))
  world.clock.advance(5 * MINUTE_MS)
  await hint(world, wrong, { attempt: 3 })
  const message = expect.stringMatching(/151 rows stand where 150 were acknowledged/)
  expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'storage', message })
  expect(counts).toHaveLength(3)
})
