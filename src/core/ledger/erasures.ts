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

/** The row with one more value; the same row where it has it. */
export function withErased(row: ErasuresRow, column: string, hash: string): ErasuresRow {
  const before = row.columns[column] ?? []
  if (before.includes(hash)) return row
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
