import { addDuration, DAY_MS, type Duration, parseDuration } from '../time/durations.ts'
import type { Window } from '../time/window.ts'
import type { Gap } from './fields.ts'

/** Puts windows that follow each other and are equally long into one range. The windows are in order of time. */
export function gapsIn(windows: readonly Window[]): readonly Gap[] {
  const ranges: Range[] = []
  for (const window of windows) {
    const last = ranges.at(-1)
    if (last && goesOn(last, window)) ranges[ranges.length - 1] = { ...last, to: window.to, windows: last.windows + 1 }
    else ranges.push({ ...window, windows: 1, step: lengthOf(window) })
  }
  return ranges.map(({ step, ...range }) => ({ ...range, each: textOf(step) }))
}

type Range = Omit<Gap, 'each'> & { readonly step: Duration }

function goesOn({ to, step }: Range, window: Window): boolean {
  return +to === +window.from && +addDuration(to, step) === +window.to
}

/** Gives the windows of a gap, exactly as the app asks for them. */
export function windowsOf({ from, to, windows, each }: Gap): readonly Window[] {
  const step = parseDuration(each)
  if (windows === 1 || !step) return [{ from, to }]
  const found: Window[] = []
  for (let at = from; found.length < windows; ) {
    const next = addDuration(at, step)
    found.push({ from: at, to: next })
    at = next
  }
  return found
}

/** What of a feed's status says which windows wait. */
type Waiting = {
  readonly gaps: readonly Pick<Gap, 'windows'>[]
  readonly states: { readonly planned: number }
}

/** How many windows of a feed wait: those that are due and were never asked for, and those that are planned. Each counts once. */
export function countWaiting({ gaps, states }: Waiting): number {
  return gaps.reduce((sum, { windows }) => sum + windows, states.planned)
}

/** How long a window is, in whole months where it begins and ends with one. */
export function lengthOf({ from, to }: Window): Duration {
  const isMonths = from.getUTCDate() === 1 && to.getUTCDate() === 1
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth()
  if (isMonths && months > 0) return { months, days: 0, seconds: 0 }
  return { months: 0, days: Math.max(1, Math.round((to.getTime() - from.getTime()) / DAY_MS)), seconds: 0 }
}

function textOf({ months, days }: Duration): string {
  return months > 0 ? `P${months}M` : `P${days}D`
}
