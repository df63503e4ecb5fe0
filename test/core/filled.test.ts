import { describe, expect, it } from 'vitest'
import { emptiedColumns, type LandedColumns, newlyEmptied, withLandedColumns } from '../../src/core/ledger/emptied.ts'
import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { Figures, LedgerEntry } from '../../src/core/ledger/ledger.ts'
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
  /** From the start of one month to the end of another. */
  const span = (first: number, last = first) => ({
    from: month(first).from.toISOString(),
    to: month(last).to.toISOString(),
  })

  type Landing = {
    readonly month: number
    readonly filled: string
    readonly empty?: string
    readonly before?: Partial<Figures>
    readonly isRunning?: boolean
  }

  /** Names its columns with a value, and those without, by their letters. */
  const toLanded = ({ month: number, filled, empty = '', before, isRunning = false }: Landing): LandedColumns => ({
    window: month(number),
    selection: 's',
    before: before as Figures | undefined,
    isRunning,
    filledColumns: [...filled],
    emptyColumns: [...empty],
  })

  /** The row after these landings. */
  function landed(row: FeedRow, ...landings: readonly Landing[]): FeedRow {
    return landings.map(toLanded).reduce(withLandedColumns, row)
  }

  const NEW = newFeedRow(feedOf(), {}, NOW)
  const published = (emptyColumns: readonly string[], fields: Partial<Figures> = {}) =>
    ({ verdict: 'rows', origin: 'service', selection: 's', emptyColumns, ...fields }) as const

  it('had values in the newest window before', () => {
    const row = landed(NEW, { month: 1, filled: 'AB', empty: 'C' })
    const next = { month: 2, filled: 'A', empty: 'BC' }
    expect(row.emptiedIn).toBeUndefined()
    expect(newlyEmptied(row, toLanded(next))).toEqual(['B'])
    expect(landed(row, next).emptiedIn).toEqual({ B: span(2) })
  })

  it('is told once, and stays noted with all windows that lack it', () => {
    const row = landed(NEW, { month: 1, filled: 'AB' }, { month: 2, filled: 'A', empty: 'B' })
    const next = { month: 3, filled: 'A', empty: 'B' }
    expect(newlyEmptied(row, toLanded(next))).toEqual([])
    expect(landed(row, next).emptiedIn).toEqual({ B: span(2, 3) })
  })

  it('is told again when it had values in between', () => {
    const row = landed(
      NEW,
      { month: 1, filled: 'AB' },
      { month: 2, filled: 'A', empty: 'B' },
      { month: 3, filled: 'AB' },
    )
    const next = { month: 4, filled: 'A', empty: 'B' }
    expect(newlyEmptied(row, toLanded(next))).toEqual(['B'])
    expect(landed(row, next).emptiedIn).toEqual({ B: span(2, 4) })
  })

  it('is not told of a running month, and of the month before is still known when it settles', () => {
    const running = { month: 2, filled: 'A', empty: 'B', isRunning: true }
    const before = published(['B'], { running: true })
    const full = landed(NEW, { month: 1, filled: 'AB' })
    for (const first of [running, { ...running, before: published([], { running: true }) }]) {
      const row = landed(full, first)
      expect([newlyEmptied(full, toLanded(first)), row.emptiedIn]).toEqual([[], undefined])
      const settled = { month: 2, filled: 'A', empty: 'B', before }
      const next = landed(row, { ...running, month: 3 })
      for (const each of [row, next]) {
        expect(newlyEmptied(each, toLanded(settled))).toEqual(['B'])
        expect(landed(each, settled).emptiedIn).toEqual({ B: span(2) })
      }
      expect(landed(row, { month: 2, filled: 'AB', before }).emptiedIn).toBeUndefined()
    }
  })

  it('is told when a month settles without what it had while it ran', () => {
    const row = landed(NEW, { month: 1, filled: 'AB', isRunning: true })
    const settled = { month: 1, filled: 'A', empty: 'B', before: published([], { running: true }) }
    expect(newlyEmptied(row, toLanded(settled))).toEqual(['B'])
  })

  it('is none of a time before the newest window, nor one that is new', () => {
    const row = landed(NEW, { month: 5, filled: 'AB' })
    expect(landed(row, { month: 4, filled: 'A', empty: 'B' })).toBe(row)
    expect(landed(row, { month: 6, filled: 'AB', empty: 'N' }).emptiedIn).toBeUndefined()
  })

  it('is not one of history that lands after it went empty, and may be older than the column', () => {
    const row = landed(NEW, { month: 5, filled: 'AB' }, { month: 6, filled: 'A', empty: 'B' })
    expect(landed(row, { month: 4, filled: 'A', empty: 'B' })).toBe(row)
  })

  it('is one of a window that landed before, however old, where the same columns were asked for', () => {
    const row = landed(NEW, { month: 5, filled: 'AB' })
    const old = { month: 3, filled: 'A', empty: 'B' }
    expect(landed(row, { ...old, before: published([]) }).emptiedIn).toEqual({ B: span(3) })
    for (const before of [
      published(['B']),
      published([], { selection: 'other' }),
      published([], { origin: 'import' }),
      published([], { verdict: 'empty' }),
    ]) {
      expect(landed(row, { ...old, before })).toBe(row)
    }
  })

  const HOLE = landed(
    NEW,
    { month: 1, filled: 'AB' },
    ...[2, 3, 4].map((each) => ({ month: each, filled: 'A', empty: 'B' })),
  )

  it('is not over when only the first of several months has values again', () => {
    const row = landed(HOLE, { month: 2, filled: 'AB', before: published(['B']) })
    expect(row.emptiedIn).toEqual({ B: span(3, 4) })
  })

  it('is not over when the newest month has values again and earlier ones lack it', () => {
    expect(landed(HOLE, { month: 5, filled: 'AB' }).emptiedIn).toEqual({ B: span(2, 4) })
  })

  it.each([
    ['the first', [2, 3, 4]],
    ['the last', [4, 3, 2]],
  ])('is over when all months have values again, from %s on', (_, order) => {
    const repaired = order.map((each) => ({ month: each, filled: 'AB', before: published(['B']) }))
    expect(landed(HOLE, ...repaired.slice(0, 2)).emptiedIn).toBeDefined()
    expect(landed(HOLE, { month: 5, filled: 'AB' }, ...repaired).emptiedIn).toBeUndefined()
  })

  it('of an old window has values again when that window has', () => {
    const row = landed(NEW, { month: 5, filled: 'AB' }, { month: 3, filled: 'A', empty: 'B', before: published([]) })
    expect(landed(row, { month: 2, filled: 'AB' }, { month: 4, filled: 'AB' }).emptiedIn).toEqual({ B: span(3) })
    expect(landed(row, { month: 3, filled: 'AB' }).emptiedIn).toBeUndefined()
  })

  it('is forgotten when the feed no longer selects it', () => {
    expect(landed(HOLE, { month: 5, filled: 'A' }).emptiedIn).toBeUndefined()
    const old = landed(HOLE, { month: 3, filled: 'A' })
    expect(old.emptiedIn).toEqual({ B: span(2, 4) })
  })

  it('of a snapshot is over with the next one that has values: nobody asks for an earlier one', () => {
    const feed = feedOf({ dataset: 'Profile' })
    const row = landed({ ...NEW, feed }, { month: 1, filled: 'AB' }, { month: 2, filled: 'A', empty: 'B' })
    expect(row.emptiedIn).toEqual({ B: span(2) })
    expect(landed(row, { month: 3, filled: 'AB' }).emptiedIn).toBeUndefined()
  })

  it('shows the windows that lack it by their figures: one in the middle may have values again', () => {
    const entry = (number: number, emptyColumns: readonly string[]) =>
      ({ window: month(number), figures: { emptyColumns } }) as unknown as LedgerEntry
    const [from, to] = [month(2).from, month(4).to]
    const before = entry(1, ['B'])
    expect(emptiedColumns(HOLE, [before, entry(2, ['B']), entry(3, []), entry(4, ['B'])])).toEqual({
      B: { windows: 2, from, to },
    })
    expect(emptiedColumns(HOLE, [before, entry(2, []), entry(3, ['B']), entry(4, [])])).toEqual({
      B: { windows: 1, from: month(3).from, to: month(3).to },
    })
    expect(emptiedColumns(HOLE, [before, entry(2, []), entry(3, []), entry(4, [])])).toEqual({})
    expect(emptiedColumns(NEW, [entry(2, ['B'])])).toEqual({})
  })

  it('needs rows: a landing without any says nothing', () => {
    const row = landed(NEW, { month: 1, filled: 'AB' })
    const next = { month: 2, filled: '', empty: '' }
    expect(landed(row, next)).toBe(row)
    expect(newlyEmptied(row, toLanded(next))).toEqual([])
  })

  it('may have any name', () => {
    const row = { ...NEW, filled: { from: month(1).from.toISOString(), columns: ['constructor'] } }
    const next = { ...toLanded({ month: 2, filled: 'A' }), emptyColumns: ['constructor'] }
    expect(newlyEmptied(row, next)).toEqual(['constructor'])
    expect(Object.keys(withLandedColumns(row, next).emptiedIn ?? {})).toEqual(['constructor'])
  })
})
