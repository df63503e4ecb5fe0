import { askStatus, askWindow } from './answers.ts'
import { strip } from './cells.ts'
import { keepKey, takeKey } from './key.ts'
import { page, pageTitle } from './page.ts'
import { patch } from './patch.ts'
import { firstPicture, type Picture, type Place } from './picture.ts'

/** The ledger changes with the ticks of the timers, which are minutes apart. */
const REFRESH_MS = 60_000

/** The first tick of an app that has just started is seconds away. */
const FIRST_FEEDS_MS = 4_000

/** How often ages on the page are written anew. */
const AGES_MS = 5_000

let key = takeKey()
let picture = firstPicture(location.host, Date.now())
/** By how much the clock of the app is ahead of the one here. */
let aheadMs = 0
let askedAt = 0

function show(change: Partial<Picture>): void {
  picture = { ...picture, ...change, nowMs: Date.now() + aheadMs }
  const root = document.getElementById('page')
  if (!root) return
  patch(root, page(picture))
  document.title = pageTitle(picture)
  // A panel that covers the page must not let the focus out.
  root.querySelector('main')?.toggleAttribute('inert', picture.opened !== undefined && isNarrow())
}

function isNarrow(): boolean {
  return matchMedia('(max-width: 40rem)').matches
}

async function refresh(): Promise<void> {
  askedAt = Date.now()
  const mine = askedAt
  const said = await askStatus(key)
  // A slower answer to an earlier question is no news.
  if (mine !== askedAt) return
  if ('trouble' in said) return show({ trouble: said.trouble })
  aheadMs = Date.parse(said.answer.at) - Date.now()
  show({ status: said.answer, trouble: undefined })
  if (picture.opened) await read(picture.opened)
}

/** A page that nobody sees asks for nothing. */
function refreshIfOld(): void {
  const waitMs = picture.status?.feeds.length === 0 ? FIRST_FEEDS_MS : REFRESH_MS
  if (!document.hidden && Date.now() - askedAt >= waitMs) void refresh()
}

async function open(place: Place): Promise<void> {
  show({ opened: place, detail: undefined, stops: new Map(picture.stops).set(place.feed, place.window) })
  document.getElementById('panel-title')?.focus()
  await read(place)
}

async function read(place: Place): Promise<void> {
  const isThis = () => picture.opened?.feed === place.feed && picture.opened.window === place.window
  if (!isAsked(place)) return show({ detail: { sentence: 'Nobody has asked for this window yet.' } })
  const said = await askWindow(place, key)
  if (isThis()) show({ detail: 'trouble' in said ? { sentence: said.trouble.sentence } : said.answer })
}

function isAsked({ feed, window }: Place): boolean {
  return feedNamed(feed)?.windows.some(({ id }) => id === window) ?? false
}

function feedNamed(name: string) {
  return picture.status?.feeds.find((feed) => feed.name === name)
}

function close(): void {
  const place = picture.opened
  if (!place) return
  show({ opened: undefined, detail: undefined })
  cellOf(place)?.focus()
}

function cellOf({ feed, window }: Place): HTMLElement | undefined {
  const cells = document.querySelectorAll<HTMLElement>('.strip .cell')
  return Array.from(cells).find(({ dataset }) => dataset.feed === feed && dataset.window === window)
}

function placeOf(target: EventTarget | null): Place | undefined {
  const place = closest(target, '[data-window]')?.dataset
  return place?.feed !== undefined && place.window !== undefined
    ? { feed: place.feed, window: place.window }
    : undefined
}

function closest(target: EventTarget | null, selector: string): HTMLElement | undefined {
  return (target instanceof Element ? target.closest<HTMLElement>(selector) : undefined) ?? undefined
}

/** Opens the window before or after the opened one. */
function openBeside(step: -1 | 1): void {
  const place = picture.opened
  const feed = place && feedNamed(place.feed)
  if (!place || !feed || !picture.status) return
  const { earlier, shown } = strip(feed, new Date(picture.status.at))
  const cells = picture.unfolded.has(feed.name) ? [...earlier, ...shown] : shown
  const next = cells[cells.findIndex(({ id }) => id === place.window) + step]
  if (next) void open({ feed: feed.name, window: next.id })
}

