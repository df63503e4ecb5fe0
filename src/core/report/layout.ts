import { CATALOG, columnKeyOf, findDataset } from '../catalog.ts'
import { type Failure, failed } from '../failures.ts'
import type { Feed, FeedSource } from '../feeds/feed.ts'
import { isSameName, nameKey } from '../names.ts'
import { present } from '../present.ts'
import { parseQuery } from '../query/parse.ts'
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
 * Gives the columns of which a report has one at least: those that were asked for, else what the feed names or knows. A
 * file that a person lands may be of an earlier form of the feed.
 */
export function knownColumns(
  { source, types, dataset }: Feed,
  asked: readonly string[] | undefined,
  isOfPerson: boolean,
): readonly string[] {
  const selected = asked ?? selectedBy(source)
  const known = asked || (!isOfPerson && selected.length > 0) ? selected : [...selected, ...Object.keys(types)]
  return withOtherNames(dataset, known)
}

/** Adds the other names of the same columns. */
function withOtherNames(dataset: string, names: readonly string[]): readonly string[] {
  const known = findDataset(CATALOG, dataset)
  const keys = new Set(names.map(columnKeyOf(known)))
  const others = known?.columns.filter(({ name, aliases }) => aliases && keys.has(nameKey(name))) ?? []
  return [...names, ...others.flatMap(({ name, aliases = [] }) => [name, ...aliases])]
}

function selectedBy(source: FeedSource): readonly string[] {
  if (source.kind === 'columns') return source.columns ?? []
  if (source.kind === 'queryId') return []
  const query = parseQuery(source.query)
  return 'problem' in query ? [] : query.fields
}

/** Says why a file with this header is no report at all. Nobody learns anything about the feed from it. */
export function whyNoReport(header: readonly string[], known: readonly string[], about: string): Failure | undefined {
  if (header.some((name) => /\r(?!\n)/.test(name))) {
    return failed('malformed', `${about}: the lines of the file end neither with LF nor with CRLF`)
  }
  const keys = new Set(known.map(nameKey))
  if (keys.size === 0 || header.some((name) => keys.has(nameKey(name.trim())))) return undefined
  return failed('malformed', `${about}: the header has no column that was asked for`)
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
  const twice = names.find((_, index) => keys.indexOf(keys[index] ?? '') < index)
  if (twice !== undefined) return failed('malformed', `${about}: column "${twice}" is in the header twice`)
  if (names.includes('')) return failed('malformed', `${about}: column ${names.indexOf('') + 1} has no name`)
  const missing = (expected ?? []).filter((name) => !keys.includes(keyOf(name)))
  if (missing.length > 0) {
    return failed('column-missing', `${about}: not in the report: ${missing.map((name) => `"${name}"`).join(', ')}`)
  }
  const named = expected && new Set([...expected, ...Object.keys(feed.types)].map(keyOf))
  // A query that the user wrote has no new columns: it asks for every column that it gives.
  const unnamed = named ? names.filter((_, index) => !named.has(keys[index] ?? '')) : []
  if (feed.newColumns === 'fail' && unnamed.length > 0) {
    return failed('column-new', `${about}: new columns in the report: ${unnamed.map((name) => `"${name}"`).join(', ')}`)
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
