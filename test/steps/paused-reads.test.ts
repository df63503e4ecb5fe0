import { expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { pauseBackfill, setBackWindows } from '../../src/steps/operator/backfill.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { quietWorld } from '../setup/world.ts'
import { HALF_A_YEAR } from './one-window.ts'

it('a tick does not read the history that a pause holds, and reads it again once it is resumed', async () => {
  const world = await quietWorld({ feeds: [HALF_A_YEAR], simulator: { rows: 1 } })
  // A feed holds five reports at once.
  for (const _ of [1, 2]) {
    await provision(world.services)
    await sweep(world.services)
    await world.drain()
  }
  const read: string[] = []
  const { ledger } = world.services
  const services: Services = {
    ...world.services,
    ledger: {
      ...ledger,
      async due(...about) {
        const due = await ledger.due(...about)
        read.push(
          ...due.entries.map((each) => (isFailure(each) ? '' : each.value.window.from.toISOString().slice(0, 7))),
        )
        return due
      },
    },
  }
  await pauseBackfill(services, 'usage', true)
  const back = await setBackWindows(services, 'usage', 'all', () => true)
  expect('planned' in back && back.planned).toHaveLength(6)
  await provision(services)
  // Those that may be due by their age are read all the same.
  expect(read).toEqual(['2025-04', '2025-05', '2025-06'])
  await pauseBackfill(services, 'usage', false)
  read.length = 0
  expect(await provision(services)).toMatchObject({ requested: 5 })
  expect(read).toHaveLength(6)
})
