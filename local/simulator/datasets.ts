import { CATALOG, type Dataset } from '../../src/core/catalog.ts'
import { type Answer, type Call, items, NOT_FOUND, parameter, refusal } from './http.ts'
import type { Profile, Service } from './service.ts'

/** The datasets a profile offers, each with the columns and metrics its year's documents use in queries. */
export function datasetsOf(profile: Profile): readonly Dataset[] {
  const offered = CATALOG.map((dataset) => ({
    ...dataset,
    columns: dataset.columns.filter((column) => column.definitionOnly !== true && isOf(column.eras, profile)),
    metrics: dataset.metrics.filter((metric) => isOf(metric.eras, profile)),
  }))
  return offered.filter(({ columns }) => columns.length > 0)
}

function isOf(eras: readonly number[], profile: Profile): boolean {
  return eras.includes(Number(profile))
}

/** GET /ScheduledDataset */
export function listDatasets(call: Call, service: Service): Answer {
  const name = parameter(call, 'datasetName')?.toLowerCase()
  const found = datasetsOf(service.profile).filter(
    (dataset) => name === undefined || dataset.name.toLowerCase() === name,
  )
  return found.length > 0 ? items(found.map(datasetItem), 'Dataset fetched successfully') : refusal(404, NOT_FOUND)
}

function datasetItem(dataset: Dataset): object {
  return {
    datasetName: dataset.name,
    selectableColumns: dataset.columns.map(({ name }) => name),
    availableMetrics: dataset.metrics.map(({ name }) => name),
    availableDateRanges: dataset.ranges,
    minimumRecurrenceInterval: dataset.minimumRecurrenceIntervalHours,
  }
}
