/** Timer triggers. */

import { nextOccurrence, parseNcrontab, type Schedule } from '../../src/core/time/ncrontab.ts'
import type { RegisteredFunction } from './core-module.ts'
import { hostTime, type Listener, type Run } from './invocation.ts'

/** Where two runs are closer than this, the host keeps no record of them, and the timer has no `scheduleStatus`. */
const MONITORED_MILLISECONDS = 60_000

/** `setTimeout` cannot wait longer than 24 days, so a long wait is cut into pieces. */
const LONGEST_WAIT_MILLISECONDS = 86_400_000

/** `scheduleStatus.last` before the first run. */
const NEVER = '0001-01-01T00:00:00'

export type TimerTrigger = {
  readonly binding: string
  readonly schedule: Schedule
  readonly useMonitor: boolean | undefined
  readonly runOnStartup: boolean
}

type Timing = { last: string; next: Date; lastUpdated: Date }

/** Reads the timer of a function. Throws one line when its schedule is wrong. */
export function readTimerTrigger(binding: string, options: Record<string, unknown>): TimerTrigger {
  const schedule = parseNcrontab(String(options.schedule))
  if (!schedule) throw new Error(`schedule "${options.schedule}" is not an NCRONTAB expression of six fields`)
  const useMonitor = typeof options.useMonitor === 'boolean' ? options.useMonitor : undefined
  return { binding, schedule, useMonitor, runOnStartup: options.runOnStartup === true }
}

/** Runs a function at each instant of its schedule. Runs never overlap: an instant that passes during a run is skipped. */
export function startTimer(run: Run, fn: RegisteredFunction, trigger: TimerTrigger): Listener {
  const { schedule, runOnStartup } = trigger
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let firing: Promise<void> | undefined

  const now = new Date()
  const next = nextOccurrence(schedule, now)
  const timing = next && { last: NEVER, next, lastUpdated: now }
  if (timing && runOnStartup) firing = fire(timing)
  else if (timing) wait(timing)
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await firing
    },
  }

  function wait(timing: Timing) {
    if (stopped) return
    const leftMilliseconds = timing.next.getTime() - Date.now()
    if (leftMilliseconds <= 0) firing = fire(timing)
    else timer = setTimeout(() => wait(timing), Math.min(leftMilliseconds, LONGEST_WAIT_MILLISECONDS))
  }

  async function fire(timing: Timing) {
    await run(fn, { binding: trigger.binding, data: { json: JSON.stringify(timerInput(trigger, timing)) } })
    const next = nextOccurrence(schedule, new Date())
    if (next) wait({ last: hostTime(timing.next), next, lastUpdated: new Date() })
  }
}

function timerInput({ schedule, useMonitor }: TimerTrigger, { last, next, lastUpdated }: Timing): object {
  const second = nextOccurrence(schedule, next)
  const isMonitored = useMonitor ?? (!second || second.getTime() - next.getTime() >= MONITORED_MILLISECONDS)
  const status = { Last: last, Next: hostTime(next), LastUpdated: hostTime(lastUpdated) }
  return { Schedule: { AdjustForDST: true }, ScheduleStatus: isMonitored ? status : null, IsPastDue: false }
}
