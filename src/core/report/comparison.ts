import { isSameName, nameKey } from '../names.ts'
import { cellValue } from './cells.ts'
import type { Column } from './entities.ts'
import type { Layout } from './layout.ts'
import { createTotals } from './totals.ts'

/** The columns by which two files of one feed are compared: those that both have. */
export type SharedColumns = {
  /** The columns that identify a row; empty where nothing does. */
  readonly key: readonly Column[]
  /** Columns of the key that not both files have: then the key identifies no row. */
  readonly keyLacks: readonly string[]
  readonly others: readonly Column[]
  /** Columns that only the later file has, and only the earlier. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** The columns that two files share, whatever their order. */
export function sharedColumns(
  { columns: before }: Layout,
  { columns: after }: Layout,
  key: readonly string[],
): SharedColumns {
  const [inBefore, inAfter] = [keysOf(before), keysOf(after)]
  const shared = after.filter(({ name }) => inBefore.has(nameKey(name)))
  const found = key.map((name) => shared.find((column) => isSameName(column.name, name)))
  const keyLacks = key.filter((_, index) => found[index] === undefined)
  const whole = keyLacks.length > 0 ? [] : found.filter((column) => column !== undefined)
  return {
    key: whole,
    keyLacks,
    others: shared.filter((column) => !whole.includes(column)),
    added: after.filter(({ name }) => !inBefore.has(nameKey(name))).map(({ name }) => name),
    removed: before.filter(({ name }) => !inAfter.has(nameKey(name))).map(({ name }) => name),
  }
}

function keysOf(columns: readonly Column[]): ReadonlySet<string> {
  return new Set(columns.map(({ name }) => nameKey(name)))
}

/** A landed row as it is compared: its values by JSON, those of the key apart. `line` is where it starts in its file. */
export type ComparedRow = { readonly key: string; readonly others: string; readonly line: number }

/** The values of a row as they land, in the order of its file, and where it starts in it. */
export type LandedValues = { readonly fields: Cells; readonly line: number }

/** Reads the rows of a file as they land. Rows and totals both go by that: where no row differs, no total moved. */
export function landedValues({ columns }: Layout): (row: WrittenRow) => LandedValues {
  const readers = columns.map(({ type }) => cellValue(type))
  return ({ fields, line }) => ({ fields: readers.map((read, index) => read(fields[index] ?? '')), line })
}

/**
 * Gives the text of a row, one line of ASCII. Sorted, such texts have the rows of one key beside each other, and equal rows of it.
 */
export function rowWriter({ columns }: Layout, { key, others }: SharedColumns): (row: LandedValues) => string {
  const places = (wanted: readonly Column[]) =>
    wanted.map(({ name }) => columns.findIndex((column) => isSameName(column.name, name)))
  const [ofKey, ofOthers] = [places(key), places(others)]
  return ({ fields, line }) => {
    const values = (of: readonly number[]) =>
      JSON.stringify(of.map((index) => fields[index] ?? null)).replaceAll(BEYOND_ASCII, escaped)
    // Ten digits, so that equal rows come in the order of their lines.
    return `${values(ofKey)}\t${values(ofOthers)}\t${String(line).padStart(10, '0')}`
  }
}

/** Escaped as JSON allows it: sorting texts by their bytes and by their characters is the same then. */
const BEYOND_ASCII = /[^\0-\x7f]+/g

/** The escape of each character that was met: a wide row has half a million of them. */
const ESCAPES: (string | undefined)[] = []

function escaped(characters: string): string {
  let text = ''
  for (let at = 0; at < characters.length; at++) {
    const unit = characters.charCodeAt(at)
    ESCAPES[unit] ??= `\\u${unit.toString(16).padStart(4, '0')}`
    text += ESCAPES[unit]
  }
  return text
}

type WrittenRow = { readonly fields: readonly string[]; readonly line: number }

/** Reads the text of a row. JSON has no tabs. */
export function readRow(text: string): ComparedRow {
  const keyEnd = text.indexOf('\t')
  const lineStart = text.lastIndexOf('\t')
  return {
    key: text.slice(0, keyEnd),
    others: text.slice(keyEnd + 1, lineStart),
    line: Number(text.slice(lineStart + 1)),
  }
}

type Values = Readonly<Record<string, string | null>>

/** A row that only one file has. */
export type OneSided = { readonly line: number; readonly values: Values }

/** A row that both files have, with other values: of each column that differs, the value before and after. */
export type Changed = {
  readonly lineBefore: number
  readonly lineAfter: number
  readonly key: Values
  readonly values: Readonly<Record<string, { readonly before: string | null; readonly after: string | null }>>
}

/** What differs between the rows of two files. The counts are exact; of the rows themselves, the first of each kind. */
export type RowsCompared = {
  readonly same: number
  readonly added: number
  readonly removed: number
  readonly changed: number
  /** Keys that more than one row of a file has. Nobody can tell which row became which: such rows are added or removed. */
  readonly repeatedKeys: number
  /** In how many of the changed rows each column differs. */
  readonly changedIn: Readonly<Record<string, number>>
  readonly rows: {
    readonly added: readonly OneSided[]
    readonly removed: readonly OneSided[]
    readonly changed: readonly Changed[]
  }
}

/** Takes what a walk over the sorted rows of two files finds. */
export type Comparison = {
  same(): void
  added(row: ComparedRow): void
  removed(row: ComparedRow): void
  /** Two rows of one key, which may be equal. */
  pair(before: ComparedRow, after: ComparedRow): void
  repeatedKey(): void
  result(): RowsCompared
}

/** Rows of one kind are kept up to so many bytes: a hundred of the widest would fill the memory. */
const MOST_BYTES = 4 * 1024 * 1024

/**
 * Counts what differs. `most`: how many rows of each kind it keeps, those that start first in their file; fewer where these
 * have over 4 MiB together, and one at least.
 */
export function createComparison({ key, others }: SharedColumns, most: number): Comparison {
  const names = { key: key.map(({ name }) => name), others: others.map(({ name }) => name) }
  const count = { same: 0, added: 0, removed: 0, changed: 0, repeatedKeys: 0 }
  const changedIn = names.others.map(() => 0)
  const rows = {
    added: firstOnes<ComparedRow>(most, ({ line }) => line, bytesOf),
    removed: firstOnes<ComparedRow>(most, ({ line }) => line, bytesOf),
    changed: firstOnes<readonly [ComparedRow, ComparedRow]>(
      most,
      ([, { line }]) => line,
      ([before, after]) => bytesOf(before) + bytesOf(after),
    ),
  }
  const values = (row: ComparedRow): Values => ({
    ...byName(names.key, JSON.parse(row.key)),
    ...byName(names.others, JSON.parse(row.others)),
  })
  const oneSided = (row: ComparedRow): OneSided => ({ line: row.line, values: values(row) })
  const changed = ([before, after]: readonly [ComparedRow, ComparedRow]): Changed => {
    const [was, is] = [JSON.parse(before.others), JSON.parse(after.others)] as [Cells, Cells]
    const differing = names.others.flatMap((name, index) => {
      const [from, to] = [was[index] ?? null, is[index] ?? null]
      return from === to ? [] : [[name, { before: from, after: to }] as const]
    })
    return {
      lineBefore: before.line,
      lineAfter: after.line,
      key: byName(names.key, JSON.parse(after.key)),
      values: Object.fromEntries(differing),
    }
  }
  return {
    same: () => void count.same++,
    added(row) {
      count.added++
      rows.added.take(row)
    },
    removed(row) {
      count.removed++
      rows.removed.take(row)
    },
    pair(before, after) {
      if (before.others === after.others) {
        count.same++
        return
      }
      count.changed++
      rows.changed.take([before, after])
      const [was, is] = [JSON.parse(before.others), JSON.parse(after.others)] as [Cells, Cells]
      for (let at = 0; at < changedIn.length; at++) if (was[at] !== is[at]) changedIn[at] = (changedIn[at] ?? 0) + 1
    },
    repeatedKey: () => void count.repeatedKeys++,
    result: () => ({
      ...count,
      changedIn: Object.fromEntries(
        names.others.flatMap((name, at) => (changedIn[at] ? [[name, changedIn[at]] as const] : [])),
      ),
      rows: {
        added: rows.added.all().map(oneSided),
        removed: rows.removed.all().map(oneSided),
        changed: rows.changed.all().map(changed),
      },
    }),
  }
}

type Cells = readonly (string | null)[]

function byName(names: readonly string[], cells: Cells): Values {
  return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? null]))
}

