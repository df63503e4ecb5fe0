import { type Failure, failed } from '../failures.ts'
import type { Feed } from '../feeds/feed.ts'
import type { Column } from './entities.ts'

/** How the columns of one file land, in the order of the file. */
export type Layout = {
  readonly columns: readonly Column[]
  /** Columns that neither the feed nor the catalogue names; they land as text. */
  readonly unnamed: readonly string[]
  /** Where the dataset's time column stands; absent where the file has none or the feed lands it as plain text. */
  readonly timeIndex?: number
}

/**
 * Reads a header line. Names match without case and land in the catalogue's spelling. `expected` are the columns that
 * were asked for; where a query was the user's own, the header decides. `about` names the window in messages.
 */
export function readHeader(
  feed: Feed,
  expected: readonly string[] | undefined,
  header: readonly string[],
  about: string,
): Layout | Failure {
  const names = header.map((name) => name.trim())
  const lower = names.map((name) => name.toLowerCase())
  const twice = names.find((_, index) => lower.indexOf(lower[index] ?? '') !== index)
  if (twice !== undefined) return failed('malformed', `${about}: column "${twice}" stands in the header twice`)
  if (names.includes('')) return failed('malformed', `${about}: column ${names.indexOf('') + 1} has no name`)
  const missing = (expected ?? []).filter((name) => !lower.includes(name.toLowerCase()))
  if (missing.length > 0) {
    return failed('column-missing', `${about}: not in the report: ${missing.map((name) => `"${name}"`).join(', ')}`)
  }
  const unnamed = unnamedColumns(feed, expected, names)
  if (feed.newColumns === 'fail' && unnamed.length > 0) {
    return failed('column-new', `${about}: columns that nobody named: ${unnamed.map((name) => `"${name}"`).join(', ')}`)
  }
  const spelling = new Map(Object.keys(feed.types).map((name) => [name.toLowerCase(), name]))
  const columns = names.map((name) => {
    const known = spelling.get(name.toLowerCase())
    return { name: known ?? name, type: known === undefined ? 'string' : (feed.types[known] ?? 'string') } as const
  })
  return { columns, unnamed, ...timeIndex(feed, columns) }
}

/** With the user's own query every column was asked for; otherwise those beside the expected ones are new. */
function unnamedColumns(
  feed: Feed,
  expected: readonly string[] | undefined,
  names: readonly string[],
): readonly string[] {
  if (!expected) return []
  const named = new Set([...expected, ...Object.keys(feed.types)].map((name) => name.toLowerCase()))
  return names.filter((name) => !named.has(name.toLowerCase()))
}

function timeIndex(feed: Feed, columns: readonly Column[]): { readonly timeIndex?: number } {
  const index = columns.findIndex(({ name }) => name === feed.timeColumn)
  const type = columns[index]?.type
  return type === 'month' || type === 'datetime' ? { timeIndex: index } : {}
}
