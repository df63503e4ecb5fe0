import { counted } from '../counted.ts'
import type { FeedOutline } from '../ledger/feed-row.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import { provenWindows } from '../plan/coverage.ts'
import { minuteText } from '../time/instants.ts'
import { type Window, type WindowId, windowId } from '../time/window.ts'
import { dayWords, windowWords } from '../time/words.ts'
import { freshness } from './freshness.ts'
import { doubtedWindows, type MarkedWindow, markedWindows } from './windows.ts'

/** What of a feed raises an alarm by itself. */
export type FeedAlarms = {
  /** Since when the feed is stale, and what is said of it. */
  readonly stale?: { readonly since: Date; readonly sentence: string }
  /** The windows that are halved, and what is said of each. */
  readonly halved: ReadonlyMap<WindowId, string>
}

/** Finds the alarms of a feed in its entries, which are in order of time. */
export function feedAlarms(now: Date, row: FeedOutline, entries: readonly LedgerEntry[]): FeedAlarms {
  const { staleSince, freshUntil, next } = freshness(now, row, provenWindows({ row, entries, unreadable: [] }))
  const halved = doubtedWindows(row, markedWindows(row, entries)).filter(({ mark }) => mark === 'halved')
  return {
    halved: new Map(halved.map((window) => [windowId(window.entry.window), halvedSentence(window)])),
    ...(staleSince &&
      next && { stale: { since: staleSince, sentence: staleSentence(row, freshUntil, next, staleSince) } }),
  }
}

/** Says how far behind a feed is. */
export function staleSentence(
  { feed: { name } }: FeedOutline,
  freshUntil: Date | undefined,
  next: Window,
  since: Date,
): string {
  const rows = freshUntil ? `its newest rows end on ${dayWords(freshUntil)}` : 'it has no rows'
  return `${name} is stale: ${rows}, and ${windowWords(next)} was due by ${minuteText(since)}`
}

/** Says how many rows a window has, and how many are usual. */
export function halvedSentence({ entry: { feed, window, figures }, usual }: MarkedWindow): string {
  const rows = figures?.rowsLanded ?? 0
  return `${windowWords(window)} of ${feed} has ${counted(rows, 'row')}, and about ${usual} are usual`
}
