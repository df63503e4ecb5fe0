import { AWKWARD_DATES, AWKWARD_DECIMALS, AWKWARD_INTEGERS, AWKWARD_TEXTS } from './awkward.ts'
import type { SelectedColumn } from './query.ts'

/**
 * A cell before it is written: string, guid and month as text; integer as bigint; number and metric as decimal text;
 * date as Date; null is an empty cell of a column that holds no text.
 */
export type Value = string | bigint | Date | null

/** Where a row stands: `key` names seed, dataset and period; `count` is the number of rows of that period. */
export type Place = { readonly key: string; readonly row: number; readonly count: number }

/** A prime beyond any row count, so that steps of it visit every row of a period once. */
const STRIDE = 1_000_003

const DAY_MS = 86_400_000

/** FNV-1a over the text, then mixed: 32 bits that depend on every character. */
export function hash(text: string): number {
  let state = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193)
  }
  return mix(state)
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the result. */
function mix(value: number): number {
  let state = value ^ (value >>> 16)
  state = Math.imul(state, 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}

/** Gives the maker of a column's values in one period; a value depends on place and column and on no other column. */
export function valueMaker(column: SelectedColumn, key: string, count: number): (row: number) => Value {
  const start = hash(`${key}|${column.name}`)
  const awkward = column.values ? [] : awkwardOf(column.type)
  return (row) => {
    const position = (row * STRIDE + start) % count
    const value = awkward[position]
    return value === undefined ? ordinary(column, mix(start + Math.imul(row + 1, 0x9e3779b1))) : value
  }
}

function awkwardOf(type: SelectedColumn['type']): readonly Value[] {
  if (type === 'string') return AWKWARD_TEXTS
  if (type === 'number') return AWKWARD_DECIMALS
  if (type === 'integer') return AWKWARD_INTEGERS
  return type === 'date' ? AWKWARD_DATES : []
}

/** `bits` are 32 random bits; further ones are drawn from them. */
function ordinary(column: SelectedColumn, bits: number): Value {
  if (column.values) return ofDocumented(column.values, bits)
  if (column.type === 'guid') return guid(bits)
  if (column.type === 'integer') return BigInt(bits % 10_000)
  if (column.type === 'number') return decimal(bits)
  if (column.type === 'date')
    return new Date(Date.UTC(2015, 0, 1) + (bits % 4000) * DAY_MS + (mix(bits) % 86_400) * 1000)
  if (column.type === 'month') return `20${15 + (bits % 10)}-${String(1 + (mix(bits) % 12)).padStart(2, '0')}-01`
  return words(column.name, bits)
}

function ofDocumented(values: readonly (string | number)[], bits: number): Value {
  const value = values[bits % values.length] ?? ''
  return typeof value === 'number' ? BigInt(value) : value
}

function guid(bits: number): string {
  const hex = [bits, mix(bits + 1), mix(bits + 2), mix(bits + 3)]
    .map((part) => part.toString(16).padStart(8, '0'))
    .join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}

/** Amounts of 2 decimals, every third of 10, every tenth negative. */
function decimal(bits: number): string {
  const whole = mix(bits) % 10_000
  const fraction = bits % 3 === 0 ? String(mix(bits + 1)).padStart(10, '0') : String(bits % 100).padStart(2, '0')
  return `${bits % 10 === 7 && whole > 0 ? '-' : ''}${whole}.${fraction}`
}

const MARKETS = ['Germany', 'France', 'United States', 'Japan', 'Brazil', 'Côte d’Ivoire', 'India', 'Österreich']
const COMPANIES = ['Contoso', 'Fabrikam', 'Northwind Traders', 'Tailspin Toys', 'Adatum', 'Wingtip', 'Litware']

function words(name: string, bits: number): string {
  if (/market|country|location$/i.test(name)) return MARKETS[bits % MARKETS.length] ?? ''
  if (/id$|number|tpid|mpn/i.test(name)) return String(1_000_000 + (bits % 8_999_999))
  if (/name$|domain/i.test(name)) return `${COMPANIES[bits % COMPANIES.length]} ${bits % 997}`
  return `${name} ${bits % 29}`
}
