import { plainText } from './plain-text.ts'

/**
 * The form of an id of the service. Only such an id goes into the name of a blob or into the path of an address: a slash
 * or two dots would lead somewhere else. The ids that were seen are GUIDs.
 */
export const SERVICE_ID = /^[A-Za-z0-9-]{1,64}$/

export function isServiceId(text: string): boolean {
  return SERVICE_ID.test(text)
}

/** A name in the form that is compared. The service ignores case and the blanks around a name. */
export function nameKey(name: string): string {
  return name.trim().toLowerCase()
}

/** Whether the service treats two names as the same. */
export function isSameName(name: string, other: string): boolean {
  return nameKey(name) === nameKey(other)
}

/** The longest part of a name that a message shows, in characters. */
const SHOWN = 60

/** Gives names for a message. They may come from a file or from the service: each is cut, and does nothing to a terminal. */
export function listed(names: readonly string[]): string {
  return names.map(shown).join(', ')
}

/** Like `listed`, each name in quotes. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `"${shown(name)}"`).join(', ')
}

function shown(name: string): string {
  return plainText(name.length > SHOWN ? `${name.slice(0, SHOWN - 1)}…` : name)
}

/** A longer text is no misspelled name, in characters: the time to compare two names grows with both. */
const LONGEST_NAME = 100

/** The candidate with the fewest letters changed from a name, ignoring case. Undefined if no candidate is similar. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > LONGEST_NAME) return undefined
  const wanted = name.toLowerCase()
  let best: { readonly candidate: string; readonly distance: number } | undefined
  for (const candidate of candidates) {
    if (candidate.length > LONGEST_NAME) continue
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance >= Math.max(wanted.length, candidate.length)) continue
    if (!best || distance < best.distance) best = { candidate, distance }
  }
  return best?.candidate
}

/** Says that the app does not know a feed of that name, and which it knows. */
export function feedNotKnown(name: string, known: readonly string[]): string {
  return `feed ${name} is not known to the app${known.length > 0 ? `; it knows ${listed(known)}` : ''}`
}

/** The Levenshtein distance: how many letters to insert, remove or change to turn one text into the other. */
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
