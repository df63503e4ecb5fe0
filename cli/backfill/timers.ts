import type { Timers } from '../../src/core/plan/rehearse.ts'
import { nextOccurrence, parseNcrontab, type Schedule } from '../../src/core/time/ncrontab.ts'
import type { Environment } from '../../src/settings/environment.ts'
import { SCHEDULES } from '../../src/settings/schedules.ts'

/** How long the app takes to ask for one report. */
const REQUEST_MS = 1000

/** A timer that never runs. */
const NEVER = new Date(8.64e15)

/** The timers by the settings of the command, which may know nothing of those of the app. */
export function timersOf(env: Environment): Timers {
  return {
    nextTick: timer(env.PROVISION_SCHEDULE || SCHEDULES.PROVISION_SCHEDULE),
    nextSweep: timer(env.SWEEP_SCHEDULE || SCHEDULES.SWEEP_SCHEDULE),
    requestMs: REQUEST_MS,
  }
}

function timer(text: string): (after: Date) => Date {
  const schedule: Schedule | undefined = parseNcrontab(text)
  return (after) => (schedule && nextOccurrence(schedule, after)) ?? NEVER
}
