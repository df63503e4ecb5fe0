import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnName, MONTH_SUFFIX, propertyName } from '../../src/core/report/property-names.ts'

const IDENTIFIER = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]*$/u

/** Names made of what the rule treats specially, and names of anything. */
const awkward = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        '_',
        'x',
        '_x',
        '002D',
        '005F',
        '_month',
        'month',
        '-',
        ' ',
        'a',
        'Etag',
        'RowKey',
        '1',
        'é',
        '😀',
      ),
      {
        maxLength: 7,
      },
    )
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

describe('property names', () => {
  it.each([
    ['MpnId', 'MpnId'],
    ['Customer_Id', 'Customer_Id'],
    ['Größe', 'Größe'],
    ['Customer Id', 'Customer_x0020_Id'],
    ['a-b.c', 'a_x002D_b_x002E_c'],
    ['1st', '_x0031_st'],
    ['_attempt', '_x005F_attempt'],
    ['_line', '_x005F_line'],
    ['__proto__', '_x005F__proto__'],
    ['PartitionKey', '_x0050_artitionKey'],
    ['timestamp', '_x0074_imestamp'],
    ['ETag', '_x0045_Tag'],
    ['odata.type', 'odata_x002E_type'],
    ['Month_month', 'Month_x005F_month'],
    ['a_x002D_', 'a_x005F_x002D_'],
    ['a_x002D-', 'a_x005F_x002D_x002D_'],
    ['', '_'],
    ['_', '_x005F_'],
    ['a😀', 'a_xD83D__xDE00_'],
    ['a\u200Db', 'a_x200D_b'],
  ])('writes %s as %s, and reads it back', (column, property) => {
    expect(propertyName(column)).toBe(property)
    expect(columnName(property)).toBe(column)
  })

  it('are identifiers, are none of ours or of the service, and read back as the column', () => {
    fc.assert(
      fc.property(awkward, (column) => {
        const property = propertyName(column)
        expect(columnName(property)).toBe(column)
        expect(property).toMatch(IDENTIFIER)
        expect(['_attempt', '_reportId', '_line']).not.toContain(property)
        expect(property).not.toMatch(/^(partitionkey|rowkey|timestamp|etag|odata\..*)$/i)
      }),
      { numRuns: 3_000 },
    )
  })

  it('never meet the derived property of a month column', () => {
    fc.assert(
      fc.property(awkward, awkward, (column, month) => {
        const derived = propertyName(month) + MONTH_SUFFIX
        expect(propertyName(column)).not.toBe(derived)
        expect(propertyName(columnName(derived))).not.toBe(derived)
      }),
      { numRuns: 3_000 },
    )
  })

  it('keep columns apart that differ only by case', () => {
    expect(propertyName('Month')).not.toBe(propertyName('month'))
  })
})
