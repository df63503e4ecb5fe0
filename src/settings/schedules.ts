import type { Periods } from '../core/status/timers.ts'
import { longestGapMs, parseNcrontab } from '../core/time/ncrontab.ts'
import type { Environment } from './environment.ts'

/** When the timers of the app run unless its settings say otherwise: six fields, seconds first, UTC. */
export const SCHEDULES = { PROVISION_SCHEDULE: '0 */15 * * * *', SWEEP_SCHEDULE: '0 */5 * * * *' } as const

/** The longest time between two ticks of each timer. A schedule that only the host understands counts as the default. */
export function timerPeriods(env: Environment): Periods {
  return { provision: periodMs(env, 'PROVISION_SCHEDULE'), sweep: periodMs(env, 'SWEEP_SCHEDULE') }
}

function periodMs(env: Environment, name: keyof typeof SCHEDULES): number {
  return longestGapOf(env[name] || SCHEDULES[name]) ?? longestGapOf(SCHEDULES[name]) ?? Number.POSITIVE_INFINITY
}

function longestGapOf(text: string): number | undefined {
  const schedule = parseNcrontab(text)
  return schedule && longestGapMs(schedule)
}
