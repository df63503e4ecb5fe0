/**
 * What is left out of all reports of a feed, in the row `erased~<feed>` under `_app`. The values are hashes with a salt of
 * their own, so that the row does not keep what it is there to forget.
 */
export type ErasuresRow = {
  readonly salt: string
  /** The hashes of the values of each column, by the form in which names of columns are compared. */
  readonly columns: Readonly<Record<string, readonly string[]>>
}

/** The form in which values are compared: case, and blanks around a value, do not count. */
export function valueKey(value: string): string {
  return value.normalize('NFC').trim().toLowerCase()
}

/** A row of Table Storage holds 1 MiB: 7,800 hashes. */
export const MOST_ERASED = 7_500

/** Whether a value is left out. */
export function isErased({ columns }: ErasuresRow, column: string, hash: string): boolean {
  return columns[column]?.includes(hash) ?? false
}

/** The row with one more value; the same row where it has it, or holds no more. */
export function withErased(row: ErasuresRow, column: string, hash: string): ErasuresRow {
  const before = row.columns[column] ?? []
  if (before.includes(hash) || Object.values(row.columns).flat().length >= MOST_ERASED) return row
  return { ...row, columns: { ...row.columns, [column]: [...before, hash] } }
}

/** The row without a value, which may land again; the same row where it does not have it. */
export function withoutErasure(row: ErasuresRow, column: string, hash: string): ErasuresRow {
  const before = row.columns[column] ?? []
  if (!before.includes(hash)) return row
  const { [column]: _, ...others } = row.columns
  const left = before.filter((each) => each !== hash)
  return { ...row, columns: left.length > 0 ? { ...others, [column]: left } : others }
}
