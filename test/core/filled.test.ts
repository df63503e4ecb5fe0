import { describe, expect, it } from 'vitest'
import { newlyEmptied, withLandedColumns } from '../../src/core/ledger/emptied.ts'
import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { Figures } from '../../src/core/ledger/ledger.ts'
import { watchColumns } from '../../src/core/report/filled.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const COLUMNS = ['A', 'B', 'C'].map((name) => ({ name, type: 'string' }) as const)

function watched(...rows: readonly (readonly string[])[]) {
  const watch = watchColumns(COLUMNS)
  for (const [index, fields] of rows.entries()) watch.add({ line: index + 2, fields, raw: fields.join(',') })
  return watch.result()
}

describe('the columns of a file without a value', () => {
  it.each([
    [[['1', '', '']], ['B', 'C']],
    [
      [
        ['1', '', ''],
        ['', '', '2'],
      ],
      ['B'],
    ],
    [
      [
        ['', ' ', ''],
        ['1', '\t', '2'],
      ],
      ['B'],
    ],
    [
      [
        ['1', '2', '3'],
        ['', '', ''],
      ],
      [],
    ],
    [[['', '', '']], ['A', 'B', 'C']],
  ])('of %j are %j', (rows, empty) => {
    const { emptyColumns, filledColumns } = watched(...rows)
    expect(emptyColumns).toEqual(empty)
    expect([...emptyColumns, ...filledColumns].toSorted()).toEqual(['A', 'B', 'C'])
  })

  it('are none where there is no row', () => {
    expect(watched()).toEqual({ emptyColumns: [], filledColumns: [] })
  })

  it('are looked for in no row once every column has had a value', () => {
    const watch = watchColumns(COLUMNS)
    watch.add({ line: 2, fields: ['1', '2', '3'], raw: '' })
    let reads = 0
    const get = (target: string[], key: string | symbol) => {
      reads++
      return Reflect.get(target, key)
    }
    const fields = new Proxy(['1', '2', '3'], { get })
    watch.add({ line: 3, fields, raw: '' })
    expect(reads).toBe(0)
  })
})

describe('a column that goes empty', () => {
  const month = (number: number) => ({
    from: new Date(Date.UTC(2025, number - 1, 1)),
    to: new Date(Date.UTC(2025, number, 1)),
  })
  const id = (number: number) => `20250${number}01T000000Z_20250${number + 1}01T000000Z`

  type Landing = {
    readonly month: number
    readonly filled: string
    readonly empty?: string
    readonly before?: Partial<Figures>
  }

  /** The row after these landings; each names its columns with a value, and those without, by their letters. */
  function landed(row: FeedRow, ...landings: readonly Landing[]): FeedRow {
    return landings.reduce(
      (each, { month: number, filled, empty = '', before }) =>
        withLandedColumns(each, {
          window: month(number),
          selection: 's',
          before: before as Figures | undefined,
          filledColumns: [...filled],
          emptyColumns: [...empty],
        }),
      row,
    )
  }

  const NEW = newFeedRow(feedOf(), {}, NOW)
  const published = (emptyColumns: readonly string[], fields: Partial<Figures> = {}) =>
    ({ verdict: 'rows', origin: 'service', selection: 's', emptyColumns, ...fields }) as const

  it('had values in the newest window before', () => {
    expect(landed(NEW, { month: 1, filled: 'AB', empty: 'C' }).emptied).toBeUndefined()
    const row = landed(NEW, { month: 1, filled: 'AB', empty: 'C' }, { month: 2, filled: 'A', empty: 'BC' })
    expect(row.emptied).toEqual({ B: id(2) })
    expect(newlyEmptied(NEW, row)).toEqual(['B'])
  })

  it('is told once, and stays noted with its first window until it has values again', () => {
    const row = landed(NEW, { month: 1, filled: 'AB' }, { month: 2, filled: 'A', empty: 'B' })
    const still = landed(row, { month: 3, filled: 'A', empty: 'B' })
    expect(still.emptied).toEqual({ B: id(2) })
    expect(newlyEmptied(row, still)).toEqual([])
    expect(landed(still, { month: 4, filled: 'AB' }).emptied).toBeUndefined()
  })

  it('is none of a time before the newest window, nor one that is new', () => {
    const row = landed(NEW, { month: 5, filled: 'AB' })
    expect(landed(row, { month: 4, filled: 'A', empty: 'B' })).toBe(row)
    expect(landed(row, { month: 6, filled: 'AB', empty: 'N' }).emptied).toBeUndefined()
  })

  it('is one of a window that landed before, however old, where the same columns were asked for', () => {
    const row = landed(NEW, { month: 5, filled: 'AB' })
    const old = { month: 3, filled: 'A', empty: 'B' }
    expect(landed(row, { ...old, before: published([]) }).emptied).toEqual({ B: id(3) })
    for (const before of [
      published(['B']),
      published([], { selection: 'other' }),
      published([], { origin: 'import' }),
      published([], { verdict: 'empty' }),
    ]) {
      expect(landed(row, { ...old, before })).toBe(row)
    }
  })

  it('of an old window has values again when that window has', () => {
    const row = landed(NEW, { month: 5, filled: 'AB' }, { month: 3, filled: 'A', empty: 'B', before: published([]) })
    expect(landed(row, { month: 2, filled: 'AB' }).emptied).toEqual({ B: id(3) })
    expect(landed(row, { month: 3, filled: 'AB' }).emptied).toBeUndefined()
  })

  it('needs rows: a landing without any says nothing', () => {
    const row = landed(NEW, { month: 1, filled: 'AB' })
    expect(landed(row, { month: 2, filled: '', empty: '' })).toBe(row)
  })

  it('may have any name', () => {
    const row = withLandedColumns(
      { ...NEW, filled: { from: month(1).from.toISOString(), columns: ['constructor'] } },
      { window: month(2), selection: 's', before: undefined, filledColumns: ['A'], emptyColumns: ['constructor'] },
    )
    expect(newlyEmptied(NEW, row)).toEqual(['constructor'])
  })
})
