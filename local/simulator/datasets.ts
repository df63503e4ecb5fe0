/** The datasets of the service. */

import { CATALOG, type Dataset } from '../../src/core/catalog.ts'
import { type Answer, type Call, items, NOT_FOUND, parameter, refusal } from './http.ts'
import type { Profile, Service } from './service.ts'

/**
 * The datasets a profile offers, each with the columns and metrics that the documents of its year use in queries. Only one
 * year uses CLASSurfacePropensity (2023) and the two Competency datasets (2021). The other year offers them with the same
 * columns, so that every dataset can be asked for under every profile.
 */
export function datasetsOf(profile: Profile): readonly Dataset[] {
  return CATALOG.map((dataset) => {
    const selectable = dataset.columns.filter((column) => column.definitionOnly !== true)
    const own = selectable.filter((column) => isOf(column.eras, profile))
    const metrics = dataset.metrics.filter((metric) => isOf(metric.eras, profile))
    return { ...dataset, columns: own.length > 0 ? own : selectable, metrics }
  })
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
