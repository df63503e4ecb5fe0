import { agreeing } from '../core/counted.ts'

// Numbers and times as the page writes them. All times are UTC.

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** Keeps a number together with what belongs to it. */
const THIN = '\u202f'

/** A whole number, its thousands apart: `12 345`. */
export function exact(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, THIN)
}

/** A count that fits anywhere: `6 120`, `439 k`, `1.3 M`. */
export function short(count: number): string {
  if (count < 10_000) return exact(count)
  for (const [unit, size] of [
    ['k', 1e3],
    ['M', 1e6],
    ['G', 1e9],
  ] as const) {
    const digits = count / size < 9.95 ? 1 : 0
    const text = (count / size).toFixed(digits)
    if (Number(text) < 1000 || unit === 'G') return `${text}${THIN}${unit}`
  }
  return exact(count)
}

/** A size in bytes: `812 B`, `1.3 MB`. */
export function size(bytes: number): string {
  return bytes < 10_000 ? `${exact(bytes)}${THIN}B` : `${short(bytes)}B`
}

/** A length of time in its two largest units at most: `40 s`, `3 min`, `2 h 5 min`, `11 days`. */
export function span(ms: number): string {
  const seconds = Math.round(ms / SECOND_MS)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return minutes < 10 && seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return hours < 10 && minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`
  return `${Math.floor(hours / 24)} days`
}

/** How long ago something was, as coarse as it is old: `just now`, `2 min ago`. */
export function ago(ms: number): string {
  if (ms < 10 * SECOND_MS) return 'just now'
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS / 10) * 10} s ago`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ago`
  return `${Math.floor(ms / DAY_MS)} days ago`
}

/** A number with its noun, as the page writes numbers: `1 thing`, `2 000 things`. */
export function many(count: number, one: string, more = `${one}s`): string {
  return `${exact(count)} ${agreeing(count, one, more)}`
}

/** The day of an instant: `2026-11-01`. */
export function day(instant: string): string {
  return instant.slice(0, 10)
}

/** An instant, without what today makes plain: `14:32 UTC`, `Nov 4 14:32 UTC`, `2025-11-04 14:32 UTC`. */
export function minute(instant: string, nowMs: number): string {
  const time = `${instant.slice(11, 16)} UTC`
  const today = new Date(nowMs).toISOString()
  if (day(instant) === day(today)) return time
  const isThisYear = instant.slice(0, 4) === today.slice(0, 4)
  return `${isThisYear ? axisMark(Date.parse(instant), false) : day(instant)} ${time}`
}

/** The day on which a window begins, by its id. */
export function idDay(id: string): string {
  return `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}`
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/** The mark of an instant on the axis of a strip: `Nov 2026`, or `Nov 24` among days. */
export function axisMark(ms: number, isMonth: boolean): string {
  const at = new Date(ms)
  return `${MONTHS[at.getUTCMonth()]} ${isMonth ? at.getUTCFullYear() : at.getUTCDate()}`
}
