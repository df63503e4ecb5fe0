import type { FeedStatus, WindowStatus } from '../core/status/fields.ts'
import { lengthOf, windowsOf } from '../core/status/gaps.ts'
import type { InJson } from '../core/status/shape.ts'
import { alignDown, GRAIN } from '../core/time/calendar.ts'
import { addDuration, type Duration } from '../core/time/durations.ts'
import { parseWindowId, type Window, windowId } from '../core/time/window.ts'

export type FeedAnswer = InJson<FeedStatus>
type WindowAnswer = InJson<WindowStatus>

/** What a cell looks like. The glyph alone tells it apart, for those who see no colours and on paper. */
export const LOOKS = {
  landed: { glyph: '', word: 'landed' },
  restated: { glyph: '↻', word: 'restated' },
  empty: { glyph: '0', word: 'empty' },
  halved: { glyph: '½', word: 'halved' },
  outdated: { glyph: '≠', word: 'outdated' },
  running: { glyph: '▸', word: 'still running' },
  removed: { glyph: '×', word: 'removed' },
  coming: { glyph: '↓', word: 'on its way' },
  waiting: { glyph: '·', word: 'waiting' },
  unasked: { glyph: '', word: 'not asked yet' },
  undue: { glyph: '', word: 'nothing due' },
  failed: { glyph: '!', word: 'failed' },
  gap: { glyph: '–', word: 'accepted gap' },
} as const satisfies Record<string, { readonly glyph: string; readonly word: string }>
export type Look = keyof typeof LOOKS

/** One window of a strip. A window that nobody has asked for has no entry in the answer. */
export type Cell = { readonly id: string; readonly window: Window; readonly look: Look; readonly rows?: number }

/** The cells of a feed, in order of time: the newest, and those before them. */
export type Strip = { readonly columns: number; readonly earlier: readonly Cell[]; readonly shown: readonly Cell[] }

/** So much of a feed is shown at first. */
const COLUMNS = { month: 24, day: 90, snapshot: 20 } as const

/** Makes the cells of a feed. `now`: when the ledger was read. */
export function strip(feed: FeedAnswer, now: Date): Strip {
  const columns = COLUMNS[feed.grain]
  const asked = feed.windows.flatMap((window) => askedCell(feed, window))
  if (feed.grain === 'snapshot') return cut(columns, asked, asked.length - columns)
  const unit = GRAIN[feed.grain]
  const end = addDuration(alignDown(now, unit), unit)
  const cells = withGaps(feed, asked, end)
  const start = addDuration(end, { months: unit.months * columns, days: unit.days * columns, seconds: 0 }, -1)
  const inside = cells.findIndex(({ window }) => window.to > start)
  return cut(columns, cells, inside === -1 ? cells.length : inside)
}

function cut(columns: number, cells: readonly Cell[], at: number): Strip {
  return { columns, earlier: cells.slice(0, Math.max(at, 0)), shown: cells.slice(Math.max(at, 0)) }
}

function askedCell(feed: FeedAnswer, answer: WindowAnswer): readonly Cell[] {
  const { id, rows } = answer
  const window = parseWindowId(id)
  if (!window) return []
  return [{ id, window, look: lookOf(feed, answer), ...(rows !== undefined && { rows }) }]
}

function lookOf({ acceptedGaps }: FeedAnswer, { id, state, mark, rows, restated }: WindowAnswer): Look {
  if (state === 'failed') return acceptedGaps.includes(id) ? 'gap' : 'failed'
  if (rows === undefined && state !== 'landed') return state === 'planned' ? 'waiting' : 'coming'
  return mark ?? (restated ? 'restated' : 'landed')
}

/** Puts what is due and was never asked for between what was, and the time for which nothing is due up to the end. */
function withGaps(feed: FeedAnswer, asked: readonly Cell[], end: Date): readonly Cell[] {
  const due = feed.gaps.flatMap((gap) => windowsOf({ ...gap, from: new Date(gap.from), to: new Date(gap.to) }))
  const cells = [...asked, ...due.map((window) => unasked(window, 'unasked'))]
  cells.sort((a, b) => a.window.from.getTime() - b.window.from.getTime())
  return cells.flatMap((cell, at) => {
    const next = cells[at + 1]?.window.from ?? (feed.enabled ? end : cell.window.to)
    return [cell, ...between(cell.window.to, next, lengthOf(cell.window))]
  })
}

function between(from: Date, to: Date, step: Duration): readonly Cell[] {
  const cells: Cell[] = []
  for (let at = from; at < to; ) {
    const next = addDuration(at, step)
    cells.push(unasked({ from: at, to: next < to ? next : to }, 'undue'))
    at = next
  }
  return cells
}

function unasked(window: Window, look: 'unasked' | 'undue'): Cell {
  return { id: windowId(window), window, look }
}

/** What the cells before the shown ones come to. */
export type Earlier = { readonly complete: number; readonly outdated: number; readonly holes: number }

export function countEarlier({ earlier }: Strip): Earlier {
  const outdated = earlier.filter(({ look }) => look === 'outdated').length
  const without = earlier.filter(({ look, rows }) => look === 'unasked' || (rows === undefined && look !== 'landed'))
  const holes = without.filter(({ look }) => look !== 'gap' && look !== 'undue').length
  return { complete: earlier.length - outdated - without.length, outdated, holes }
}
