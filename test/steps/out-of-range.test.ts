import { describe, expect, it } from 'vitest'
import { acceptGap } from '../../src/steps/operator/accept-gap.ts'
import { setBackWindows } from '../../src/steps/operator/backfill.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { quietWorld, type World } from '../setup/world.ts'
import { asked, feedRowOf, named } from './one-window.ts'

const DAY = 86_400_000

/** It is 10 July 2025, and the service offers a year of this dataset. */
const USAGE = { name: 'usage', dataset: 'OfficeUsage', columns: ['Month', 'CustomerName', 'MonthlyActiveUsers'] }

const LIMITS = { maxInFlight: 60, maxReportsPerHour: 60 }

const worldOf = (feed: object) =>
  quietWorld({
    feeds: [{ ...USAGE, delay: 'P4D', ...feed }],
    simulator: { profile: 'observed', rows: 5 },
    settings: { limits: LIMITS },
  })

async function tick(world: World): Promise<void> {
  await provision(world.services)
  await sweep(world.services)
  await world.drain()
}

const months = (world: World) => asked(world).map(({ body }) => JSON.parse(body).QueryStartTime.slice(0, 7))

const statesOf = async (world: World) =>
  (await world.entries()).map(({ window, state }) => `${window.from.toISOString().slice(0, 7)} ${state}`).toSorted()

describe('a from before what the service offers', () => {
  it('starts history where the service has whole months; no window before is asked for, and none lands as empty', async () => {
    const world = await worldOf({ from: '2023-01-01', to: '2024-10-01' })
    await tick(world)
    await tick(world)
    expect(months(world).toSorted()).toEqual(['2024-08', '2024-09'])
    expect(await statesOf(world)).toEqual(['2024-08 landed', '2024-09 landed'])
    for (const { figures } of await world.entries()) expect(figures).toMatchObject({ verdict: 'rows' })
    const [feed] = (await status(world.services)).feeds
    expect(feed).toMatchObject({ startsAt: new Date('2024-08-01T00:00:00Z'), waiting: 0, problems: [] })
    expect(feed?.completeUntil).toEqual(new Date('2024-10-01T00:00:00Z'))
  })

  it('is not clamped where the service offers it', async () => {
    const world = await worldOf({ from: '2024-08-01', to: '2024-10-01' })
    await tick(world)
    expect(await statesOf(world)).toEqual(['2024-08 landed', '2024-09 landed'])
    expect((await status(world.services)).feeds[0]).not.toHaveProperty('startsAt')
  })

  it('is known for a query that the service has already, after one look at its dataset', async () => {
    const world = await worldOf({ from: '2023-01-01', to: '2024-10-01' })
    await provision(world.services)
    const { queryId } = (await feedRowOf(world)).query ?? {}
    const looks = () => world.simulator.requests.filter(({ path }) => path.includes('/ScheduledDataset')).length
    const before = looks()
    const text = JSON.stringify({ feeds: [{ ...USAGE, columns: undefined, queryId, name: 'own', from: '2023-01-01' }] })
    const services = { ...world.services, readFeeds: async () => ({ text, source: 'package' as const }) }
    await provision(services)
    await provision(services)
    expect(looks() - before).toBe(1)
    expect(await feedRowOf(world, 'own')).toMatchObject({ reach: { from: '2024-08-01T00:00:00.000Z' } })
  })
})

