import { TICK_KEY, type TickRow } from '../core/ledger/app-rows.ts'
import { tellSilent } from './ledger/ticks.ts'
import { takeTurn } from './requesting/account-turn.ts'
import { lookAtCredentials } from './requesting/look-at-credentials.ts'
import { rememberFeeds } from './requesting/remember-feeds.ts'
import type { Services } from './services.ts'

/** One tick of the timer: asks for what is due, and notes that it was there. Undefined where feeds.json cannot be used. */
export async function provision(services: Services): Promise<TickRow | undefined> {
  const asked = await askForDue(services)
  if (!asked) return undefined
  const { ledger, clock } = services
  const tick = { at: clock().toISOString(), ...asked }
  // Where two instances end a tick at once, either may write the row.
  const stored = await ledger.readApp<TickRow>(TICK_KEY)
  await ledger.writeApp(TICK_KEY, tick, stored?.etag)
  return tick
}

/**
 * Reads feeds.json, stores each feed that changed, and asks the service for the windows that are due. Each request is
 * written to the ledger before it is sent, so a second tick or instance does not repeat it.
 */
export async function askForDue(services: Services): Promise<Omit<TickRow, 'at'> | undefined> {
  await Promise.all([services.ledger.create(), services.archive.create()])
  const app = await services.ledger.appRows('provision')
  await tellSilent(services, app, 'sweep')
  const rows = await rememberFeeds(services, app)
  if (!rows) return undefined
  let requested = 0
  let waiting = 0
  for (const [account, ofAccount] of Map.groupBy(rows, ({ feed }) => feed.account)) {
    await lookAtCredentials(services, app, account, ofAccount)
    const turn = await takeTurn(services, app, account, ofAccount)
    requested += turn.requested
    waiting += turn.waiting
  }
  return { requested, waiting }
}
