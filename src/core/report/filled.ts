import type { Column } from './entities.ts'
import type { ParsedRecord } from './parse.ts'

/** Which columns of a file have a value in a row that lands, and which have none. Both empty where no row lands. */
export type FilledColumns = { readonly filledColumns: readonly string[]; readonly emptyColumns: readonly string[] }

/** Watches the columns until each has had a value. After that, and for most columns after a few rows, it costs nothing. */
export function watchColumns(columns: readonly Column[]): { add(record: ParsedRecord): void; result(): FilledColumns } {
  let isAnyRow = false
  let empty = columns.map((_, index) => index)
  return {
    add({ fields }) {
      isAnyRow = true
      if (empty.some((index) => hasValue(fields[index]))) empty = empty.filter((index) => !hasValue(fields[index]))
    },
    result() {
      if (!isAnyRow) return { filledColumns: [], emptyColumns: [] }
      const isEmpty = new Set(empty)
      return {
        filledColumns: columns.filter((_, index) => !isEmpty.has(index)).map(({ name }) => name),
        emptyColumns: columns.filter((_, index) => isEmpty.has(index)).map(({ name }) => name),
      }
    },
  }
}

/** A cell of blanks only is no value. */
function hasValue(text: string | undefined): boolean {
  return text !== undefined && text !== '' && text.trim() !== ''
}
