import { CATALOG, columnKeyOf, type Dataset, defaultColumns, findDataset } from '../catalog.ts'
import { type Failure, failed } from '../failures.ts'
import { isSameName, nameKey, nearest } from '../names.ts'
import {
  buildQuery,
  isIdentifier,
  isSoundQuery,
  type QueryDataset,
  validateQuery,
  validateWhere,
} from '../query/check.ts'
import { locateConditions } from '../query/parse.ts'
import { printQuery, TIMESPANS, type WrittenQuery } from '../query/query.ts'
import type { Feed, FeedSource } from './feed.ts'
import { MOST_COLUMNS } from './fields.ts'

/** A feed that names columns, or leaves them to the app, which writes the query. */
export type ColumnsSource = Extract<FeedSource, { kind: 'columns' }>

type ChosenColumns = ColumnsSource & { readonly columns: readonly string[] }

/** What a query is registered from: the user's own text, or columns that are chosen. */
export type QuerySource = Extract<FeedSource, { kind: 'query' }> | ChosenColumns

/** What the service lists of a dataset, as it writes it; `ranges` need not be TIMESPAN words. */
export type ListedDataset = {
  readonly name: string
  readonly columns: readonly string[]
  readonly metrics: readonly string[]
  readonly ranges: readonly string[]
}

/** Every spelling that the service may use for a dataset, starting with the catalogue's. */
export function spellingsOf(dataset: string): readonly string[] {
  const known = findDataset(CATALOG, dataset)
  return known ? [known.name, ...(known.aliases ?? [])] : [dataset]
}

/** Finds a dataset among those that the service lists, ignoring case. An earlier spelling wins over a later one. */
export function findListed<T extends { readonly name: string }>(
  listed: readonly T[],
  spellings: readonly string[],
): T | undefined {
  const keys = spellings.map(nameKey)
  return keys.map((key) => listed.find(({ name }) => nameKey(name) === key)).find((each) => each)
}

/**
 * Gives the text to register for a feed's query. A query that the user wrote stays as it is. Otherwise the app writes one
 * from the columns, without TIMESPAN, because each report has its own query times. Fails with `query-refused` if the query
 * asks for something that the service does not list, even if the catalogue has it.
 */
export function feedQuery(feed: Feed, source: QuerySource, listed: ListedDataset): string | Failure {
  const dataset = toQueryDataset(feed.dataset, listed)
  const unlisted = unlistedTimeColumn(feed, listed)
  if (unlisted !== undefined) return refused(feed, [unlisted])
  if (source.kind === 'query') {
    const problems = ownProblems(source, dataset)
    return problems.length > 0 ? refused(feed, problems) : source.query
  }
  const built = buildQuery(toWritten(source, dataset.name), dataset)
  return typeof built === 'string' ? built : refused(feed, built.problems)
}

/** The texts that find a registered query of a feed again, one for each spelling of its dataset. Checks nothing. */
export function queryTexts({ dataset }: Feed, source: QuerySource): readonly string[] {
  if (source.kind === 'query') return [source.query.trim()]
  return spellingsOf(dataset).map((spelling) => printQuery(toWritten(source, spelling)).trim())
}

function toWritten(source: ChosenColumns, dataset: string): WrittenQuery {
  const { distinct, columns, where = [] } = source
  return { distinct, fields: columns, dataset, where, order: [] }
}

/**
 * Combines what the service lists with the other spellings of the dataset, which only the catalogue knows. If the service's
 * spelling differs only in case, the feed's spelling stays, because the app finds a registered query by its text.
 */
function toQueryDataset(feedName: string, { name, columns, metrics, ranges }: ListedDataset): QueryDataset {
  const named = (names: readonly string[]) => names.map((each) => ({ name: each.trim() }))
  return {
    name: isSameName(name, feedName) ? feedName : name.trim(),
    aliases: spellingsOf(feedName),
    ranges: rangesOf(feedName, ranges),
    columns: named(columns),
    metrics: named(metrics),
  }
}

/**
 * The time column of a feed whose dataset the catalogue lacks is what a person says: where the service does not list it,
 * no row could be shown to lie in its window.
 */
function unlistedTimeColumn({ dataset, timeColumn }: Feed, listed: ListedDataset): string | undefined {
  if (findDataset(CATALOG, dataset) || timeColumn === undefined) return undefined
  if (namesListed(dataset, listed)(timeColumn) !== undefined) return undefined
  const like = nearest(timeColumn, listed.columns)
  return `timeColumn is ${timeColumn}, which the service does not list${like ? `; the nearest is ${like.trim()}` : ''}`
}

/**
 * Finds the name that the service has for a column or metric, which it may list under another name of the same column;
 * undefined where it does not list it. Where only the case differs, the feed's spelling stays.
 */
