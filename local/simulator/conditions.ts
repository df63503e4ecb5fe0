/** The conditions and the order of a query, over the values that the simulator makes. */

import type { PlacedCondition, PlacedOrder, SelectedColumn } from './query.ts'
import type { Value } from './values.ts'

type Row = readonly Value[]

/**
 * Whether all conditions hold of a row. Documented are the operators and nothing of how they compare: text is compared as it
 * is written, `%` stands for any text, and nothing holds of an empty cell.
 */
export function holdsAll(
  row: Row,
  columns: readonly SelectedColumn[],
  conditions: readonly PlacedCondition[],
): boolean {
  return conditions.every(({ place, operator, values }) => {
    const [value, type] = [row[place] ?? null, columns[place]?.type]
    return value !== null && type !== undefined && holds(value, type, operator, values)
  })
}

function holds(
  value: Exclude<Value, null>,
  type: SelectedColumn['type'],
  operator: string,
  given: readonly string[],
): boolean {
  if (operator === 'LIKE' || operator === 'NOT LIKE') return isLike(value, given[0] ?? '') === (operator === 'LIKE')
  const known = comparable(value, type)
  const others = given.map((text) => comparable(text, type))
  if (operator === 'IN' || operator === 'NOT IN') return others.includes(known) === (operator === 'IN')
  const [other = ''] = others
  if (operator === '=') return known === other
  if (operator === '!=') return known !== other
  if (operator === '<') return known < other
  if (operator === '<=') return known <= other
  return operator === '>' ? known > other : known >= other
}

function isLike(value: Exclude<Value, null>, pattern: string): boolean {
  const text = value instanceof Date ? value.toISOString() : String(value)
  const parts = pattern.split('%').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text)
}

/** A value, or a text of the query, as what its column's type says it is. */
function comparable(value: Exclude<Value, null>, type: SelectedColumn['type']): string | number {
  if (type === 'integer' || type === 'number') return Number(value)
  return type === 'date'
    ? new Date(String(value instanceof Date ? value.toISOString() : value)).getTime()
    : String(value)
}

/** Sorts rows; those without a value come first where it ascends. */
export function inOrder(
  rows: readonly Row[],
  columns: readonly SelectedColumn[],
  order: readonly PlacedOrder[],
): readonly Row[] {
  if (order.length === 0) return rows
  return rows.toSorted((a, b) => {
    for (const { place, direction } of order) {
      const type = columns[place]?.type ?? 'string'
      const difference = compare(a[place] ?? null, b[place] ?? null, type)
      if (difference !== 0) return direction === 'ASC' ? difference : -difference
    }
    return 0
  })
}

function compare(a: Value, b: Value, type: SelectedColumn['type']): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null)
  const [left, right] = [comparable(a, type), comparable(b, type)]
  if (left === right) return 0
  return left < right ? -1 : 1
}
