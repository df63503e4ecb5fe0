import type { Grain } from '../catalog.ts'
import { addDuration, DAY_MS, type Duration } from './durations.ts'

/** The grains of the service as durations. */
export const GRAIN: Readonly<Record<Grain, Duration>> = {
  day: { months: 0, days: 1, seconds: 0 },
  month: { months: 1, days: 0, seconds: 0 },
}

/** Days and weeks count from this Monday, the first day of a year and of a century. */
const FIRST_MONDAY_MS = Date.UTC(2001, 0, 1)

/** Whether a duration can divide the calendar: whole months or whole days, but not both. */
export function cutsCalendar({ months, days, seconds }: Duration): boolean {
  return seconds === 0 && months > 0 !== days > 0
}

/**
 * The last boundary of the UTC calendar at or before a date. Steps of n months count from year 0, so P3M gives quarters and
 * P1Y gives years. Steps of n days count from Monday 2001-01-01, so weeks start on Monday. `step` must pass
 * `cutsCalendar`.
 */
export function alignDown(date: Date, step: Duration): Date {
  if (step.months > 0) {
    const month = date.getUTCFullYear() * 12 + date.getUTCMonth()
    return new Date(Date.UTC(1970, month - (month % step.months) - 1970 * 12))
  }
  const stepMs = step.days * DAY_MS
  return new Date(FIRST_MONDAY_MS + Math.floor((date.getTime() - FIRST_MONDAY_MS) / stepMs) * stepMs)
}

/** The first boundary of the UTC calendar at or after a date. */
export function alignUp(date: Date, step: Duration): Date {
  const down = alignDown(date, step)
  return down.getTime() === date.getTime() ? down : addDuration(down, step)
}

/** The first boundary of the UTC calendar after a date. */
export function nextBoundary(date: Date, step: Duration): Date {
  return addDuration(alignDown(date, step), step)
}
