import { CATALOG, columnKeyOf, findDataset } from '../catalog.ts'
import { type Failure, failed } from '../failures.ts'
import type { Feed, FeedSource } from '../feeds/feed.ts'
import { quoted } from '../names.ts'
import { parseQuery } from '../query/parse.ts'

// What shows in the header of a file that it is no report.

/**
 * Gives the columns of which a report has one at least: those that were asked for, else what the feed names or knows, and
 * `landed`, the columns of its last landing. A file that a person lands may be of an earlier form of the feed.
 */
export function knownColumns(
  feed: Feed,
  asked: readonly string[] | undefined,
  isOfPerson: boolean,
  landed: readonly string[] = [],
): readonly string[] {
  const selected = selectedColumns(feed, asked)
  if (asked || (selected.length > 0 && !isOfPerson)) return selected
  const { types, timeColumn } = feed
  return [...selected, ...Object.keys(types), ...(timeColumn === undefined ? [] : [timeColumn]), ...landed]
}

/** Gives all columns that the query selects; none where only the service knows them. */
export function selectedColumns({ source }: Feed, asked: readonly string[] | undefined): readonly string[] {
  return asked ?? selectedBy(source)
}

function selectedBy(source: FeedSource): readonly string[] {
  if (source.kind === 'columns') return source.columns ?? []
  if (source.kind === 'queryId') return []
  const query = parseQuery(source.query)
  return 'problem' in query ? [] : query.fields
}

/**
 * Gives the time column that the report of a query by its id has. Of a dataset that the catalogue lacks a person names it,
 * and only the report shows whether the query selects it.
 */
export function neededTime({ dataset, source, timeColumn }: Feed): string | undefined {
  return source.kind === 'queryId' && !findDataset(CATALOG, dataset) ? timeColumn : undefined
}

/** A header as the file has it. `isUnended`: the file ends in it, without a line end. */
export type Header = { readonly header: readonly string[]; readonly isUnended: boolean }

/**
 * What a report of a dataset has: one of the columns in `known` at least, all of `mustHave`, which the user gives types, and
 * `time`. A header that the file ends in has all of `selected`.
 */
export type ExpectedColumns = {
  readonly dataset: string
  readonly known: readonly string[]
  readonly selected: readonly string[]
  readonly mustHave: readonly string[]
  readonly time?: string | undefined
  /** A person lands the file, which need not come from a query: its names may be of several words. */
  readonly isByPerson?: boolean
}

/** Says why a file with this header is no report at all. Nobody learns anything about the feed from it. */
export function whyNoReport(
  { header, isUnended }: Header,
  { dataset, known, selected, mustHave, time, isByPerson = false }: ExpectedColumns,
  about: string,
): Failure | undefined {
  const keyOf = columnKeyOf(findDataset(CATALOG, dataset))
  const expected = new Set(known.map(keyOf))
  const found = new Set(header.map(keyOf))
  const isFound = (name: string) => found.has(keyOf(name))
  const isKnown = (name: string) => expected.has(keyOf(name))
  const couldBeName = expected.size === 0 ? () => true : isKnown
  const separator = header.length === 1 ? separatorIn(header[0] ?? '', couldBeName) : undefined
  if (separator !== undefined) return failed('malformed', `${about}: ${separatedBy(separator)}`)
  const isForeign = expected.size === 0 ? hasSentence(header, isByPerson) : !header.some(isKnown)
  if (isForeign) return failed('malformed', `${about}: the header has no column that was asked for`)
  // Where nobody knows all the columns, nobody can say that the header is whole.
  const isWhole = selected.length > 0 && selected.every(isFound) && isKnown(header.at(-1) ?? '')
  if (isUnended && !isWhole) return cutInHeader(about)
  if (time !== undefined && !isFound(time)) {
    return failed('malformed', `${about}: not in the report, but the timeColumn of the feed: ${quoted([time])}`)
  }
  const missing = mustHave.filter((name) => !isFound(name))
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
function separatorIn(name: string, couldBeName: (name: string) => boolean): string | undefined {
  return [';', '|'].find((separator) => {
    const names = name.split(separator)
    return names.length > 2 || (names.length === 2 && names.some(couldBeName))
  })
}

/**
 * Whether a header looks like a message: no text of several words is a name that a query can select. Commas may cut a
 * sentence into several texts.
 */
function hasSentence(header: readonly string[], isByPerson: boolean): boolean {
  const texts = isByPerson && header.length > 1 ? [] : header
  return texts.some((text) => text.trim().split(/\s+/).length > 2)
}
