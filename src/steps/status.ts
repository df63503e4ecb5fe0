import { hashJson } from '../core/hash.ts'
import { FEEDS_SOURCE_KEY, type FeedsSourceRow, TICK_KEY, type TickRow } from '../core/ledger/app-rows.ts'
import { ledgerStatus, type Status } from '../core/status.ts'
import { readKnownFeeds } from './ledger/feed-row.ts'
import type { Services } from './services.ts'

/** Reads the ledger and says what it knows of every feed. */
export async function status(services: Services): Promise<Status> {
  const { ledger, clock, packagedFeeds } = services
  const feeds = await readKnownFeeds(services)
  return ledgerStatus(clock(), {
    feeds,
    lastTick: (await ledger.readApp<TickRow>(TICK_KEY))?.value,
    source: (await ledger.readApp<FeedsSourceRow>(FEEDS_SOURCE_KEY))?.value,
    packagedHash: hashJson(await packagedFeeds()),
  })
}
