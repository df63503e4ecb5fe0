import { describe, expect, it } from 'vitest'
import { TICK_KEY } from '../../src/core/ledger/app-rows.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { asked, FEED, HALF_A_YEAR, MAY, named, worldOf } from './one-window.ts'

describe('what provision cannot use', () => {
  it.each([
    ['is not JSON', '{ "feeds": [', /not JSON/],
    ['names a feed twice', JSON.stringify({ feeds: [FEED, { ...FEED, table: 'Other' }] }), /"usage".*must be unique/],
    ['names a table twice', JSON.stringify({ feeds: [FEED, { ...FEED, name: 'rival', table: 'USAGE' }] }), /table of/],
    [
      'names the table of a feed with a problem',
      JSON.stringify({
        feeds: [
          { ...FEED, shards: 0 },
          { ...FEED, name: 'rival', table: 'USAGE' },
        ],
      }),
      /table of/,
    ],
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

  it('an entry it cannot read: nothing overwrites it, status and an event name it, and the feed goes on', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR] })
    await world.services.ledger.create()
    await world.ledgerTable.createEntity({ partitionKey: 'usage', rowKey: MAY, v: 99, state: 'landed' })
    await provision(world.services)
    const asks = asked(world).map(({ body }) => JSON.parse(body).QueryStartTime.slice(0, 7))
    expect(asks.toSorted()).toEqual(['2025-01', '2025-02', '2025-03', '2025-04', '2025-06'])
    expect(named(world, 'window.failed')).toMatchObject([
      { feed: 'usage', kind: 'unreadable-entry', count: 1, remedy: expect.stringContaining('--month 2025-05') },
    ])
    expect(await world.ledgerTable.getEntity('usage', MAY)).toMatchObject({ v: 99, state: 'landed' })
    expect((await status(world.services)).feeds).toMatchObject([{ problems: [{ kind: 'unreadable-entry' }] }])
  })
})
