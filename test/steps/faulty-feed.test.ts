import { describe, expect, it } from 'vitest'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import { asked, entryOf, FEED, feedRowOf, HALF_A_YEAR, named, worldOf } from './one-window.ts'

const DAY = 86_400_000

const FAULTY = { ...HALF_A_YEAR, shards: 0, maxRejects: 'many' }

const PROBLEMS = [
  'feed "usage": maxRejects is "many"; it must be a share from 0 to 1, such as 0.001',
  'feed "usage": shards is 0; it must be a whole number from 1 to 512',
]

const LEARN = { name: 'learn', dataset: 'MSLearn', from: '2025-06-01', to: '2025-06-02' }

/** The services of a world that now reads these feeds, and other fields of the file. */
function reading({ services }: World, feeds: readonly unknown[], others = {}): Services {
  return { ...services, readFeeds: async () => ({ text: JSON.stringify({ ...others, feeds }), source: 'container' }) }
}

async function landAll(world: World): Promise<void> {
  await provision(world.services)
  await sweep(world.services)
  await world.drain()
}

describe('a feed of feeds.json with a problem', () => {
  it.each([
    ['a value that is not allowed', FAULTY],
    ['a dataset that nobody knows', { ...FEED, dataset: 'AzureUsge' }],
    ['a field that is not known', { ...FEED, shard: 4 }],
    ['an account that there is not', { ...FEED, account: 'emea' }],
    ['a name that is not allowed', { ...FEED, name: 'Usage!' }],
    ['no object', 5],
  ])('stops alone: %s', async (_, faulty) => {
    const world = await worldOf()
    expect(await provision(reading(world, [faulty, LEARN]))).toMatchObject({ requested: 1 })
    expect(asked(world)).toHaveLength(1)
    expect((await world.entries()).map(({ feed }) => feed)).toEqual(['learn'])
  })

  it('is told once a day with all its problems, and status shows it although the app does not know it', async () => {
    const world = await worldOf()
    const services = reading(world, [FAULTY, LEARN])
    await provision(services)
    await provision(services)
    expect(world.events.filter(({ event }) => event === 'app.settings')).toEqual([
      { event: 'app.settings', message: `feeds.json (container): ${PROBLEMS.join('; ')}` },
    ])
    const { problems, feeds } = await status(services)
    expect(problems.map(({ message }) => message)).toEqual(PROBLEMS.map((problem) => `feeds.json: ${problem}`))
    expect(problems[0]).toMatchObject({ kind: 'query-refused', remedy: expect.any(String) })
    expect(feeds.map(({ name }) => name)).toEqual(['learn'])
    world.clock.advance(DAY)
    await provision(services)
    expect(named(world, 'app.settings')).toHaveLength(2)
    await provision(reading(world, [LEARN]))
    expect((await status(services)).problems).toEqual([])
  })

  it('that landed before asks for nothing new, keeps its rows, and goes on once it is put right', async () => {
    const world = await worldOf()
    await landAll(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
    await provision(reading(world, [FAULTY]))
    await provision(reading(world, [FAULTY]))
    expect(asked(world)).toHaveLength(1)
    const row = await feedRowOf(world)
    expect(row).toMatchObject({
      refused: true,
      blocked: { kind: 'query-refused' },
      feed: { enabled: true, shards: 16 },
    })
    expect(row.blocked?.message).toBe(`feeds.json: ${PROBLEMS.join('; ')}`)
    expect(named(world, 'feed.blocked')).toMatchObject([{ feed: 'usage', kind: 'query-refused' }])
    expect(await status(world.services)).toMatchObject({
      problems: [],
      feeds: [{ blocked: { kind: 'query-refused' } }],
    })
    await provision(reading(world, [HALF_A_YEAR]))
    expect((await feedRowOf(world)).blocked).toBeUndefined()
    expect(asked(world)).toHaveLength(6)
  })

  it('finishes what is open', async () => {
    const world = await worldOf()
    await provision(world.services)
    const services = reading(world, [FAULTY])
    await landAll({ ...world, services })
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
    expect(asked(world)).toHaveLength(1)
  })

  it('is not blocked where it is disabled', async () => {
    const world = await worldOf()
    await landAll(world)
    await provision(reading(world, [{ ...FAULTY, enabled: false }]))
    expect(await feedRowOf(world)).toMatchObject({ feed: { enabled: false } })
    expect(named(world, 'feed.blocked')).toEqual([])
  })

  it('does not hold more in the ledger than it takes, however much is wrong with it', async () => {
    const world = await worldOf()
    await landAll(world)
    const columns = Array.from({ length: 250 }, (_, index) => `Nothing${index}`)
    expect(await provision(reading(world, [{ ...FEED, columns }, LEARN]))).toMatchObject({ requested: 1 })
    expect((await feedRowOf(world)).blocked?.message).toHaveLength(1000)
  })
})

describe('a faulty account of feeds.json', () => {
  const ACCOUNTS = { accounts: { emea: { auth: 'magic' } } }
  const PROBLEM =
    'account "emea": auth is "magic"; it must be one of refresh-token, client-secret, certificate, managed-identity, password'

  it('stops the feeds that use it, and no other', async () => {
    const world = await worldOf()
    const services = reading(world, [{ ...FEED, account: 'emea' }, LEARN], ACCOUNTS)
    expect(await provision(services)).toMatchObject({ requested: 1 })
    expect((await world.entries()).map(({ feed }) => feed)).toEqual(['learn'])
    expect(world.events.filter(({ event }) => event === 'app.settings')).toMatchObject([
      { message: `feeds.json (container): ${PROBLEM}` },
    ])
    expect((await status(services)).problems).toMatchObject([{ message: `feeds.json: ${PROBLEM}` }])
  })

  it('blocks a feed that the app knows until it is put right', async () => {
    const world = await worldOf()
    const learn = { ...LEARN, account: 'emea' }
    const others = (emea: object) => reading(world, [learn], { accounts: { emea } })
    expect(await provision(others({}))).toMatchObject({ requested: 1 })
    const services = others(ACCOUNTS.accounts.emea)
    await provision(services)
    const { problems, feeds } = await status(services)
    expect(feeds).toMatchObject([{ blocked: { kind: 'query-refused', message: `feeds.json: ${PROBLEM}` } }])
    expect(problems).toEqual([])
    await provision(others({}))
    expect((await feedRowOf(world, 'learn')).blocked).toBeUndefined()
  })
})

describe('a field of feeds.json that is not known', () => {
  it('stops no feed, and is told by an event and by status until it is gone', async () => {
    const world = await worldOf()
    const services = reading(world, [LEARN], { extra: 1 })
    const problem = 'feeds.json: field "extra" is not known; the nearest is "$schema"'
    expect(await provision(services)).toMatchObject({ requested: 1 })
    expect(world.events.filter(({ event }) => event === 'app.settings')).toMatchObject([
      { message: `feeds.json (container): ${problem}` },
    ])
    expect((await status(services)).problems).toMatchObject([{ message: problem }])
    await provision(reading(world, [LEARN]))
    expect((await status(services)).problems).toEqual([])
  })
})
