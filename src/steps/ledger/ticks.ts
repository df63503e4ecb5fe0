import {
  STARTED_KEY,
  type StartedRow,
  SWEEP_KEY,
  type SweepRow,
  TICK_KEY,
  type TickRow,
} from '../../core/ledger/app-rows.ts'
import { present } from '../../core/present.ts'
import type { Ticks } from '../../core/status/timers.ts'
import type { AppRows } from '../../services/storage/ledger.ts'

/** What the app rows know of the ticks. */
export function ticksIn(app: Pick<AppRows, 'get'>): Ticks {
  const started = Date.parse((app.get(STARTED_KEY)?.value as Partial<StartedRow> | undefined)?.at ?? '')
  return present<Ticks>({
    provision: app.get(TICK_KEY)?.value as TickRow | undefined,
    sweep: app.get(SWEEP_KEY)?.value as SweepRow | undefined,
    started: Number.isNaN(started) ? undefined : new Date(started),
  })
}
