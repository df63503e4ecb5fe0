import type { FeedOutline } from '../ledger/feed-row.ts'
import {
  changeOf,
  type Figures,
  isConfirmed,
  isOutdated,
  isPublished,
  isRemoved,
  isRestated,
  type LedgerEntry,
  standingRows,
} from '../ledger/ledger.ts'
import { isFull } from '../plan/coverage.ts'
import { isEarlyBlank } from '../plan/refresh.ts'
import { present } from '../present.ts'
import { windowId } from '../time/window.ts'
import type { Mark, Restated, WindowStatus } from './fields.ts'

/** A window with its mark. `usual`: how many rows the windows before it lead to expect, where it is halved. */
export type MarkedWindow = { readonly entry: LedgerEntry; readonly mark?: Mark; readonly usual?: number }

/** So many windows before one say how many rows are usual. */
const COMPARED = 6

/** A window with a smaller share of the usual rows is marked. */
const HALF = 0.5

/** Marks the windows of a feed, which are in order of time. */
export function markedWindows({ form }: Pick<FeedOutline, 'form'>, entries: readonly LedgerEntry[]) {
  const earlier: number[] = []
  return entries.map((entry): MarkedWindow => {
    const lengthMs = entry.window.to.getTime() - entry.window.from.getTime()
    // Windows of several lengths are compared by their rows in the same time.
    const usual = earlier.length < COMPARED ? 0 : median(earlier) * lengthMs
    if (isComparable(entry, form)) {
      earlier.push(entry.figures.rowsLanded / lengthMs)
      if (earlier.length > COMPARED) earlier.shift()
    }
    const mark = markOf(entry, form, usual)
    return present<MarkedWindow>({ entry, mark, usual: mark === 'halved' ? Math.round(usual) : undefined })
  })
}

/** Whether a window tells how many rows are usual. That of rows which were removed since stays true. */
function isComparable(
  entry: LedgerEntry,
  { rowSet }: FeedOutline['form'],
): entry is LedgerEntry & { readonly figures: Figures } {
  return isPublished(entry) && !entry.figures.running && entry.figures.rowSet === rowSet
}

function markOf(entry: LedgerEntry, form: FeedOutline['form'], usual: number): Mark | undefined {
  if (!isPublished(entry)) return undefined
  const { running, rowsLanded } = entry.figures
  if (isRemoved(entry)) return 'removed'
  if (isOutdated(entry, form)) return 'outdated'
  if (running) return 'running'
  if (rowsLanded === 0) return 'empty'
  return rowsLanded < usual * HALF ? 'halved' : undefined
}

/**
 * The marked windows that a person should look at: an empty one between two full ones, and a halved one. Once the service has
 * given the same answer a second time, it is the service's word, and nothing is left to do.
 */
export function doubtedWindows({ feed }: FeedOutline, windows: readonly MarkedWindow[]): readonly MarkedWindow[] {
  const isFullAt = (at: number) => {
    const beside = windows[at]
    return beside !== undefined && isFull(standingRows(beside.entry))
  }
  return windows.filter(({ entry, mark }, at) => {
    const { figures, window } = entry
    if (!figures || figures.origin === 'import' || isConfirmed(entry)) return false
    if (mark === 'halved') return true
    const isBetween = isFullAt(at - 1) && isFullAt(at + 1)
    return mark === 'empty' && isBetween && !isEarlyBlank(feed, window, figures)
  })
}

export function toWindowStatus({ entry, mark }: MarkedWindow): WindowStatus {
  const { window, state, attempt, figures, lastError } = entry
  return {
    id: windowId(window),
    state,
    ...(mark && { mark }),
    ...(figures && { rows: standingRows(entry) }),
    ...(isRemoved(entry) && { removed: true }),
    attempt,
    ...(isRestated(entry) && { restated: true }),
    ...(lastError && { error: `${lastError.kind}: ${lastError.message}` }),
  }
}

/** So many restated windows of a feed are listed. */
const MOST_RESTATED = 10

/** The windows that the source restated, the newest first. */
export function restatedWindows(entries: readonly LedgerEntry[]): readonly Restated[] {
  return entries
    .filter(isPublished)
    .filter(isRestated)
    .sort((a, b) => b.figures.landedAt.getTime() - a.figures.landedAt.getTime())
    .slice(0, MOST_RESTATED)
    .map((entry) => {
      const { rows, totals = [] } = changeOf(entry) ?? {}
      return present({ window: windowId(entry.window), landedAt: entry.figures.landedAt, rows, moved: totals })
    })
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = 0, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1)
  return (low + high) / 2
}

/** No alarm depends on these figures. */
const NOT_SEEN = {
  reportId: '',
  executionId: '',
  sha256: '',
  archive: '',
  totals: {},
  emptyColumns: [],
  milliseconds: { check: 0, write: 0, count: 0 },
} satisfies Partial<Figures>

/** What an audit keeps of an entry to find alarms in the end: a feed has thousands, whose texts take most of the memory. */
export function forAlarms(entry: LedgerEntry): LedgerEntry {
  const { figures } = entry
  if (!figures) return { ...entry, history: [] }
  const { totalsBefore: _, rowsBefore: __, rejects: ___, ...rest } = figures
  const confirmed = isConfirmed(entry) ? { totalsBefore: {}, rowsBefore: figures.rowsLanded } : {}
  return { ...entry, history: [], figures: { ...rest, ...NOT_SEEN, ...confirmed } }
}
