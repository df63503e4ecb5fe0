import catalog from './catalog.json' with { type: 'json' }
import { isSameName, nameKey } from './names.ts'

/** The documentation that names a column or metric: the pages of July 2021 or of October 2023. */
export type Era = 2021 | 2023

/**
 * How sure a fact is, the strongest first: a real answer of the service shows it, a page says so, or it is taken from
 * samples or assumed. The answer is one to `GET ScheduledDataset` of 27 February 2023, which a partner published
 * (github.com/joris68/AzureConsumption-Analytics-From-Partnercenter).
 */
export type Basis = 'observed' | 'documented' | 'inferred'

/** The type of a column in the documents. `feeds/columns.ts` maps it to a column type. */
export type CatalogType = 'string' | 'guid' | 'integer' | 'number' | 'date' | 'month'

export type CatalogColumn = {
  readonly name: string
  /** Other names that the service or the documents give the same column. */
  readonly aliases?: readonly string[]
  readonly type: CatalogType
  /** Empty where only the real answer names it. */
  readonly eras: readonly Era[]
  /** Whether the real answer offers it. */
  readonly observed: boolean
  /** Of the documents, only the definitions of the portal's exports name it, so a query may not be able to select it. */
  readonly definitionOnly?: boolean
  /** Identifies a person or a person's account. */
  readonly personal?: boolean
  /** The values that the documents list. */
  readonly values?: readonly (string | number)[]
}

export type CatalogMetric = {
  readonly name: string
  readonly eras: readonly Era[]
  /** Whether the real answer offers it. */
  readonly observed: boolean
  /** Whether the sum over all rows is meaningful. Distinct counts do not add up. */
  readonly additive: boolean
  readonly basis: Basis
}

export type Grain = 'day' | 'month'

/** One dataset of Partner Insights. Durations are ISO 8601. */
export type Dataset = {
  readonly name: string
  readonly title: string
  /** Other spellings seen for the same dataset. */
  readonly aliases?: readonly string[]
  /** Whether the real answer has it. */
  readonly observed: boolean
  /** The column with the time of a row. A dataset without one has snapshots instead of windows. */
  readonly timeColumn?: string
  readonly grain?: Grain
  /** How late the data settles. */
  readonly latency: string
  readonly refreshInterval: string
  /** The days of the month on which the data of the month before is loaded (documented under "Data Refresh Frequency"). */
  readonly refreshDays?: readonly number[]
  /** Whether rows of past windows change later (usage and money). */
  readonly restates: boolean
  /** The TIMESPAN values that the dataset offers. */
  readonly ranges: readonly string[]
  readonly minimumRecurrenceIntervalHours: number
  readonly basis: Readonly<Record<string, Basis>>
  readonly columns: readonly CatalogColumn[]
  readonly metrics: readonly CatalogMetric[]
}

/**
 * The 24 datasets of Partner Insights: those of the real answer, in its order and spelling, then those that only the pages
 * of 2021 and 2023 name.
 */
export const CATALOG = catalog as readonly Dataset[]

/** Finds a dataset by its name or another spelling of it, ignoring case. */
export function findDataset<T extends Pick<Dataset, 'name' | 'aliases'>>(
  datasets: readonly T[],
  name: string,
): T | undefined {
  return datasets.find((dataset) => [dataset.name, ...(dataset.aliases ?? [])].some((each) => isSameName(each, name)))
}

/** Gives the form in which the names of a dataset's columns are compared: two names of one column have the same. */
export function columnKeyOf(dataset: Pick<Dataset, 'columns'> | undefined): (name: string) => string {
  const names = (dataset?.columns ?? []).flatMap(({ name, aliases = [] }) =>
    aliases.map((alias) => [nameKey(alias), nameKey(name)] as const),
  )
  const byAlias = new Map(names)
  return (name) => byAlias.get(nameKey(name)) ?? nameKey(name)
}

/**
 * The columns and metrics of a dataset that a query may select: those of the real answer, and the newest of the documents.
 * Leaves out personal data, and columns that only definitions name.
 */
export function defaultColumns({ columns, metrics }: Dataset): readonly string[] {
  const named = columns.filter(({ observed, definitionOnly }) => observed || !definitionOnly)
  const candidates = [...named.filter(({ personal }) => !personal), ...metrics]
  const newest = candidates.some(({ eras }) => eras.includes(2023)) ? 2023 : 2021
  return candidates.filter(({ eras, observed }) => observed || eras.includes(newest)).map(({ name }) => name)
}
