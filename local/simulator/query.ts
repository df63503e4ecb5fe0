import { type CatalogType, type Dataset, findDataset } from '../../src/core/catalog.ts'
import { parseQuery as parseText } from '../../src/core/query/parse.ts'
import type { Timespan } from '../../src/core/query/query.ts'

/** A query as far as the simulator follows it; filters and order are checked for their columns and not applied. */
export type ParsedQuery = {
  readonly distinct: boolean
  readonly fields: readonly string[]
  readonly dataset: string
  /** Columns that only filter or order. */
  readonly mentioned: readonly string[]
  readonly limit: number | undefined
  readonly timespan: Timespan | undefined
}

export type SelectedColumn = {
  readonly name: string
  readonly type: CatalogType
  readonly metric: boolean
  /** Values the documents name; a column with them holds no other. */
  readonly values: readonly (string | number)[] | undefined
}

/** A query that holds against what the service offers. */
export type ResolvedQuery = {
  readonly dataset: Dataset
  readonly columns: readonly SelectedColumn[]
  readonly distinct: boolean
  readonly limit: number | undefined
  readonly timespan: Timespan | undefined
}

/** The service documents no text for a query it cannot read. */
const UNREADABLE = 'Invalid query'

/** Reads the grammar of the documented query language; undefined when the text is not of it. */
export function parseQuery(text: string): ParsedQuery | undefined {
  const parsed = parseText(text)
  if ('problem' in parsed) return undefined
  const { distinct, fields, dataset, where, order, limit, timespan } = parsed
  return { distinct, fields, dataset, mentioned: [...where, ...order].map(({ field }) => field), limit, timespan }
}

/** Gives the query with its columns in the dataset's spelling, or the service's text of refusal (docs/insights-api.md). */
export function resolveQuery(text: string, datasets: readonly Dataset[]): ResolvedQuery | string {
  const parsed = parseQuery(text)
  if (!parsed) return UNREADABLE
  const dataset = findDataset(datasets, parsed.dataset)
  if (!dataset) return 'Invalid table name'
  const columns = parsed.fields.map((field) => findColumn(dataset, field)).filter((column) => column !== undefined)
  const allKnown = parsed.mentioned.every((field) => findColumn(dataset, field))
  if (columns.length !== parsed.fields.length || !allKnown) return 'Incorrect column name'
  const { distinct, limit, timespan } = parsed
  return { dataset, columns, distinct, limit, timespan }
}

function findColumn(dataset: Dataset, field: string): SelectedColumn | undefined {
  const same = ({ name }: { readonly name: string }) => name.toLowerCase() === field.toLowerCase()
  const column = dataset.columns.find(same)
  if (column) return { name: column.name, type: column.type, metric: false, values: column.values }
  const metric = dataset.metrics.find(same)
  return metric && { name: metric.name, type: 'number', metric: true, values: undefined }
}
