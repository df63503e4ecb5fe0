import { describe, expect, it } from 'vitest'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { quietWorld, type World } from '../setup/world.ts'
import { asked } from './one-window.ts'

const DAY = 86_400_000

/** The service loads the customers of June on 15 July. The feed is settled, by its delay, on the 11th. No refresh is due. */
const CUSTOMERS = {
  name: 'customers',
  dataset: 'CustomersAndTenants',
  columns: ['Month', 'CustomerName', 'CustomerTenantId'],
  from: '2025-06-01',
  to: '2025-07-01',
  refresh: { every: 'P5D', for: 'P1D' },
}

async function worldOf(effect: 'headerOnly' | { missingColumn: string }): Promise<World> {
  const world = await quietWorld({ feeds: [CUSTOMERS], now: '2025-07-07T01:00:00Z', simulator: { rows: 3 } })
  world.simulator.fault({ endpoint: 'report', effect: 'headerOnly' })
  world.simulator.fault({ endpoint: 'report', effect, nth: 2 })
  return world
}

async function turn(world: World, later = 0): Promise<void> {
  world.clock.advance(later)
  await sweep(world.services)
  await provision(world.services)
  await sweep(world.services)
  await world.drain()
}

const feedIn = async (world: World) => (await status(world.services)).feeds[0]

describe('a month that came back blank before its data was loaded', () => {
  it('is not complete, and is asked for again the day after its data is loaded', async () => {
    const world = await quietWorld({ feeds: [CUSTOMERS], now: '2025-07-07T01:00:00Z', simulator: { rows: 3 } })
    world.simulator.fault({ endpoint: 'report', effect: 'headerOnly' })
    await turn(world)
    expect(await world.entries()).toMatchObject([{ state: 'landed', figures: { verdict: 'empty' } }])
    expect(await feedIn(world)).toMatchObject({ complete: 0, earlyBlanks: 1 })
    expect((await feedIn(world))?.completeUntil).toBeUndefined()
    await turn(world, 8 * DAY)
    expect(asked(world)).toHaveLength(1)
    await turn(world, DAY)
    expect(await world.entries()).toMatchObject([{ state: 'landed', attempt: 2, figures: { verdict: 'rows' } }])
    expect(await feedIn(world)).toMatchObject({
      complete: 1,
      earlyBlanks: 0,
      completeUntil: new Date('2025-07-01T00:00:00Z'),
    })
  })

  it('is complete where it is blank then too', async () => {
    const world = await worldOf('headerOnly')
    await turn(world)
    await turn(world, 9 * DAY)
    expect(await world.entries()).toMatchObject([{ state: 'landed', attempt: 2, figures: { verdict: 'empty' } }])
    expect(await feedIn(world)).toMatchObject({ complete: 1, completeUntil: new Date('2025-07-01T00:00:00Z') })
    await turn(world, 9 * DAY)
    expect(asked(world)).toHaveLength(2)
  })

  it('is not complete where asking again failed', async () => {
    const world = await worldOf({ missingColumn: 'CustomerName' })
    await turn(world)
    await turn(world, 9 * DAY)
    expect(await world.entries()).toMatchObject([
      { state: 'failed', kind: 'column-missing', figures: { verdict: 'empty' } },
    ])
    expect(await feedIn(world)).toMatchObject({ complete: 0, earlyBlanks: 1 })
    expect((await feedIn(world))?.completeUntil).toBeUndefined()
  })
})
