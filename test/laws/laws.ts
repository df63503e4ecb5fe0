import { FAILURES } from '../../src/core/failures.ts'
import { isOfPerson, type LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { DAY_MS, HOUR_MS } from '../../src/core/time/durations.ts'
import { type Window, windowId } from '../../src/core/time/window.ts'
import { DELAY_DAYS, type FeedLine } from './feeds.ts'
import type { Counted } from './service.ts'

/** Two windows of one feed that hold the same day; undefined where there are none. */
export function overlapOf(windows: readonly Window[]): string | undefined {
  const sorted = windows.toSorted((a, b) => a.from.getTime() - b.from.getTime())
  for (const [index, window] of sorted.entries()) {
    const next = sorted[index + 1]
    if (next && next.from < window.to) return `${windowId(window)} and ${windowId(next)}`
  }
  return undefined
}

/**
 * The days of a feed that belong to no window although one could have been asked for: the piece of the calendar from the
 * day to the end of its week, to the next window or to the end of the feed is due.
 */
export function uncoveredDays(line: FeedLine, windows: readonly Window[], now: Date): readonly string[] {
  const uncovered: string[] = []
  const end = line.to === undefined ? now.getTime() : Date.parse(line.to)
  for (let day = Date.parse(line.from); day < end; day += DAY_MS) {
    if (windows.some(({ from, to }) => from.getTime() <= day && day < to.getTime())) continue
    const starts = windows.map(({ from }) => from.getTime()).filter((from) => from > day)
    const piece = Math.min(endOfPiece(day, line), line.to === undefined ? Number.POSITIVE_INFINITY : end, ...starts)
    if (piece + DELAY_DAYS * DAY_MS <= now.getTime()) uncovered.push(new Date(day).toISOString().slice(0, 10))
  }
  return uncovered
}

function endOfPiece(day: number, { window }: FeedLine): number {
  const weekday = (new Date(day).getUTCDay() + 6) % 7
  return day + (window === 'P1D' ? 1 : 7 - weekday) * DAY_MS
}

/** The windows that no form of the feed ever planned, and that nobody imported. `latest`: what any clock ever showed. */
export function unplanned(
  windows: readonly Window[],
  forms: readonly FeedLine[],
  imported: readonly Window[],
  latest: Date,
): readonly string[] {
  const ids = new Set(imported.map(windowId))
  const isPlanned = ({ from, to }: Window) =>
    forms.some((line) => {
      const end = Math.min(
        line.to ? Date.parse(line.to) : Number.POSITIVE_INFINITY,
        latest.getTime() - DELAY_DAYS * DAY_MS,
      )
      return from.getTime() >= Date.parse(line.from) && to.getTime() <= end
    })
  return windows.filter((window) => !ids.has(windowId(window)) && !isPlanned(window)).map(windowId)
}

/** Whether nothing more happens to a window by itself: it has landed, or only a person heals it. */
export function isAtRest(entry: LedgerEntry): boolean {
  const isForPerson = entry.state === 'failed' && (FAILURES[entry.kind].heals === 'person' || isOfPerson(entry))
  return entry.state === 'landed' || isForPerson
}

/** The most reports that an account was asked for within one hour. */
export function mostCreatedInAnHour(calls: readonly Counted[], account: string): number {
  const at = calls.filter((call) => call.account === account && call.endpoint === 'createReport').map((call) => call.at)
  return Math.max(0, ...at.map((first) => at.filter((each) => each >= first && each < first + HOUR_MS).length))
}
