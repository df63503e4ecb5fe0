import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CATALOG } from '../../src/core/catalog.ts'
import { type RawRow, rawRows } from '../pipeline/raw-rows.ts'
import { cellsOfText, cellsOfValue, landedCells } from '../pipeline/typed-cells.ts'
import { type Duck, openDuck, readWithHyparquet, valueInTable, withoutSigns } from '../setup/parquet-readers.ts'
import { createWorld, type World } from '../setup/world.ts'

/** More rows than there are awkward values, so that each column holds them all. */
const ROWS = 60

const MONTHLY = { from: '2025-05-01', to: '2025-06-01' }
const DAILY = { from: '2025-06-01', to: '2025-06-02' }
const SNAPSHOT = { snapshot: 'P7D' }

/** All datasets of the catalogue, each with the time its kind asks for. */
const DATASETS: readonly (readonly [string, object])[] = [
  ['CustomersAndTenants', MONTHLY],
  ['SeatsSubscriptionsAndRevenue', MONTHLY],
  ['AzureUsage', MONTHLY],
  ['MSLearn', DAILY],
  ['OfficeUsage', MONTHLY],
  ['Profile', SNAPSHOT],
  ['TrainingCompletions', MONTHLY],
  ['DynamicsUsage', MONTHLY],
  ['CompetencySummaryHistory', SNAPSHOT],
  ['PowerBIUsage', MONTHLY],
  ['EMSUsage', MONTHLY],
  ['CompetencyPeformanceRequirement', MONTHLY],
  ['ResellerPerformance', MONTHLY],
  ['CloudProductsResellerPerformance', MONTHLY],
  ['CLASAgreementRenewalsPropensity', SNAPSHOT],
  ['CLASAzurePropensity', SNAPSHOT],
  ['CLASD365Propensity', SNAPSHOT],
  ['CLASM365Propensity', SNAPSHOT],
  ['CLASSurfacePropensity', SNAPSHOT],
  ['TeamsUsage3PApps', DAILY],
  ['TeamsUsageWorkload', MONTHLY],
  ['TeamsUsageMeetingsAndCalls', DAILY],
  ['CPORM365Usage', DAILY],
  ['CSPRevenueDetails', MONTHLY],
]

const feeds = DATASETS.map(([dataset, time]) => ({
  name: dataset.toLowerCase(),
  table: dataset,
  dataset,
  publish: ['table', 'parquet'],
  ...time,
}))

it('the list of this test is the whole catalogue', () => {
  expect(DATASETS.map(([name]) => name).toSorted()).toEqual(CATALOG.map(({ name }) => name).toSorted())
})

describe.each(['2021', '2023'] as const)('under profile %s', (profile) => {
  let world: World
  let duck: Duck
  beforeAll(async () => {
    duck = await openDuck()
    const limits = { maxInFlight: 60, maxReportsPerHour: 30 }
    world = await createWorld({ feeds, simulator: { profile, rows: ROWS }, settings: { limits, deleteReports: false } })
    await world.run()
  })
  afterAll(async () => {
    duck?.close()
    await world?.close()
  })

  /** What the service made and sent for the report that the rows name. */
  const servedFor = (rows: readonly RawRow[]) => {
    const served = world.simulator.served(String(rows[0]?._reportId))
    if (!served) throw new Error('the rows name no report of the service')
    return served
  }

  it.each(DATASETS)('%s lands, cell for cell as it was made, and as csv-parse reads it', async (dataset) => {
    const rows = await rawRows(world.landingTable(dataset))
    expect(rows).toHaveLength(ROWS)
    const { columns, rows: made, bytes } = servedFor(rows)
    const landed = rows.map((row) => landedCells(columns, row))
    expect(landed).toEqual(
      made.map((row) => columns.flatMap((column, index) => cellsOfValue(column, row[index] ?? null))),
    )
    const [header, ...records]: string[][] = parse(gunzipSync(bytes))
    expect(header).toEqual(columns.map(({ name }) => name))
    expect(landed).toEqual(
      records.map((row) => columns.flatMap((column, index) => cellsOfText(column, row[index] ?? ''))),
    )
  })

  it.each(DATASETS)(
    '%s has a file with the rows of the table, cell for cell, as two readers read it',
    async (dataset) => {
      const files = await Array.fromAsync(world.published.listBlobsFlat({ prefix: `${dataset}/` }), ({ name }) => name)
      expect(files).toHaveLength(1)
      const bytes = await world.published.getBlobClient(files[0] ?? '').downloadToBuffer()
      const byDuck = await duck.query(`FROM '${await duck.put(`${dataset}.parquet`, bytes)}'`)
      const byHyparquet = await readWithHyparquet(bytes)
      const rows = await rawRows(world.landingTable(dataset))
      const { columns } = servedFor(rows)
      const properties = columns.flatMap(({ name, type }) => (type === 'month' ? [name, `${name}_month`] : [name]))
      expect(byDuck.names).toEqual([...properties, '_attempt', '_reportId', '_line'])
      expect(byHyparquet.names).toEqual(byDuck.names)
      expect(byHyparquet.rows).toEqual(byDuck.rows)
      expect(withoutSigns(byDuck.rows)).toEqual(rows.map((row) => byDuck.names.map((name) => valueInTable(row, name))))
    },
  )

  it.each(DATASETS)('%s is asked for with query times only where it has a time', async (dataset, time) => {
    const reportId = String((await rawRows(world.landingTable(dataset)))[0]?._reportId)
    const { queryStartTime } = world.simulator.reports().find((report) => report.reportId === reportId) ?? {}
    expect(queryStartTime).toBe('from' in time ? `${time.from}T00:00:00Z` : null)
  })
})
