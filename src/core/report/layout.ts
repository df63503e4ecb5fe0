import { type Failure, failed } from '../failures.ts'
import type { Feed } from '../feeds/feed.ts'
import { nameKey } from '../names.ts'
import { present } from '../present.ts'
import type { Column } from './entities.ts'

/** How the columns of one file land, in the order of the file. */
export type Layout = {
  readonly columns: readonly Column[]
  /** New columns: neither the feed nor the catalogue names them. They land as text. */
  readonly unnamed: readonly string[]
  /** The index of the time column. Absent if the file has none or the feed lands it as plain text. */
  readonly timeIndex?: number
}

/**
 * Reads a header line. Names match without regard to case and land in the catalogue's spelling. `expected` are the columns
 * that the app asked for. It is undefined if the user wrote the query: then the header decides. `about` names the window
 * in messages.
 */
export function readHeader(
  feed: Feed,
  expected: readonly string[] | undefined,
  header: readonly string[],
  about: string,
): Layout | Failure {
  const names = header.map((name) => name.trim())
  const keys = names.map(nameKey)
  const twice = names.find((name, index) => keys.indexOf(nameKey(name)) < index)
  if (twice !== undefined) return failed('malformed', `${about}: column "${twice}" is in the header twice`)
  if (names.includes('')) return failed('malformed', `${about}: column ${names.indexOf('') + 1} has no name`)
  const missing = (expected ?? []).filter((name) => !keys.includes(nameKey(name)))
  if (missing.length > 0) {
    return failed('column-missing', `${about}: not in the report: ${missing.map((name) => `"${name}"`).join(', ')}`)
  }
  const unnamed = unnamedColumns(feed, expected, names)
  if (feed.newColumns === 'fail' && unnamed.length > 0) {
    return failed('column-new', `${about}: new columns in the report: ${unnamed.map((name) => `"${name}"`).join(', ')}`)
  }
  const spelling = new Map(Object.keys(feed.types).map((name) => [nameKey(name), name]))
  const columns = names.map((name) => {
    const known = spelling.get(nameKey(name))
    return { name: known ?? name, type: known === undefined ? 'string' : (feed.types[known] ?? 'string') } as const
  })
  return present({ columns, unnamed, timeIndex: timeIndexOf(feed, columns) })
}

/** Gives the new columns. A query that the user wrote has none: it asks for every column that it gives. */
function unnamedColumns(
  feed: Feed,
  expected: readonly string[] | undefined,
  names: readonly string[],
): readonly string[] {
  if (!expected) return []
  const named = new Set([...expected, ...Object.keys(feed.types)].map(nameKey))
  return names.filter((name) => !named.has(nameKey(name)))
}

function timeIndexOf({ timeColumn }: Feed, columns: readonly Column[]): number | undefined {
  const index = columns.findIndex(({ name }) => name === timeColumn)
  const type = columns[index]?.type
  return type === 'month' || type === 'datetime' ? index : undefined
}
