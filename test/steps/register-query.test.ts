import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { queryName } from '../../src/core/ledger/remote-names.ts'
import { changeFeedRow } from '../../src/steps/ledger/feed-row.ts'
import { provision } from '../../src/steps/provision.ts'
import { registerQuery } from '../../src/steps/requesting/register-query.ts'
import { status } from '../../src/steps/status.ts'
import { queryRequests } from '../setup/insights.ts'
import type { World } from '../setup/world.ts'
import { asked, FEED, feedRowOf, HALF_A_YEAR, named, worldOf } from './one-window.ts'

const HOUR = 3_600_000

/** The texts of the queries that were registered. */
const registered = ({ simulator }: World) => queryRequests(simulator).map(({ body }) => JSON.parse(body).Query)

/** How often the service was asked what a dataset offers. */
const looked = ({ simulator }: World) =>
  simulator.requests.filter(({ path }) => path.includes('/ScheduledDataset')).length

function clientOf({ services }: World) {
  const insights = services.insights('default', {})
  if (isFailure(insights)) throw new Error(insights.message)
  return insights
}

const own = (query: string) => ({ name: 'usage', dataset: 'AzureUsage', query, from: '2025-05-01', to: '2025-06-01' })

describe('a query is registered', () => {
  it('under one id, also by two instances that do it at once', async () => {
    const world = await worldOf()
    await provision(world.services)
    const stored = await feedRowOf(world)
    const { query: _, ...row } = stored
    // The other instance looked for the query before ours was there, and so registers one of its own.
    const late = { ...clientOf(world), queries: async () => [] }
    expect(await registerQuery(world.services, late, row)).toEqual(stored)
    const left = await clientOf(world).listQueries({ includeSystemQueries: false })
    expect(isFailure(left) ? left : left.map(({ queryId }) => queryId)).toEqual([stored.query?.queryId])
  })

  it.each([
    [FEED, 'SELECT Month,CustomerName,UsageQuantity FROM AzureUsage'],
    [
      { ...FEED, distinct: true, where: "CustomerName like 'A%'  AND  UsageQuantity>1" },
      "SELECT DISTINCT Month,CustomerName,UsageQuantity FROM AzureUsage WHERE CustomerName like 'A%'  AND  UsageQuantity>1",
    ],
    [own(' select month,UsageQuantity\nfrom azureusage ; '), ' select month,UsageQuantity\nfrom azureusage ; '],
  ])('with the text it has always had, by which it is found again: %j', async (feed, text) => {
    const world = await worldOf({ feeds: [feed] })
    await provision(world.services)
    expect(registered(world)).toEqual([text])
    const stored = await feedRowOf(world)
    const { query: _, ...row } = stored
    expect(await registerQuery(world.services, clientOf(world), row)).toEqual(stored)
    expect(registered(world)).toEqual([text])
  })

  it('after one look at its dataset, however many windows and ticks follow', async () => {
    const limits = { maxInFlight: 12, maxReportsPerHour: 5 }
    const world = await worldOf({ feeds: [HALF_A_YEAR], settings: { limits } })
    await provision(world.services)
    world.clock.advance(HOUR)
    await provision(world.services)
    expect(asked(world)).toHaveLength(6)
    expect(looked(world)).toBe(1)
  })

  it('with one look at how far its dataset reaches back when the service has it already', async () => {
    const world = await worldOf()
    await provision(world.services)
    const { queryId } = (await feedRowOf(world)).query ?? {}
    const other = await worldOf({ feeds: [{ ...own(''), query: undefined, queryId }] })
    await provision(other.services)
    expect([looked(other), registered(other)]).toEqual([1, []])
  })

  it('with columns that the service lists and the catalogue does not know', async () => {
    const query = "SELECT Month,BrandNew FROM AzureUsage WHERE BrandNew='x'"
    const world = await worldOf({ feeds: [{ ...own(query), enabled: false }] })
    await provision(world.services)
    const row = await feedRowOf(world)
    const dataset = { datasetName: 'AzureUsage', selectableColumns: ['Month', 'BrandNew'], availableMetrics: [] }
    const stored = { queryId: 'q-1', name: queryName('test', row.feed), query }
    const answer = (value: object) => ({ status: 200, body: { value: [value], statusCode: 200 } })
    world.simulator.fault({ endpoint: 'listDatasets', effect: answer(dataset), nth: 1 })
    world.simulator.fault({ endpoint: 'createQuery', effect: answer(stored), nth: 1 })
    expect(await registerQuery(world.services, clientOf(world), row)).toMatchObject({ query: { queryId: 'q-1' } })
    expect(registered(world)).toEqual([query])
  })
})

