import { describe, expect, it } from 'vitest'
import { parseWindowId } from '../../src/core/time/window.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { provision } from '../../src/steps/provision.ts'
import type { World } from '../setup/world.ts'
import { askAgain, entryOf, FEED, feedRowOf, fileOf, hint, landedWorld, MAY, names, watched } from './one-window.ts'

const WINDOW = parseWindowId(MAY) ?? { from: new Date(0), to: new Date(0) }

/** From now on the feed asks for one column more; its new query is registered with the request for another month. */
async function askForMore({ services }: World): Promise<void> {
  const feed = { ...FEED, columns: [...FEED.columns, 'SubscriptionStartDate'], from: '2025-04-01' }
  const text = JSON.stringify({ feeds: [feed] })
  await provision({ ...services, readFeeds: async () => ({ text, source: 'package' }) })
}

/** Gives the app a file of May, and lets it land. */
async function landImport({ services, drain }: World, file: Buffer): Promise<void> {
  async function* bytes() {
    yield file
  }
  expect(await importReport(services, FEED.name, WINDOW, { name: 'may.csv', bytes })).toHaveProperty('attempt')
  await drain()
}

async function landReplay({ services, drain }: World): Promise<void> {
  expect(await replay(services, FEED.name, WINDOW)).toHaveProperty('attempt')
  await drain()
}

describe('the columns that a report must have', () => {
  it('are those that its attempt asked for, whatever the feed asks for when it lands', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await askAgain(world)
    const crashing = watched(world.services.ledger, async ({ state }) => {
      if (state === 'landed') throw new Error('the process is gone')
    })
    await expect(hint(world, { ...world.services, ledger: crashing }, { attempt: 3 })).rejects.toThrow('gone')
    expect(await entryOf(world)).toMatchObject({ state: 'landing', columns: FEED.columns })
    await askForMore(world)
    world.clock.advance(world.services.settings.leaseMs * 2)
    await hint(world, world.services, { attempt: 3 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 20 } })
  })

  it('are not asked of an archive that is replayed: it was made for an earlier query', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await askForMore(world)
    await landReplay(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 3, figures: { rowsLanded: 20 } })
    expect(await feedRowOf(world)).not.toHaveProperty('blocked')
  })

  it('are not asked of a file that is imported: its header decides', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await landImport(world, Buffer.from('Month,UsageQuantity\r\n2025-05-01,7\r\n'))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 1 } })
  })
})
