import { silentTimers, type TimerName, timerStatuses } from '../core/status/timers.ts'
import { MINUTE_MS } from '../core/time/durations.ts'
import { noteStarted, ticksIn } from './ledger/ticks.ts'
import type { Services } from './services.ts'

/** The timers that are silent: none where all is well. */
export type Health = { readonly silent: readonly TimerName[] }

/**
 * Says whether the timers run. Before their first ticks they are missed from the first look on, which is noted: so an app whose
 * timers never start is found out, too.
 */
export async function health(services: Services): Promise<Health> {
  const { ledger, clock, settings } = services
  await ledger.create()
  const app = await ledger.appRows()
  const now = clock()
  const ticks = ticksIn(app)
  await noteStarted(services, app)
  return { silent: silentTimers(timerStatuses(now, { started: now, ...ticks }, settings.periods)) }
}

/** An alarm may ask as often as it likes: the ledger is read once a minute. */
const KEPT_MS = MINUTE_MS

/** Gives `health`, looked up once a minute. A look that fails is not kept. */
export function keptHealth(): (services: Services) => Promise<Health> {
  let kept: { readonly at: number; readonly health: Promise<Health> } | undefined
  return (services) => {
    const now = services.clock().getTime()
    if (!kept || Math.abs(now - kept.at) >= KEPT_MS) {
      const looked = { at: now, health: health(services) }
      kept = looked
      looked.health.catch(() => {
        if (kept === looked) kept = undefined
      })
    }
    return kept.health
  }
}
