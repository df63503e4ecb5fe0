import { expect, it } from 'vitest'
import {
  compareTotals,
  createComparison,
  landedValues,
  readRow,
  rowWriter,
  sharedColumns,
} from '../../src/core/report/comparison.ts'
import { createTotals } from '../../src/core/report/totals.ts'

const LAYOUT = {
  columns: [
    { name: 'Id', type: 'string' },
    { name: 'Amount', type: 'double' },
    { name: 'Count', type: 'int64' },
  ],
  unnamed: [],
} as const
const SHARED = sharedColumns(LAYOUT, LAYOUT, ['Id'])

/** What differs between two rows, and how their totals moved. */
function compare(before: readonly string[], after: readonly string[]) {
  const [valuesOf, textOf] = [landedValues(LAYOUT), rowWriter(LAYOUT, SHARED)]
  const [was, is] = [before, after].map((fields) => {
    const values = valuesOf({ fields, line: 2 })
    const totals = createTotals(LAYOUT.columns)
    totals.add(values)
    return { row: readRow(textOf(values)), totals: totals.result() }
  })
  if (!was || !is) throw new Error('two rows')
  const comparison = createComparison(SHARED, 10)
  comparison.pair(was.row, is.row)
  const moved = compareTotals(was.totals, is.totals).flatMap(({ column, moved }) => (moved === '0' ? [] : [column]))
  return { changedIn: Object.keys(comparison.result().changedIn), moved }
}

it.each([
  ['doubles that land as the same', ['9007199254740993', ''], ['9007199254740992', ''], []],
  ['long doubles that land as the same', ['0.1000000000000000055', ''], ['0.1', ''], []],
  ['one huge double written in two ways', ['1e21', ''], ['1000000000000000000000', ''], []],
  ['doubles that differ', ['9007199254740994', ''], ['9007199254740992', ''], ['Amount']],
  ['huge integers that differ', ['', '9223372036854775807'], ['', '9223372036854775806'], ['Count']],
  ['one huge integer written in two ways', ['', '+09223372036854775807.0'], ['', '9223372036854775807'], []],
  ['minus zero and zero', ['-0', '-0'], ['0', '0'], []],
])('%s: rows and totals say the same', (_, before, after, differing) => {
  expect(compare(['a', ...before], ['a', ...after])).toEqual({ changedIn: differing, moved: differing })
})

it('keeps the first rows of the file, as many as have 4 MiB together, whatever the order in which they come', () => {
  const mebibyte = 1024 * 1024
  const row = (line: number, size: number) => ({ key: '["a"]', others: JSON.stringify(['x'.repeat(size), '']), line })
  const sizes = [mebibyte, 10, mebibyte, mebibyte, 2 * mebibyte, 10, 10]
  const rows = sizes.map((size, index) => row(index + 2, size))
  for (const order of [rows, rows.toReversed(), [...rows.slice(3), ...rows.slice(0, 3)]]) {
    const comparison = createComparison(SHARED, 100)
    for (const each of order) comparison.added(each)
    const { added, rows: kept } = comparison.result()
    expect([added, kept.added.map(({ line }) => line)]).toEqual([7, [2, 3, 4, 5]])
  }
  const comparison = createComparison(SHARED, 100)
  comparison.added(row(9, 5 * mebibyte))
  expect(comparison.result().rows.added).toHaveLength(1)
})
