import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
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
  it('three of them in a tick hold up no other feed', async () => {
    const world = await worldOf({ feeds: SIX })
    for (const nth of [1, 2, 3]) world.simulator.fault({ ...AWAY, nth })
    expect(await provision(world.services)).toMatchObject({ requested: 3, waiting: 3 })
    expect(named(world, 'feed.stale').map(({ feed }) => feed)).toEqual(['a1', 'a2', 'a3'])
    expect(named(world, 'window.requested').map(({ feed }) => feed)).toEqual(['a4', 'a5', 'a6'])
  })

  it('a fourth means that the service is away: the tick asks it for nothing more', async () => {
    const world = await worldOf({ feeds: SIX })
    world.simulator.fault({ ...AWAY, nth: 'all' })
    expect(await provision(world.services)).toMatchObject({ requested: 0, waiting: 6 })
    expect(registrations(world)).toBe(4)
    expect(named(world, 'feed.stale').map(({ feed }) => feed)).toEqual(['a1', 'a2', 'a3', 'a4'])
    expect(named(world, 'feed.stale').map(({ kind }) => kind)).toEqual(Array(4).fill('unavailable'))
  })

  it('are counted anew in each tick', async () => {
    const world = await worldOf({ feeds: SIX })
    for (const nth of [1, 2, 3, 4, 5, 6, 7]) world.simulator.fault({ ...AWAY, nth })
    await provision(world.services)
    expect(await provision(world.services)).toMatchObject({ requested: 3, waiting: 3 })
    expect(await provision(world.services)).toMatchObject({ requested: 3, waiting: 0 })
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
    expect(feedStatus).toMatchObject({ blocked: { kind: 'query-refused' }, failures: [{ kind: 'query-refused' }] })
  })
})
