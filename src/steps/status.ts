import { type Failure, isFailure } from '../core/failures.ts'
import { hashJson } from '../core/hash.ts'
import { FEEDS_SOURCE_KEY, type FeedsSourceRow, TICK_KEY, type TickRow } from '../core/ledger/app-rows.ts'
import type { KnownFeed } from '../core/plan/known-feed.ts'
import { ledgerStatus, type Status } from '../core/status.ts'
import type { AppRows } from '../services/storage/ledger.ts'
import { readableFeeds, readKnownFeed } from './ledger/feed-row.ts'
import { type PacingRow, pacingOf } from './requesting/pacing-row.ts'
import type { Services } from './services.ts'

/** Reads the ledger and says what it knows of every feed. */
export async function status(services: Services): Promise<Status> {
  const { ledger, clock, packagedFeeds } = services
  await ledger.create()
  const app = await ledger.appRows()
  const feeds: KnownFeed[] = []
  for (const row of readableFeeds(app)) feeds.push(await readKnownFeed(services, row))
  const accounts = accountsOf(app, feeds)
  return ledgerStatus(clock(), {
    feeds,
    unreadable: [...app.feeds.values(), ...accounts.values()].filter(isFailure),
    accounts: new Map([...accounts].flatMap(([name, row]) => (isFailure(row) ? [] : [[name, row.value] as const]))),
    lastTick: app.get(TICK_KEY)?.value as TickRow | undefined,
    source: app.get(FEEDS_SOURCE_KEY)?.value as FeedsSourceRow | undefined,
    packagedHash: hashJson(await packagedFeeds()),
  })
}

function accountsOf(app: AppRows, feeds: readonly KnownFeed[]): ReadonlyMap<string, PacingRow | Failure> {
  const names = new Set(feeds.map(({ row }) => row.feed.account))
  return new Map([...names].map((name) => [name, pacingOf(app, name)]))
}