function bytesOf({ key, others }: ComparedRow): number {
  return key.length + others.length
}

/** Keeps the first of what it takes, by their order in the file: the rows come in another. */
function firstOnes<T>(most: number, lineOf: (one: T) => number, sizeOf: (one: T) => number) {
  let kept: readonly T[] = []
  // Where one was left out, those behind it are too, whatever comes when: the first ones are kept, without a gap.
  let end = most === 0 ? 0 : Number.POSITIVE_INFINITY
  return {
    take(one: T): void {
      if (lineOf(one) >= end) return
      kept = [...kept, one].toSorted((a, b) => lineOf(a) - lineOf(b))
      let bytes = 0
      const cut = kept.findIndex((each, index) => {
        bytes += sizeOf(each)
        return index === most || (index > 0 && bytes > MOST_BYTES)
      })
      if (cut === -1) return
      end = lineOf(kept[cut] as T)
      kept = kept.slice(0, cut)
    },
    all: () => kept,
  }
}

/** The sum of a numeric column before and after, as exact decimals. Absent where the file lacks the column. */
export type MovedTotal = {
  readonly column: string
  readonly before?: string
  readonly after?: string
  /** What the sum grew by; absent where one file lacks the column. */
  readonly moved?: string
}

/** Every numeric column of either file with its sums. */
export function compareTotals(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly MovedTotal[] {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])]
  return names.map((column) => {
    const [was, is] = [before[column], after[column]]
    return {
      column,
      ...(was !== undefined && { before: was }),
      ...(is !== undefined && { after: is }),
      ...(was !== undefined && is !== undefined && { moved: difference(is, was) }),
    }
  })
}

/** The exact difference of two decimals. */
function difference(from: string, subtracted: string): string {
  const sum = createTotals([{ name: 'sum', type: 'double' }])
  const negated = subtracted.startsWith('-') ? subtracted.slice(1) : `-${subtracted}`
  for (const text of [from, negated]) sum.add({ fields: [text] })
  return sum.result().sum ?? '0'
}