describe('a list of ranges with words that the app does not know', () => {
  const KNOWN = ['LAST_MONTH', 'LAST_3_MONTHS', 'LAST_6_MONTHS', 'LAST_1_YEAR']
  const history = { from: '2023-07-01', to: '2024-10-01', openWindow: false, refresh: false }
  const lists = ({ simulator }: World, ranges: readonly string[]) =>
    simulator.fault({ endpoint: 'listDatasets', effect: { listsDataset: { dataset: 'OfficeUsage', ranges } }, nth: 1 })

  /** What is out of range was not asked for, and nobody counts it as complete or as failed. */
  async function isClamped(world: World): Promise<void> {
    expect(months(world).toSorted()).toEqual(['2024-08', '2024-09'])
    expect(await statesOf(world)).toEqual(['2024-08 landed', '2024-09 landed'])
    const [feed] = (await status(world.services)).feeds
    expect(feed).toMatchObject({ startsAt: new Date('2024-08-01T00:00:00Z'), problems: [] })
    expect(feed?.completeUntil).toEqual(new Date('2024-10-01T00:00:00Z'))
  }

  it.each([
    ['one beside those that it knows', [...KNOWN, 'YEAR_TO_DATE']],
    ['only such a word', ['YEAR_TO_DATE']],
    ['no range', []],
  ])(
    'asks for nothing before the limit, where the query is registered by it or a later look finds it: %s',
    async (_, ranges) => {
      const [first, later] = [await worldOf(history), await worldOf(history)]
      lists(first, ranges)
      for (const world of [first, later]) {
        await tick(world)
        await tick(world)
      }
      lists(later, ranges)
      for (const world of [first, later]) {
        for (let day = 0; day < 2; day++) {
          world.clock.advance(DAY)
          await tick(world)
        }
        await isClamped(world)
      }
    },
  )

  it('ends no window where such a word stands for one day alone', async () => {
    const world = await worldOf(history)
    await tick(world)
    await tick(world)
    world.clock.advance(DAY)
    lists(world, ['YEAR_TO_DATE'])
    const { settings } = world.services
    // Nothing may be asked for on that day.
    await provision({ ...world.services, settings: { ...settings, limits: { maxInFlight: 2, maxReportsPerHour: 2 } } })
    for (let day = 0; day < 2; day++) {
      world.clock.advance(DAY)
      await tick(world)
    }
    await isClamped(world)
    expect(named(world, 'window.failed')).toEqual([])
  })
})

