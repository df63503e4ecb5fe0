import { describe, expect, it } from 'vitest'
import type { Effect, Listing } from '../../local/simulator/switches.ts'
import type { Ledger } from '../../src/services/storage/ledger.ts'
import { changeFeedRow } from '../../src/steps/ledger/feed-row.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { quietWorld, type World } from '../setup/world.ts'
import { asked, feedRowOf, named } from './one-window.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** It is 10 July 2025. */
const USAGE = {
  name: 'usage',
  dataset: 'OfficeUsage',
  columns: ['Month', 'CustomerName', 'MonthlyActiveUsers'],
  from: '2025-05-01',
  to: '2025-06-01',
  delay: 'P4D',
}

const worldOf = (feed: object = {}, settings: object = {}) =>
  quietWorld({ feeds: [{ ...USAGE, ...feed }], simulator: { profile: 'observed', rows: 5 }, settings })

/** From now on the service lists a dataset so, at each of its calls or at the next one alone. */
const lists = ({ simulator }: World, listing: Omit<Listing, 'dataset'> & { dataset?: string }, nth: 1 | 'all' = 1) =>
  simulator.fault({ endpoint: 'listDatasets', effect: { listsDataset: { dataset: 'OfficeUsage', ...listing } }, nth })

/** How often all datasets of the service were read. */
const looks = ({ simulator }: World) =>
  simulator.requests.filter(({ path, query }) => path.endsWith('/ScheduledDataset') && !query.datasetName).length

async function tick(world: World): Promise<void> {
  await provision(world.services)
  await sweep(world.services)
  await world.drain()
}

async function nextDay(world: World): Promise<void> {
  world.clock.advance(DAY)
  await tick(world)
}

const driftOf = async (world: World) => (await status(world.services)).feeds[0]?.drift
const told = (world: World) => named(world, 'feed.drift').map(({ message }) => message)
const statesOf = async (world: World) =>
  (await world.entries()).map(({ window, state }) => `${window.from.toISOString().slice(0, 7)} ${state}`).toSorted()

