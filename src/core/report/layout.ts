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

/** A header as the file has it. `isUnended`: the file ends in it, without a line end. */
export type Header = { readonly header: readonly string[]; readonly isUnended: boolean }

/**
 * Says why a file with this header is no report at all. Nobody learns anything about the feed from it. `known` are columns
 * of which a report has one at least. `typed` are those that it has all of, because the user gives them types.
 */
export function whyNoReport(
  { header, isUnended }: Header,
  { known, typed }: { readonly known: readonly string[]; readonly typed: readonly string[] },
  about: string,
): Failure | undefined {
  const expected = new Set(known.map(nameKey))
  const found = new Set(header.map(nameKey))
  const separator = header.length === 1 ? separatorIn(header[0] ?? '', expected) : undefined
  if (separator !== undefined) return failed('malformed', `${about}: ${separatedBy(separator)}`)
  const isForeign = expected.size === 0 ? isSentence(header) : !header.some((name) => expected.has(nameKey(name)))
  if (isForeign) return failed('malformed', `${about}: the header has no column that was asked for`)
  if (isUnended && expected.size > 0 && !expected.has(nameKey(header.at(-1) ?? ''))) return cutInHeader(about)
  const missing = typed.filter((name) => !found.has(nameKey(name)))
  if (missing.length === 0) return undefined
  return failed('malformed', `${about}: not in the report, but in the types of the feed: ${quoted(missing)}`)
}

/** The file ends in the middle of its header. */
export function cutInHeader(about: string): Failure {
  return failed('malformed', `${about}: the file is cut off in its header`)
}

/** Says that a file is neither CSV nor TSV. */
export function separatedBy(separator: string): string {
  return `the columns of the file are separated by "${separator}", neither by comma nor by tab`
}

/** What separates the columns of a header that seems to be one column: no name has several of them in it. */
function separatorIn(name: string, known: ReadonlySet<string>): string | undefined {
  return [';', '|'].find((separator) => {
    const names = name.split(separator)
    return names.length > 2 || (names.length === 2 && names.some((each) => known.has(nameKey(each))))
  })
}

/** Whether a header looks like a message: it is one text of several words. */
function isSentence(header: readonly string[]): boolean {
  const [text = '', ...others] = header
  return others.length === 0 && text.trim().split(/\s+/).length > 2
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
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
    return failed('column-missing', `${about}: not in the report: ${quoted(missing)}`)
  }
  const unnamed = unnamedColumns(feed, expected, names)
  if (feed.newColumns === 'fail' && unnamed.length > 0) {
    return failed('column-new', `${about}: new columns in the report: ${quoted(unnamed)}`)
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
