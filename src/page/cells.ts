import type { InJson } from '../core/status/field.ts'
import type { FeedStatus, WindowStatus } from '../core/status/fields.ts'
import { alignDown, GRAIN } from '../core/time/calendar.ts'
import { addDuration, DAY_MS, type Duration } from '../core/time/durations.ts'
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
  coming: { glyph: '↓', word: 'on its way' },
  waiting: { glyph: '·', word: 'waiting' },
  unasked: { glyph: '', word: 'not asked yet' },
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
  const cells = withGaps(feed, asked, unit, end)
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

/** Puts the time that nobody has asked for yet between, behind and before what was asked for. */
function withGaps(feed: FeedAnswer, asked: readonly Cell[], unit: Duration, end: Date): readonly Cell[] {
  const [first] = asked
  const last = asked.at(-1)
  if (!first || !last) return before(alignDown(new Date(end.getTime() - 1), unit), unit, feed.waiting)
  const inner = asked.flatMap(({ window }, at) => {
    const next = asked[at + 1]
    return next ? between(window.to, next.window.from, stepOf(window)) : []
  })
  const behind = feed.enabled ? between(last.window.to, end, stepOf(last.window)) : []
  // History comes newest first: what is due and neither in between nor behind lies before the first window.
  const due = feed.waiting - inner.length - (feed.staleSince || feed.blocked ? behind.length : 0)
  const cells = [...before(first.window.from, stepOf(first.window), due), ...asked, ...inner, ...behind]
  return cells.sort((a, b) => a.window.from.getTime() - b.window.from.getTime())
}

/** How long a window is, in whole months where it begins and ends with one. */
function stepOf({ from, to }: Window): Duration {
  const isMonths = from.getUTCDate() === 1 && to.getUTCDate() === 1
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth()
  if (isMonths && months > 0) return { months, days: 0, seconds: 0 }
  return { months: 0, days: Math.max(1, Math.round((to.getTime() - from.getTime()) / DAY_MS)), seconds: 0 }
}

function between(from: Date, to: Date, step: Duration): readonly Cell[] {
  const cells: Cell[] = []
  for (let at = from; at < to; ) {
    const next = addDuration(at, step)
    cells.push(unasked({ from: at, to: next < to ? next : to }))
    at = next
  }
  return cells
}

function before(to: Date, step: Duration, count: number): readonly Cell[] {
  const cells: Cell[] = []
  for (let at = to; cells.length < count; ) {
    const from = addDuration(at, step, -1)
    cells.unshift(unasked({ from, to: at }))
    at = from
  }
  return cells
}

function unasked(window: Window): Cell {
  return { id: windowId(window), window, look: 'unasked' }
}

/** What the cells before the shown ones come to. */
export type Earlier = { readonly complete: number; readonly outdated: number; readonly holes: number }

export function countEarlier({ earlier }: Strip): Earlier {
  const outdated = earlier.filter(({ look }) => look === 'outdated').length
  const without = earlier.filter(({ look, rows }) => look === 'unasked' || (rows === undefined && look !== 'landed'))
  const holes = without.filter(({ look }) => look !== 'gap').length
  return { complete: earlier.length - outdated - without.length, outdated, holes }
}
