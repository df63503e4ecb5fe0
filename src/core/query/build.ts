import { type QueryDataset, validateQuery, validateWhere } from './check.ts'
import { isReserved } from './clauses.ts'
import { type Literal, printQuery, type WrittenQuery } from './query.ts'

/**
 * Makes the text of a query from its parts, or says all that is wrong with them: names that are none or that the dataset
 * lacks, numbers and limits that are none, text with a quote in it. Places in conditions that are somebody's own text
 * count from their beginning. What it makes, `validateQuery` accepts.
 */
export function buildQuery(
  query: WrittenQuery,
  dataset: QueryDataset,
): string | { readonly problems: readonly string[] } {
  const own = typeof query.where === 'string' ? validateWhere(query.where, dataset) : []
  const rest = own.length > 0 ? { ...query, where: [] } : query
  const broken = partProblems(rest)
  const text = printQuery(rest)
  const problems = broken.length > 0 ? broken : validateQuery(text, dataset).map(({ problem }) => problem)
  const all = [...problems, ...own.map(({ problem }) => `where: ${problem}`)]
  return all.length > 0 ? { problems: all } : text
}

/** What would change the query's shape when it is printed; conditions that are text are judged by themselves. */
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
