import { TICK_KEY, type TickRow } from '../core/ledger/app-rows.ts'
import { type KnownFeed, plan, type RequestAction } from '../core/plan/plan.ts'
import { windowId } from '../core/time/window.ts'
import { readKnownFeed } from './ledger/feed-row.ts'
import { readPacing } from './requesting/pacing-row.ts'
import { rememberFeeds } from './requesting/remember-feeds.ts'
import { type AccountInTick, entryKey, requestReport } from './requesting/request-report.ts'
import type { Services } from './services.ts'

/**
 * One tick of the timer: reads feeds.json, stores each feed, and asks the service for the windows that are due.
 * Each request is written to the ledger before it is sent, so a second tick or instance does not repeat it.
 */
export async function provision(services: Services): Promise<TickRow | undefined> {
  await Promise.all([services.ledger.create(), services.archive.create()])
  const rows = await rememberFeeds(services)
  if (!rows) return undefined
  const known = await Promise.all(rows.map((row) => readKnownFeed(services, row)))
  const actions = plan(services.clock(), known)
  let requested = 0
  for (const [name, ofAccount] of Map.groupBy(actions, ({ feed }) => feed.account)) {
    requested += await requestAll(services, name, known, ofAccount)
  }
  const tick = { at: services.clock().toISOString(), requested, waiting: actions.length - requested }
  // Where two instances end a tick at once, either may write the row.
  const stored = await services.ledger.readApp<TickRow>(TICK_KEY)
  await services.ledger.writeApp(TICK_KEY, tick, stored?.etag)
  return tick
}

/** Asks for one account's windows one by one, because each request changes the pacing row that decides about the next. */
async function requestAll(
  services: Services,
  name: string,
  known: readonly KnownFeed[],
  actions: readonly RequestAction[],
): Promise<number> {
  const entries = known.flatMap((each) => each.entries)
  const account: AccountInTick = {
    name,
    rows: new Map(known.map(({ row }) => [row.feed.name, row])),
    entries: new Map(entries.map((entry) => [entryKey(entry.feed, windowId(entry.window)), entry])),
    pacing: await readPacing(services, name),
    troubles: [],
  }
  let requested = 0
  for (const action of actions) {
    const result = await requestReport(services, account, action)
    if (result === 'stop') break
    if (result === 'requested') requested++
  }
  return requested
}
