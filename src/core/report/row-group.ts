import type { FileLayout, FileValue } from './file-columns.ts'
import type { ParsedRecord } from './parse.ts'

/** The rows of a row group, column by column. */
export type RowGroup = readonly (readonly FileValue[])[]

/** A row group is in memory as a whole: it takes so many values, such as 10,000 rows of 40 columns, or so many characters. */
const MOST_VALUES = 400_000
const MOST_CHARACTERS = 8_000_000

/** Collects rows until a row group is full. */
export type RowCollector = {
  add(record: ParsedRecord): void
  isFull(): boolean
  isEmpty(): boolean
  /** Gives what was collected, and begins anew. */
  take(): RowGroup
}

export function collectRows({ columns, valuesOf }: FileLayout): RowCollector {
  const begin = () => ({ columns: columns.map((): FileValue[] => []), values: 0, characters: 0 })
  let group = begin()
  return {
    add(record) {
      valuesOf(record).forEach((value, index) => {
        group.columns[index]?.push(value)
        if (typeof value === 'string') group.characters += value.length
      })
      group.values += columns.length
    },
    isFull: () => group.values >= MOST_VALUES || group.characters >= MOST_CHARACTERS,
    isEmpty: () => group.values === 0,
    take() {
      const taken = group.columns
      group = begin()
      return taken
    },
  }
}
