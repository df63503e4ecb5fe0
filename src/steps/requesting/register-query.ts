import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import {
  type ColumnsSource,
  defaultSelection,
  feedQuery,
  inNamesOf,
  type QuerySource,
  queryTexts,
  spellingsOf,
  wantedColumns,
} from '../../core/feeds/feed-query.ts'
import { type FeedRow, isOvertaken, type RegisteredQuery, withQuery } from '../../core/ledger/feed-row.ts'
import { withListedReach } from '../../core/ledger/reach.ts'
import { queryName } from '../../core/ledger/remote-names.ts'
import { listed } from '../../core/names.ts'
import type { InsightsClient, LiveDataset, Query } from '../../services/insights/client.ts'
import type { Services } from '../services.ts'

/**
 * Registers the query of a feed under a name of its own, and stores it in the feed's row. It is looked up by name and text
 * before it is created, so that a lost answer makes no second one. For a feed in trouble it is looked up each time: the
 * trouble ends once the service answers, and a query that is gone is created again.
 */
export async function registerQuery(
  services: Services,
  insights: InsightsClient,
  row: FeedRow,
): Promise<FeedRow | Failure> {
  if (row.query?.hash === row.feed.hash && !row.trouble) return row
  const found = await findOrCreate(services, insights, row)
  if (isFailure(found)) return found
  // Ranges that are known stay as they are stored: a look may have changed them meanwhile.
  const ranges = found.ranges ?? (row.ranges ? undefined : await readRanges(insights, row))
  return isFailure(ranges) ? ranges : storeQuery(services, insights, row, found.query, ranges)
}

/** Where two instances register a query at once, the first one counts, because its reports are already under way. */
async function storeQuery(
  services: Services,
  insights: InsightsClient,
  row: FeedRow,
  query: RegisteredQuery,
  ranges: readonly string[] | undefined,
): Promise<FeedRow> {
  const stored = await services.ledger.readFeed(row.feed.name)
  if (stored && isFailure(stored)) throw new Error(stored.message)
  if (stored && isOvertaken(stored.value, row, query)) {
    if (query.ours) await insights.deleteQuery(query.queryId)
    return stored.value
  }
  const next = withListedReach(withQuery(stored?.value ?? row, query), services.clock(), ranges)
  const written = await services.ledger.writeFeed(next, stored?.etag)
  if (!written) return storeQuery(services, insights, row, query, ranges)
  if (row.trouble) services.emit({ event: 'feed.fresh', feed: row.feed.name })
  return next
}

/** How far back the service has data: of a query that it had already, nobody has looked. */
async function readRanges(
  insights: InsightsClient,
  { feed }: FeedRow,
): Promise<readonly string[] | undefined | Failure> {
  const live = await insights.dataset(spellingsOf(feed.dataset))
  if (!isFailure(live)) return live.ranges
  // The query works, whatever the service lists now.
  return live.kind === 'query-refused' ? undefined : live
}

/** A feed's query at the service, and the ranges of its dataset where the list of the service was read for it. */
type Found = { readonly query: RegisteredQuery; readonly ranges?: readonly string[] }

/** A query that the service already has is not checked again: it works, whatever the service lists now. */
async function findOrCreate(
  services: Services,
  insights: InsightsClient,
  { feed, query }: FeedRow,
): Promise<Found | Failure> {
  const { source, hash } = feed
  if (source.kind === 'queryId') return { query: { queryId: source.queryId, hash, ours: false } }
  const same = await insights.queries(queryName(services.settings.deployment, feed))
  if (isFailure(same)) return same
  const chosen = query?.hash === hash ? query.columns : undefined
  const known = source.kind === 'query' ? source : withColumns(source, source.columns ?? chosen)
  const found = known && findByText(feed, known, same)
  return found ? { query: found } : create(services, insights, feed, source, same)
}

function withColumns(source: ColumnsSource, columns: readonly string[] | undefined): QuerySource | undefined {
  return columns && { ...source, columns }
}

function findByText(feed: Feed, source: QuerySource, same: readonly Query[]): RegisteredQuery | undefined {
  const texts = queryTexts(feed, source)
  const found = same.find(({ query }) => texts.includes(query))
  return found && toRegistered(feed, source, found)
}

function toRegistered(feed: Feed, source: QuerySource, { queryId }: Query): RegisteredQuery {
  const registered = { queryId, hash: feed.hash, ours: true } as const
  if (source.kind === 'query') return registered
  const isChosen = feed.source.kind === 'columns' && feed.source.columns === undefined
  return { ...registered, columns: source.columns, composed: true, ...(isChosen && { chosen: true }) }
}

/** With the columns that the service lists, the text is complete, and the query may be found by it after all. */
async function create(
  services: Services,
  insights: InsightsClient,
  feed: Feed,
  source: ColumnsSource | QuerySource,
  same: readonly Query[],
): Promise<Found | Failure> {
  const live = await insights.dataset(spellingsOf(feed.dataset))
  if (isFailure(live)) return live
  const { ranges } = live
  const chosen = source.kind === 'query' ? source : chooseColumns(services, feed, source, live)
  if (isFailure(chosen)) return chosen
  const found = findByText(feed, chosen, same)
  if (found) return { query: found, ranges }
  const query = feedQuery(feed, chosen, live)
  if (isFailure(query)) return query
  const created = await insights.createQuery({ name: queryName(services.settings.deployment, feed), query })
  return isFailure(created) ? created : { query: toRegistered(feed, chosen, created), ranges }
}

/** The user's columns, or those of the app's choice that the service lists. Emits an event for what was left out. */
function chooseColumns(
  { emit }: Services,
  feed: Feed,
  { columns, ...source }: ColumnsSource,
  live: LiveDataset,
): QuerySource | Failure {
  if (columns) return inNamesOf(feed.dataset, live, { ...source, columns })
  const { columns: chosen, left } = defaultSelection(feed, live)
  if (chosen.length === 0) {
    return failed('query-refused', `feed ${feed.name}: dataset ${feed.dataset} lists none of the columns the app knows`)
  }
  if (left.length > 0) {
    const isKnown = wantedColumns(feed).length > 0
    const why = isKnown ? 'the service does not list' : 'a query cannot name, or a table row cannot hold,'
    emit({ event: 'feed.drift', feed: feed.name, message: `${why} ${listed(left)}: the feed goes without them` })
  }
  return inNamesOf(feed.dataset, live, { ...source, columns: chosen })
}
