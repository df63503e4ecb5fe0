import { type Dataset, findDataset } from '../catalog.ts'
import { nearest } from '../names.ts'
import { type Located, type LocatedQuery, locateConditions, locateQuery } from './parse.ts'
import { placeOf, type QueryProblem } from './tokens.ts'

type Named = { readonly name: string }

/** What a query is judged by: a dataset of the catalogue, or what the service lists of it. */
export type QueryDataset = Pick<Dataset, 'name' | 'aliases' | 'ranges'> & {
  readonly columns: readonly Named[]
  readonly metrics: readonly Named[]
}

/**
 * Gives everything that is wrong with the text of a query for a dataset, each with its place: what is not of the query
 * language (the first such thing only), columns or metrics the dataset lacks, a TIMESPAN it does not offer.
 */
export function validateQuery(text: string, dataset: QueryDataset): readonly QueryProblem[] {
  const located = locateQuery(text)
  if ('problem' in located) return [located]
  return [
    ...datasetProblems(text, located, dataset),
    ...located.names.flatMap((name) => nameProblems(text, name, dataset)),
    ...timespanProblems(text, located, dataset),
  ]
}

/** As `validateQuery`, for the conditions of a WHERE that stand alone. */
export function validateWhere(text: string, dataset: QueryDataset): readonly QueryProblem[] {
  const where = locateConditions(text)
  if ('problem' in where) return [where]
  return where.flatMap(({ value, at }) => nameProblems(text, { value: value.field, at }, dataset))
}

/** Whether a query is of the language and of its dataset: what else is wrong with it, another list of columns can mend. */
export function isSoundQuery(text: string, dataset: QueryDataset): boolean {
  const located = locateQuery(text)
  return !('problem' in located) && datasetProblems(text, located, dataset).length === 0
}

function datasetProblems(
  text: string,
  { dataset: named }: LocatedQuery,
  dataset: QueryDataset,
): readonly QueryProblem[] {
  const { value, at } = named
  if (findDataset([dataset], value)) return []
  return [{ problem: `FROM names ${value} at ${placeOf(text, at)}; it must be ${dataset.name}`, at }]
}

function nameProblems(text: string, { value, at }: Located<string>, dataset: QueryDataset): readonly QueryProblem[] {
  const known = [...dataset.columns, ...dataset.metrics].map(({ name }) => name)
  if (known.some((name) => isSame(name, value))) return []
  const like = nearest(value, known)
  const what = `${value} at ${placeOf(text, at)} is no column or metric of ${dataset.name}`
  return [{ problem: like ? `${what}; is it ${like}?` : what, at }]
}

function timespanProblems(text: string, { timespan }: LocatedQuery, dataset: QueryDataset): readonly QueryProblem[] {
  if (!timespan || dataset.ranges.includes(timespan.value)) return []
  const { value, at } = timespan
  const offered =
    dataset.ranges.length > 0 ? `it offers ${dataset.ranges.join(', ')}` : 'leave TIMESPAN out, it offers none'
  return [{ problem: `TIMESPAN ${value} at ${placeOf(text, at)} is not offered by ${dataset.name}; ${offered}`, at }]
}

/** Names of the service agree whatever their case and the spaces around them. */
export function isSame(name: string, other: string): boolean {
  return name.trim().toLowerCase() === other.trim().toLowerCase()
}
