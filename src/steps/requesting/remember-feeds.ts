import { CATALOG } from '../../core/catalog.ts'
import { FAILURES, type Failure, failed } from '../../core/failures.ts'
import type { Account, Feed } from '../../core/feeds/feed.ts'
import { parseFeeds } from '../../core/feeds/feeds.ts'
import { hashJson } from '../../core/hash.ts'
import {
  FEEDS_SOURCE_KEY,
  type FeedRow,
  type FeedsSourceRow,
  feedRowKey,
  type TableRow,
  tableRowKey,
} from '../../core/ledger/app-rows.ts'
import type { Services } from '../services.ts'
import { changeFeedRow, isTaken } from './feed-row.ts'
import { tellOnce } from './tell-once.ts'

/**
 * Reads feeds.json and stores each feed, so that every other step takes feeds from the ledger.
 * Gives the stored rows, or undefined where the file cannot be used: then nothing is asked for in this tick.
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

/** A feed that left the file is asked for nothing new; what is open is finished, and its rows stay. */
async function retireOthers(services: Services, names: ReadonlySet<string>): Promise<void> {
  const stored = await services.ledger.appRows<FeedRow>('feed~')
  const others = stored.filter((row) => !names.has(row.feed.name) && (row.feed.enabled || isTaken(row)))
  for (const { feed } of others) await changeFeedRow(services, feed.name, resting)
}

/** What `status` says of feeds.json; written only when it changed. */
async function rememberSource({ ledger }: Services, now: FeedsSourceRow): Promise<void> {
  const stored = await ledger.readApp<FeedsSourceRow>(FEEDS_SOURCE_KEY)
  if (stored?.value.source === now.source && stored.value.hash === now.hash) return
  await ledger.writeApp(FEEDS_SOURCE_KEY, now, stored?.etag)
}

/** Stores a feed as it is now; what the app learned about it stays. Undefined where its table belongs to another. */
async function remember(services: Services, feed: Feed, account: Account): Promise<FeedRow | undefined> {
  const { ledger, clock } = services
  const taken = await ownTable(services, feed)
  const stored = await ledger.readApp<FeedRow>(feedRowKey(feed.name))
  const kept = stored?.value ?? { feed, account, since: clock().toISOString() }
  const refused = feed.enabled ? taken : undefined
  const row = taken ? refusedRow(kept, refused, clock()) : changedRow(kept, feed, account, clock())
  if (!stored || JSON.stringify(stored.value) !== JSON.stringify(row)) {
    const written = await ledger.writeApp(feedRowKey(feed.name), row, stored?.etag)
    if (!written) return remember(services, feed, account)
    if (refused) tellTaken(services, feed, refused)
  }
  return taken ? undefined : row
}

/** A changed feed deserves another try: its block ends, and what failed before is asked for again. */
function changedRow(kept: FeedRow, feed: Feed, account: Account, now: Date): FeedRow {
  if (kept.feed.hash === feed.hash) return { ...untaken(kept), feed, account }
  const { blocked: _, trouble: __, ...rest } = kept
  return { ...rest, feed, account, reopenBefore: now.toISOString() }
}

/**
 * A feed that names another's table keeps the form it had before: what is open of it goes to its former table. It is
 * blocked, unless it is disabled and so asks for nothing. The block takes the place of another one, which comes back by
 * itself: with the first request that fails once the table is settled.
 */
function refusedRow(kept: FeedRow, refused: Failure | undefined, now: Date): FeedRow {
  if (!refused) return resting(kept)
  const { kind, message } = refused
  if (kept.blocked?.kind === kind && kept.blocked.message === message) return kept
  return { ...kept, blocked: { kind, message, at: now.toISOString() } }
}

/** Nothing new is asked for, so that it does not matter any more whose table it is. */
function resting(row: FeedRow): FeedRow {
  return { ...untaken(row), feed: { ...row.feed, enabled: false } }
}

/** The table is its own, or asked for no longer; any other block stays. */
function untaken(row: FeedRow): FeedRow {
  const { blocked: _, ...free } = row
  return isTaken(row) ? free : row
}

function tellTaken({ emit }: Services, { name }: Feed, { kind, message }: Failure): void {
  emit({ event: 'feed.blocked', feed: name, kind, message, remedy: FAILURES[kind].remedy })
}

/** A landing table belongs to the feed that first named it, until somebody purges it; a failure where that is another. */
async function ownTable(services: Services, feed: Feed): Promise<Failure | undefined> {
  const { ledger } = services
  const key = tableRowKey(feed.table)
  const owner = (await ledger.readApp<TableRow>(key))?.value.feed
  if (owner === feed.name) return undefined
  if (owner !== undefined) return failed('table-taken', `table ${feed.table} belongs to feed ${owner}`)
  const written = await ledger.writeApp(key, { feed: feed.name }, undefined)
  return written ? undefined : ownTable(services, feed)
}
