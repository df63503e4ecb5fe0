import { agreeing, counted } from '../counted.ts'
import { alignDown, GRAIN } from './calendar.ts'
import { addDuration, DAY_MS, MINUTE_MS } from './durations.ts'
import { dayText } from './instants.ts'
import { parseWindowId, type Window, windowId } from './window.ts'

const MONTHS = 'January February March April May June July August September October November December'.split(' ')

/** A window as a person says it: `October 2026`, `5 October 2026`, `1 October to 7 October 2026`. */
export function windowWords(window: Window): string {
  const { from } = window
  if (isMonth(window)) return `${MONTHS[from.getUTCMonth()]} ${from.getUTCFullYear()}`
  const last = new Date(window.to.getTime() - 1)
  if (isDay(window)) return dayWords(from)
  const first = from.getUTCFullYear() === last.getUTCFullYear() ? dayOfMonth(from) : dayWords(from)
  return `${first} to ${dayWords(last)}`
}

/** A window as a person says it, by its id. A text that is no window id stays as it is. */
export function windowName(id: string): string {
  const window = parseWindowId(id)
  return window ? windowWords(window) : id
}

/** A day as a person says it: `5 October 2026`. */
export function dayWords(at: Date): string {
  return `${dayOfMonth(at)} ${at.getUTCFullYear()}`
}

function dayOfMonth(at: Date): string {
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`
}

/** How long something takes, as a person says it, in one unit: `25 minutes`, `15 hours` or, from two days on, `8 days`. */
export function lengthWords(milliseconds: number): string {
  const minutes = Math.max(Math.round(milliseconds / MINUTE_MS), 1)
  if (minutes < 60) return counted(minutes, 'minute')
  const hours = Math.round(minutes / 60)
  return hours < 48 ? counted(hours, 'hour') : counted(Math.round(hours / 24), 'day')
}

/** Says of the reports of history that are due later what they wait for, and until which day. */
export function dueLaterWords(reports: number, last: Date, when = 'when data has settled'): string {
  const are = counted(reports, 'report of history is', 'reports of history are')
  return `${are} due later, ${when}: ${agreeing(reports, 'on', 'the last on')} ${dayText(last)}`
}

/** The option by which a person chooses a window in a command, as short as it can be. */
export function windowOption(window: Window): string {
  const day = dayText(window.from)
  if (isMonth(window)) return `--month ${day.slice(0, 7)}`
  return isDay(window) ? `--window ${day}` : `--window ${windowId(window)}`
}

/** The month that a text such as `2026-10` names. */
export function parseMonth(text: string): Window | undefined {
  const match = /^(\d{4})-(\d\d)$/.exec(text)
  const month = Number(match?.[2])
  if (!match || month < 1 || month > 12) return undefined
  const from = new Date(`${match[1]}-${match[2]}-01T00:00:00Z`)
  return { from, to: addDuration(from, GRAIN.month) }
}

/** The day that a text such as `2026-10-05` names. */
export function parseDay(text: string): Window | undefined {
  const from = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : new Date(Number.NaN)
  // JavaScript takes the 30th of February for the 2nd of March.
  const exists = !Number.isNaN(from.getTime()) && from.toISOString().startsWith(text)
  return exists ? { from, to: new Date(from.getTime() + DAY_MS) } : undefined
}

function isMonth({ from, to }: Window): boolean {
  const start = alignDown(from, GRAIN.month)
  return +start === +from && +addDuration(start, GRAIN.month) === +to
}

function isDay({ from, to }: Window): boolean {
  return +alignDown(from, GRAIN.day) === +from && to.getTime() - from.getTime() === DAY_MS
}
