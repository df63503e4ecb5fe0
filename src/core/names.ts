/** A name as it is compared: to the service neither case nor the blanks around a name count. */
export function nameKey(name: string): string {
  return name.trim().toLowerCase()
}

/** Whether two names are the same to the service. */
export function isSameName(name: string, other: string): boolean {
  return nameKey(name) === nameKey(other)
}

/** The candidate that takes the fewest changed letters to reach from a name, ignoring case; undefined when none is like it. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = name.toLowerCase()
  let best: { readonly candidate: string; readonly distance: number } | undefined
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance >= Math.max(wanted.length, candidate.length)) continue
    if (!best || distance < best.distance) best = { candidate, distance }
  }
  return best?.candidate
}

/** Levenshtein's distance: how many letters to insert, remove or change to turn one text into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let line = 1; line <= a.length; line++) {
    const above = row
    row = [line]
    for (let column = 1; column <= b.length; column++) {
      const changed = at(above, column - 1) + (a[line - 1] === b[column - 1] ? 0 : 1)
      row.push(Math.min(changed, at(above, column) + 1, at(row, column - 1) + 1))
    }
  }
  return at(row, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0
}
