/** Makes the values of cells. */

import type { SelectedColumn } from './query.ts'

/**
 * A cell before it is written. Strings, guids and months are text, integers are `bigint`, numbers and metrics are decimal
 * text, dates are `Date`. `null` is an empty cell of a column that is not text.
 */
export type Value = string | bigint | Date | null

const KILOBYTE = 1024

/** Texts that break careless readers. Every free string column holds each of them once per month or day. */
const AWKWARD_TEXTS: readonly string[] = [
  '',
  'She said "yes"',
  '"quoted whole"',
  'five inches 5"',
  'doubled "" inside',
  '"',
  'Contoso, Ltd.',
  ',',
  'a,"b",c',
  'line one\r\nline two',
  'first\nsecond',
  '\r\n',
  'ends with a line break\n',
  '"a",\r\n"b"',
  ' leading blank',
  'trailing blank ',
  '   ',
  '\tindented\tby tabs',
  'Müller & Söhne GmbH, Zürich',
  '株式会社サンプル',
  'Launch 🚀 by 👩‍💻',
  'e\u0301cole combining',
  'שלום עולם',
  '00012345678901234567890',
  '98765432109876543210987654',
  'kilobyte '.repeat(KILOBYTE).slice(0, KILOBYTE),
  '=SUM(A1:A9)',
  '+49 89 123456',
  '@here',
  '{"json":[1,"two",null]}',
  'NULL',
  'true',
  '007',
  '1e5',
  "O'Brien",
  'C:\\new\\table',
  '<b>&amp;</b>',
]

/** `null` is an empty cell. */
const AWKWARD_DECIMALS: readonly (string | null)[] = [
  '0',
  '-1234.5678901234',
  '1234.1234567891',
  '0.0000000001',
  '-0.0000000001',
  '98765432109876.5',
  '19.90',
  '1000000',
  null,
]

/** All of these fit into a double exactly. */
const AWKWARD_INTEGERS: readonly (bigint | null)[] = [0n, -42n, 2_147_483_648n, 9_007_199_254_740_991n, null]

const AWKWARD_DATES: readonly (Date | null)[] = [
  new Date('2024-02-29T00:00:00Z'),
  new Date('9999-12-31T00:00:00Z'),
  new Date('1999-12-31T23:59:59Z'),
  null,
]

/** A prime above any row count: steps of this length visit every row of a period once. */
const STRIDE = 1_000_003

const DAY_MS = 86_400_000

/** A hash of 32 bits: FNV-1a over the text, then mixed so that every character counts. */
export function hash(text: string): number {
  let state = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193)
  }
  return mix(state)
}

/** The finaliser of MurmurHash3: every bit of the input changes every bit of the result. */
function mix(value: number): number {
  let state = value ^ (value >>> 16)
  state = Math.imul(state, 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}

/**
 * Gives a function that makes a column's value for each row of a period. `key` names seed, dataset and period, `count` is
 * the number of rows. A value never depends on which other columns are selected.
 */
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

/** `bits` are 32 random bits. Where a value needs more, they are mixed again. */
function ordinary(column: SelectedColumn, bits: number): Value {
  if (column.values) {
    const documented = column.values[bits % column.values.length] ?? ''
    return typeof documented === 'number' ? BigInt(documented) : documented
  }
  if (column.type === 'guid') return guid(bits)
  if (column.type === 'integer') return BigInt(bits % 10_000)
  if (column.type === 'number') return decimal(bits)
  if (column.type === 'date')
    return new Date(Date.UTC(2015, 0, 1) + (bits % 4000) * DAY_MS + (mix(bits) % 86_400) * 1000)
  if (column.type === 'month') return `20${15 + (bits % 10)}-${String(1 + (mix(bits) % 12)).padStart(2, '0')}-01`
  return words(column.name, bits)
}

function guid(bits: number): string {
  const hex = [bits, mix(bits + 1), mix(bits + 2), mix(bits + 3)]
    .map((part) => part.toString(16).padStart(8, '0'))
    .join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}

/** An amount with 2 decimals, every third time with 10. Every tenth is negative. */
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
