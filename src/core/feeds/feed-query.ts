import { CATALOG, type Dataset, findDataset } from '../catalog.ts'
import { type Failure, failed } from '../failures.ts'
import { isSameName } from '../names.ts'
import { buildQuery, isSoundQuery, type QueryDataset, validateQuery, validateWhere } from '../query/check.ts'
import { printQuery, TIMESPANS, type WrittenQuery } from '../query/query.ts'
import type { Feed, FeedSource } from './feed.ts'

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

/** Characters of a message: a query may hold any number of wrong names, and the message is stored with the feed. */
const MESSAGE_LENGTH = 1_000

/** Every name the service may know a dataset by, the catalogue's own first. */
export function spellingsOf(dataset: string): readonly string[] {
  const known = findDataset(CATALOG, dataset)
  return known ? [known.name, ...(known.aliases ?? [])] : [dataset]
}

/** Finds a dataset among those the service lists, ignoring case; of several, the one of the first spelling. */
export function findListed<T extends { readonly name: string }>(
  listed: readonly T[],
  spellings: readonly string[],
): T | undefined {
  return spellings.map((spelling) => listed.find(({ name }) => isSameName(name, spelling))).find((each) => each)
}

/**
 * Gives the text a feed's query is registered with: the user's own as it is, or one that the app writes of the columns,
 * without TIMESPAN, since the query times of a report decide. Fails as `query-refused` where it asks for what the service
 * does not list, whatever the catalogue knows.
 */
export function feedQuery(feed: Feed, source: QuerySource, listed: ListedDataset): string | Failure {
  const dataset = toQueryDataset(feed.dataset, listed)
  if (source.kind === 'query') {
    const problems = validateQuery(source.query, dataset).map(({ problem }) => problem)
    return problems.length > 0 ? refused(feed, problems) : source.query
  }
  const built = buildQuery(toWritten(source, dataset.name), dataset)
  return typeof built === 'string' ? built : refused(feed, built.problems)
}

/** The texts by which a feed's query is found again, one for each spelling of its dataset. Nothing is checked. */
export function queryTexts({ dataset }: Feed, source: QuerySource): readonly string[] {
  if (source.kind === 'query') return [source.query.trim()]
  return spellingsOf(dataset).map((spelling) => printQuery(toWritten(source, spelling)).trim())
}

function toWritten(source: ChosenColumns, dataset: string): WrittenQuery {
  const { distinct, columns, where = [] } = source
  return { distinct, fields: columns, dataset, where, order: [] }
}

/**
 * The service says what it offers; the other spellings of a dataset's name only the catalogue knows. The feed's spelling
 * stays where the service's differs in case alone: a registered query is found again by its text.
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

/** What the service lists counts only where it is in the words that a query takes; else what the catalogue says. */
function rangesOf(dataset: string, listed: readonly string[]): readonly string[] {
  const words = listed.map((range) => range.trim().toUpperCase())
  const areWords = words.length > 0 && words.every((word) => TIMESPANS.some((each) => each === word))
  return areWords ? words : (findDataset(CATALOG, dataset)?.ranges ?? TIMESPANS)
}

/** What the catalogue has against a feed's own query or conditions, one line each. */
export function queryProblems({ name, dataset, source }: Feed, catalogue: readonly Dataset[]): readonly string[] {
  const known = findDataset(catalogue, dataset)
  if (!known || source.kind === 'queryId') return []
  if (source.kind === 'query') {
    return validateQuery(source.query, known).map(({ problem }) => `feed "${name}": query: ${problem}`)
  }
  if (source.where === undefined) return []
  return validateWhere(source.where, known).map(({ problem }) => `feed "${name}": where: ${problem}`)
}

/**
 * Gives what the catalogue has against a feed's own query or conditions: `problems`, which no service takes, or `doubts`,
 * names and times it does not know, about which the service decides when the query is registered.
 */
export function catalogueVerdict(feed: Feed): {
  readonly problems: readonly string[]
  readonly doubts: readonly string[]
} {
  const { dataset, source } = feed
  const known = findDataset(CATALOG, dataset)
  // Conditions that are not of the language are not read from feeds.json in the first place.
  const isSound = source.kind !== 'query' || !known || isSoundQuery(source.query, known)
  const found = queryProblems(feed, CATALOG)
  return isSound ? { problems: [], doubts: found } : { problems: found, doubts: [] }
}

function refused({ name }: Feed, problems: readonly string[]): Failure {
  const message = `feed ${name}: its query cannot be registered: ${problems.join('; ')}`
  return failed('query-refused', message.length > MESSAGE_LENGTH ? `${message.slice(0, MESSAGE_LENGTH - 1)}…` : message)
}
