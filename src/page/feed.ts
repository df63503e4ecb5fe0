import { windowName, windowWords } from '../core/time/words.ts'
import { type Cell, countEarlier, type FeedAnswer, LOOKS, type Strip, strip } from './cells.ts'
import type { Picture } from './picture.ts'
import { pair } from './pieces.ts'
import { element, type Tree } from './tree.ts'
import { axisMark, day, exact, idDay, many, minute, short, span } from './words.ts'

/** So many restated windows are named in the line that is folded. */
const MOST_NAMED = 3

/** A feed: how it stands, its strip of windows, and what is worth a note. `at`: when the ledger was read. */
export function feedSection(picture: Picture, feed: FeedAnswer, at: string): Tree {
  const { name } = feed
  const cells = strip(feed, new Date(at))
  const isUnfolded = picture.unfolded.has(name)
  const all = isUnfolded ? [...cells.earlier, ...cells.shown] : cells.shown
  const stop = all.some(({ id }) => id === picture.stops.get(name)) ? picture.stops.get(name) : all.at(-1)?.id
  return element(
    'section',
    { key: `feed ${name}`, class: 'feed', 'aria-label': `Feed ${name}` },
    head(feed, at),
    element(
      'div',
      { key: 'strip', class: `strip ${feed.grain}`, role: 'group', 'aria-label': `Windows of ${name}` },
      blanks(blanksOf(cells.columns, all.length)),
      all.map((cell) => cellButton(name, cell, cell.id === stop, isOpened(picture, name, cell))),
    ),
    axis(picture, feed, cells, all),
    notes(feed, picture.nowMs),
  )
}

function isOpened({ opened }: Picture, feed: string, { id }: Cell): boolean {
  return opened?.feed === feed && opened.window === id
}

function head(feed: FeedAnswer, at: string): Tree {
  const { name, dataset, table, completeUntil, latestSnapshot, rows, nextDue, grain } = feed
  const until = grain === 'snapshot' ? latestSnapshot && idDay(latestSnapshot) : completeUntil && day(completeUntil)
  const next = nextDue === undefined ? '—' : nextDue <= at ? 'now' : day(nextDue)
  const { look, words } = standing(feed, at)
  return element(
    'div',
    { key: 'head', class: 'head' },
    element('h3', {}, name),
    element('span', { class: `pill ${look}` }, words),
    element('span', { class: 'what' }, `${dataset} → ${table}`),
    element(
      'span',
      { class: 'pairs' },
      pair(grain === 'snapshot' ? 'latest snapshot' : 'complete until', until ?? '—'),
      pair('rows', short(rows), { class: 'pair rows', title: exact(rows) }),
      pair('next', next),
    ),
  )
}

type Standing = { readonly look: 'good' | 'warn' | 'bad' | 'off'; readonly words: string }

/** How a feed stands, in two words. */
export function standing(feed: FeedAnswer, at: string): Standing {
  const { enabled, removedSince, blocked, trouble, staleSince, freshUntil, latestSnapshot } = feed
  if (removedSince) return { look: 'off', words: 'being removed' }
  if (!enabled) return { look: 'off', words: 'switched off' }
  if (blocked) return { look: 'bad', words: 'blocked' }
  if (staleSince)
    return { look: 'warn', words: `${span(Math.max(Date.parse(at) - Date.parse(staleSince), 60_000))} late` }
  if (trouble) return { look: 'warn', words: 'held up' }
  return freshUntil || latestSnapshot ? { look: 'good', words: 'fresh' } : { look: 'off', words: 'no rows yet' }
}

/** The newest window is at the right edge, also where there are few or several rows of them. */
function blanksOf(columns: number, count: number): number {
  return (columns - (count % columns)) % columns
}

function blanks(count: number): readonly Tree[] {
  return Array.from({ length: count }, (_, at) => element('span', { key: `blank ${at}`, class: 'blank' }))
}

function cellButton(feed: string, cell: Cell, isStop: boolean, isOpen: boolean): Tree {
  const { id, look } = cell
  return element('button', {
    key: id,
    type: 'button',
    class: `cell ${look}`,
    tabindex: isStop ? 0 : -1,
    'data-feed': feed,
    'data-window': id,
    'data-open': true,
    // Drawn by the style, because it is no word that anybody would say.
    'data-glyph': LOOKS[look].glyph,
    'aria-label': cellWords(cell),
    'aria-current': isOpen && 'true',
  })
}

