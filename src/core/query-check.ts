import { type Dataset, findDataset } from './catalog.ts'
import { nearest } from './nearest.ts'
import type { LocatedQuery } from './query-parse.ts'
import { locateConditions, locateQuery } from './query-parse.ts'
import { placeOf, type QueryProblem } from './query-tokens.ts'

/**
 * Gives everything that is wrong with the text of a query for a dataset, each with its place: what is not of the query
 * language (the first such thing only), columns or metrics the dataset lacks, a TIMESPAN it does not offer.
 */
export function validateQuery(text: string, dataset: Dataset): readonly QueryProblem[] {
  const located = locateQuery(text)
  if ('problem' in located) return [located]
  const { query, places } = located
  const names = [
    ...query.fields.map((name, index) => ({ name, at: places.fields[index] ?? 0 })),
    ...query.where.map(({ field: name }, index) => ({ name, at: places.where[index] ?? 0 })),
    ...query.order.map(({ field: name }, index) => ({ name, at: places.order[index] ?? 0 })),
  ]
  return [
    ...datasetProblems(text, located, dataset),
    ...names.flatMap(({ name, at }) => nameProblems(text, name, at, dataset)),
    ...timespanProblems(text, located, dataset),
  ]
}

/** As `validateQuery`, for the conditions of a WHERE that stand alone. */
export function validateWhere(text: string, dataset: Dataset): readonly QueryProblem[] {
  const where = locateConditions(text)
  if ('problem' in where) return [where]
  return where.flatMap(({ value, at }) => nameProblems(text, value.field, at, dataset))
}

function datasetProblems(text: string, { query, places }: LocatedQuery, dataset: Dataset): readonly QueryProblem[] {
  if (findDataset([dataset], query.dataset)) return []
  const at = places.dataset
  return [{ problem: `FROM names ${query.dataset} at ${placeOf(text, at)}; it must be ${dataset.name}`, at }]
}

function nameProblems(text: string, name: string, at: number, dataset: Dataset): readonly QueryProblem[] {
  const known = [...dataset.columns, ...dataset.metrics].map((each) => each.name)
  if (known.some((each) => each.toLowerCase() === name.toLowerCase())) return []
  const like = nearest(name, known)
  const what = `${name} at ${placeOf(text, at)} is no column or metric of ${dataset.name}`
  return [{ problem: like ? `${what}; is it ${like}?` : what, at }]
}

function timespanProblems(text: string, { query, places }: LocatedQuery, dataset: Dataset): readonly QueryProblem[] {
  const { timespan } = query
  if (!timespan || dataset.ranges.includes(timespan)) return []
  const at = places.timespan
  const offered =
    dataset.ranges.length > 0 ? `it offers ${dataset.ranges.join(', ')}` : 'leave TIMESPAN out, it offers none'
  return [{ problem: `TIMESPAN ${timespan} at ${placeOf(text, at)} is not offered by ${dataset.name}; ${offered}`, at }]
}
