import { expect, it } from 'vitest'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { entryOf, HINT, worldOf } from './one-window.ts'

/** Longer than a lease and what follows it. */
const LATER = 10 * 60_000

/** The archive cannot be read, which no step expects. */
function withoutArchive(services: Services): Services {
  const find = () => Promise.reject(new Error('the archive throws'))
  return { ...services, archive: { ...services.archive, find } }
}

it('a landing whose owners are all lost ends, and is asked for again by itself', async () => {
  const world = await worldOf()
  await provision(world.services)
  for (const _ of [1, 2, 3, 4, 5]) {
    await expect(ingest({ ingest: HINT }, withoutArchive(world.services))).rejects.toThrow('the archive throws')
    expect(await entryOf(world)).toMatchObject({ state: 'landing' })
    world.clock.advance(LATER)
  }
  await ingest({ ingest: HINT }, withoutArchive(world.services))
  expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'poison' })
})

it('owners that get further are not lost in vain', async () => {
  const world = await worldOf()
  await provision(world.services)
  for (const _ of [1, 2, 3, 4]) {
    await expect(ingest({ ingest: HINT }, withoutArchive(world.services))).rejects.toThrow('the archive throws')
    world.clock.advance(LATER)
  }
  await ingest({ ingest: HINT }, world.services)
  expect(await entryOf(world)).toMatchObject({ state: 'landed' })
})
