/**
 * The values of TIMESPAN, for a report without query times: those of the grammar in the Partner Insights documentation, and
 * `LAST_2_YEARS`, which a real answer of the service offers.
 */
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
  'LAST_2_YEARS',
  'LIFETIME',
] as const

export const COMPARISONS = ['=', '!=', '<', '<=', '>', '>=', 'LIKE', 'NOT LIKE'] as const

export type Timespan = (typeof TIMESPANS)[number]
export type Comparison = (typeof COMPARISONS)[number]
export type Direction = 'ASC' | 'DESC'

/** A value as written. A number keeps its digits. A string has no single quote: no way to escape one is known. */
export type Literal = { readonly number: string } | { readonly string: string }

export type Condition =
  | { readonly field: string; readonly operator: Comparison; readonly value: Literal }
  | { readonly field: string; readonly operator: 'IN' | 'NOT IN'; readonly values: readonly Literal[] }

/** The parts of a query of the service (one of `ScheduledQueries`). All conditions must hold: the language has no OR. */
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
 * A query to be written. Its conditions can be text that the user wrote. That text stays exactly as it is, because the app
 * finds a registered query by its text.
 */
export type WrittenQuery = Omit<ReportQuery, 'where'> & { readonly where: readonly Condition[] | string }

/** Prints a query with its clauses in the only valid order. `parseQuery` gives the same parts back. */
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
