import { expect, it } from 'vitest'
import { windowId } from '../../src/core/time/window.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { storedEntry } from '../setup/stored.ts'
import { quietWorld, type World } from '../setup/world.ts'

const HOUR = 3_600_000
const LEARN = { name: 'learn', dataset: 'MSLearn', from: '2025-07-09', to: '2025-07-10', delay: 'P1D' }
const DAY = windowId({ from: new Date('2025-07-09'), to: new Date('2025-07-10') })

async function tick({ services, drain }: World): Promise<void> {
  await provision(services)
  await sweep(services)
  await drain()
}

it('what landed under a clock that was ahead for less than a day is told by the next right tick, and asked for again', async () => {
  const world = await quietWorld({ feeds: [LEARN], now: '2025-07-11T02:00:00Z', simulator: { rows: 4 } })
  const entry = async () => (await storedEntry(world.services.ledger, 'learn', DAY)).value
  await tick(world)
  expect(await entry()).toMatchObject({ state: 'landed', attempt: 1 })
  // It was 14 o'clock of the day before: the data settles ten hours later.
  world.clock.advance(-12 * HOUR)
  await tick(world)
  expect(await entry()).toMatchObject({ state: 'landed', figures: { running: true } })
  // The daily audit comes when the wrong time has passed long ago.
  for (const hours of [11, 14]) {
    world.clock.advance(hours * HOUR)
    await sweep(world.services)
    await tick(world)
  }
  const after = await entry()
  expect(after).toMatchObject({ state: 'landed', attempt: 2 })
  expect(after.figures).not.toHaveProperty('running')
})
