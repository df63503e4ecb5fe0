import { describe, expect, it } from 'vitest'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import { entryOf, FEED, HINT, hint, named, polled, rowsOf, withTable, worldOf } from './one-window.ts'

const HOUR = 3_600_000
const ROWS = 250

const downloads = ({ simulator }: World) => simulator.requests.filter(({ path }) => path.includes('/download')).length

/** Services whose landing table throws at one of its calls. */
const broken = (services: Services, call: 'create' | 'write') =>
  withTable(services, () => ({
    [call]: async () => {
      throw new Error('broken')
    },
  }))

/** A window whose report is archived, and whose landing has failed for good at that call. */
async function poisoned(call: 'create' | 'write'): Promise<{ world: World; before: LedgerEntry }> {
  const world = await worldOf({ simulator: { rows: ROWS } })
  const { services } = world
  await provision(services)
  await expect(hint(world, broken(services, call))).rejects.toThrow('broken')
  const before = await entryOf(world)
  await poison({ ingest: HINT }, services)
  return { world, before }
}

describe.each([
  ['create', 'check'],
  ['write', 'write'],
] as const)('a landing that fails again and again at %s', (call, phase) => {
  it('keeps its archive and how far it came, and is free after an hour', async () => {
    const { world, before } = await poisoned(call)
    expect(before).toMatchObject({ state: 'landing', phase, archive: expect.any(String) })
    const at = world.clock.now()
    const lastError = { kind: 'poison', message: expect.stringContaining(HINT.window), at }
    const leaseUntil = new Date(at.getTime() + HOUR)
    expect(await entryOf(world)).toEqual({ ...before, lastError, owner: '', leaseUntil })
    expect(named(world, 'window.failed')).toEqual([])
  })

  it('rests until then, whatever hints come, and lands from the archive as the same attempt', async () => {
    const { world } = await poisoned(call)
    world.clock.advance(HOUR - 1000)
    await sweep(world.services)
    await ingest({ ingest: HINT }, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'landing', owner: '' })
    expect(world.sent).toEqual([])
    world.clock.advance(1000)
    await ingest({ ingest: HINT }, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 1, figures: { rowsLanded: ROWS } })
    expect(await rowsOf(world)).toHaveLength(ROWS)
    expect([downloads(world), polled(world)]).toEqual([1, 1])
  })

  it('is picked up by the sweep when nobody hints', async () => {
    const { world } = await poisoned(call)
    world.clock.advance(HOUR + world.services.settings.leaseMs / 2)
    await sweep(world.services)
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 1 })
  })

  it('fails as poison the second time', async () => {
    const { world } = await poisoned(call)
    world.clock.advance(HOUR)
    await expect(hint(world, broken(world.services, call))).rejects.toThrow('broken')
    await poison({ ingest: HINT }, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'poison' })
    expect(named(world, 'window.failed')).toMatchObject([{ kind: 'poison', attempt: 1 }])
  })
})

it('a landing that failed before its report was archived asks the service again', async () => {
  const world = await worldOf()
  const { services } = world
  await provision(services)
  const archive = { ...services.archive, find: () => Promise.reject(new Error('broken')) }
  await expect(ingest({ ingest: HINT }, { ...services, archive })).rejects.toThrow('broken')
  expect(await entryOf(world)).toMatchObject({ state: 'landing' })
  await poison({ ingest: HINT }, services)
  const pollAfter = new Date(world.clock.now().getTime() + HOUR)
  expect(await entryOf(world)).toMatchObject({ state: 'requested', pollAfter, lastError: { kind: 'poison' } })
  expect(await entryOf(world)).toHaveProperty('columns', FEED.columns)
  expect(await entryOf(world)).not.toHaveProperty('archive')
})
