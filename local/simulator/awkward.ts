/** The awkward things that generated rows hold, for tests to look for. */

import type { CatalogType } from '../../src/core/catalog.ts'
import type { Value } from './values.ts'

/** Something that a reader of reports may get wrong, and how to tell that a cell of a `type` column holds it. */
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

/**
 * Every awkward thing that generated rows are promised to hold, for tests. Each is described by what it is, without the
 * lists in `values.ts`.
 */
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
