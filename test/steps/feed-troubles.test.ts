import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { MINUTE_MS as MINUTE } from '../../src/core/time/durations.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { queryRequests } from '../setup/insights.ts'
import type { World } from '../setup/world.ts'
import { askAgain, asked, entryOf, FEED, feedRowOf, fileOf, HINT, landedWorld, named, worldOf } from './one-window.ts'

const SIX = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => ({ ...FEED, name, table: `Table${name}` }))

const AWAY = { endpoint: 'createQuery', effect: { status: 503 } } as const

const registrations = ({ simulator }: World) => queryRequests(simulator).length

describe('feeds whose query cannot be registered for now', () => {
  it('one of them in a tick holds up no other feed', async () => {
    const world = await worldOf({ feeds: SIX })
    world.simulator.fault({ ...AWAY, nth: 1 })
    expect(await provision(world.services)).toMatchObject({ requested: 5, waiting: 1 })
    expect(named(world, 'feed.stale').map(({ feed }) => feed)).toEqual(['a1'])
    expect(named(world, 'window.requested').map(({ feed }) => feed)).toEqual(['a2', 'a3', 'a4', 'a5', 'a6'])
  })

  it('a second means that the service is away: the tick asks it for nothing more', async () => {
    const world = await worldOf({ feeds: SIX })
    world.simulator.fault({ ...AWAY, nth: 'all' })
    expect(await provision(world.services)).toMatchObject({ requested: 0, waiting: 6 })
    expect(registrations(world)).toBe(2)
    expect(named(world, 'feed.stale')).toMatchObject([
      { feed: 'a1', kind: 'unavailable' },
      { feed: 'a2', kind: 'unavailable' },
    ])
  })

  it('wait, and longer each time, so that those that can be asked for come to their turn', async () => {
    const world = await worldOf({ feeds: SIX.slice(0, 1) })
    world.simulator.fault({ ...AWAY, nth: 'all' })
    const tried: number[] = []
    for (let minute = 0; minute <= 240; minute += 5) {
      const before = registrations(world)
      await provision(world.services)
      if (registrations(world) > before) tried.push(minute)
      world.clock.advance(5 * MINUTE)
    }
    expect(tried).toEqual([0, 5, 20, 50, 110, 230])
  })

  it('that fail for ever hold up the others for a few ticks only', async () => {
    const world = await worldOf({ feeds: SIX })
    for (const nth of [1, 2, 3, 4, 5, 6]) world.simulator.fault({ ...AWAY, nth })
    const requested: number[] = []
    for (const _ of SIX) {
      requested.push((await provision(world.services))?.requested ?? 0)
      world.clock.advance(15 * MINUTE)
    }
    expect(requested.reduce((sum, each) => sum + each, 0)).toBe(6)
  })
})

describe('a query that somebody deleted at the service', () => {
  /** A feed that has landed, and whose window is asked for again after its query is gone. */
  async function bereft(): Promise<{ world: World; former: string }> {
    const world = await landedWorld(fileOf(['x']))
    const former = (await feedRowOf(world)).query?.queryId ?? ''
    const insights = world.services.insights('default', {})
    if (isFailure(insights)) throw new Error(insights.message)
    expect(await insights.deleteQuery(former)).toBeUndefined()
    await askAgain(world)
    return { world, former }
  }

  it('is forgotten, at the cost of one try and without a block', async () => {
    const { world } = await bereft()
    expect(await entryOf(world)).toMatchObject({
      state: 'planned',
      reason: 'expired',
      attempt: 3,
      tries: 1,
      lastError: { kind: 'query-refused', message: expect.stringContaining('Invalid QueryId') },
    })
    expect(await feedRowOf(world)).not.toHaveProperty('query')
    expect(await feedRowOf(world)).not.toHaveProperty('blocked')
    expect([...named(world, 'window.failed'), ...named(world, 'feed.blocked')]).toEqual([])
  })

  it('is registered anew by the next tick, and its window lands', async () => {
    const { world, former } = await bereft()
    const before = registrations(world)
    expect(await provision(world.services)).toMatchObject({ requested: 1, waiting: 0 })
    const { query } = await feedRowOf(world)
    expect(query).toMatchObject({ ours: true, queryId: expect.any(String) })
    expect(query?.queryId).not.toBe(former)
    expect(JSON.parse(asked(world).at(-1)?.body ?? '')).toMatchObject({ QueryId: query?.queryId })
    expect(registrations(world)).toBe(before + 1)
    await ingest({ ingest: { ...HINT, attempt: 4 } }, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 4, tries: 0 })
  })

  it('fails its window after MAX_TRIES when it is deleted again and again', async () => {
    const world = await worldOf()
    world.simulator.fault({
      endpoint: 'createReport',
      effect: { status: 400, message: 'Invalid QueryId' },
      nth: 'all',
    })
    for (let tick = 0; tick < 5; tick++) await provision(world.services)
    expect(asked(world)).toHaveLength(3)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'query-refused', attempt: 3, tries: 3 })
    expect(named(world, 'feed.blocked')).toMatchObject([{ feed: FEED.name, kind: 'query-refused' }])
  })

  it('fails the window and blocks the feed when feeds.json names it: only a person can change that', async () => {
    const queryId = '11111111-1111-4111-8111-111111111111'
    const { columns: _, ...feed } = FEED
    const world = await worldOf({ feeds: [{ ...feed, queryId }] })
    await provision(world.services)
    await provision(world.services)
    expect([asked(world).length, registrations(world)]).toEqual([1, 0])
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'query-refused', attempt: 1 })
    const [feedStatus] = (await status(world.services)).feeds
    expect(feedStatus).toMatchObject({ blocked: { kind: 'query-refused' }, problems: [{ kind: 'query-refused' }] })
  })
})
