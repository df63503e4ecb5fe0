import type { Periods } from '../core/status/timers.ts'
import { longestGapMs, parseNcrontab } from '../core/time/ncrontab.ts'
import type { Environment } from './environment.ts'

/** When the timers of the app run unless its settings say otherwise: six fields, seconds first, UTC. */
export const SCHEDULES = { PROVISION_SCHEDULE: '0 */15 * * * *', SWEEP_SCHEDULE: '0 */5 * * * *' } as const

/**
 * The longest time between two ticks of each timer. Adds a problem for a schedule with which the timer never runs: the host
 * leaves a function out whose schedule it cannot read, and says so in its own log alone.
 */
export function timerPeriods(env: Environment, problems: string[]): Periods {
  return {
    provision: periodMs(env, 'PROVISION_SCHEDULE', problems),
    sweep: periodMs(env, 'SWEEP_SCHEDULE', problems),
  }
}

function periodMs(env: Environment, name: keyof typeof SCHEDULES, problems: string[]): number {
  const text = env[name] || SCHEDULES[name]
  const schedule = parseNcrontab(text)
  const gap = schedule && longestGapMs(schedule)
  const wrong = schedule ? 'it names no time that comes' : 'it takes six fields, seconds first'
  if (gap === undefined) problems.push(`${name} is "${text}": ${wrong}, such as ${SCHEDULES[name]}`)
  return gap ?? Number.POSITIVE_INFINITY
}
