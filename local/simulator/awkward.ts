import type { CatalogType } from '../../src/core/catalog.ts'
import type { Value } from './values.ts'

const KILOBYTE = 1024

/** Texts that break careless readers; every free string column of every month or day holds each of them once. */
export const AWKWARD_TEXTS: readonly string[] = [
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

/** null is an empty cell. */
export const AWKWARD_DECIMALS: readonly (string | null)[] = [
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

/** Within what a double holds exactly: integers beyond 2^53 are a fault to switch on, not the normal case. */
export const AWKWARD_INTEGERS: readonly (bigint | null)[] = [0n, -42n, 2_147_483_648n, 9_007_199_254_740_991n, null]

export const AWKWARD_DATES: readonly (Date | null)[] = [
  new Date('2024-02-29T00:00:00Z'),
  new Date('9999-12-31T00:00:00Z'),
  new Date('1999-12-31T23:59:59Z'),
  null,
]

/** Something a reader may get wrong, and how to tell that a column of `type` holds it. */
export type Awkward = {
  readonly name: string
  readonly type: CatalogType
  present(value: Value): boolean
}

const text = (name: string, pattern: RegExp): Awkward => ({
  name,
  type: 'string',
  present: (value) => typeof value === 'string' && pattern.test(value),
})

const amount = (name: string, present: (decimal: string) => boolean): Awkward => ({
  name,
  type: 'number',
  present: (value) => typeof value === 'string' && present(value),
})

const integer = (name: string, present: (value: bigint) => boolean): Awkward => ({
  name,
  type: 'integer',
  present: (value) => typeof value === 'bigint' && present(value),
})

const emptyCell = (type: CatalogType): Awkward => ({
  name: `an empty ${type} cell`,
  type,
  present: (value) => value === null,
})

/** Every awkward thing the data maker promises, told by what it is and not by which value was chosen for it. */
export const AWKWARD: readonly Awkward[] = [
  text('an empty text', /^$/),
  text('a quote', /^[^"]*"[^"]*$/),
  text('a doubled quote', /""/),
  text('quotes round the whole cell', /^".+"$/s),
  text('a comma', /,/),
  text('CR LF in a cell', /.\r\n./),
  text('LF without CR in a cell', /[^\r]\n./),
  text('a line break at the end', /\n$/),
  text('quote, comma and line break together', /",\r\n"/),
  text('a leading blank', /^ \S/),
  text('a trailing blank', /\S $/),
  text('nothing but blanks', /^ +$/),
  text('a tab', /\t/),
  text('umlauts', /[äöüÄÖÜß]/),
  text('CJK', /\p{Script=Han}/u),
  text('a character outside the BMP', /[\u{10000}-\u{10ffff}]/u),
  text('a combining character', /[a-z]\p{Mn}/u),
  text('right to left', /\p{Script=Hebrew}/u),
  text('an identifier of 20 digits or more', /^[1-9]\d{19,}$/),
  text('an identifier with leading zeros', /^0+[1-9]\d{19,}$/),
  text('a cell of a kilobyte', /^.{1024,}$/s),
  text('a formula', /^=\w+\(/),
  text('JSON', /^\{.*\}$/),
  text('NULL as text', /^NULL$/),
  text('true as text', /^true$/),
  text('a number as text', /^0\d\d$/),
  text('a backslash', /\\/),
  amount('zero', (decimal) => decimal === '0'),
  amount('a negative amount', (decimal) => Number(decimal) < -1),
  amount('an amount of 10 decimals', (decimal) => /\.\d{10}$/.test(decimal)),
  amount('a tiny amount', (decimal) => decimal === '0.0000000001'),
  amount('a tiny negative amount', (decimal) => decimal === '-0.0000000001'),
  amount('a large amount', (decimal) => Number(decimal) > 1e13),
  amount('a trailing zero', (decimal) => /\.\d*0$/.test(decimal)),
  emptyCell('number'),
  integer('the integer zero', (value) => value === 0n),
  integer('a negative integer', (value) => value < 0n),
  integer('an integer beyond 32 bits', (value) => value > 0xffffffffn),
  emptyCell('integer'),
  {
    name: 'a leap day',
    type: 'date',
    present: (value) => value instanceof Date && /-02-29T/.test(value.toISOString()),
  },
  { name: 'the year 9999', type: 'date', present: (value) => value instanceof Date && value.getUTCFullYear() === 9999 },
  emptyCell('date'),
]
