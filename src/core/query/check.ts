import { type Dataset, findDataset } from '../catalog.ts'
import { nameKey, nearest } from '../names.ts'
import type { Problems } from '../problems.ts'
import { type Located, type LocatedQuery, locateConditions, locateQuery } from './parse.ts'
import { type Literal, printQuery, type WrittenQuery } from './query.ts'
import { isReserved, placeOf, type QueryProblem } from './tokens.ts'

/** So many unknown names of a query are told: whoever corrects them sees the next ones. */
const MOST_NAMES = 50

/** For so many unknown names the one most like it is looked for: a search compares the name with every known one. */
const MOST_SUGGESTIONS = 5

type Named = { readonly name: string }

/** The dataset a query is checked against: from the catalogue, or as the service lists it. */
export type QueryDataset = Pick<Dataset, 'name' | 'aliases' | 'ranges'> & {
  readonly columns: readonly Named[]
  readonly metrics: readonly Named[]
}

/**
 * Checks the text of a query against a dataset. Gives the first syntax error if there is one. Otherwise gives every column
 * or metric that the dataset lacks and a TIMESPAN that it does not offer. Each problem names its place.
 */
export function validateQuery(text: string, dataset: QueryDataset): readonly QueryProblem[] {
  const located = locateQuery(text)
  if ('problem' in located) return [located]
  return [
    ...datasetProblems(text, located, dataset),
    ...nameProblems(text, located.names, dataset),
    ...timespanProblems(text, located, dataset),
  ]
}

/** Checks the conditions of a WHERE clause like `validateQuery`. `text` does not include the word WHERE. */
export function validateWhere(text: string, dataset: QueryDataset): readonly QueryProblem[] {
  const where = locateConditions(text)
  if ('problem' in where) return [where]
  const names = where.map(({ value, at }) => ({ value: value.field, at }))
  return nameProblems(text, names, dataset)
}

/** Whether a query has no syntax error and names this dataset. A newer list of columns can solve any other problem. */
export function isSoundQuery(text: string, dataset: QueryDataset): boolean {
  const located = locateQuery(text)
  return !('problem' in located) && datasetProblems(text, located, dataset).length === 0
}

/**
 * Writes the text of a query from its parts, or gives every problem with them: invalid names, names that the dataset lacks,
 * invalid numbers and limits, and text that contains a quote. Conditions that the user wrote as text are checked on their
 * own, and places in them count from their start. `validateQuery` accepts what this writes.
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

function nameProblems(text: string, used: readonly Located<string>[], dataset: QueryDataset): readonly QueryProblem[] {
  const known = [...dataset.columns, ...dataset.metrics].map(({ name }) => name)
  const keys = new Set(known.map(nameKey))
  const unknown = used.filter(({ value }) => !keys.has(nameKey(value)))
  return unknown.slice(0, MOST_NAMES).map(({ value, at }, index) => {
    const like = index < MOST_SUGGESTIONS ? nearest(value, known) : undefined
    const what = `${value} at ${placeOf(text, at)} is not a column or metric of ${dataset.name}`
    return { problem: like ? `${what}; the nearest is ${like}` : what, at }
  })
}

function timespanProblems(text: string, { timespan }: LocatedQuery, dataset: QueryDataset): readonly QueryProblem[] {
  if (!timespan || dataset.ranges.includes(timespan.value)) return []
  const { value, at } = timespan
  const offered =
    dataset.ranges.length > 0 ? `it offers ${dataset.ranges.join(', ')}` : 'leave TIMESPAN out, it offers none'
  return [{ problem: `TIMESPAN ${value} at ${placeOf(text, at)} is not offered by ${dataset.name}; ${offered}`, at }]
}

/** Problems with parts that would change the structure of the printed query. */
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
    ...(limit === undefined || (Number.isSafeInteger(limit) && limit > 0)
      ? []
      : [`LIMIT ${limit} is not a whole number from 1`]),
  ]
}

/** Whether a query can name a column so. */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z]\w*$/.test(name) && !isReserved(name)
}

function literalProblems(literal: Literal): readonly string[] {
  if ('number' in literal) return /^-?\d+(\.\d+)?$/.test(literal.number) ? [] : [`"${literal.number}" is not a number`]
  return literal.string.includes("'")
    ? [`the text "${literal.string}" contains a quote, which a query cannot escape`]
    : []
}

function isOneKind(values: readonly Literal[]): boolean {
  return values.length > 0 && new Set(values.map((value) => 'number' in value)).size === 1
}