describe('what a feed uses and the service no longer offers', () => {
  it.each([
    [
      'a column that is removed, and one that is renamed',
      {},
      { renamed: { CustomerName: 'CustomerFullName', MonthlyActiveUsers: null } },
      'the service no longer lists what the feed asks OfficeUsage for: CustomerName (now CustomerFullName?), MonthlyActiveUsers',
    ],
    [
      'a column in the conditions of the feed',
      { where: "WorkloadName = 'Exchange'" },
      { renamed: { WorkloadName: null } },
      'the service no longer lists what the feed asks OfficeUsage for: WorkloadName',
    ],
    [
      'a column in the query of a user',
      { columns: undefined, query: 'SELECT Month, CustomerName FROM OfficeUsage WHERE MonthlyActiveUsers > 1' },
      { renamed: { MonthlyActiveUsers: null } },
      'the service no longer lists what the feed asks OfficeUsage for: MonthlyActiveUsers',
    ],
    [
      'a column that has another name by the catalogue',
      {
        dataset: 'Profile',
        columns: ['MPNId', 'HierarchyLevel'],
        snapshot: 'P7D',
        from: undefined,
        to: undefined,
        delay: undefined,
      },
      { dataset: 'Profile', renamed: { HierarchyLevel: 'AccountType' } },
      'the service no longer lists what the feed asks Profile for: HierarchyLevel (now AccountType)',
    ],
    [
      'a range',
      {},
      { ranges: ['LAST_6_MONTHS', 'LAST_3_MONTHS'] },
      'the service offers less history of OfficeUsage: LAST_3_MONTHS, LAST_6_MONTHS, and before LAST_1_YEAR, LAST_3_MONTHS, LAST_6_MONTHS, LAST_MONTH',
    ],
    [
      'every range that the app knows',
      {},
      { ranges: ['YEAR_TO_DATE'] },
      'the service lists no date range of OfficeUsage that the app knows: YEAR_TO_DATE, and before LAST_1_YEAR, LAST_3_MONTHS, LAST_6_MONTHS, LAST_MONTH',
    ],
    [
      'all ranges',
      {},
      { ranges: [] },
      'the service lists no date range of OfficeUsage that the app knows: none, and before LAST_1_YEAR, LAST_3_MONTHS, LAST_6_MONTHS, LAST_MONTH',
    ],
    ['an interval', {}, { hours: 48 }, 'the minimum interval of OfficeUsage is 48 hours, and was 24'],
    ['the dataset', {}, { gone: true as const }, 'the service no longer lists dataset OfficeUsage'],
  ])('is told once and in status, before a report fails, until it is over: %s', async (_, feed, listing, sentence) => {
    const world = await worldOf(feed)
    await tick(world)
    expect([looks(world), await driftOf(world)]).toEqual([0, []])
    lists(world, listing)
    await nextDay(world)
    expect([looks(world), await driftOf(world), told(world)]).toEqual([1, [sentence], [sentence]])
    expect([named(world, 'window.failed'), named(world, 'feed.blocked')]).toEqual([[], []])
    lists(world, listing)
    await nextDay(world)
    expect([looks(world), await driftOf(world), told(world)]).toEqual([2, [sentence], [sentence]])
    await nextDay(world)
    expect([looks(world), await driftOf(world), told(world)]).toEqual([3, [], [sentence]])
  })

  it('is told in one way with the columns of files that nobody named', async () => {
    const world = await worldOf()
    world.simulator.fault({ endpoint: 'report', effect: { newColumn: 'Odd' } })
    await tick(world)
    lists(world, { hours: 48 })
    await nextDay(world)
    const sentences = ['columns that nobody named: Odd', 'the minimum interval of OfficeUsage is 48 hours, and was 24']
    expect([await driftOf(world), told(world)]).toEqual([sentences, sentences])
  })

  it('is no drift in what the feed does not use, or where another name of a column was asked for', async () => {
    const world = await worldOf()
    await tick(world)
    lists(world, { renamed: { CustomerTpid: null, WorkloadName: 'Workload' }, ranges: ['LIFETIME'], hours: 4 })
    await nextDay(world)
    expect([looks(world), await driftOf(world), told(world)]).toEqual([1, [], []])
  })

  it('is over where the feed no longer uses it, and judged anew', async () => {
    const world = await worldOf()
    await tick(world)
    lists(world, { renamed: { CustomerName: null } }, 'all')
    await nextDay(world)
    expect(await driftOf(world)).toHaveLength(1)
    const columns = ['Month', 'MonthlyActiveUsers']
    const text = JSON.stringify({ feeds: [{ ...USAGE, columns }] })
    const services = { ...world.services, readFeeds: async () => ({ text, source: 'package' as const }) }
    await provision(services)
    expect(await driftOf(world)).toEqual([])
    world.clock.advance(DAY)
    await provision(services)
    expect([looks(world), await driftOf(world)]).toEqual([2, []])
  })
})

