/**
 * Reads the query language, after the grammar in the documentation of custom queries
 * (https://learn.microsoft.com/partner-center/insights/insights-programmatic-custom-query). The app has a reader of its
 * own; the two share no code, so that they cannot be wrong in the same way.
 */

/** Spans of time that a query may name. */
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

export type Timespan = (typeof TIMESPANS)[number]

/** A query in its parts, names as they were written. */
export type QueryParts = {
  readonly distinct: boolean
  readonly fields: readonly string[]
  readonly dataset: string
  /** All of them must hold. */
  readonly where: readonly Condition[]
  readonly order: readonly { readonly field: string; readonly direction: 'ASC' | 'DESC' }[]
  readonly limit: number | undefined
  readonly timespan: Timespan | undefined
}

export type Condition = {
  readonly field: string
  /** In capitals, with one blank inside: `=`, `NOT LIKE`, `IN`. */
  readonly operator: string
  /** One value, or those of a list. The service converts each to the type of its column, so quotes make no difference. */
  readonly values: readonly string[]
}

// The rules of the grammar, each as a pattern that is made of the ones above it. Case never matters.
const KEYWORD = 'SELECT|DISTINCT|FROM|WHERE|AND|NOT|LIKE|IN|ORDER|BY|ASC|DESC|LIMIT|TIMESPAN'
const NAME = String.raw`(?!(?:${KEYWORD})\b)[A-Z]\w*\b`
const NUMBER = String.raw`-?\d+(?:\.\d+)?(?![\w.])`
/** The documents print a narrower class, and then examples with hyphens, dots, blanks and %. */
const STRING = "'[^']*'"
const VALUE = `(?:${NUMBER}|${STRING})`
const LIST = String.raw`\(\s*(?:${separated(NUMBER, ',')}|${separated(STRING, ',')})\s*\)`
const COMPARISON = String.raw`(?:[<>!]=|[=<>]|(?:NOT\s+)?LIKE\b)`
const MEMBERSHIP = String.raw`(?:NOT\s+)?IN\b`
const CONDITION = String.raw`${NAME}\s*(?:${COMPARISON}\s*${VALUE}|${MEMBERSHIP}\s*${LIST})`
const ORDER_ITEM = String.raw`${NAME}(?:\s+(?:ASC|DESC)\b)?`

const QUERY = new RegExp(
  [
    String.raw`^SELECT\b\s*(?<distinct>DISTINCT\b)?\s*(?<fields>${separated(NAME, ',')})`,
    String.raw`FROM\b\s*(?<dataset>${NAME})`,
    String.raw`(?:WHERE\b\s*(?<where>${separated(CONDITION, String.raw`AND\b`)}))?`,
    String.raw`(?:ORDER\s+BY\b\s*(?<order>${separated(ORDER_ITEM, ',')}))?`,
    String.raw`(?:LIMIT\b\s*(?<limit>[1-9]\d*)(?![\w.]))?`,
    // One example of the documents ends with a semicolon.
    String.raw`(?:TIMESPAN\b\s*(?<timespan>${TIMESPANS.join('|')})\b)?`,
    ';?$',
  ].join(String.raw`\s*`),
  'i',
)

const CONDITION_PARTS = new RegExp(
  String.raw`(?:AND\b)?\s*(?<field>${NAME})\s*(?<operator>${COMPARISON}|${MEMBERSHIP})\s*(?<value>${VALUE}|${LIST})\s*`,
  'giy',
)

const VALUE_PARTS = new RegExp(VALUE, 'g')

/** Reads the text of a query; undefined when it is not of the language. Which columns a dataset has is not looked at. */
export function readQuery(text: string): QueryParts | undefined {
  const parts = QUERY.exec(text.trim())?.groups
  if (!parts) return undefined
  const { distinct, fields = '', dataset = '', where = '', order, limit, timespan } = parts
  return {
    distinct: distinct !== undefined,
    fields: fields.split(',').map((field) => field.trim()),
    dataset,
    where: Array.from(where.matchAll(CONDITION_PARTS), readCondition),
    order: order?.split(',').map(readOrderItem) ?? [],
    limit: limit === undefined ? undefined : Number(limit),
    timespan: TIMESPANS.find((word) => word === timespan?.toUpperCase()),
  }
}

function readCondition({ groups: { field = '', operator = '', value = '' } = {} }: RegExpExecArray): Condition {
  const values = Array.from(value.matchAll(VALUE_PARTS), ([literal]) => literal.replace(/^'|'$/g, ''))
  return { field, operator: operator.toUpperCase().replace(/\s+/, ' '), values }
}

/** Without a direction the service sorts descending. */
function readOrderItem(text: string): QueryParts['order'][number] {
  const [field = '', direction] = text.trim().split(/\s+/)
  return { field, direction: direction?.toUpperCase() === 'ASC' ? 'ASC' : 'DESC' }
}

/** One or more parts with a separator between any two. */
function separated(part: string, separator: string): string {
  return String.raw`${part}(?:\s*${separator}\s*${part})*`
}
