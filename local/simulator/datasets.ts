/** The datasets of the service. */

import { CATALOG, type Dataset } from '../../src/core/catalog.ts'
import { type Answer, type Call, items, NOT_FOUND, parameter, refusal } from './http.ts'
import type { Profile, Service } from './service.ts'
import { type Listing, settingOf } from './switches.ts'

/** What the two datasets that the documents print in full offer. The other ones are taken to offer the same. */
const DOCUMENTED = {
  ranges: ['LAST_MONTH', 'LAST_3_MONTHS', 'LAST_6_MONTHS', 'LAST_1_YEAR', 'LIFETIME'],
  minimumRecurrenceIntervalHours: 24,
} as const

/** The datasets a profile offers, and others beside them or in place of those with the same name. */
export function datasetsOf(profile: Profile, others: readonly Dataset[] = []): readonly Dataset[] {
  const own = ofProfile(profile).filter(({ name }) => others.every((other) => other.name !== name))
  return [...own, ...others]
}

function ofProfile(profile: Profile): readonly Dataset[] {
  if (profile === 'observed') return CATALOG.filter(({ observed }) => observed).map(asObserved)
  return CATALOG.map((dataset) => asDocumented(dataset, Number(profile)))
}

/** A dataset as the real answer offers it: with its columns and metrics, in its order. */
function asObserved(dataset: Dataset): Dataset {
  const isObserved = ({ observed }: { readonly observed: boolean }) => observed
  return { ...dataset, columns: dataset.columns.filter(isObserved), metrics: dataset.metrics.filter(isObserved) }
}

/**
 * A dataset with the columns and metrics that the documents of a year use in queries. Some datasets are named by one year
 * only, or by neither. A year offers them all the same, so that every dataset can be asked for under it.
 */
function asDocumented(dataset: Dataset, year: number): Dataset {
  const isOfYear = ({ eras }: { readonly eras: readonly number[] }) => eras.includes(year)
  const selectable = dataset.columns.filter((column) => column.definitionOnly !== true)
  const own = selectable.filter(isOfYear)
  const columns = own.length > 0 ? own : selectable
  return { ...dataset, ...DOCUMENTED, columns, metrics: dataset.metrics.filter(isOfYear) }
}

/** GET /ScheduledDataset */
export function listDatasets(call: Call, service: Service): Answer {
  const name = parameter(call, 'datasetName')?.toLowerCase()
  const listing = settingOf(call.effects, 'listsDataset')
  const found = service.datasets
    .filter((dataset) => name === undefined || dataset.name.toLowerCase() === name)
    .flatMap((dataset) => listedAs(dataset, listing))
  return found.length > 0 ? items(found.map(datasetItem), 'Dataset fetched successfully') : refusal(404, NOT_FOUND)
}

function listedAs(dataset: Dataset, listing: Listing | undefined): readonly Dataset[] {
  if (listing?.dataset.toLowerCase() !== dataset.name.toLowerCase()) return [dataset]
  const { gone, ranges = dataset.ranges, hours = dataset.minimumRecurrenceIntervalHours, renamed = {} } = listing
  const listed = <T extends { readonly name: string }>(column: T): readonly T[] => {
    const name = renamed[column.name] === undefined ? column.name : renamed[column.name]
    return name ? [{ ...column, name }] : []
  }
  const [columns, metrics] = [dataset.columns.flatMap(listed), dataset.metrics.flatMap(listed)]
  return gone ? [] : [{ ...dataset, ranges, minimumRecurrenceIntervalHours: hours, columns, metrics }]
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
