/** What a query means for the datasets that the service offers. */

import { type CatalogType, type Dataset, findDataset } from '../../src/core/catalog.ts'
import { readQuery, TIMESPANS, type Timespan } from './query-language.ts'

export type SelectedColumn = {
  readonly name: string
  readonly type: CatalogType
  readonly metric: boolean
  /** Values the documents name; a column with them holds no other. */
  readonly values: readonly (string | number)[] | undefined
}

/** A column by its place in the rows, and what must hold of its value. */
export type PlacedCondition = {
  readonly place: number
  readonly operator: string
  readonly values: readonly string[]
}

/** A column by its place in the rows, and the way it is sorted. */
export type PlacedOrder = { readonly place: number; readonly direction: 'ASC' | 'DESC' }

/** A query that fits what the service offers. */
export type ResolvedQuery = {
  readonly dataset: Dataset
  readonly columns: readonly SelectedColumn[]
  /** Columns that only conditions or the order name. In the rows they stand behind the others. */
  readonly hidden: readonly SelectedColumn[]
  readonly where: readonly PlacedCondition[]
  readonly order: readonly PlacedOrder[]
  readonly distinct: boolean
  readonly limit: number | undefined
  readonly timespan: Timespan | undefined
}

/** Gives the query with its columns in the dataset's spelling, or the text with which the service refuses it. */
export function resolveQuery(text: string, datasets: readonly Dataset[]): ResolvedQuery | string {
  const parts = readQuery(text)
  // The service documents no text for a query it cannot read.
  if (!parts) return 'Invalid query'
  const dataset = findDataset(datasets, parts.dataset)
  if (!dataset) return 'Invalid table name'
  const columns = parts.fields.flatMap((field) => findColumn(dataset, field) ?? [])
  const { distinct, limit, timespan } = parts
  const all = [...columns]
  const place = <T extends { readonly field: string }>({ field, ...rest }: T) => {
    const column = findColumn(dataset, field)
    if (!column) return []
    const known = all.findIndex(({ name }) => name === column.name)
    return [{ ...rest, place: known === -1 ? all.push(column) - 1 : known }]
  }
  const where = parts.where.flatMap(place)
  const order = parts.order.flatMap(place)
  const counts = [columns.length, where.length, order.length]
  const isUnknown = [parts.fields, parts.where, parts.order].some(({ length }, at) => length !== counts[at])
  if (isUnknown) return 'Incorrect column name'
  return { dataset, columns, hidden: all.slice(columns.length), where, order, distinct, limit, timespan }
}

function findColumn(dataset: Dataset, field: string): SelectedColumn | undefined {
  const same = ({ name }: { readonly name: string }) => name.toLowerCase() === field.toLowerCase()
  const column = dataset.columns.find(same)
  if (column) return { name: column.name, type: column.type, metric: false, values: column.values }
  const metric = dataset.metrics.find(same)
  return metric && { name: metric.name, type: 'number', metric: true, values: undefined }
}

/** Instants in UTC, both inside. */
export type QueryTimes = { readonly from: Date; readonly to: Date }

/** The latest n calendar months or days, the running one among them. The length of LIFETIME is unknown. */
const LENGTHS: Readonly<Record<Timespan, { readonly months: number } | { readonly days: number }>> = {
  TODAY: { days: 1 },
  YESTERDAY: { days: 2 },
  LAST_7_DAYS: { days: 7 },
  LAST_14_DAYS: { days: 14 },
  LAST_30_DAYS: { days: 30 },
  LAST_90_DAYS: { days: 90 },
  LAST_180_DAYS: { days: 180 },
  LAST_365_DAYS: { days: 365 },
  LAST_MONTH: { months: 1 },
  LAST_3_MONTHS: { months: 3 },
  LAST_6_MONTHS: { months: 6 },
  LAST_1_YEAR: { months: 12 },
  LAST_2_YEARS: { months: 24 },
  LIFETIME: { months: 36 },
}

/** The first instant that a dataset has rows for at `now`: none before its longest range. */
export function firstInstant({ ranges }: Dataset, now: Date): Date {
  const known = ranges.flatMap((range) => TIMESPANS.find((timespan) => timespan === range) ?? [])
  if (known.length === 0 || known.includes('LIFETIME')) return new Date(0)
  return new Date(Math.min(...known.map((range) => timespanTimes(range, now).from.getTime())))
}

/** The times that a timespan covers at `now`. A query without one covers 6 months (docs/insights-api.md). */
export function timespanTimes(timespan: Timespan | undefined, now: Date): QueryTimes {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  const length = LENGTHS[timespan ?? 'LAST_6_MONTHS']
  if ('months' in length) return { from: new Date(Date.UTC(year, month + 1 - length.months, 1)), to: now }
  const from = new Date(Date.UTC(year, month, day + 1 - length.days))
  return { from, to: timespan === 'YESTERDAY' ? new Date(Date.UTC(year, month, day, 0, 0, -1)) : now }
}
