// Schedules of timers.

/** A schedule as the Functions host reads it: the values that each of its six fields allows, in UTC. */
export type Schedule = {
  readonly seconds: ReadonlySet<number>
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
}

type Field = { readonly first: number; readonly last: number; readonly names?: readonly string[] }

const MONTHS = 'january february march april may june july august september october november december'.split(' ')
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ')

const FIELDS: readonly Field[] = [
  { first: 0, last: 59 },
  { first: 0, last: 59 },
  { first: 0, last: 23 },
  { first: 1, last: 31 },
  { first: 1, last: 12, names: MONTHS },
  { first: 0, last: 6, names: WEEKDAYS },
]

/** The next 29th of February on a given weekday can be 40 years away. */
const LAST_YEARS = 41

/**
 * Reads an NCRONTAB expression of six fields, seconds first: `*`, values, names, ranges, lists and steps. Undefined when
 * it is not one. Unlike in cron, a day has to match both the day of the month and the day of the week.
 */
export function parseNcrontab(text: string): Schedule | undefined {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== FIELDS.length) return undefined
  const sets = FIELDS.map((field, index) => parseField(parts[index] ?? '', field))
  const [seconds, minutes, hours, days, months, weekdays] = sets
  if (!seconds || !minutes || !hours || !days || !months || !weekdays) return undefined
  return { seconds, minutes, hours, days, months, weekdays }
}

/** The first instant later than `after` that the schedule names. Undefined when there is none. */
export function nextOccurrence(schedule: Schedule, after: Date): Date | undefined {
  const last = after.getUTCFullYear() + LAST_YEARS
  let time = new Date(Math.floor(after.getTime() / 1000) * 1000 + 1000)
  while (time.getUTCFullYear() <= last) {
    const later = skip(schedule, time)
    if (!later) return time
    time = later
  }
  return undefined
}

/** Undefined when the schedule names `time`. Else where to look next: the start of the next month, day, hour, minute or second. */
function skip({ seconds, minutes, hours, days, months, weekdays }: Schedule, time: Date): Date | undefined {
  const [year, month, day] = [time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()]
  const [hour, minute, second] = [time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()]
  if (!months.has(month + 1)) return new Date(Date.UTC(year, month + 1))
  if (!days.has(day) || !weekdays.has(time.getUTCDay())) return new Date(Date.UTC(year, month, day + 1))
  if (!hours.has(hour)) return new Date(Date.UTC(year, month, day, hour + 1))
  if (!minutes.has(minute)) return new Date(Date.UTC(year, month, day, hour, minute + 1))
  if (!seconds.has(second)) return new Date(Date.UTC(year, month, day, hour, minute, second + 1))
  return undefined
}

function parseField(text: string, field: Field): ReadonlySet<number> | undefined {
  const parts = text.split(',').map((part) => parsePart(part, field))
  const values = parts.flatMap((part) => part ?? [])
  return parts.includes(undefined) ? undefined : new Set(values)
}

function parsePart(text: string, field: Field): number[] | undefined {
  const [span = '', step, ...rest] = text.split('/')
  const every = step === undefined ? 1 : parseStep(step)
  const range = parseSpan(span, step !== undefined, field)
  if (rest.length > 0 || every === undefined || !range) return undefined
  const count = Math.floor((range.to - range.from) / every) + 1
  return Array.from({ length: count }, (_, index) => range.from + index * every)
}

/** `*`, `a-b` or `a`. A single value with a step runs to the end of the field. */
function parseSpan(text: string, stepped: boolean, field: Field): { from: number; to: number } | undefined {
  if (text === '*') return { from: field.first, to: field.last }
  const ends = text.split('-').map((end) => parseValue(end, field))
  const [from, to = stepped ? field.last : from] = ends
  if (from === undefined || to === undefined || ends.includes(undefined) || ends.length > 2) return undefined
  return { from: Math.min(from, to), to: Math.max(from, to) }
}

function parseStep(text: string): number | undefined {
  return /^[1-9]\d?$/.test(text) ? Number(text) : undefined
}

function parseValue(text: string, { first, last, names = [] }: Field): number | undefined {
  if (/^[a-z]{3,}$/i.test(text)) {
    const index = names.findIndex((name) => name.startsWith(text.toLowerCase()))
    return index < 0 ? undefined : first + index
  }
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  return value >= first && value <= last ? value : undefined
}

/** So many days hold every gap of a schedule: a 29th of February can be 8 years after the one before. */
const DAYS_OF_GAPS = 9 * 366

/** The longest time between two instants of a schedule, in milliseconds; undefined where it names none or one. */
export function longestGapMs(schedule: Schedule): number | undefined {
  const seconds = secondsOfDay(schedule)
  const [first, last] = [seconds[0], seconds.at(-1)]
  const days = Array.from({ length: DAYS_OF_GAPS }, (_, day) => day).filter((day) => namesDay(schedule, day))
  if (first === undefined || last === undefined || days.length < 2) return undefined
  const within = longestStep(seconds)
  const across = longestStep(days) * 86_400 - last + first
  return Math.max(within, across) * 1000
}

function secondsOfDay({ seconds, minutes, hours }: Schedule): readonly number[] {
  const all = [...hours].flatMap((hour) =>
    [...minutes].flatMap((minute) => [...seconds].map((second) => (hour * 60 + minute) * 60 + second)),
  )
  return all.sort((a, b) => a - b)
}

/** Whether a schedule names a day, counted from a day before a leap day. */
function namesDay({ days, months, weekdays }: Schedule, day: number): boolean {
  const at = new Date(Date.UTC(2096, 1, 28 + day))
  return months.has(at.getUTCMonth() + 1) && days.has(at.getUTCDate()) && weekdays.has(at.getUTCDay())
}

function longestStep(sorted: readonly number[]): number {
  return sorted.reduce((longest, each, at) => Math.max(longest, each - (sorted[at - 1] ?? each)), 0)
}
