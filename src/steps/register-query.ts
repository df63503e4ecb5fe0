import { type FeedRow, feedRowKey, type RegisteredQuery } from '../core/app-rows.ts'
import { CATALOG, findDataset } from '../core/catalog.ts'
import { type Failure, failed, isFailure } from '../core/failures.ts'
import { type ColumnsSource, feedQuery, type QuerySource, spellingsOf } from '../core/feed-query.ts'
import { defaultColumns, type Feed } from '../core/feeds.ts'
import { queryName } from '../core/remote-names.ts'
import type { InsightsClient, LiveDataset } from '../services/insights-client.ts'
import type { Services } from './step.ts'

/**
 * Gives the query of a feed, registered at the service under a name of its own: looked up by name and text before it
 * is created, so that a lost answer makes no second one. What was chosen is stored in the feed's row.
 */
export async function registerQuery(
  services: Services,
  insights: InsightsClient,
  row: FeedRow,
): Promise<FeedRow | Failure> {
  if (row.query?.hash === row.feed.hash && !row.trouble) return row
  const query = await findOrCreate(services, insights, row.feed)
  if (isFailure(query)) return query
  return storeQuery(services, insights, row, query)
}

/** Of two instances that register at once the first one's query counts: reports of another would be dropped. */
async function storeQuery(
  services: Services,
  insights: InsightsClient,
  row: FeedRow,
  query: RegisteredQuery,
): Promise<FeedRow> {
  const key = feedRowKey(row.feed.name)
  const stored = await services.ledger.readApp<FeedRow>(key)
  const theirs = stored?.value.query
  const isOther = theirs?.queryId !== query.queryId && theirs?.queryId !== row.query?.queryId
  if (stored && theirs?.hash === query.hash && isOther) {
    if (query.ours) await insights.deleteQuery(query.queryId)
    return stored.value
  }
  const former = row.query?.ours && row.query.queryId !== query.queryId ? [row.query.queryId] : []
  const { trouble: _, formerQueries: before = [], ...known } = stored?.value ?? row
  // A feed that goes back to an earlier form finds its earlier query again, which must then not be deleted.
  const formerQueries = [...before, ...former].filter((queryId) => queryId !== query.queryId)
  const next: FeedRow = { ...known, query, ...(formerQueries.length > 0 && { formerQueries }) }
  const written = await services.ledger.writeApp(key, next, stored?.etag)
  if (written === 'conflict') return storeQuery(services, insights, row, query)
  if (row.trouble) services.emit({ event: 'feed.fresh', feed: row.feed.name })
  return next
}

async function findOrCreate(
  services: Services,
  insights: InsightsClient,
  feed: Feed,
): Promise<RegisteredQuery | Failure> {
  const { hash } = feed
  if (feed.source.kind === 'queryId') return { queryId: feed.source.queryId, hash, ours: false }
  const live = await insights.dataset(spellingsOf(feed.dataset))
  if (isFailure(live)) return live
  const source = feed.source.kind === 'query' ? feed.source : chooseColumns(services, feed, feed.source, live)
  if (isFailure(source)) return source
  const query = feedQuery(feed, source, live)
  if (isFailure(query)) return query
  const name = queryName(services.settings.deployment, feed)
  const same = await insights.queries(name)
  if (isFailure(same)) return same
  const found = same.find((each) => each.query === query.trim()) ?? (await insights.createQuery({ name, query }))
  if (isFailure(found)) return found
  return { queryId: found.queryId, hash, ours: true, ...(source.kind === 'columns' && { columns: source.columns }) }
}

/** The user's columns, or those of the catalogue that the live dataset also lists; what was left out is told. */
function chooseColumns(
  { emit }: Services,
  feed: Feed,
  { columns, ...source }: ColumnsSource,
  live: LiveDataset,
): QuerySource | Failure {
  if (columns) return { ...source, columns }
  const dataset = findDataset(CATALOG, feed.dataset)
  const wanted = dataset ? withTimeColumn(defaultColumns(dataset), dataset.timeColumn) : []
  const chosen = wanted.filter((name) => lists(live, name))
  const left = wanted.filter((name) => !chosen.includes(name))
  if (chosen.length === 0) {
    return failed('query-refused', `feed ${feed.name}: dataset ${feed.dataset} lists none of the columns the app knows`)
  }
  if (left.length > 0)
    emit({ event: 'feed.drift', feed: feed.name, message: `the service does not list ${left.join(', ')}` })
  return { ...source, columns: chosen }
}

/** Without its time column a row could not be shown to lie in its window. */
function withTimeColumn(columns: readonly string[], timeColumn: string | undefined): readonly string[] {
  return timeColumn === undefined || columns.includes(timeColumn) ? columns : [...columns, timeColumn]
}

function lists({ columns, metrics }: LiveDataset, name: string): boolean {
  return [...columns, ...metrics].some((each) => each.trim().toLowerCase() === name.toLowerCase())
}