/** A cell in words: `October 2026: landed, 12 345 rows`. */
export function cellWords({ window, look, rows }: Cell): string {
  const count = rows === undefined || look === 'empty' || look === 'removed' ? '' : `, ${many(rows, 'row')}`
  return `${windowWords(window)}: ${LOOKS[look].word}${count}`
}

/** The ends of the strip, what lies before it, and the cell that a person points at. */
function axis(picture: Picture, { name, grain }: FeedAnswer, cells: Strip, all: readonly Cell[]): Tree {
  const { pointed, unfolded } = picture
  const [first] = all
  const last = all.at(-1)
  const cell = pointed?.feed === name ? all.find(({ id }) => id === pointed.window) : undefined
  const mark = (each: Cell | undefined) => (each ? axisMark(each.window.from.getTime(), grain === 'month') : '')
  const isFull = blanksOf(cells.columns, all.length) === 0
  const end = isFull || first === last ? mark(last) : `${mark(first)} to ${mark(last)}`
  return element(
    'div',
    { key: 'axis', class: 'axis' },
    element('span', { class: 'start' }, isFull ? mark(first) : '', ' ', earlierButton(name, cells, unfolded.has(name))),
    element('span', { class: 'pointed', 'aria-hidden': 'true' }, cell ? cellWords(cell) : ''),
    element('span', {}, end),
  )
}

function earlierButton(name: string, cells: Strip, isUnfolded: boolean): Tree | undefined {
  if (cells.earlier.length === 0) return undefined
  const { complete, outdated, holes } = countEarlier(cells)
  const parts = [
    `${exact(complete)} complete`,
    ...(outdated > 0 ? [`${exact(outdated)} outdated`] : []),
    ...(holes > 0 ? [many(holes, 'hole')] : []),
  ]
  return element(
    'button',
    {
      type: 'button',
      class: holes > 0 ? 'link holes' : 'link',
      'data-earlier': name,
      'aria-expanded': isUnfolded ? 'true' : 'false',
      'aria-label': `${name}, earlier: ${parts.join(', ')}`,
    },
    `${isUnfolded ? 'hide ' : ''}earlier: ${parts.join(', ')}`,
  )
}

/** What is worth knowing and asks for nothing. Folded: the line says how much there is. */
function notes(feed: FeedAnswer, nowMs: number): Tree | undefined {
  const { trouble, restated } = feed
  const held = trouble ? [`${trouble.message}. ${trouble.remedy}`] : []
  const lines = [...held, ...newestRows(feed, nowMs), ...feed.notes]
  if (lines.length + restated.length === 0) return undefined
  if (restated.length === 0 && lines.length === 1) return element('p', { key: 'note', class: 'notes quiet' }, lines[0])
  const named = restated.slice(0, MOST_NAMED).map(({ window }) => windowName(window))
  const summary = [
    ...(named.length > 0 ? [`restated: ${named.join(', ')}${restated.length > MOST_NAMED ? ', …' : ''}`] : []),
    ...(lines.length > 1 ? [many(lines.length, 'note')] : lines),
  ]
  return element(
    'details',
    { key: 'notes', class: 'notes' },
    element('summary', {}, summary.join(' · ')),
    element(
      'ul',
      {},
      lines.map((line) => element('li', {}, line)),
      restated.map(restatement),
    ),
  )
}

/** Where nothing is missing, "complete until" says it. */
function newestRows(feed: FeedAnswer, nowMs: number): readonly string[] {
  const { grain, freshUntil, dueBy, staleSince, completeUntil } = feed
  if (freshUntil === undefined || grain === 'snapshot') return []
  if (staleSince === undefined && freshUntil === completeUntil) return []
  const due = dueBy ? `, the next are due by ${minute(dueBy, nowMs)}` : ''
  return [`The newest rows end on ${day(freshUntil)}${due}`]
}

function restatement({ window, landedAt, rows, moved }: FeedAnswer['restated'][number]): Tree {
  const changes = [
    ...(rows ? [`${exact(rows.before)} → ${many(rows.after, 'row')}`] : []),
    ...moved.map(({ name, before, after }) => `${name} ${before ?? '—'} → ${after ?? '—'}`),
  ]
  return element('li', {}, `${windowName(window)}, landed again on ${day(landedAt)}: ${changes.join('; ')}`)
}