describe('the look at the datasets of the service', () => {
  /** Counts what a tick asks of the ledger about feeds, and of the service about datasets. */
  async function costOf(world: World, services: Services = world.services) {
    let reads = 0
    const ledger: Ledger = {
      ...services.ledger,
      readFeed: (name) => {
        reads++
        return services.ledger.readFeed(name)
      },
    }
    const before = looks(world)
    await provision({ ...services, ledger })
    return { reads, looks: looks(world) - before }
  }

  it('comes once a day, and costs nothing at the other ticks of the day', async () => {
    const world = await worldOf()
    await tick(world)
    world.clock.advance(DAY - 1)
    expect((await costOf(world)).looks).toBe(0)
    world.clock.advance(1)
    expect((await costOf(world)).looks).toBe(1)
    for (let hour = 0; hour < 23; hour++) {
      world.clock.advance(HOUR)
      const cost = await costOf(world)
      // One hour later the audit of the day reads the row.
      expect(cost.looks).toBe(0)
      if (hour > 0) expect(cost.reads).toBe(0)
    }
    world.clock.advance(HOUR)
    expect((await costOf(world)).looks).toBe(1)
  })

  it.each([
    ['is a page of a gateway', { page: 502 }],
    ['lists nothing at all', { status: 200, body: { value: [], statusCode: 200 } }],
    ['is no list', { status: 200, body: { value: 'what?', statusCode: 200 } }],
    ['has a dataset without a name', { status: 200, body: { value: [{ selectableColumns: ['Month'] }] } }],
    ['has a dataset without columns', { status: 200, body: { value: [{ datasetName: 'OfficeUsage' }] } }],
    [
      'has names that are none',
      {
        status: 200,
        body: {
          value: [
            {
              datasetName: 'OfficeUsage',
              selectableColumns: ['Month', 5],
              availableMetrics: [],
              availableDateRanges: ['LAST_MONTH'],
            },
          ],
        },
      },
    ],
  ])('changes nothing where the answer %s, holds up no report, and comes again in an hour', async (_, effect) => {
    const world = await worldOf({ from: '2025-03-01', to: '2025-08-01', openWindow: false })
    await tick(world)
    const row = await feedRowOf(world)
    const before = asked(world).length
    // On 5 August July is due.
    world.clock.advance(26 * DAY)
    world.simulator.fault({ endpoint: 'listDatasets', effect, nth: 1 })
    await tick(world)
    const { ranges, offered, offerDrift } = await feedRowOf(world)
    expect({ ranges, offered, offerDrift }).toEqual({ ranges: row.ranges, offered: row.offered, offerDrift: undefined })
    expect(asked(world).length).toBeGreaterThan(before)
    const seen = looks(world)
    for (let quarter = 0; quarter < 3; quarter++) {
      world.clock.advance(HOUR / 4)
      await provision(world.services)
    }
    expect([seen, looks(world), told(world)]).toEqual([1, 1, []])
    world.clock.advance(HOUR / 4)
    await provision(world.services)
    expect([looks(world), told(world)]).toEqual([2, []])
  })

  it('does not happen where the account may not ask, or has no feed that is enabled', async () => {
    const world = await worldOf()
    world.simulator.fault({
      endpoint: 'createReport',
      effect: { status: 429, headers: { 'retry-after': '86400' } },
      nth: 1,
    })
    await tick(world)
    world.clock.advance(DAY - HOUR)
    await tick(world)
    expect(looks(world)).toBe(0)
    world.clock.advance(3 * HOUR)
    await tick(world)
    expect(looks(world)).toBe(1)
    const text = JSON.stringify({ feeds: [{ ...USAGE, enabled: false }] })
    const services = { ...world.services, readFeeds: async () => ({ text, source: 'package' as const }) }
    world.clock.advance(2 * DAY)
    await provision(services)
    expect(looks(world)).toBe(1)
  })

  it('is one of two instances that tick at once', async () => {
    const world = await worldOf()
    await tick(world)
    world.clock.advance(DAY)
    lists(world, { hours: 48 }, 'all')
    await Promise.all([provision(world.services), provision(world.services)])
    expect([looks(world), told(world).length]).toEqual([1, 1])
  })

  it('keeps what another instance changes in the row of a feed meanwhile', async () => {
    const world = await worldOf()
    await tick(world)
    world.clock.advance(DAY)
    lists(world, { hours: 48 })
    let isFirst = true
    const ledger: Ledger = {
      ...world.services.ledger,
      async writeFeed(row, etag) {
        if (isFirst) {
          isFirst = false
          await changeFeedRow(world.services, USAGE.name, (each) => ({ ...each, failing: true }))
        }
        return world.services.ledger.writeFeed(row, etag)
      },
    }
    await provision({ ...world.services, ledger })
    expect(isFirst).toBe(false)
    expect(await feedRowOf(world)).toMatchObject({ failing: true, offerDrift: [expect.any(String)] })
  })

  it('keeps a slot that another instance takes meanwhile', async () => {
    const world = await worldOf()
    await tick(world)
    world.clock.advance(DAY)
    const slot = { feed: 'other', window: 'w', attempt: 1, at: world.clock.now().toISOString() }
    const services: Services = {
      ...world.services,
      insights: (name, account) => {
        const client = world.services.insights(name, account)
        if ('kind' in client) return client
        return {
          ...client,
          async offeredDatasets() {
            const stored = await world.services.ledger.readApp<object>('pacing~default')
            await world.services.ledger.writeApp('pacing~default', { ...stored?.value, open: [slot] }, stored?.etag)
            return client.offeredDatasets()
          },
        }
      },
    }
    await provision(services)
    const lookAt = new Date(world.clock.now().getTime() + DAY).toISOString()
    expect((await world.services.ledger.readApp('pacing~default'))?.value).toMatchObject({ open: [slot], lookAt })
  })
})

