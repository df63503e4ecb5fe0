import { describe, expect, it } from 'vitest'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { asked, entryOf, feedRowOf, HALF_A_YEAR, named, worldOf } from './one-window.ts'

describe('a failed request', () => {
  it('that is refused for its query fails the window and blocks the feed, which is told once', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR] })
    world.simulator.fault({
      endpoint: 'createReport',
      effect: { status: 400, message: 'Incorrect column name' },
      nth: 'all',
    })
    await provision(world.services)
    await provision(world.services)
    expect(asked(world)).toHaveLength(1)
    expect((await world.entries()).map(({ state }) => state)).toEqual(['failed'])
    expect((await feedRowOf(world)).blocked).toMatchObject({ kind: 'query-refused' })
    expect(named(world, 'feed.blocked')).toHaveLength(1)
    expect((await status(world.services)).feeds).toMatchObject([
      {
        blocked: { kind: 'query-refused', remedy: expect.stringContaining('query') },
        problems: [{ kind: 'query-refused' }],
      },
    ])
  })

  it('to register the query blocks the feed before any window is touched', async () => {
    const world = await worldOf()
    world.simulator.fault({ endpoint: 'createQuery', effect: { status: 400, message: 'Invalid query' }, nth: 'all' })
    await provision(world.services)
    await provision(world.services)
    expect(asked(world)).toEqual([])
    expect(await world.entries()).toEqual([])
    expect(named(world, 'feed.blocked')).toMatchObject([{ feed: 'usage', kind: 'query-refused' }])
  })

  it.each(['lost', { status: 500 }] as const)(
    'whose answer is lost (%j) leaves the intent as it is, and nothing is asked again',
    async (effect) => {
      const world = await worldOf()
      world.simulator.fault({ endpoint: 'createReport', effect, nth: 1 })
      await provision(world.services)
      await provision(world.services)
      expect(asked(world)).toHaveLength(1)
      expect(await entryOf(world)).toMatchObject({ state: 'requesting', attempt: 1 })
    },
  )

  it('to sign in leaves every window in the plan, and is told once', async () => {
    const world = await worldOf()
    world.simulator.fault({ endpoint: 'token', effect: { status: 401, body: { error: 'invalid_grant' } }, nth: 'all' })
    expect(await provision(world.services)).toMatchObject({ requested: 0, waiting: 1 })
    await provision(world.services)
    expect(await world.entries()).toEqual([])
    expect(named(world, 'feed.stale')).toMatchObject([{ kind: 'unauthorized' }])
    expect((await status(world.services)).feeds).toMatchObject([{ waiting: 1, trouble: { kind: 'unauthorized' } }])
  })
})
