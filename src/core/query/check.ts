import { type Dataset, findDataset } from '../catalog.ts'
import { isSameName, nearest } from '../names.ts'
import type { Problems } from '../problems.ts'
import { type Located, type LocatedQuery, locateConditions, locateQuery } from './parse.ts'
import { type Literal, printQuery, type WrittenQuery } from './query.ts'
import { isReserved, placeOf, type QueryProblem } from './tokens.ts'

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

/** As `validateQuery`, for the conditions of a WHERE that are given by themselves. */
export function validateWhere(text: string, dataset: QueryDataset): readonly QueryProblem[] {
  const where = locateConditions(text)
  if ('problem' in where) return [where]
  return where.flatMap(({ value, at }) => nameProblems(text, { value: value.field, at }, dataset))
}

/** Whether a query is of the language and of its dataset. What else is wrong with it, another list of columns can mend. */
export function isSoundQuery(text: string, dataset: QueryDataset): boolean {
  const located = locateQuery(text)
  return !('problem' in located) && datasetProblems(text, located, dataset).length === 0
}

/**
 * Makes the text of a query from its parts, or says all that is wrong with them: names that are none or that the dataset
 * lacks, numbers and limits that are none, text with a quote in it. Conditions that are somebody's own text are judged
 * apart, and places in them count from where they begin. `validateQuery` accepts what this makes.
 */
export function buildQuery(query: WrittenQuery, dataset: QueryDataset): string | Problems {
  const ofConditions = typeof query.where === 'string' ? validateWhere(query.where, dataset) : []
  const sound = ofConditions.length > 0 ? { ...query, where: [] } : query
  const ofParts = partProblems(sound)
  const text = printQuery(sound)
  const problems = [
    ...(ofParts.length > 0 ? ofParts : validateQuery(text, dataset).map(({ problem }) => problem)),
    ...ofConditions.map(({ problem }) => `where: ${problem}`),
  ]
  return problems.length > 0 ? { problems } : text
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
  if (known.some((name) => isSameName(name, value))) return []
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

/** What would change the shape of the query once it is printed. */
function partProblems({ fields, dataset, where, order, limit }: WrittenQuery): readonly string[] {
  const conditions = typeof where === 'string' ? [] : where
  const names = [...fields, dataset, ...conditions.map(({ field }) => field), ...order.map(({ field }) => field)]
  const values = conditions.flatMap((condition) => ('values' in condition ? condition.values : [condition.value]))
  const lists = conditions.flatMap((condition) => ('values' in condition ? [condition] : []))
  return [
    ...(fields.length === 0 ? ['a query selects at least one column or metric'] : []),
    ...names.filter((name) => !isIdentifier(name)).map((name) => `"${name}" is not a name of the query language`),
    ...values.flatMap(literalProblems),
    ...lists.flatMap(({ field, values }) => (isOneKind(values) ? [] : [`the list of ${field} is empty or mixed`])),
    ...(limit === undefined || (Number.isSafeInteger(limit) && limit > 0) ? [] : [`LIMIT ${limit} is not from 1`]),
  ]
}

function isIdentifier(name: string): boolean {
  return /^[A-Za-z]\w*$/.test(name) && !isReserved(name)
}

function literalProblems(literal: Literal): readonly string[] {
  if ('number' in literal) return /^-?\d+(\.\d+)?$/.test(literal.number) ? [] : [`"${literal.number}" is not a number`]
  return literal.string.includes("'") ? [`the text "${literal.string}" holds a quote, which cannot be written`] : []
}

function isOneKind(values: readonly Literal[]): boolean {
  return values.length > 0 && new Set(values.map((value) => 'number' in value)).size === 1
}
