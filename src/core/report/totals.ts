import type { Column } from './entities.ts'
import type { ParsedRecord } from './parse.ts'

/**
 * Sums of the numeric columns (double, int64), as exact decimals instead of doubles. `result` gives them by column name, as
 * text without trailing zeros or exponent. A column without values sums to `0`. Memory does not grow with the records.
 */
export type Totals = { add(record: ParsedRecord | LandedCells): void; result(): Record<string, string> }

/** The cells of a record in the order of its file; null and an empty text add nothing. */
type LandedCells = { readonly fields: readonly (string | null)[] }

/** A number of at most this many digits is added as an integer of its scale, without a BigInt. */
const FAST_DIGITS = 15

/** A sum below this stays an exact integer when one more fast number is added. */
const FAST_SUM = 2 ** 52

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

/** The sum is all of `small[scale]` plus `large`, which counts units of 10 to the power of −`scale`. */
type Sum = { readonly small: (number | undefined)[]; large: bigint; scale: number }

/** Sums the columns, which are in the order of the file. Add only records whose cells fit their columns. */
export function createTotals(columns: readonly Column[]): Totals {
  const sums = columns.flatMap(({ name, type }, index) =>
    type === 'double' || type === 'int64'
      ? [{ name, index, sum: { small: [], large: 0n, scale: 0 } satisfies Sum }]
      : [],
  )
  return {
    add({ fields }) {
      for (const { index, sum } of sums) addText(sum, fields[index] ?? '')
    },
    result: () => Object.fromEntries(sums.map(({ name, sum }) => [name, sumText(sum)])),
  }
}

function addText(sum: Sum, text: string): void {
  if (text !== '' && !addFast(sum, text)) addExact(sum, text)
}

/** Adds a plain decimal of few digits. For any other text, adds nothing and gives false. */
function addFast(sum: Sum, text: string): boolean {
  const isNegative = text.charCodeAt(0) === 45
  const start = isNegative ? 1 : 0
  let units = 0
  let point = -1
  if (text.length - start > FAST_DIGITS) return false
  for (let at = start; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit >= 0 && digit <= 9) units = units * 10 + digit
    else if (digit === -2 && point === -1) point = at
    else return false
  }
  addUnits(sum, isNegative ? -units : units, point === -1 ? 0 : text.length - point - 1)
  return true
}

function addUnits(sum: Sum, units: number, scale: number): void {
  const before = sum.small[scale] ?? 0
  if (Math.abs(before) < FAST_SUM) {
    sum.small[scale] = before + units
    return
  }
  addLarge(sum, BigInt(before), scale)
  sum.small[scale] = units
}

function addExact(sum: Sum, text: string): void {
  const [, sign, whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? []
  const digits = BigInt(whole + fraction)
  // Only zero can have any exponent: no other number so small or so large fits a double.
  if (digits !== 0n) addLarge(sum, sign === '-' ? -digits : digits, fraction.length - Number(exponent))
}

function addLarge(sum: Sum, units: bigint, scale: number): void {
  if (scale > sum.scale) {
    sum.large *= 10n ** BigInt(scale - sum.scale)
    sum.scale = scale
  }
  sum.large += units * 10n ** BigInt(sum.scale - scale)
}

function sumText({ small, large, scale }: Sum): string {
  const total: Sum = { small: [], large, scale }
  for (const [index, units] of small.entries()) addLarge(total, BigInt(units ?? 0), index)
  const digits = String(total.large < 0n ? -total.large : total.large).padStart(total.scale + 1, '0')
  const fraction = digits.slice(digits.length - total.scale).replace(/0+$/, '')
  const text = digits.slice(0, digits.length - total.scale) + (fraction === '' ? '' : `.${fraction}`)
  return total.large < 0n ? `-${text}` : text
}
