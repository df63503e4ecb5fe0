import { CATALOG, findDataset } from './catalog.ts'
import { type Failure, failed } from './failures.ts'
import type { Feed, FeedSource } from './feeds.ts'
import { buildQuery } from './query-build.ts'
import { type QueryDataset, validateQuery } from './query-check.ts'

export type ColumnsSource = Extract<FeedSource, { kind: 'columns' }>

/** What a query is registered from: the user's own text, or columns that are chosen. */
export type QuerySource =
  | Extract<FeedSource, { kind: 'query' }>
  | (ColumnsSource & { readonly columns: readonly string[] })

/** What the service lists of a dataset, as it writes it; `ranges` are TIMESPAN words. */
export type ListedDataset = {
  readonly columns: readonly string[]
  readonly metrics: readonly string[]
  readonly ranges: readonly string[]
}

/** Characters of a message: a query may hold any number of wrong names, and the message is stored with the feed. */
const MESSAGE_LENGTH = 1_000

/**
 * Gives the text a feed's query is registered with: the user's own as it stands, or one the app writes of the columns,
 * without TIMESPAN, since the query times of a report decide. Fails as `query-refused` where it asks for what the service
 * does not list, whatever the catalogue knows.
 */
export function feedQuery(feed: Feed, source: QuerySource, listed: ListedDataset): string | Failure {
  const dataset = toQueryDataset(feed.dataset, listed)
  if (source.kind === 'query') {
    const problems = validateQuery(source.query, dataset).map(({ problem }) => problem)
    return problems.length > 0 ? refused(feed, problems) : source.query
  }
  const { distinct, columns, where = [] } = source
  const built = buildQuery({ distinct, fields: columns, dataset: feed.dataset, where, order: [] }, dataset)
  return typeof built === 'string' ? built : refused(feed, built.problems)
}

/** Whether the service offers a thing is its to say; how else a dataset's name is spelled only the catalogue knows. */
function toQueryDataset(name: string, { columns, metrics, ranges }: ListedDataset): QueryDataset {
  const { aliases = [] } = findDataset(CATALOG, name) ?? {}
  const named = (names: readonly string[]) => names.map((each) => ({ name: each.trim() }))
  const words = ranges.map((range) => range.trim().toUpperCase())
  return { name, aliases, ranges: words, columns: named(columns), metrics: named(metrics) }
}

function refused({ name }: Feed, problems: readonly string[]): Failure {
  const message = `feed ${name}: its query cannot be registered: ${problems.join('; ')}`
  return failed('query-refused', message.length > MESSAGE_LENGTH ? `${message.slice(0, MESSAGE_LENGTH - 1)}…` : message)
}
