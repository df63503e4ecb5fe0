import { describe, expect, test } from 'vitest'
import { CATALOG, type Dataset, defaultColumns, findDataset } from '../../src/core/catalog.ts'
import { parseDuration } from '../../src/core/time/durations.ts'
import observed from '../local/observed-datasets.json' with { type: 'json' }

function dataset(name: string): Dataset {
  const found = findDataset(CATALOG, name)
  if (!found) throw new Error(`${name} is not in the catalogue`)
  return found
}

describe('the catalogue', () => {
  test('has the 24 datasets of the documents and of the real answer', () => {
    expect(CATALOG).toHaveLength(24)
    const names = CATALOG.flatMap(({ name, aliases = [] }) => [name, ...aliases]).map((name) => name.toLowerCase())
    expect(new Set(names).size).toBe(names.length)
  })

  test.each(CATALOG.map((each) => [each.name, each] as const))(
    '%s has durations, a time and names that hold together',
    (_name, each) => {
      expect(parseDuration(each.latency)).toBeDefined()
      expect(parseDuration(each.refreshInterval)).toBeDefined()
      const names = [...each.columns, ...each.metrics].map(({ name }) => name)
      expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length)
      for (const name of names) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_]*$/)
      const time = each.columns.find(({ name }) => name === each.timeColumn)
      expect(time?.type).toBe(each.grain && { day: 'date', month: 'month' }[each.grain])
      expect(defaultColumns(each).length).toBeGreaterThan(0)
    },
  )

  test('a dataset is found by any of its spellings in any case, and by nothing else', () => {
    expect(findDataset(CATALOG, 'azureUSAGE')?.name).toBe('AzureUsage')
    expect(findDataset(CATALOG, 'competencyperformancerequirement')?.name).toBe('CompetencyPeformanceRequirement')
    expect(findDataset(CATALOG, 'Azure')).toBeUndefined()
  })
})

describe('the real answer is the strongest evidence', () => {
  test('the catalogue says of every dataset whether it is in the answer', () => {
    const absent = CATALOG.filter((each) => !each.observed).map(({ name }) => name)
    expect(absent).toEqual([
      'CompetencySummaryHistory',
      'CompetencyPeformanceRequirement',
      'CloudProductsResellerPerformance',
    ])
    expect(CATALOG.filter((each) => each.observed).map(({ name }) => name)).toEqual(
      observed.value.map(({ datasetName }) => datasetName),
    )
  })

  test.each(observed.value)(
    '$datasetName has the ranges, the interval, the columns and the metrics of the answer',
    (live) => {
      const known = dataset(live.datasetName)
      const seen = (each: { readonly observed: boolean }) => each.observed
      expect(known).toMatchObject({
        ranges: live.availableDateRanges,
        minimumRecurrenceIntervalHours: live.minimumRecurrenceInterval,
        basis: { ranges: 'observed', minimumRecurrenceInterval: 'observed' },
      })
      expect(known.columns.filter(seen).map(({ name }) => name)).toEqual(live.selectableColumns)
      expect(known.metrics.filter(seen).map(({ name }) => name)).toEqual(live.availableMetrics)
      expect(known.metrics.filter(seen).every(({ basis }) => basis === 'observed')).toBe(true)
    },
  )

  test.each([
    ['AzureUsage', 'TotalACR'],
    ['SeatsSubscriptionsAndRevenue', 'TotalSoldSeats'],
    ['DynamicsUsage', 'TotalRevenueAndACR'],
  ])('%s does not offer the metric %s of the documents', (name, metric) => {
    expect(dataset(name).metrics.find((each) => each.name === metric)).toMatchObject({ observed: false })
  })

  test('revenue and seats of CustomersAndTenants are metrics', () => {
    const { columns, metrics } = dataset('CustomersAndTenants')
    const money = ['AvailableSeats', 'AssignedSeats', 'BilledRevenueUSD', 'AzureConsumedRevenueUSD', 'CPORRevenue']
    expect(metrics.map(({ name }) => name)).toEqual(expect.arrayContaining(money))
    expect(columns.filter(({ name }) => money.includes(name))).toEqual([])
  })

  test('the data of a month is loaded on the 5th or the 15th of the next one where the documents say so', () => {
    const days = CATALOG.flatMap(({ name, refreshDays = [] }) => refreshDays.map((day) => `${name} ${day}`))
    expect(days.toSorted()).toEqual([
      'AzureUsage 5',
      'CustomersAndTenants 15',
      'DynamicsUsage 15',
      'EMSUsage 15',
      'OfficeUsage 15',
      'PowerBIUsage 15',
      'ResellerPerformance 15',
      'SeatsSubscriptionsAndRevenue 15',
      'TeamsUsage3PApps 15',
      'TeamsUsageMeetingsAndCalls 15',
      'TeamsUsageWorkload 15',
    ])
  })
})

describe('the columns asked for by default', () => {
  test.each(observed.value)('of $datasetName include all that the real answer lists, but for personal data', (live) => {
    const personal = dataset(live.datasetName).columns.flatMap((column) => (column.personal ? column.name : []))
    const wanted = [...live.selectableColumns, ...live.availableMetrics].filter((name) => !personal.includes(name))
    expect(defaultColumns(dataset(live.datasetName))).toEqual(expect.arrayContaining(wanted))
  })

  test('leave out what names a person', () => {
    const columns = defaultColumns(dataset('MSLearn'))
    expect(columns).toContain('CompletionDate')
    expect(columns).not.toContain('UserName')
    expect(columns).not.toContain('UserId')
  })

  test('are the newest: a column that only the older pages name is left out, a newer metric is in', () => {
    const small: Dataset = {
      ...dataset('AzureUsage'),
      columns: [
        { name: 'Kept', type: 'string', eras: [2021, 2023], observed: false },
        { name: 'Old', type: 'string', eras: [2021], observed: false },
        { name: 'Defined', type: 'string', eras: [2023], observed: false, definitionOnly: true },
        { name: 'Seen', type: 'string', eras: [2021], observed: true, definitionOnly: true },
      ],
      metrics: [{ name: 'Newest', eras: [2023], observed: false, additive: true, basis: 'inferred' }],
    }
    expect(defaultColumns(small)).toEqual(['Kept', 'Seen', 'Newest'])
  })

  test('are the older ones where the newer pages only define a column', () => {
    const small: Dataset = {
      ...dataset('AzureUsage'),
      columns: [
        { name: 'Old', type: 'string', eras: [2021], observed: false },
        { name: 'Defined', type: 'string', eras: [2023], observed: false, definitionOnly: true },
      ],
      metrics: [],
    }
    expect(defaultColumns(small)).toEqual(['Old'])
  })

  test('have the time column', () => {
    const without = CATALOG.filter((each) => each.timeColumn && !defaultColumns(each).includes(each.timeColumn))
    expect(without).toEqual([])
  })

  test('of a dataset that only the older pages have are those', () => {
    expect(defaultColumns(dataset('CompetencySummaryHistory'))).toHaveLength(5)
  })
})
