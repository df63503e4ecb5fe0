import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTotals } from '../../src/core/report/totals.ts'

function total(texts: readonly string[]): string | undefined {
  const totals = createTotals([{ name: 'N', type: 'double' }])
  for (const text of texts) totals.add({ fields: [text] })
  return totals.result().N
}

describe('totals', () => {
  it.each<[readonly string[], string]>([
    [[], '0'],
    [['', ''], '0'],
    [['0.1', '0.2'], '0.3'],
    [['1', '-1'], '0'],
    [['-0.5', '0.25'], '-0.25'],
    [['1.50', '0.5'], '2'],
    [['1000000000000.01', '0.0000000001'], '1000000000000.0100000001'],
    [['9007199254740993', '1'], '9007199254740994'],
    [['1e3', '+2', '.5', '5.'], '1007.5'],
    [['1E-3', '-2.5e-1'], '-0.249'],
    [['1e20', '-99999999999999999999'], '1'],
    [['0e999999999', '1'], '1'],
    [['007', '-0'], '7'],
  ])('sums %j to %s', (texts, expected) => {
    expect(total(texts)).toBe(expected)
  })

  it('sums the numeric columns only, by name', () => {
    const totals = createTotals([
      { name: 'Name', type: 'string' },
      { name: 'Cost', type: 'double' },
      { name: 'Seats', type: 'int64' },
      { name: '__proto__', type: 'int64' },
    ])
    totals.add({ fields: ['1', '2.5', '9223372036854775807', '4'] })
    totals.add({ fields: ['1', '', '9223372036854775807', '4'] })
    expect(Object.entries(totals.result())).toEqual([
      ['Cost', '2.5'],
      ['Seats', '18446744073709551614'],
      ['__proto__', '8'],
    ])
  })

  it('is the exact decimal sum in any order', () => {
    const value = fc.tuple(
      fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }),
      fc.integer({ min: 0, max: 30 }),
      fc.nat(6),
    )
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }), (values) => {
        const texts = values.map(([units, scale, form]) => decimal(units / 10n ** BigInt(form * 4), scale))
        // Everything counted in units of 10^-30.
        const sum = values.reduce(
          (units, [value, scale, form]) => units + (value / 10n ** BigInt(form * 4)) * 10n ** BigInt(30 - scale),
          0n,
        )
        const [whole = '', fraction = ''] = decimal(sum, 30).split('.')
        const digits = fraction.replace(/0+$/, '')
        const expected = digits === '' ? whole.replace(/^-0$/, '0') : `${whole}.${digits}`
        expect(total(texts)).toBe(expected)
        expect(total(texts.toReversed())).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('stays exact when many short numbers pass what a double counts', () => {
    const count = 20_001
    const units = String(12_345_678_902_347n * BigInt(count))
    const expected = `${units.slice(0, -4)}.${units.slice(-4)}`
    expect(total(Array.from({ length: count }, () => '1234567890.2347'))).toBe(expected)
  })
})

function decimal(units: bigint, scale: number): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return units < 0n ? `-${text}` : text
}
