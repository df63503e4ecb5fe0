import type { FileLayout, FileValue } from './file-columns.ts'
import type { ParsedRecord } from './parse.ts'

/** The rows of a row group, column by column. */
export type RowGroup = readonly (readonly FileValue[])[]

/** A row group is in memory as a whole: it has fewer values where they are long. */
const MOST_CHARACTERS = 4_000_000

/** Collects rows until a row group is full. */
export type RowCollector = {
  add(record: ParsedRecord): void
  isFull(): boolean
  isEmpty(): boolean
  /** Gives what was collected, and begins anew. */
  take(): RowGroup
}

/** `most`: how many values a full row group has. */
export function collectRows({ columns, valuesOf }: FileLayout, most: number): RowCollector {
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
    isFull: () => group.values >= most || group.characters >= MOST_CHARACTERS,
    isEmpty: () => group.values === 0,
    take() {
      const taken = group.columns
      group = begin()
      return taken
    },
  }
}
