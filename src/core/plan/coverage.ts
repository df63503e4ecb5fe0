import { writesFiles } from '../feeds/feed.ts'
import type { FeedOutline } from '../ledger/feed-row.ts'
import {
  isGap,
  isOfEarlierForm,
  isOutdated,
  isPublished,
  isRemoved,
  type LedgerEntry,
  type State,
  standingRows,
} from '../ledger/ledger.ts'
import { lacksFile } from '../ledger/published-file.ts'
import { withinReach } from '../ledger/reach.ts'
import { type Window, windowId } from '../time/window.ts'
import { wantedSpan } from './due-windows.ts'
import { type KnownFeed, planOf } from './known-feed.ts'
import { isOver, waitingWindows } from './plan.ts'
import { isEarlyBlank } from './refresh.ts'

/** How far a feed is proven complete. The proof is figures, never states alone. */
export type Coverage = {
  readonly states: Readonly<Record<State, number>>
  /** Windows that are due but not asked for yet. */
  readonly waiting: number
  /** Windows whose rows are proven, and are those that the feed asks for now. */
  readonly complete: number
  /** Windows whose rows are proven, but answer an earlier question: they stay, and are not complete. */
  readonly outdated: number
  /** Windows that had no rows when they were asked for, before their data had settled: that proves nothing yet. */
  readonly earlyBlanks: number
  /** Complete windows that landed with other columns, types or shards than the feed has now. */
  readonly earlierForm: number
  /** Landed windows without a file, of a feed that publishes files. */
  readonly withoutFile: number
  /** Landed windows whose file is not in its place yet: readers of the folder see the one before. */
  readonly lateFiles: number
  /** Complete windows whose rows were removed, because they were older than what the feed kept. */
  readonly removed: number
  readonly rows: number
  /** Windows that landed before their data had settled: they are asked for again, and are not complete yet. */
  readonly running: readonly RunningWindow[]
  /** The windows without rows that a person accepts as gaps. */
  readonly acceptedGaps: readonly string[]
  /** The end of the unbroken run of complete windows from the feed's `from`. */
  readonly completeUntil?: Date
  /** The window of the latest snapshot. A snapshot feed has no `completeUntil`. */
  readonly latestSnapshot?: Window
}

/** What a window holds whose data has not settled. `asOf`: when it was asked for. */
export type RunningWindow = { readonly window: string; readonly asOf: Date; readonly rows: number }

/** Gives the coverage of a feed at `now`. */
export function coverage(now: Date, known: KnownFeed): Coverage {
  const { row, entries } = known
  const gaps = gapsOf(known)
  const published = entries.filter(isPublished)
  const current = currentEntries(known)
  const settled = current.filter(({ figures }) => !figures.running)
  const complete = completeEntries(known)
  const states = { planned: 0, requesting: 0, requested: 0, landing: 0, landed: 0, failed: 0 }
  for (const { state } of entries) states[state]++
  return {
    states,
    waiting: waitingWindows(now, planOf(known)).length,
    complete: complete.length,
    outdated: published.length - current.length,
    earlyBlanks: settled.length - complete.length,
    earlierForm: complete.filter((entry) => isOfEarlierForm(entry, row.form)).length,
    lateFiles: entries.filter(({ owed }) => owed).length,
    withoutFile: writesFiles(row.feed) ? entries.filter(lacksFile).length : 0,
    removed: published.filter(isRemoved).length,
    rows: complete.reduce((sum, entry) => sum + standingRows(entry), 0),
    running: current.flatMap(({ window, figures }) => {
      const { running, requestedAt, rowsLanded } = figures
      return running ? [{ window: windowId(window), asOf: requestedAt, rows: rowsLanded }] : []
    }),
    acceptedGaps: gaps.map(windowId),
    ...howFar(now, row, complete, gaps),
  }
}

/** The windows whose rows are complete, and the gaps that a person accepted. A snapshot that is missing makes nothing fresher. */
export function provenWindows(known: KnownFeed): readonly Window[] {
  const gaps = known.row.feed.cadence.kind === 'snapshot' ? [] : gapsOf(known)
  return [...completeEntries(known).map(({ window }) => window), ...gaps]
}

function completeEntries(known: KnownFeed) {
  return currentEntries(known).filter(
    ({ window, figures }) => !figures.running && !isEarlyBlank(known.row.feed, window, figures),
  )
}

function currentEntries({ row, entries }: KnownFeed) {
  return entries.filter(isPublished).filter((entry) => !isOutdated(entry, row.form))
}

function gapsOf({ row, entries }: KnownFeed): readonly Window[] {
  return entries.filter((entry) => isAcceptedGap(entry, row.acceptedGaps ?? [])).map(({ window }) => window)
}

function howFar(
  now: Date,
  row: FeedOutline,
  complete: readonly LedgerEntry[],
  gaps: readonly Window[],
): Pick<Coverage, 'completeUntil' | 'latestSnapshot'> {
  const windows = inOrder(complete.map(({ window }) => window))
  const wanted = wantedSpan(withinReach(row), new Date(row.since), now)
  if (wanted) {
    const until = unbroken(
      wanted,
      inOrder([...windows, ...gaps]).filter(({ to }) => to <= now),
    )
    return until ? { completeUntil: until } : {}
  }
  const latest = windows.findLast(({ from }) => from <= now)
  return latest ? { latestSnapshot: latest } : {}
}

/** Whether a person accepted that a window has no rows. It ends with the failure that they accepted. */
function isAcceptedGap(entry: LedgerEntry, acceptedGaps: readonly string[]): boolean {
  return isGap(entry) && acceptedGaps.includes(windowId(entry.window))
}

/**
 * Whether nobody waits for a failed window: a person accepted it as a gap, it is older than what is kept, or it is a snapshot
 * whose time has passed, and the next one comes.
 */
export function isSettledFailure(now: Date, row: FeedOutline, entry: LedgerEntry): boolean {
  return entry.state === 'failed' && (isOver(now, row, entry) || isAcceptedGap(entry, row.acceptedGaps ?? []))
}

/** The end of the run of windows without a gap that covers the start of the wanted span; undefined without one. */
function unbroken({ from, to }: Window, windows: readonly Window[]): Date | undefined {
  let end = from
  for (const window of windows) {
    if (window.from > end) break
    if (window.to > end) end = window.to
  }
  if (end <= from) return undefined
  return end < to ? end : to
}

function inOrder(windows: readonly Window[]): readonly Window[] {
  return windows.toSorted((a, b) => a.from.getTime() - b.from.getTime())
}

/** How many rows of a window are published; undefined where none ever were. */
export type Fullness = { readonly window: Window; readonly rows: number | undefined }

/** Counts the empty windows between two full ones. They are possible but worth a look. */
export function emptyBetweenFull(windows: readonly Fullness[]): number {
  const sorted = windows.toSorted((a, b) => a.window.from.getTime() - b.window.from.getTime())
  return sorted.filter(({ rows }, at) => rows === 0 && isFull(sorted[at - 1]?.rows) && isFull(sorted[at + 1]?.rows))
    .length
}

export function isFull(rows: number | undefined): boolean {
  return (rows ?? 0) > 0
}
