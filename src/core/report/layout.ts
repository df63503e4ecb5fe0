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

/** What a report of a dataset has: one of the columns in `known` at least, and all of `typed`, which the user gives types. */
export type ExpectedColumns = {
  readonly dataset: string
  readonly known: readonly string[]
  readonly typed: readonly string[]
}

/** Says why a file with this header is no report at all. Nobody learns anything about the feed from it. */
export function whyNoReport(
  { header, isUnended }: Header,
  { dataset, known, typed }: ExpectedColumns,
  about: string,
): Failure | undefined {
  const keyOf = columnKeyOf(findDataset(CATALOG, dataset))
  const expected = new Set(known.map(keyOf))
  const found = new Set(header.map(keyOf))
  const isKnown = (name: string) => expected.has(keyOf(name))
  const separator = header.length === 1 ? separatorIn(header[0] ?? '', isKnown) : undefined
  if (separator !== undefined) return failed('malformed', `${about}: ${separatedBy(separator)}`)
  const isForeign = expected.size === 0 ? isSentence(header) : !header.some(isKnown)
  if (isForeign) return failed('malformed', `${about}: the header has no column that was asked for`)
  if (isUnended && expected.size > 0 && !isKnown(header.at(-1) ?? '')) return cutInHeader(about)
  const missing = typed.filter((name) => !found.has(keyOf(name)))
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
function separatorIn(name: string, isKnown: (name: string) => boolean): string | undefined {
  return [';', '|'].find((separator) => {
    const names = name.split(separator)
    return names.length > 2 || (names.length === 2 && names.some(isKnown))
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
  const keyOf = columnKeyOf(findDataset(CATALOG, feed.dataset))
  const keys = headerKeys(names, keyOf)
  const inHeader = new Set<string>()
  const twice = names.find((_, index) => inHeader.size === inHeader.add(keys[index] ?? '').size)
  if (twice !== undefined) return failed('malformed', `${about}: column "${twice}" is in the header twice`)
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
