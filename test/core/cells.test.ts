import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ColumnType } from '../../src/core/feeds/feed.ts'
import { cellEncoder } from '../../src/core/report/cells.ts'

/** The members a cell becomes, or the reason it does not. */
function encode(type: ColumnType, text: string): unknown {
  const cell = cellEncoder('C', type)(text)
  return typeof cell === 'string' ? JSON.parse(`{${cell.slice(1)}}`) : cell.reason
}

const typed = (type: string, value: unknown) => ({ 'C@odata.type': type, C: value })

describe('cells', () => {
  it.each<[ColumnType, string, unknown]>([
    ['string', 'Zoë "Z" 東京 \\ 😀 \t\n\0\u2028', { C: 'Zoë "Z" 東京 \\ 😀 \t\n\0\u2028' }],
    ['string', 'NULL', { C: 'NULL' }],
    ['string', '007', { C: '007' }],
    ['string', '', { C: '' }],
    ['string', 'x'.repeat(32_768), { C: 'x'.repeat(32_768) }],
    ['double', '1', typed('Edm.Double', 1)],
    ['double', '-12.50', typed('Edm.Double', -12.5)],
    ['double', '+.5', typed('Edm.Double', 0.5)],
    ['double', '007', typed('Edm.Double', 7)],
    ['double', '5.', typed('Edm.Double', 5)],
    ['double', '1E3', typed('Edm.Double', 1000)],
    ['double', '-0.0000000001', typed('Edm.Double', -1e-10)],
    ['double', '0.1000000000000000055511151231257827', typed('Edm.Double', 0.1)],
    ['double', '1.7976931348623157e308', typed('Edm.Double', Number.MAX_VALUE)],
    ['double', '5e-324', typed('Edm.Double', Number.MIN_VALUE)],
    ['double', '0e99999', typed('Edm.Double', 0)],
    ['double', '', {}],
    ['int64', '9223372036854775807', typed('Edm.Int64', '9223372036854775807')],
    ['int64', '-9223372036854775808', typed('Edm.Int64', '-9223372036854775808')],
    ['int64', '+0012.000', typed('Edm.Int64', '12')],
    ['int64', '-0', typed('Edm.Int64', '0')],
    ['int64', '', {}],
    ['boolean', 'TRUE', { C: true }],
    ['boolean', 'Yes', { C: true }],
    ['boolean', 'n', { C: false }],
    ['boolean', '0', { C: false }],
    ['boolean', '', {}],
    ['datetime', '2025-03-01', typed('Edm.DateTime', '2025-03-01T00:00:00Z')],
    ['datetime', '', {}],
    ['guid', '0F8FAD5B-d9cb-469f-a165-70867728950e', typed('Edm.Guid', '0F8FAD5B-d9cb-469f-a165-70867728950e')],
    ['guid', '', {}],
    ['month', 'APR-2023', { C: 'APR-2023', 'C_month@odata.type': 'Edm.DateTime', C_month: '2023-04-01T00:00:00Z' }],
    [
      'month',
      '2023-04-17T11:00:00',
      { C: '2023-04-17T11:00:00', 'C_month@odata.type': 'Edm.DateTime', C_month: '2023-04-01T00:00:00Z' },
    ],
    ['month', '', { C: '' }],
  ])('a %s takes "%s"', (type, text, expected) => {
    expect(encode(type, text)).toEqual(expected)
  })

  it.each<[ColumnType, string, RegExp]>([
    ['string', 'x'.repeat(32_769), /32,768/],
    ['double', '1,000.5', /not a number/],
    ['double', 'NaN', /not a number/],
    ['double', 'Infinity', /not a number/],
    ['double', '0x10', /not a number/],
    ['double', '.', /not a number/],
    ['double', ' 1', /not a number/],
    ['double', 'e5', /not a number/],
    ['double', '1'.repeat(401), /not a number/],
    ['double', '1e309', /range of a double/],
    ['double', '-1e400', /range of a double/],
    ['double', '1e-400', /range of a double/],
    ['int64', '9223372036854775808', /range of a 64-bit/],
    ['int64', '-9223372036854775809', /range of a 64-bit/],
    ['int64', '12.5', /not an integer/],
    ['int64', '1e3', /not an integer/],
    ['int64', '-', /not an integer/],
    ['int64', '1'.repeat(401), /not an integer/],
    ['boolean', 'maybe', /neither true nor false/],
    ['datetime', 'yesterday', /not a date/],
    ['guid', '{0f8fad5b-d9cb-469f-a165-70867728950e}', /not a GUID/],
    ['guid', '0f8fad5bd9cb469fa16570867728950e', /not a GUID/],
    ['month', 'Q1 2023', /not a date/],
  ])('a %s refuses "%s"', (type, text, reason) => {
    expect(encode(type, text)).toMatch(reason)
  })

  it('remembers the last date without confusing it with the next', () => {
    const cell = cellEncoder('C', 'datetime')
    const texts = ['2025-03-01', '2025-03-01', 'never', 'never', '2025-03-02', '', '2025-03-02', '2025-03-01']
    expect(texts.map(cell)).toEqual(texts.map((text) => cellEncoder('C', 'datetime')(text)))
  })

  it('keeps every string, on one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(encode('string', text)).toEqual({ C: text })
        expect(cellEncoder('C', 'string')(text)).not.toMatch(/[\r\n\u2028\u2029]/)
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps every double as the nearest one, however it is written', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    const writing = fc.constantFrom(
      (value: number) => String(value),
      (value: number) => value.toExponential(20),
      (value: number) => (Math.abs(value) < 1e20 ? value.toFixed(20) : String(value)),
    )
    fc.assert(
      fc.property(number, writing, (value, write) => {
        const text = write(value)
        // Number() itself is the reference for the nearest double; a written zero of what is none is refused.
        const isLost = Number(text) === 0 && /[1-9]/.test(text.split('e')[0] ?? '')
        expect(encode('double', text)).toEqual(
          isLost ? expect.any(String) : typed('Edm.Double', Number(text) || expect.any(Number)),
        )
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps every 64-bit integer to the last digit and refuses every other', () => {
    const limit = 2n ** 63n
    fc.assert(
      fc.property(fc.bigInt({ min: -limit - 5n, max: limit + 5n }), fc.constantFrom('', '.', '.00'), (value, tail) => {
        const fits = value >= -limit && value < limit
        expect(encode('int64', value + tail)).toEqual(
          fits ? typed('Edm.Int64', String(value)) : expect.stringMatching(/range/),
        )
      }),
      { numRuns: 500 },
    )
  })
})
