import { CATALOG, columnKeyOf, findDataset } from '../catalog.ts'
import { type Failure, failed } from '../failures.ts'
import type { Feed } from '../feeds/feed.ts'
import { isSameName, nameKey, quoted } from '../names.ts'
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
  const keyOf = columnKeyOf(findDataset(CATALOG, feed.dataset))
  const keys = headerKeys(names, keyOf)
  const inHeader = new Set<string>()
  const twice = names.find((_, index) => inHeader.size === inHeader.add(keys[index] ?? '').size)
  if (twice !== undefined) return failed('malformed', `${about}: column ${quoted([twice])} is in the header twice`)
  if (names.includes('')) return failed('malformed', `${about}: column ${names.indexOf('') + 1} has no name`)
  const missing = (expected ?? []).filter((name) => !inHeader.has(keyOf(name)))
  if (missing.length > 0) {
    return failed('column-missing', `${about}: not in the report: ${quoted(missing)}`)
  }
  const named = expected && new Set([...expected, ...Object.keys(feed.types)].map(keyOf))
  // A query that the user wrote has no new columns: it asks for every column that it gives.
  const unnamed = named ? names.filter((_, index) => !named.has(keys[index] ?? '')) : []
  if (feed.newColumns === 'fail' && unnamed.length > 0) {
    return failed('column-new', `${about}: new columns in the report: ${quoted(unnamed)}`)
  }
  const spelling = new Map(Object.keys(feed.types).map((name) => [nameKey(name), name]))
  const columns = names.map((name, index) => {
    const known = spelling.get(keys[index] ?? '')
    return { name: known ?? name, type: known === undefined ? 'string' : (feed.types[known] ?? 'string') } as const
  })
  return present({ columns, unnamed, timeIndex: timeIndexOf(feed, columns) })
}

/** Names of one column count as one. If a file has both, each is a column of its own. */
function headerKeys(names: readonly string[], keyOf: (name: string) => string): readonly string[] {
  const own = new Set(names.map(nameKey))
  return names.map((name) => {
    const [key, ownKey] = [keyOf(name), nameKey(name)]
    return key !== ownKey && own.has(key) ? ownKey : key
  })
}

function timeIndexOf({ timeColumn, types }: Feed, columns: readonly Column[]): number | undefined {
  const isTime = (name: string) => timeColumn !== undefined && isSameName(name, timeColumn)
  const index = columns.findIndex(({ name }) => isTime(name))
  const type = columns[index]?.type
  if (type === 'month' || type === 'datetime') return index
  // Of a dataset that the catalogue lacks nobody knows the type: its time is text, and is checked where it can be read.
  return type === 'string' && !Object.keys(types).some(isTime) ? index : undefined
}