describe('a listing that was too short', () => {
  const LIMITS = { limits: { maxInFlight: 60, maxReportsPerHour: 60 } }
  const history = { from: '2025-01-01', to: '2025-07-01', openWindow: false }

  it('at first clamps history only until the service lists more', async () => {
    const world = await worldOf(history, LIMITS)
    lists(world, { ranges: ['LAST_MONTH'] })
    await tick(world)
    expect([await statesOf(world), (await status(world.services)).feeds[0]?.startsAt]).toEqual([
      [],
      new Date('2025-07-01T00:00:00Z'),
    ])
    await nextDay(world)
    await tick(world)
    const months = ['01', '02', '03', '04', '05', '06'].map((month) => `2025-${month} landed`)
    expect(await statesOf(world)).toEqual(months)
    expect((await status(world.services)).feeds[0]).not.toHaveProperty('startsAt')
    expect((await status(world.services)).feeds[0]?.completeUntil).toEqual(new Date('2025-07-01T00:00:00Z'))
  })

  it('moves no start to a later one when it comes later: what falls out of it is a hole', async () => {
    const world = await worldOf(history, LIMITS)
    await tick(world)
    lists(world, { ranges: ['LAST_MONTH'] }, 'all')
    await nextDay(world)
    expect((await feedRowOf(world)).ranges).toEqual(['LAST_MONTH'])
    expect((await status(world.services)).feeds[0]).not.toHaveProperty('startsAt')
  })

  it('is read again before a window ends: an old one ends nothing', async () => {
    const world = await worldOf(history, { limits: { maxInFlight: 2, maxReportsPerHour: 2 } })
    // The newest month is asked for; the others wait for their turn.
    await tick(world)
    const before = asked(world).length
    await changeFeedRow(world.services, USAGE.name, (row) => ({ ...row, ranges: ['LAST_MONTH'] }))
    for (let hour = 0; hour < 8; hour++) {
      world.clock.advance(2 * HOUR)
      await tick(world)
    }
    expect(before).toBeLessThan(6)
    expect(named(world, 'window.failed')).toEqual([])
    expect(await statesOf(world)).toHaveLength(6)
    for (const state of await statesOf(world)) expect(state).toMatch(/landed$/)
    // One look was enough for all of them.
    expect(looks(world)).toBe(1)
  })

  it.each<[string, Effect, number]>([
    ['is a page of a gateway', { page: 502 }, 2],
    ['lists no range', { listsDataset: { dataset: 'OfficeUsage', ranges: [] } }, 3],
    ['lists no range that the app knows', { listsDataset: { dataset: 'OfficeUsage', ranges: ['YEAR_TO_DATE'] } }, 3],
  ])('ends nothing while the answer %s, and is read again in an hour', async (_, effect, most) => {
    const world = await worldOf(history, { limits: { maxInFlight: 2, maxReportsPerHour: 2 } })
    await tick(world)
    const before = asked(world).length
    await changeFeedRow(world.services, USAGE.name, (row) => ({ ...row, ranges: ['LAST_MONTH'] }))
    world.simulator.fault({ endpoint: 'listDatasets', effect, nth: 'all' })
    for (let quarter = 0; quarter < 8; quarter++) {
      world.clock.advance(HOUR / 4)
      await tick(world)
    }
    expect([named(world, 'window.failed'), asked(world).length]).toEqual([[], before])
    // The daily look, which can read such a list, may come in between.
    expect(looks(world)).toBe(most)
  })

  it('is over: a window that failed by it is asked for again', async () => {
    const world = await worldOf(history, { limits: { maxInFlight: 2, maxReportsPerHour: 2 } })
    await tick(world)
    for (let day = 0; day < 2; day++) {
      lists(world, { ranges: ['LAST_MONTH'] })
      await nextDay(world)
    }
    expect((await statesOf(world)).filter((state) => state.endsWith('failed')).length).toBeGreaterThan(0)
    expect(named(world, 'window.failed').map(({ kind }) => kind)).toContain('out-of-range')
    await nextDay(world)
    for (let hour = 0; hour < 12; hour++) {
      world.clock.advance(HOUR)
      await tick(world)
    }
    for (const state of await statesOf(world)) expect(state).toMatch(/landed$/)
    expect(await driftOf(world)).toEqual([])
  })
})

describe('a window that landed and is out of range', () => {
  it('stays landed, although it is young enough for a refresh', async () => {
    const world = await worldOf({ refresh: { every: 'P1D', for: 'P70D' } })
    await tick(world)
    const before = asked(world).length
    lists(world, { ranges: ['LAST_MONTH'] }, 'all')
    for (let day = 0; day < 4; day++) await nextDay(world)
    const [entry] = await world.entries()
    expect(asked(world)).toHaveLength(before)
    expect(entry).toMatchObject({ state: 'landed', attempt: 1 })
    expect(entry).not.toHaveProperty('refreshAt')
    const first = async () => (await world.entries())[0]
    const settled = await first()
    for (let hour = 0; hour < 30; hour += 3) {
      world.clock.advance(3 * HOUR)
      await tick(world)
      expect(await first()).toEqual(settled)
    }
  })
})
