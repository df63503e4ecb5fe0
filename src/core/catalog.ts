import catalog from './catalog.json' with { type: 'json' }
import { isSameName } from './names.ts'

/** The documentation that names a column or metric: the pages of July 2021 or of October 2023. */
export type Era = 2021 | 2023

/** The type of a column in the documents. `feeds/columns.ts` maps it to a column type. */
export type CatalogType = 'string' | 'guid' | 'integer' | 'number' | 'date' | 'month'

export type CatalogColumn = {
  readonly name: string
  readonly type: CatalogType
  readonly eras: readonly Era[]
  /** Only the definitions of the portal's exports name it, so a query may not be able to select it. */
  readonly definitionOnly?: boolean
  /** Identifies a person or a person's account. */
  readonly personal?: boolean
  /** The values that the documents list. */
  readonly values?: readonly (string | number)[]
}

export type CatalogMetric = {
  readonly name: string
  readonly eras: readonly Era[]
  /** Whether the sum over all rows is meaningful. Distinct counts do not add up. */
  readonly additive: boolean
  readonly basis: Basis
}

/** `documented`: a page says so. `inferred`: taken from samples, or assumed. */
export type Basis = 'documented' | 'inferred'

export type Grain = 'day' | 'month'

/** One dataset of Partner Insights. Durations are ISO 8601. */
export type Dataset = {
  readonly name: string
  readonly title: string
  /** Other spellings seen for the same dataset. */
  readonly aliases?: readonly string[]
  /** The column with the time of a row. A dataset without one has snapshots instead of windows. */
  readonly timeColumn?: string
  readonly grain?: Grain
  /** How late the data settles. */
  readonly latency: string
  readonly refreshInterval: string
  /** The days of the month on which the source loads the data of the month before. */
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

/** The 22 datasets of the Partner Insights documentation, taken from its pages of 2021 and 2023. */
export const CATALOG = catalog as readonly Dataset[]

/** Finds a dataset by its name or another spelling of it, ignoring case. */
export function findDataset<T extends Pick<Dataset, 'name' | 'aliases'>>(
  datasets: readonly T[],
  name: string,
): T | undefined {
  return datasets.find((dataset) => [dataset.name, ...(dataset.aliases ?? [])].some((each) => isSameName(each, name)))
}

/** The newest columns and metrics of a dataset. Leaves out personal data and columns that only definitions name. */
export function defaultColumns({ columns, metrics }: Dataset): readonly string[] {
  const candidates = [...columns.filter(({ definitionOnly, personal }) => !definitionOnly && !personal), ...metrics]
  const newest = candidates.some(({ eras }) => eras.includes(2023)) ? 2023 : 2021
  return candidates.filter(({ eras }) => eras.includes(newest)).map(({ name }) => name)
}
