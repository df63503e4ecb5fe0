import { MINUTE_MS } from '../time/durations.ts'

/** A moment in UTC: milliseconds since 1970 in whole seconds, and its text for Table Storage with up to seven decimals. */
export type Moment = { readonly milliseconds: number; readonly iso: string }

type Parts = Readonly<Record<string, string | undefined>>

const MONTH_NAMES = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** The earliest DateTime of Table Storage is in 1601. */
const EARLIEST = Date.UTC(1601, 0, 1)
const AFTER_LATEST = Date.UTC(10_000, 0, 1)

/** The format of nearly every date. A file has millions of them, and the table takes them as they are: a fast path. */
const PLAIN = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?$/

/** Blanks that ICU and Windows put into dates: no-break, thin, and both. */
const OTHER_BLANK = /[\u00a0\u2009\u202f]/g

/** The other formats in the documents and samples, most frequent first. No other format is guessed. */
const FORMATS = [
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:[T ](?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)(?:\.(?<fraction>\d+))?(?:Z|(?<sign>[+-])(?<zoneHour>\d\d):(?<zoneMinute>\d\d))?)?$/,
  /^(?<name>[A-Za-z]{3})[- ](?<year>\d{4})$/,
  /^(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)?$/,
  /^(?<year>\d{4})-(?<month>\d\d)$/,
  /^(?<month>\d{1,2})\/(?<day>\d{1,2})\/(?<year>\d{4})(?: (?<hour>\d{1,2}):(?<minute>\d\d)(?::(?<second>\d\d))?(?: (?<half>[AaPp][Mm]))?)?$/,
]

/**
 * Reads a date: `yyyy-MM-dd`, the same with `T` or a blank and `HH:mm:ss[.f…][Z|±hh:mm]`, `MMM-yyyy`, `MMM yyyy`, `yyyyMM`,
 * `yyyyMMdd`, `yyyy-MM`, `M/d/yyyy` and the same with `h:mm[:ss] [AM|PM]` (month first, as Microsoft writes it). A date
 * without a zone is UTC. A blank may be a no-break or thin one. A second keeps seven decimals, because the table holds no
 * more. Gives undefined for any other text, for a day that does not exist, and outside the years 1601 to 9999.
 */
export function parseMoment(text: string): Moment | undefined {
  if (PLAIN.test(text)) return plainMoment(text)
  const plain = text.replace(OTHER_BLANK, ' ')
  for (const format of FORMATS) {
    const parts = format.exec(plain)?.groups
    if (parts !== undefined) return toMoment(parts)
  }
  return undefined
}

/** The first instant of the month of a moment. */
export function startOfMonth(moment: Moment): Moment {
  const date = new Date(moment.milliseconds)
  return fromMilliseconds(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1), '')
}

/** Reads the digits where they stand: groups of the expression would cost more than all the rest. */
function plainMoment(text: string): Moment | undefined {
  const hasTime = text.length > 10
  const start = startOfDay(twoDigits(text, 0) * 100 + twoDigits(text, 2), twoDigits(text, 5), twoDigits(text, 8))
  const time = hasTime ? timeOfDay(twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)) : 0
  if (start === undefined || time === undefined || start < EARLIEST) return undefined
  return { milliseconds: start + time, iso: hasTime ? text : `${text}T00:00:00Z` }
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
}

function toMoment(parts: Parts): Moment | undefined {
  const day = dayOf(parts)
  const time = timeOf(parts)
  const zone = zoneOf(parts)
  if (day === undefined || time === undefined || zone === undefined) return undefined
  const milliseconds = day + time - zone
  if (milliseconds < EARLIEST || milliseconds >= AFTER_LATEST) return undefined
  return fromMilliseconds(milliseconds, parts.fraction?.slice(0, 7) ?? '')
}

function fromMilliseconds(milliseconds: number, fraction: string): Moment {
  const seconds = new Date(milliseconds).toISOString().slice(0, 19)
  return { milliseconds, iso: fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z` }
}

function dayOf({ year, month, name, day = '1' }: Parts): number | undefined {
  const number = name === undefined ? Number(month) : MONTH_NAMES.indexOf(name.toLowerCase()) + 1
  return startOfDay(Number(year), number, Number(day))
}

/** The first instant of a day, or undefined if the day does not exist. Months and days count from 1. */
function startOfDay(year: number, month: number, day: number): number | undefined {
  const days = month === 2 && isLeapYear(year) ? 29 : DAYS_IN_MONTH[month - 1]
  // Date.UTC reads the years 0 to 99 as 1900 to 1999. The table cannot hold these years.
  if (days === undefined || day < 1 || day > days || year < 100) return undefined
  return Date.UTC(year, month - 1, day)
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

function timeOf({ hour = '0', minute = '0', second = '0', half }: Parts): number | undefined {
  const hours = half === undefined ? Number(hour) : fullHour(Number(hour), half)
  return timeOfDay(hours, Number(minute), Number(second))
}

function timeOfDay(hour: number, minute: number, second: number): number | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined
  return (hour * 60 + minute) * MINUTE_MS + second * 1000
}

/** Converts an hour with AM or PM: 12 AM is midnight. Gives 24, which is invalid, for an hour outside 1 to 12. */
function fullHour(hour: number, half: string): number {
  if (hour < 1 || hour > 12) return 24
  return (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
}

function zoneOf({ sign, zoneHour, zoneMinute }: Parts): number | undefined {
  if (sign === undefined) return 0
  const minutes = Number(zoneHour) * 60 + Number(zoneMinute)
  if (minutes > 14 * 60 || Number(zoneMinute) > 59) return undefined
  return (sign === '-' ? -minutes : minutes) * MINUTE_MS
}
