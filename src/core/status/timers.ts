import type { SweepRow, TickRow } from '../ledger/app-rows.ts'
import { present } from '../present.ts'
import { MINUTE_MS } from '../time/durations.ts'
import type { TimerStatus } from './fields.ts'

/** The timers of the app. */
export const TIMERS = ['provision', 'sweep'] as const
export type TimerName = (typeof TIMERS)[number]

/** The longest time between two ticks of each timer, by its schedule, in milliseconds. */
export type Periods = Readonly<Record<TimerName, number>>

/** A timer that has finished no tick for so many of its periods is silent. */
const MISSED_PERIODS = 3

/** A tick may take minutes: where ticks follow each other in seconds, a timer is silent after this. */
const SHORTEST_SILENCE_MS = 10 * MINUTE_MS

/** What is known of the ticks: the last of each timer, and since when the app runs. */
export type Ticks = { readonly provision?: TickRow; readonly sweep?: SweepRow; readonly started?: Date }

/** How it stands with each timer. Before its first tick, it is missed from the start of the app on. */
export function timerStatuses(now: Date, ticks: Ticks, periods: Periods): Readonly<Record<TimerName, TimerStatus>> {
  const { requested, waiting } = ticks.provision ?? {}
  return {
    provision: {
      ...timerStatus(now, ticks.provision?.at, ticks.started, periods.provision),
      ...present<Counts>({ requested, waiting }),
    },
    sweep: timerStatus(now, ticks.sweep?.at, ticks.started, periods.sweep),
  }
}

type Counts = Pick<TimerStatus, 'requested' | 'waiting'>

function timerStatus(now: Date, at: string | undefined, started: Date | undefined, periodMs: number): TimerStatus {
  const finishedAt = at === undefined || Number.isNaN(Date.parse(at)) ? undefined : new Date(at)
  const from = finishedAt ?? started
  const silentAt = from && new Date(from.getTime() + Math.max(MISSED_PERIODS * periodMs, SHORTEST_SILENCE_MS))
  const isSilent = silentAt !== undefined && silentAt <= now
  return present<TimerStatus>({
    finishedAt,
    everySeconds: Math.ceil(periodMs / 1000),
    silentSince: isSilent ? silentAt : undefined,
  })
}

/** The timers that are silent. */
export function silentTimers(timers: Readonly<Record<TimerName, TimerStatus>>): readonly TimerName[] {
  return TIMERS.filter((name) => timers[name].silentSince !== undefined)
}
