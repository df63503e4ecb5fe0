import catalog from './catalog.json' with { type: 'json' }
import { isSameName } from './names.ts'

/** Which documentation names a column or metric: the pages of July 2021 or those of October 2023. */
export type Era = 2021 | 2023

/** How the documents describe a column; `feeds/columns.ts` turns it into a column type. */
export type CatalogType = 'string' | 'guid' | 'integer' | 'number' | 'date' | 'month'

export type CatalogColumn = {
  readonly name: string
  readonly type: CatalogType
  readonly eras: readonly Era[]
  /** Only in the definitions of the portal's exports: it may not be selectable in a query. */
  readonly definitionOnly?: boolean
  /** Names a person or an account of one. */
  readonly personal?: boolean
  /** Values the documents name. */
  readonly values?: readonly (string | number)[]
}

export type CatalogMetric = {
  readonly name: string
  readonly eras: readonly Era[]
  /** Whether the sum over all rows means something: counts of distinct things do not add up. */
  readonly additive: boolean
  readonly basis: Basis
}

/** `documented`: a page says so. `inferred`: concluded from samples, or assumed. */
export type Basis = 'documented' | 'inferred'

export type Grain = 'day' | 'month'

/** What is known of one dataset of Partner Insights. Durations are ISO 8601. */
export type Dataset = {
  readonly name: string
  readonly title: string
  /** Other spellings seen for the same dataset. */
  readonly aliases?: readonly string[]
  /** The column that says which time a row belongs to; a dataset without one has snapshots, not windows. */
  readonly timeColumn?: string
  readonly grain?: Grain
  /** How late the data settles. */
  readonly latency: string
  readonly refreshInterval: string
  /** Whether rows of past windows change later (usage and money). */
  readonly restates: boolean
  /** TIMESPAN words the dataset offers. */
  readonly ranges: readonly string[]
  readonly minimumRecurrenceIntervalHours: number
  readonly basis: Readonly<Record<string, Basis>>
  readonly columns: readonly CatalogColumn[]
  readonly metrics: readonly CatalogMetric[]
}

/** The 22 datasets of the Partner Insights documentation, made from its pages of 2021 and 2023. */
export const CATALOG = catalog as readonly Dataset[]

/** Finds a dataset by its name or another spelling of it, ignoring case. */
export function findDataset<T extends Pick<Dataset, 'name' | 'aliases'>>(
  datasets: readonly T[],
  name: string,
): T | undefined {
  return datasets.find((dataset) => [dataset.name, ...(dataset.aliases ?? [])].some((each) => isSameName(each, name)))
}

/** The newest columns and metrics that the catalogue has, without personal data and what only definitions name. */
export function defaultColumns({ columns, metrics }: Dataset): readonly string[] {
  const candidates = [...columns.filter(({ definitionOnly, personal }) => !definitionOnly && !personal), ...metrics]
  const newest = candidates.some(({ eras }) => eras.includes(2023)) ? 2023 : 2021
  return candidates.filter(({ eras }) => eras.includes(newest)).map(({ name }) => name)
}
