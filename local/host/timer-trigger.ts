import type { RegisteredFunction } from './core-module.ts'
import { nextOccurrence, parseNcrontab, type Schedule } from './ncrontab.ts'
import type { Listener, Run } from './runner.ts'

/** Below this distance between two runs the host keeps no record of them, and a timer has no `scheduleStatus`. */
const MONITORED_MILLISECONDS = 60_000

/** `setTimeout` cannot wait longer than 24 days: far runs are approached in pieces. */
const LONGEST_WAIT_MILLISECONDS = 86_400_000

/** What `scheduleStatus.last` holds before the first run. */
const NEVER = '0001-01-01T00:00:00'

export type TimerTrigger = {
  readonly binding: string
  readonly schedule: Schedule
  readonly useMonitor: boolean | undefined
  readonly runOnStartup: boolean
}

type Timing = { last: string; next: Date; lastUpdated: Date }

/** Reads the timer of a function. Throws one line when its schedule is none. */
export function readTimerTrigger(binding: string, options: Record<string, unknown>): TimerTrigger {
  const schedule = parseNcrontab(String(options.schedule))
  if (!schedule) throw new Error(`schedule "${options.schedule}" is no NCRONTAB expression of six fields`)
  const useMonitor = typeof options.useMonitor === 'boolean' ? options.useMonitor : undefined
  return { binding, schedule, useMonitor, runOnStartup: options.runOnStartup === true }
}

/** Runs a function at each instant of its schedule. Runs never overlap: instants that pass during a run are left out. */
export function startTimer(run: Run, fn: RegisteredFunction, trigger: TimerTrigger): Listener {
  const { schedule, runOnStartup } = trigger
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let firing: Promise<void> | undefined

  const timing = firstTiming(schedule)
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
    const left = timing.next.getTime() - Date.now()
    if (left <= 0) firing = fire(timing)
    else timer = setTimeout(() => wait(timing), Math.min(left, LONGEST_WAIT_MILLISECONDS))
  }

  async function fire(timing: Timing) {
    await run(fn, { binding: trigger.binding, data: { json: JSON.stringify(timerInput(trigger, timing)) } })
    const next = nextOccurrence(schedule, new Date())
    if (next) wait({ last: hostTime(timing.next), next, lastUpdated: new Date() })
  }
}

function firstTiming(schedule: Schedule): Timing | undefined {
  const now = new Date()
  const next = nextOccurrence(schedule, now)
  return next && { last: NEVER, next, lastUpdated: now }
}

function timerInput(trigger: TimerTrigger, { last, next, lastUpdated }: Timing): object {
  const status = { Last: last, Next: hostTime(next), LastUpdated: hostTime(lastUpdated) }
  return {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: isMonitored(trigger, next) ? status : null,
    IsPastDue: false,
  }
}

function isMonitored({ schedule, useMonitor }: TimerTrigger, next: Date): boolean {
  const second = nextOccurrence(schedule, next)
  return useMonitor ?? (!second || second.getTime() - next.getTime() >= MONITORED_MILLISECONDS)
}

/** A time as .NET writes it into JSON. */
function hostTime(time: Date): string {
  return time.toISOString().replace('.000Z', '+00:00').replace('Z', '+00:00')
}
