import { describe, expect, it } from 'vitest'
import { CATALOG, type Dataset, findDataset } from '../../src/core/catalog.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { queryRequests } from '../setup/insights.ts'
import { quietWorld, type World } from '../setup/world.ts'
import { asked, feedRowOf, named, serve } from './one-window.ts'

const text = (name: string) => ({ name, type: 'string', eras: [], observed: true }) as const

/** A dataset that the service lists and nobody documented. */
const SURFACE: Dataset = {
  name: 'SurfaceUsage',
  title: 'Surface usage',
  observed: true,
  timeColumn: 'UsageDay',
  grain: 'day',
  latency: 'P1D',
  refreshInterval: 'P1D',
  restates: false,
  ranges: ['LAST_MONTH', 'LAST_1_YEAR'],
  minimumRecurrenceIntervalHours: 24,
  basis: {},
  columns: [text('Customer'), { ...text('UsageDay'), type: 'date' }, { ...text('Prompts'), type: 'integer' }],
  metrics: [{ name: 'UserCount', eras: [], observed: true, additive: false, basis: 'observed' }],
}

const FEED = {
  name: 'surface',
  dataset: 'surfaceusage',
  timeColumn: 'usageday',
  window: 'P1D',
  from: '2025-05-05',
  to: '2025-05-06',
}

const worldOf = (feed: object, datasets: readonly Dataset[] = [SURFACE]) =>
  quietWorld({ feeds: [feed], simulator: { rows: 5, datasets }, settings: { deleteReports: false } })

const run = async (world: World) => {
  await provision(world.services)
  await sweep(world.services)
  await world.drain()
}

describe('a dataset that the service lists and the catalogue lacks', () => {
  it('lands, all of it as text, in the windows that the feed says', async () => {
    const world = await worldOf(FEED)
    await run(world)
    const [served] = world.simulator.reports()
    expect(served).toMatchObject({ queryStartTime: '2025-05-05T00:00:00Z', queryEndTime: '2025-05-05T23:59:59Z' })
    const rows = await rawRows(world.landingTable('Surface'))
    expect(rows).toHaveLength(5)
    const made = world.simulator.served(String(served?.reportId))
    expect(made?.header).toEqual(['Customer', 'UsageDay', 'Prompts', 'UserCount'])
    for (const row of rows) {
      for (const column of made?.header ?? []) expect(row[column], column).toEqual(expect.any(String))
      expect(row.UsageDay).toMatch(/2025/)
    }
    expect(await world.entries()).toMatchObject([{ state: 'landed', figures: { rowsLanded: 5, totals: {} } }])
  })

  it('takes no row of another time', async () => {
    const world = await worldOf({ ...FEED, columns: ['UsageDay', 'Prompts'] })
    await provision(world.services)
    await serve(world, Buffer.from('UsageDay,Prompts\r\n2025-05-05,1\r\n2025-05-06,1\r\n'), 'surface')
    await sweep(world.services)
    await world.drain()
    expect(await world.entries()).toMatchObject([{ state: 'failed', kind: 'outside-window' }])
  })

  it('has snapshots where the feed names no time', async () => {
    const { timeColumn: _, grain: __, ...dataset } = SURFACE
    const world = await worldOf({ name: 'surface', dataset: 'SurfaceUsage', snapshot: 'P7D' }, [dataset])
    await run(world)
    expect(asked(world).map(({ body }) => JSON.parse(body))).toMatchObject([{ ExecuteNow: true }])
    expect(world.simulator.reports()[0]).toMatchObject({ queryStartTime: null })
    expect(await world.entries()).toMatchObject([{ state: 'landed', figures: { rowsLanded: 5 } }])
  })

  it.each([
    [{ dataset: 'SurfaceUsages' }, 'dataset SurfaceUsages: the service does not offer it'],
    [{ timeColumn: 'UseDay' }, 'timeColumn is UseDay, which the service does not list; the nearest is UsageDay'],
    [{ columns: ['UsageDay', 'Prompt'] }, 'Prompt at character 17 is not a column or metric of'],
  ])('is judged by what the service lists: %j', async (fields, message) => {
    const world = await worldOf({ ...FEED, ...fields })
    await provision(world.services)
    expect(asked(world)).toEqual([])
    expect(named(world, 'feed.blocked')).toMatchObject([
      { feed: 'surface', kind: 'query-refused', message: expect.stringContaining(message) },
    ])
  })
})

describe('a column that the service has renamed', () => {
  const known = findDataset(CATALOG, 'Profile')
  if (!known) throw new Error('no profile')
  const renamed: Dataset = {
    ...known,
    columns: known.columns.map((column) =>
      column.name === 'HierarchyLevel' ? { ...text('AccountType'), eras: [2023] } : column,
    ),
  }

  it.each([
    [{}],
    [{ columns: ['MPNId', 'City', 'Country', 'HierarchyLevel'] }],
    [{ columns: ['MPNId', 'City', 'Country', 'AccountType'] }],
  ])('is asked for under its new name and lands under the old one: %j', async (fields) => {
    const world = await worldOf({ name: 'profile', dataset: 'Profile', ...fields }, [renamed])
    await run(world)
    const [query] = queryRequests(world.simulator).map(({ body }) => JSON.parse(body).Query)
    expect(query).toMatch(/\bAccountType\b/)
    expect(query).not.toMatch(/HierarchyLevel/)
    const rows = await rawRows(world.landingTable('Profile'))
    expect(rows).toHaveLength(5)
    for (const row of rows) {
      expect(row).toHaveProperty('HierarchyLevel')
      expect(row).not.toHaveProperty('AccountType')
    }
    expect(
      named(world, 'feed.drift').filter(({ message }) => /HierarchyLevel|AccountType/.test(message ?? '')),
    ).toEqual([])
    expect((await feedRowOf(world, 'profile')).drift ?? []).toEqual([])
  })
})
