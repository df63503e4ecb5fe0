/** A number with its noun, and with its verb where there is one: `1 row`, `2 rows`, `1 window is`, `2 windows are`. */
export function counted(count: number, one: string, more = `${one}s`): string {
  return `${count} ${agreeing(count, one, more)}`
}

/** The form of a word that goes with a number. */
export function agreeing(count: number, one: string, more: string): string {
  return count === 1 ? one : more
}
