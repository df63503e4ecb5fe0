import { hashJson } from '../core/hash.ts'
import { FEED_ROWS, FEEDS_SOURCE_KEY, type FeedsSourceRow, TICK_KEY, type TickRow } from '../core/ledger/app-rows.ts'
import type { FeedRow } from '../core/ledger/feed-row.ts'
import { type Status, statusOf } from '../core/status.ts'
import { readKnownFeed } from './requesting/feed-row.ts'
import type { Services } from './services.ts'

/** Reads the ledger and says what it knows of every feed. */
export async function status(services: Services): Promise<Status> {
  const { ledger, clock, packagedFeeds } = services
  await ledger.create()
  const rows = await ledger.appRows<FeedRow>(FEED_ROWS)
  return statusOf(clock(), {
    feeds: await Promise.all(rows.map((row) => readKnownFeed(services, row))),
    lastTick: (await ledger.readApp<TickRow>(TICK_KEY))?.value,
    source: (await ledger.readApp<FeedsSourceRow>(FEEDS_SOURCE_KEY))?.value,
    packagedHash: hashJson(await packagedFeeds()),
  })
}