describe('a query that the service has', () => {
  const TROUBLE = { kind: 'unavailable', message: 'it was away', at: '2026-01-01T00:00:00Z' } as const
  const NOTHING = { status: 200, body: { value: [], statusCode: 200 } } as const

  /** A feed whose query is registered, and whose dataset the service has ceased to list. */
  async function unlisted(feed: object): Promise<World> {
    const world = await worldOf({ feeds: [feed] })
    await provision(world.services)
    world.simulator.fault({ endpoint: 'listDatasets', effect: NOTHING, nth: 'all' })
    return world
  }

  const FEEDS = [
    ['the columns it names', FEED],
    ['the columns there are', { ...FEED, columns: undefined }],
    ['a text of its own', own(' SELECT Month FROM AzureUsage ')],
  ] as const

  it.each(FEEDS)('of a feed with %s is not judged when its trouble is over', async (_, feed) => {
    const world = await unlisted(feed)
    const row = await feedRowOf(world)
    await changeFeedRow(world.services, row.feed.name, (each) => ({ ...each, trouble: TROUBLE }))
    expect(await registerQuery(world.services, clientOf(world), { ...row, trouble: TROUBLE })).toEqual(row)
    expect(await feedRowOf(world)).toEqual(row)
    expect(named(world, 'feed.fresh')).toMatchObject([{ feed: 'usage' }])
    expect([looked(world), registered(world).length]).toEqual([1, 1])
  })

  it.each([FEEDS[0], FEEDS[2]])('of a feed with %s is not judged after its answer was lost', async (_, feed) => {
    const world = await unlisted(feed)
    const stored = await feedRowOf(world)
    const { query: __, ...row } = stored
    expect(await registerQuery(world.services, clientOf(world), row)).toEqual(stored)
    expect([looked(world), registered(world).length]).toEqual([1, 1])
  })

  it.each(FEEDS)('no longer is judged and registered again for a feed in trouble with %s', async (_, feed) => {
    const world = await worldOf({ feeds: [feed] })
    await provision(world.services)
    const row = await feedRowOf(world)
    expect(await clientOf(world).deleteQuery(row.query?.queryId ?? '')).toBeUndefined()
    const again = await registerQuery(world.services, clientOf(world), { ...row, trouble: TROUBLE })
    expect(again).toMatchObject({ query: { ours: true, queryId: expect.not.stringMatching(row.query?.queryId ?? '') } })
    expect([looked(world), new Set(registered(world)).size, registered(world).length]).toEqual([2, 1, 2])
  })
})

describe('a dataset that the service lists by another name', () => {
  const CANONICAL = 'CompetencyPeformanceRequirement'
  const ALIAS = 'CompetencyPerformanceRequirement'
  const feed = { ...FEED, dataset: CANONICAL, columns: ['Month', 'CompetencyName'] }
  const dataset = { datasetName: ALIAS, selectableColumns: ['Month', 'CompetencyName'], availableMetrics: [] }

  const list = ({ simulator }: World, values: readonly object[], nth: number) =>
    simulator.fault({
      endpoint: 'listDatasets',
      effect: { status: 200, body: { value: values, statusCode: 200 } },
      nth,
    })

  it.each([
    ['by columns', feed, `SELECT Month,CompetencyName FROM ${ALIAS}`],
    ['by the columns there are', { ...feed, columns: undefined }, `SELECT CompetencyName,Month FROM ${ALIAS}`],
    ['of their own', { ...own(`SELECT Month FROM ${ALIAS}`), dataset: CANONICAL }, `SELECT Month FROM ${ALIAS}`],
  ])('a feed %s asks for it by that name', async (_, fields, text) => {
    const world = await worldOf({ feeds: [fields] })
    list(world, [], 1)
    list(world, [dataset], 2)
    await provision(world.services)
    expect(named(world, 'feed.blocked')).toEqual([])
    expect([registered(world), looked(world)]).toEqual([[text], 2])
  })

  it('is looked for only once when it has the name that the catalogue gives it', async () => {
    const world = await worldOf({ feeds: [feed] })
    await provision(world.services)
    expect([registered(world), looked(world)]).toEqual([[`SELECT Month,CompetencyName FROM ${CANONICAL}`], 1])
  })
})