async function copy(text: string, button: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    show({ copied: text })
  } catch {
    // The browser allows no copying here: the text is marked, for the person to copy.
    const code = button.parentElement?.querySelector('code')
    if (code) getSelection()?.selectAllChildren(code)
  }
}

function toggled(names: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(names)
  if (!next.delete(name)) next.add(name)
  return next
}

function onClick(event: MouseEvent): void {
  const button = closest(event.target, 'button')
  if (!button) return
  const { copy: text, earlier } = button.dataset
  const place = placeOf(button)
  if (text !== undefined) void copy(text, button)
  else if (place) void open(place)
  else if (earlier !== undefined) show({ unfolded: toggled(picture.unfolded, earlier) })
  else if ('more' in button.dataset) show({ allCards: !picture.allCards })
  else if ('close' in button.dataset) close()
  else if ('before' in button.dataset) openBeside(-1)
  else if ('after' in button.dataset) openBeside(1)
  else if ('again' in button.dataset) void refresh()
}

/** Arrow keys go from cell to cell, in the panel from window to window. */
function onKey(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return
  if (event.key === 'Escape') close()
  const cell = closest(event.target, '.strip .cell')
  const isInPanel = closest(event.target, '.panel') !== undefined && closest(event.target, '.scroll') === undefined
  if (isInPanel && event.key === 'ArrowLeft') openBeside(-1)
  else if (isInPanel && event.key === 'ArrowRight') openBeside(1)
  const next = cell && nextCell(cell, event.key)
  if (!next) return
  event.preventDefault()
  next.focus()
}

function nextCell(cell: HTMLElement, pressed: string): HTMLElement | undefined {
  const strips = Array.from(document.querySelectorAll('.strip'), (each) =>
    Array.from(each.querySelectorAll<HTMLElement>('.cell')),
  )
  const row = strips.findIndex((cells) => cells.includes(cell))
  const cells = strips[row] ?? []
  const at = cells.indexOf(cell)
  if (pressed === 'ArrowLeft') return cells[at - 1]
  if (pressed === 'ArrowRight') return cells[at + 1]
  if (pressed === 'Home') return cells[0]
  if (pressed === 'End') return cells.at(-1)
  // The newest windows of all feeds are below each other.
  if (pressed === 'ArrowUp')
    return strips
      .slice(0, Math.max(row, 0))
      .findLast((each) => each.length > 0)
      ?.at(at - cells.length)
  if (pressed === 'ArrowDown')
    return strips
      .slice(row + 1)
      .find((each) => each.length > 0)
      ?.at(at - cells.length)
  return undefined
}

function onFocus(event: FocusEvent): void {
  const place = closest(event.target, '.strip .cell') && placeOf(event.target)
  if (place) show({ pointed: place, stops: new Map(picture.stops).set(place.feed, place.window) })
}

function onPointer(event: PointerEvent): void {
  const place = closest(event.target, '.strip .cell') && placeOf(event.target)
  if (place?.feed === picture.pointed?.feed && place?.window === picture.pointed?.window) return
  show({ pointed: place })
}

function onSubmit(event: SubmitEvent): void {
  event.preventDefault()
  const given = event.target instanceof HTMLFormElement ? new FormData(event.target).get('key') : undefined
  if (typeof given !== 'string') return
  keepKey(given.trim())
  key = given.trim()
  void refresh()
}

addEventListener('click', onClick)
addEventListener('keydown', onKey)
addEventListener('focusin', onFocus)
addEventListener('pointerover', onPointer)
addEventListener('submit', onSubmit)
addEventListener('hashchange', () => {
  key = takeKey()
  void refresh()
})
addEventListener('visibilitychange', refreshIfOld)
setInterval(() => {
  show({})
  refreshIfOld()
}, AGES_MS)
show({})
void refresh()
