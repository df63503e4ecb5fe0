import { describe, expect, it } from 'vitest'
import { TICK_KEY } from '../../src/core/ledger/app-rows.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { asked, FEED, HALF_A_YEAR, MAY, named, worldOf } from './one-window.ts'

describe('what provision cannot use', () => {
  it.each([
    ['is not JSON', '{ "feeds": [', /not JSON/],
    ['names an unknown dataset', JSON.stringify({ feeds: [{ name: 'usage', dataset: 'AzureUsge' }] }), /AzureUsage/],
  ])('a feeds.json that %s ends the tick with one event and asks nothing', async (_, text, message) => {
    const world = await worldOf()
    const readFeeds = async () => ({ text, source: 'container' as const })
    expect(await provision({ ...world.services, readFeeds })).toBeUndefined()
    expect(world.events).toMatchObject([{ event: 'app.settings', message: expect.stringMatching(message) }])
    expect(world.simulator.requests).toEqual([])
    expect(await world.services.ledger.readApp(TICK_KEY)).toBeUndefined()
  })

  it('a table that belongs to another feed: this is told, and only the owner is asked for', async () => {
    const world = await worldOf({ feeds: [{ ...FEED, table: 'Shared' }] })
    await provision(world.services)
    const text = JSON.stringify({ feeds: [{ ...FEED, name: 'rival', table: 'SHARED' }] })
    await provision({ ...world.services, readFeeds: async () => ({ text, source: 'package' }) })
    expect(asked(world)).toHaveLength(1)
    expect(named(world, 'feed.blocked')).toMatchObject([{ feed: 'rival', message: expect.stringContaining('usage') }])
  })

  it('an entry it cannot read: the feed rests, status names the entry, and nothing overwrites it', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR] })
    await world.services.ledger.create()
    await world.ledgerTable.createEntity({ partitionKey: 'usage', rowKey: MAY, v: 99, state: 'landed' })
    await provision(world.services)
    expect(asked(world)).toEqual([])
    expect(await world.ledgerTable.getEntity('usage', MAY)).toMatchObject({ v: 99, state: 'landed' })
    expect((await status(world.services)).feeds).toMatchObject([{ failures: [{ kind: 'unreadable-entry' }] }])
  })
})
