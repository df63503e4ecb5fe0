import {
  STARTED_KEY,
  type StartedRow,
  SWEEP_KEY,
  type SweepRow,
  TICK_KEY,
  type TickRow,
} from '../../core/ledger/app-rows.ts'
import { present } from '../../core/present.ts'
import { silentTimer } from '../../core/status/status.ts'
import { type Ticks, type TimerName, timerStatuses } from '../../core/status/timers.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import type { Services } from '../services.ts'
import { tellOnce } from './tell-once.ts'

/** What the app rows know of the ticks. */
export function ticksIn(app: Pick<AppRows, 'get'>): Ticks {
  const started = Date.parse((app.get(STARTED_KEY)?.value as Partial<StartedRow> | undefined)?.at ?? '')
  return present<Ticks>({
    provision: app.get(TICK_KEY)?.value as TickRow | undefined,
    sweep: app.get(SWEEP_KEY)?.value as SweepRow | undefined,
    started: Number.isNaN(started) ? undefined : new Date(started),
  })
}

/**
 * Tells that the other timer is silent, once a day. A timer speaks only of what was so at its own last tick: after an outage of
 * both, the first of them to run again does not blame the other.
 */
export async function tellSilent(services: Services, app: Pick<AppRows, 'get'>, other: TimerName): Promise<void> {
  const ticks = ticksIn(app)
  const own = other === 'sweep' ? ticks.provision : ticks.sweep
  if (!own) return
  const timer = timerStatuses(new Date(own.at), ticks, services.settings.periods)[other]
  if (!timer.silentSince) return
  const { sentence, remedy } = silentTimer(other, timer)
  const event = { event: 'timer.silent', message: sentence, remedy } as const
  await tellOnce(services, `silent~${other}`, event, { other })
}

/** Notes when the app was first seen to run. */
export async function noteStarted({ ledger, clock }: Services, app: Pick<AppRows, 'get'>): Promise<void> {
  if (app.get(STARTED_KEY)) return
  await ledger.writeApp<StartedRow>(STARTED_KEY, { at: clock().toISOString() }, undefined)
}
