/** An ISO 8601 duration. A month has no fixed length, so the parts stay separate. JSON-safe. */
export type Duration = { readonly months: number; readonly days: number; readonly seconds: number }

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** The longest duration. Every date computed with it fits `Date` and a window id. */
const LONGEST_MS = 100 * 360 * DAY_MS

const ISO_DURATION =
  /^P(?:(\d{1,10})Y)?(?:(\d{1,10})M)?(?:(\d{1,10})W)?(?:(\d{1,10})D)?(?:T(?=\d)(?:(\d{1,10})H)?(?:(\d{1,10})M)?(?:(\d{1,10})S)?)?$/

/** Parses a duration such as `P1Y`, `P3M`, `P1W`, `P1DT6H` or `PT5M`. It must be longer than zero and at most 100 years. */
export function parseDuration(text: string): Duration | undefined {
  const match = ISO_DURATION.exec(text)
  if (!match) return undefined
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0))
  const duration = {
    months: years * 12 + months,
    days: weeks * 7 + days,
    seconds: hours * 3600 + minutes * 60 + seconds,
  }
  const length = durationMilliseconds(duration)
  return length > 0 && length <= LONGEST_MS ? duration : undefined
}

/** Moves a date by a duration in the UTC calendar. The 31st plus a month is at most the last day of the next month. */
export function addDuration(date: Date, { months, days, seconds }: Duration, sign: 1 | -1 = 1): Date {
  // Most durations are days, and the calendar is slow: a plan of ten years adds thousands of them.
  const moved = months === 0 ? date : addMonths(date, sign * months)
  return new Date(moved.getTime() + sign * (days * DAY_MS + seconds * 1000))
}

/** The length in milliseconds, with 30 days to a month. Use it for time limits, not for the calendar. */
export function durationMilliseconds({ months, days, seconds }: Duration): number {
  return (months * 30 + days) * DAY_MS + seconds * 1000
}

function addMonths(date: Date, months: number): Date {
  const moved = new Date(date)
  moved.setUTCMonth(date.getUTCMonth() + months)
  // A day that the month lacks becomes a day of the next month. Day 0 of that month is the last day of the intended one.
  if (moved.getUTCDate() !== date.getUTCDate()) moved.setUTCDate(0)
  return moved
}
