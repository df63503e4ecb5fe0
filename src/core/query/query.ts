/** What a query may name as its time instead of query times (the grammar of the Partner Insights documentation). */
export const TIMESPANS = [
  'TODAY',
  'YESTERDAY',
  'LAST_7_DAYS',
  'LAST_14_DAYS',
  'LAST_30_DAYS',
  'LAST_90_DAYS',
  'LAST_180_DAYS',
  'LAST_365_DAYS',
  'LAST_MONTH',
  'LAST_3_MONTHS',
  'LAST_6_MONTHS',
  'LAST_1_YEAR',
  'LIFETIME',
] as const

export const COMPARISONS = ['=', '!=', '<', '<=', '>', '>=', 'LIKE', 'NOT LIKE'] as const

export type Timespan = (typeof TIMESPANS)[number]
export type Comparison = (typeof COMPARISONS)[number]
export type Direction = 'ASC' | 'DESC'

/** A value as it is written: a number keeps its digits, a string holds no single quote (no way to escape one is known). */
export type Literal = { readonly number: string } | { readonly string: string }

export type Condition =
  | { readonly field: string; readonly operator: Comparison; readonly value: Literal }
  | { readonly field: string; readonly operator: 'IN' | 'NOT IN'; readonly values: readonly Literal[] }

/** A query of the service, one of `ScheduledQueries`, in its parts. All conditions must hold; the language has no OR. */
export type ReportQuery = {
  readonly distinct: boolean
  readonly fields: readonly string[]
  readonly dataset: string
  readonly where: readonly Condition[]
  /** Without a direction the service sorts descending. */
  readonly order: readonly { readonly field: string; readonly direction?: Direction }[]
  readonly limit?: number
  readonly timespan?: Timespan
}

/**
 * A query to be written, whose conditions may be somebody's own text: it goes in letter for letter, since a query that is
 * registered is found again by its text.
 */
export type WrittenQuery = Omit<ReportQuery, 'where'> & { readonly where: readonly Condition[] | string }

/** The text of a query, in the only order of clauses there is; `parseQuery` reads it back to the same parts. */
export function printQuery({ distinct, fields, dataset, where, order, limit, timespan }: WrittenQuery): string {
  const sorted = order.map(({ field, direction }) => (direction ? `${field} ${direction}` : field))
  const conditions = typeof where === 'string' ? where : where.map(printCondition).join(' AND ')
  const clauses = [
    `SELECT ${distinct ? 'DISTINCT ' : ''}${fields.join(',')}`,
    `FROM ${dataset}`,
    ...(where.length > 0 ? [`WHERE ${conditions}`] : []),
    ...(order.length > 0 ? [`ORDER BY ${sorted.join(',')}`] : []),
    ...(limit === undefined ? [] : [`LIMIT ${limit}`]),
    ...(timespan ? [`TIMESPAN ${timespan}`] : []),
  ]
  return clauses.join(' ')
}

function printCondition(condition: Condition): string {
  const { field, operator } = condition
  if ('values' in condition) return `${field} ${operator} (${condition.values.map(printLiteral).join(',')})`
  return `${field} ${operator} ${printLiteral(condition.value)}`
}

function printLiteral(literal: Literal): string {
  return 'number' in literal ? literal.number : `'${literal.string}'`
}