describe('a window that the service no longer offers', () => {
  /** A feed whose window of August 2024 is not asked for until the service has dropped the month. */
  async function tooLate(): Promise<World> {
    const world = await worldOf({ from: '2024-08-01', to: '2024-10-01', backfillWindow: 'P1M' })
    const one = {
      ...world.services,
      settings: { ...world.services.settings, limits: { maxInFlight: 2, maxReportsPerHour: 2 } },
    }
    await provision(one)
    return world
  }

  it('fails without a request, and complete until stops there until a person accepts the gap', async () => {
    const world = await tooLate()
    const requests = asked(world).length
    expect(months(world)).toEqual(['2024-09'])
    world.clock.advance(30 * DAY)
    await tick(world)
    expect(asked(world)).toHaveLength(requests)
    expect(await world.entries()).toMatchObject([
      { state: 'failed', kind: 'out-of-range', message: expect.stringContaining('before what the service offers') },
      { state: 'landed' },
    ])
    expect(named(world, 'window.failed')).toMatchObject([{ kind: 'out-of-range', remedy: expect.any(String) }])
    await tick(world)
    expect(named(world, 'window.failed')).toHaveLength(1)
    const read = async () => (await status(world.services)).feeds[0]?.completeUntil
    expect(await read()).toBeUndefined()
    const [entry] = await world.entries()
    if (!entry) throw new Error('no entry')
    await acceptGap(world.services, 'usage', entry.window)
    expect(await read()).toEqual(new Date('2024-10-01T00:00:00Z'))
  })

  it('with rows keeps them and is landed, also when a person asks for it again', async () => {
    const world = await worldOf({ from: '2024-08-01', to: '2024-09-01' })
    await tick(world)
    const [before] = await world.entries()
    world.clock.advance(30 * DAY)
    if (!before) throw new Error('no entry')
    expect(await retry(world.services, 'usage', before.window, false)).toEqual({ state: 'planned' })
    await tick(world)
    expect(asked(world)).toHaveLength(1)
    const [entry] = await world.entries()
    expect(entry).toMatchObject({ state: 'landed', figures: { rowsLanded: 5, generation: before.figures?.generation } })
    expect(named(world, 'window.failed')).toEqual([])
  })

  it('and whose rows the feed no longer asks for needs nobody, once all that can be asked for again has been', async () => {
    const world = await worldOf({ from: '2024-08-01', to: '2024-10-01', backfillWindow: 'P1M' })
    await tick(world)
    await tick(world)
    world.clock.advance(30 * DAY)
    const feed = { ...USAGE, delay: 'P4D', from: '2024-08-01', to: '2024-10-01', where: "CustomerName != 'x'" }
    const text = JSON.stringify({ feeds: [feed] })
    const changed = {
      ...world,
      services: { ...world.services, readFeeds: async () => ({ text, source: 'package' as const }) },
    }
    await tick(changed)
    const cards = async () => (await status(changed.services)).toDo.filter(({ kind }) => kind === 'outdated')
    expect(await cards()).toMatchObject([{ sentence: expect.stringContaining(': 2 windows are outdated;') }])
    const outdated = () => setBackWindows(changed.services, 'usage', 'outdated', () => true)
    expect(await outdated()).toMatchObject({
      planned: ['20240901T000000Z_20241001T000000Z'],
      left: [{ feed: 'usage' }],
    })
    await tick(changed)
    await tick(changed)
    expect(await cards()).toEqual([])
    expect(await outdated()).toMatchObject({ planned: [], left: [{ feed: 'usage' }] })
    expect((await status(changed.services)).feeds).toMatchObject([{ outdated: 1, complete: 1, states: { landed: 2 } }])
  })

  it.each([
    ['once its rows fit the feed', {}, true],
    [
      'as the answer to what was asked, where the feed has another question by then',
      { where: 'MonthlyActiveUsers > 1' },
      false,
    ],
  ])(
    'and whose report had too many rejects lands from its archive, by the command that status names: %s',
    async (_, change, isCurrent) => {
      const feed = { ...USAGE, delay: 'P4D', from: '2024-08-01', to: '2024-09-01' }
      const world = await worldOf({ from: feed.from, to: feed.to })
      const { services, simulator, clock } = world
      await provision(services)
      const file = 'Month,CustomerName,MonthlyActiveUsers\r\n2024-08-01,Contoso,many\r\n'
      simulator.serveFile((await feedRowOf(world)).query?.queryId ?? '', Buffer.from(file))
      await tick(world)
      expect(await world.entries()).toMatchObject([{ state: 'failed', kind: 'too-many-rejects' }])
      const onlyToDo = async () => (await status(services)).toDo.find(({ kind }) => kind === 'window-failed')
      expect((await onlyToDo())?.remedy).toMatch(/the next tick asks/)
      clock.advance(30 * DAY)
      const { remedy = '' } = (await onlyToDo()) ?? {}
      const [, archive = ''] = /"replay usage --month 2024-08 --archive (\S+)"/.exec(remedy) ?? []
      expect(await services.archive.find(archive)).toBeDefined()
      const corrected = { ...feed, types: { MonthlyActiveUsers: 'string' }, ...change }
      const text = JSON.stringify({ feeds: [corrected] })
      const pushed = { ...services, readFeeds: async () => ({ text, source: 'package' as const }) }
      await provision(pushed)
      await sweep(pushed)
      expect(asked(world)).toHaveLength(1)
      expect(await world.entries()).toMatchObject([{ state: 'failed', kind: 'out-of-range' }])
      const { window } = (await world.entries())[0] ?? expect.fail('no entry')
      expect((await onlyToDo())?.command).toBe(
        `npx partner-insights-sync replay usage --month 2024-08 --archive ${archive}`,
      )
      expect(await replay(pushed, 'usage', window, archive)).toMatchObject({ archive })
      await world.drain()
      expect(await world.entries()).toMatchObject([{ state: 'landed', figures: { rowsLanded: 1, origin: 'service' } }])
      expect((await status(services)).feeds).toMatchObject([
        { complete: isCurrent ? 1 : 0, outdated: isCurrent ? 0 : 1 },
      ])
    },
  )

  it.each([
    [
      'whose blank landing came too early to prove anything',
      '2024-09-15T00:00:00Z',
      { delay: 'P40D', refresh: undefined },
    ],
    ['that landed only while it ran', '2024-08-15T00:00:00Z', {}],
  ])('%s fails, and a person may accept the gap', async (_, now, change) => {
    const feed = { ...USAGE, delay: 'P4D', from: '2024-08-01', to: '2024-09-01', ...change }
    const isBlank = 'refresh' in change
    const world = await quietWorld({ feeds: [feed], now, simulator: { profile: 'observed', rows: 5 } })
    if (isBlank) world.simulator.fault({ endpoint: 'report', effect: 'headerOnly' })
    await tick(world)
    await tick(world)
    expect(await world.entries()).toMatchObject([
      { state: 'landed', figures: isBlank ? { verdict: 'empty' } : { running: true } },
    ])
    // The app is off for more than a year.
    world.clock.advance(400 * DAY)
    await sweep(world.services)
    await tick(world)
    const [entry] = await world.entries()
    if (!entry) throw new Error('no entry')
    expect(entry).toMatchObject({ state: 'failed', kind: 'out-of-range', figures: { rowsLanded: isBlank ? 0 : 5 } })
    expect(asked(world)).toHaveLength(1)
    const read = async () => (await status(world.services)).feeds[0]
    expect((await read())?.completeUntil).toBeUndefined()
    expect(await acceptGap(world.services, 'usage', entry.window)).toEqual({ accepted: true })
    expect(await read()).toMatchObject({ completeUntil: entry.window.to, acceptedGaps: [expect.any(String)] })
  })
})
