import { CATALOG, columnKeyOf, findDataset } from '../catalog.ts'
import { type Failure, failed } from '../failures.ts'
import type { Feed, FeedSource } from '../feeds/feed.ts'
import { quoted } from '../names.ts'
import { parseQuery } from '../query/parse.ts'

// What shows in the header of a file that it is no report.

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
