import { hasCome } from '../ledger/wake.ts'
import { DAY_MS, HOUR_MS } from '../time/durations.ts'
import type { Pacing } from './pacing.ts'

// When an account looks at the datasets that the service lists: once a day, and an hour after a look that failed.

/**
 * Whether the daily look is due. The first one comes a day after the account's first feed was seen (`since`), because what
 * the service lists is read when a query is registered.
 */
export function isLookDue({ lookAt }: Pacing, since: Date, now: Date): boolean {
  const first = new Date(since.getTime() + DAY_MS)
  return hasCome(lookAt === undefined ? first : new Date(lookAt), now, DAY_MS)
}

/** Whether the account waits after a look that failed. The last hour before the daily one is not told apart from it. */
export function restsFromLook({ lookAt }: Pacing, now: Date): boolean {
  return lookAt !== undefined && !hasCome(new Date(lookAt), now, HOUR_MS)
}

/** A look begins: where it fails, or never ends, the next one comes in an hour. */
export function withLookBegun(pacing: Pacing, now: Date): Pacing {
  return { ...pacing, lookAt: new Date(now.getTime() + HOUR_MS).toISOString() }
}

/** The look is done for today. */
export function withLookDone(pacing: Pacing, now: Date): Pacing {
  return { ...pacing, lookAt: new Date(now.getTime() + DAY_MS).toISOString() }
}