export function namesListed(
  dataset: string,
  { columns, metrics }: Pick<ListedDataset, 'columns' | 'metrics'>,
): (name: string) => string | undefined {
  const listed = [...columns, ...metrics]
  const keyOf = columnKeyOf(findDataset(CATALOG, dataset))
  const same = new Set(listed.map(nameKey))
  // The first of two wins.
  const byKey = new Map(listed.toReversed().map((name) => [keyOf(name), name.trim()] as const))
  return (name) => (same.has(nameKey(name)) ? name : byKey.get(keyOf(name)))
}

/**
 * The same columns, also in the conditions, as the service names them. One that it does not list stays, for the check of the
 * query to name it.
 */
export function inNamesOf<T extends ChosenColumns>(dataset: string, listed: ListedDataset, source: T): T {
  const find = namesListed(dataset, listed)
  const nameOf = (name: string) => find(name) ?? name
  const where = source.where === undefined ? {} : { where: renamed(source.where, nameOf) }
  return { ...source, ...where, columns: source.columns.map(nameOf) }
}

/** Conditions with other names, and else letter for letter. */
function renamed(where: string, nameOf: (name: string) => string): string {
  const conditions = locateConditions(where)
  if ('problem' in conditions) return where
  return conditions.reduceRight((text, { value: { field }, at }) => {
    return `${text.slice(0, at)}${nameOf(field)}${text.slice(at + field.length)}`
  }, where)
}

/**
 * What the app selects where a feed names no columns: those of the catalogue, as far as the service lists them, or all of a
 * dataset that the catalogue lacks, as far as a query can name them and a table row holds them. `left` are the others.
 */
export function defaultSelection(
  feed: Feed,
  listed: ListedDataset,
): { readonly columns: readonly string[]; readonly left: readonly string[] } {
  const { dataset } = feed
  if (!findDataset(CATALOG, dataset)) return selectAll(feed, listed)
  const wanted = wantedColumns(feed)
  const find = namesListed(dataset, listed)
  return {
    columns: wanted.flatMap((name) => find(name) ?? []),
    left: wanted.filter((name) => find(name) === undefined),
  }
}

/** A table row holds so many columns besides the three that say where it came from. */
const MOST_SELECTED = MOST_COLUMNS - 3

function selectAll({ timeColumn = '' }: Feed, { columns, metrics }: ListedDataset) {
  const seen = new Set<string>()
  const all = [...columns, ...metrics].map((name) => name.trim())
  const names = all.filter((name) => seen.size !== seen.add(nameKey(name)).size)
  // The time comes first, so that the cut never takes it.
  const isTime = (name: string) => isSameName(name, timeColumn)
  const ordered = [...names.filter(isTime), ...names.filter((name) => !isTime(name))]
  const chosen = new Set(ordered.filter(isIdentifier).slice(0, MOST_SELECTED))
  return { columns: names.filter((name) => chosen.has(name)), left: names.filter((name) => !chosen.has(name)) }
}

/** The columns of the catalogue that the app asks for where the feed names none. */
export function wantedColumns({ dataset }: Feed): readonly string[] {
  const known = findDataset(CATALOG, dataset)
  return known ? defaultColumns(known) : []
}

/** The ranges that the service lists, if a query can use all of them. Otherwise the ranges of the catalogue. */
function rangesOf(dataset: string, listed: readonly string[]): readonly string[] {
  const words = listed.map((range) => range.trim().toUpperCase())
  const areWords = words.length > 0 && words.every((word) => TIMESPANS.some((each) => each === word))
  return areWords ? words : (findDataset(CATALOG, dataset)?.ranges ?? TIMESPANS)
}

/**
 * Checks the query or conditions that the user wrote against the catalogue. `problems` are errors that the service always
 * refuses. `doubts` are names and times that the catalogue lacks: the service decides when the app registers the query.
 */
export function catalogueVerdict(
  { name, dataset, source }: Feed,
  catalogue: readonly Dataset[],
): {
  readonly problems: readonly string[]
  readonly doubts: readonly string[]
} {
  const known = findDataset(catalogue, dataset)
  if (!known) return { problems: [], doubts: [] }
  const found = ownProblems(source, known).map((problem) => `feed "${name}": ${problem}`)
  // Conditions with a syntax error never get here: `parseFeeds` refuses them.
  const isSound = source.kind !== 'query' || isSoundQuery(source.query, known)
  return isSound ? { problems: [], doubts: found } : { problems: found, doubts: [] }
}

/** What is wrong with the query or conditions that the user wrote, in the same words whoever asks. */
function ownProblems(source: FeedSource, dataset: QueryDataset): readonly string[] {
  if (source.kind === 'query') return validateQuery(source.query, dataset).map(({ problem }) => `query: ${problem}`)
  if (source.kind === 'queryId' || source.where === undefined) return []
  return validateWhere(source.where, dataset).map(({ problem }) => `where: ${problem}`)
}

function refused({ name }: Feed, problems: readonly string[]): Failure {
  return failed('query-refused', `feed ${name}: its query cannot be registered: ${problems.join('; ')}`)
}
