import { type Failure, failed } from '../failures.ts'
import type { Feed, FeedSource } from '../feeds/feed.ts'
import { nameKey } from '../names.ts'
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
  { source, types }: Feed,
  asked: readonly string[] | undefined,
  isOfPerson: boolean,
): readonly string[] {
  if (asked) return asked
  const selected = selectedBy(source)
  return isOfPerson || selected.length === 0 ? [...selected, ...Object.keys(types)] : selected
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
  const keys = names.map(nameKey)
  const known = new Set<string>()
  const twice = names.find((_, index) => known.size === known.add(keys[index] ?? '').size)
  if (twice !== undefined) return failed('malformed', `${about}: column "${twice}" is in the header twice`)
  if (names.includes('')) return failed('malformed', `${about}: column ${names.indexOf('') + 1} has no name`)
  const missing = (expected ?? []).filter((name) => !known.has(nameKey(name)))
  if (missing.length > 0) {
    return failed('column-missing', `${about}: not in the report: ${missing.map((name) => `"${name}"`).join(', ')}`)
  }
  const unnamed = unnamedColumns(feed, expected, names)
  if (feed.newColumns === 'fail' && unnamed.length > 0) {
    return failed('column-new', `${about}: new columns in the report: ${unnamed.map((name) => `"${name}"`).join(', ')}`)
  }
  const spelling = new Map(Object.keys(feed.types).map((name) => [nameKey(name), name]))
  const columns = names.map((name) => {
    const spelled = spelling.get(nameKey(name))
    return {
      name: spelled ?? name,
      type: spelled === undefined ? 'string' : (feed.types[spelled] ?? 'string'),
    } as const
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
