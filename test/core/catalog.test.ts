import { describe, expect, test } from 'vitest'
import { CATALOG, type Dataset, defaultColumns, findDataset } from '../../src/core/catalog.ts'
import { parseDuration } from '../../src/core/time/durations.ts'

function dataset(name: string): Dataset {
  const found = findDataset(CATALOG, name)
  if (!found) throw new Error(`${name} is not in the catalogue`)
  return found
}

describe('the catalogue', () => {
  test('has the 22 datasets of the documents', () => {
    expect(CATALOG).toHaveLength(22)
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

describe('the columns asked for by default', () => {
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
        { name: 'Kept', type: 'string', eras: [2021, 2023] },
        { name: 'Old', type: 'string', eras: [2021] },
        { name: 'Defined', type: 'string', eras: [2023], definitionOnly: true },
      ],
      metrics: [{ name: 'Newest', eras: [2023], additive: true, basis: 'inferred' }],
    }
    expect(defaultColumns(small)).toEqual(['Kept', 'Newest'])
  })

  test('are the older ones where the newer pages only define a column', () => {
    const small: Dataset = {
      ...dataset('AzureUsage'),
      columns: [
        { name: 'Old', type: 'string', eras: [2021] },
        { name: 'Defined', type: 'string', eras: [2023], definitionOnly: true },
      ],
      metrics: [],
    }
    expect(defaultColumns(small)).toEqual(['Old'])
  })

  test('have the time column, except where only a definition names it', () => {
    const without = CATALOG.filter((each) => each.timeColumn && !defaultColumns(each).includes(each.timeColumn))
    expect(without.map(({ name }) => name)).toEqual(['ResellerPerformance'])
  })

  test('of a dataset that only the older pages have are those', () => {
    expect(defaultColumns(dataset('CompetencySummaryHistory'))).toHaveLength(5)
  })
})
