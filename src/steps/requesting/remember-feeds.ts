import { CATALOG } from '../../core/catalog.ts'
import { type Failure, failed } from '../../core/failures.ts'
import type { Account, Feed } from '../../core/feeds/feed.ts'
import { parseFeeds } from '../../core/feeds/feeds.ts'
import { hashJson } from '../../core/hash.ts'
import {
  FEED_ROWS,
  FEEDS_SOURCE_KEY,
  type FeedsSourceRow,
  feedRowKey,
  type TableRow,
  tableRowKey,
} from '../../core/ledger/app-rows.ts'
import { type FeedRow, newFeedRow, refusedBy, retired, withFeed } from '../../core/ledger/feed-row.ts'
import { changeFeedRow, tellBlocked } from '../ledger/feed-row.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'
import { findForbiddenChange } from './forbidden-change.ts'

/**
 * Reads feeds.json and stores each feed, so that all other steps take feeds from the ledger. Gives the stored rows, or
 * undefined where the file cannot be used: then this tick asks for nothing.
 */
export async function rememberFeeds(services: Services): Promise<readonly FeedRow[] | undefined> {
  const { text, source } = await services.readFeeds()
  const file = parseFeeds(text, CATALOG)
  if ('problems' in file) {
    const message = `feeds.json (${source}): ${file.problems.join('; ')}`
    await tellOnce(services, 'feeds.json', { event: 'app.settings', message })
    return undefined
  }
  await rememberSource(services, { source, hash: hashJson(text) })
  const rows = await Promise.all(file.feeds.map((feed) => remember(services, feed, file.accounts[feed.account] ?? {})))
  await retireOthers(services, new Set(file.feeds.map(({ name }) => name)))
  return rows.flatMap((row) => row ?? [])
}

/** What `status` says of feeds.json; written only when it changed. */
async function rememberSource({ ledger }: Services, now: FeedsSourceRow): Promise<void> {
  const stored = await ledger.readApp<FeedsSourceRow>(FEEDS_SOURCE_KEY)
  if (stored?.value.source === now.source && stored.value.hash === now.hash) return
  await ledger.writeApp(FEEDS_SOURCE_KEY, now, stored?.etag)
}

/** A feed that left the file asks for nothing new. Its open attempts are finished, and its rows stay. */
async function retireOthers(services: Services, names: ReadonlySet<string>): Promise<void> {
  const stored = await services.ledger.appRows<FeedRow>(FEED_ROWS)
  const others = stored.filter((row) => !names.has(row.feed.name) && retired(row) !== row)
  for (const { feed } of others) await changeFeedRow(services, feed.name, retired)
}

/** Stores a feed as it is now, and keeps what the app learned about it. Undefined where the app does not take it. */
async function remember(services: Services, feed: Feed, account: Account): Promise<FeedRow | undefined> {
  const { ledger, clock } = services
  const now = clock()
  const stored = await ledger.readApp<FeedRow>(feedRowKey(feed.name))
  // A table under a name that may not have it is not claimed: it would be lost to the new name that the feed has to take.
  const refusal = (await findForbiddenChange(ledger, feed, stored?.value)) ?? (await claimTable(services, feed))
  const before = stored?.value ?? newFeedRow(feed, account, now)
  const row = refusal ? refusedRow(before, feed, refusal, now) : withFeed(before, feed, account, now)
  if (!stored || JSON.stringify(stored.value) !== JSON.stringify(row)) {
    const written = await ledger.writeApp(feedRowKey(feed.name), row, stored?.etag)
    if (!written) return remember(services, feed, account)
    if (refusal && feed.enabled) tellBlocked(services, feed.name, refusal)
  }
  return refusal ? undefined : row
}

/** A disabled feed asks for nothing, so it is not blocked for what it would ask for. */
function refusedRow(before: FeedRow, { enabled }: Feed, refusal: Failure, now: Date): FeedRow {
  return enabled ? refusedBy(before, refusal, now) : retired(before)
}

/** Claims a landing table, which belongs to the feed that first named it. A failure where that is another feed. */
async function claimTable(services: Services, feed: Feed): Promise<Failure | undefined> {
  const { ledger } = services
  const key = tableRowKey(feed.table)
  const owner = (await ledger.readApp<TableRow>(key))?.value.feed
  if (owner === feed.name) return undefined
  if (owner !== undefined) return failed('table-taken', `table ${feed.table} belongs to feed ${owner}`)
  const written = await ledger.writeApp(key, { feed: feed.name }, undefined)
  return written ? undefined : claimTable(services, feed)
}