describe('a query that asks for what the service does not list', () => {
  const NOTHING = 'is not a column or metric of AzureUsage; the nearest is'

  it.each([
    [
      'of their own',
      own('SELECT Month,CustomerNme FROM AzureUsage'),
      `query: CustomerNme at character 14 ${NOTHING} CustomerName`,
    ],
    [
      'with conditions',
      { ...FEED, where: "Month='x' AND UsageQuantty > 1" },
      `where: UsageQuantty at character 15 ${NOTHING} UsageQuantity`,
    ],
    [
      'of another year',
      { ...FEED, columns: ['Month', 'PartnerLocationID'] },
      `PartnerLocationID at character 14 ${NOTHING} PartnerLocation`,
    ],
    [
      'of another dataset',
      own('SELECT Month FROM OfficeUsage'),
      'query: FROM names OfficeUsage at character 19; it must be AzureUsage',
    ],
    [
      'of a time nobody offers',
      own('SELECT Month FROM AzureUsage TIMESPAN LAST_7_DAYS'),
      'query: TIMESPAN LAST_7_DAYS at character 39 is not offered by AzureUsage; it offers ',
    ],
  ])('%s is not sent: the feed is blocked and told why, with the place', async (_, feed, problem) => {
    const world = await worldOf({ feeds: [feed], simulator: { profile: '2021' } })
    await provision(world.services)
    const message = expect.stringContaining(`feed usage: its query cannot be registered: ${problem}`)
    expect([registered(world), asked(world), await world.entries()]).toEqual([[], [], []])
    expect(named(world, 'feed.blocked')).toMatchObject([{ feed: 'usage', kind: 'query-refused', message }])
    expect((await status(world.services)).feeds).toMatchObject([{ blocked: { kind: 'query-refused', message } }])
  })

  it('by the choice of the app goes without it, and says so once', async () => {
    const { columns: _, ...choice } = FEED
    const world = await worldOf({ feeds: [choice], simulator: { profile: '2021' } })
    await provision(world.services)
    await provision(world.services)
    const without = /^the service does not list .*\bPartnerLocationID\b.*: the feed goes without them$/
    expect(named(world, 'feed.drift')).toMatchObject([{ feed: 'usage', message: expect.stringMatching(without) }])
    expect(registered(world)).toEqual([expect.not.stringContaining('PartnerLocationID')])
  })

  it('is looked at again a day later, not at every tick', async () => {
    const world = await worldOf({ feeds: [own('SELECT Mont FROM AzureUsage')] })
    for (const hours of [0, 1, 22]) {
      world.clock.advance(hours * HOUR)
      await provision(world.services)
    }
    expect(looked(world)).toBe(1)
    world.clock.advance(HOUR)
    await provision(world.services)
    expect([looked(world), registered(world), named(world, 'feed.blocked').length]).toEqual([2, [], 1])
  })

  it('holds up no other feed', async () => {
    const wrong = { ...own('SELECT Mont FROM AzureUsage'), name: 'wrong' }
    const world = await worldOf({ feeds: [wrong, FEED] })
    expect(await provision(world.services)).toMatchObject({ requested: 1, waiting: 1 })
    expect(registered(world)).toHaveLength(1)
  })
})

describe('a dataset that cannot be read', () => {
  it('leaves the windows in the plan, and the next tick asks', async () => {
    const world = await worldOf()
    world.simulator.fault({ endpoint: 'listDatasets', effect: { page: 502 } })
    await provision(world.services)
    expect([registered(world), asked(world), await world.entries()]).toEqual([[], [], []])
    expect(named(world, 'feed.stale')).toMatchObject([{ feed: 'usage', kind: 'unavailable' }])
    await provision(world.services)
    expect(asked(world)).toHaveLength(1)
    expect(named(world, 'feed.fresh')).toMatchObject([{ feed: 'usage' }])
  })

  it('because the service does not offer it blocks the feed', async () => {
    const world = await worldOf()
    const body = { value: [], statusCode: 200 }
    world.simulator.fault({ endpoint: 'listDatasets', effect: { status: 200, body }, nth: 1 })
    await provision(world.services)
    expect(registered(world)).toEqual([])
    expect(named(world, 'feed.blocked')).toMatchObject([
      { kind: 'query-refused', message: expect.stringContaining('dataset AzureUsage') },
    ])
  })
})
