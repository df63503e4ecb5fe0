import type { StatusAnswer } from '../core/status/fields.ts'
import { panel } from './detail.ts'
import { feedSection } from './feed.ts'
import { legend, tiles, workings } from './overview.ts'
import type { Picture } from './picture.ts'
import { toDoCards } from './to-do.ts'
import { element, type Tree } from './tree.ts'
import { ago, many, minute } from './words.ts'

const NAME = 'Partner Insights Sync'

/** The whole page. */
export function page(picture: Picture): readonly Tree[] {
  const { status, trouble } = picture
  const look = status && trouble ? 'old' : ''
  return [
    header(picture),
    ...banner(picture),
    element('main', { key: 'main', class: look }, status ? body(picture, status) : waiting(picture)),
    ...panel(picture),
  ]
}

/** The title of the tab. */
export function pageTitle({ status, trouble }: Picture): string {
  if (trouble) return `? · ${NAME}`
  const count = status?.toDo.length ?? 0
  return count > 0 ? `${many(count, 'thing')} · ${NAME}` : NAME
}

function header({ status, host, nowMs }: Picture): Tree {
  return element(
    'header',
    { key: 'header', class: 'top' },
    element('h1', {}, NAME),
    element('p', { class: 'where' }, [host, status?.version].filter(Boolean).join(' · ')),
    status &&
      element('p', { class: 'age' }, `as of ${minute(status.at, nowMs)}, ${ago(nowMs - Date.parse(status.at))}`),
  )
}

/** An answer that failed, on top of everything. */
function banner({ status, trouble, nowMs }: Picture): readonly Tree[] {
  if (!trouble) return []
  const rest = status ? ` What you see is from ${minute(status.at, nowMs)}.` : ''
  return [
    element(
      'div',
      { key: 'banner', class: 'banner', role: 'alert' },
      element('p', {}, `${trouble.sentence}${rest}`),
      trouble.refused ? keyForm() : element('button', { type: 'button', 'data-again': true }, 'try now'),
    ),
  ]
}

function keyForm(): Tree {
  return element(
    'form',
    { 'data-key': true },
    element('label', { for: 'key' }, 'Function key'),
    element('input', { id: 'key', name: 'key', type: 'password', autocomplete: 'off', required: true }),
    element('button', { type: 'submit' }, 'open'),
    element(
      'span',
      { class: 'quiet' },
      'It stays in this tab. In Azure it is among the keys of the Function App; npm start prints it.',
    ),
  )
}

function waiting({ trouble }: Picture): readonly Tree[] {
  return trouble ? [] : [element('p', { class: 'quiet', role: 'status' }, 'Reading the status …')]
}

function body(picture: Picture, status: StatusAnswer): readonly Tree[] {
  return [
    tiles(status),
    ...toDoCards(picture, status),
    workings(picture, status),
    ...(status.feeds.length > 0 ? [legend()] : []),
    element(
      'div',
      { key: 'feeds', class: 'feeds' },
      element('h2', { class: 'unseen' }, 'Feeds'),
      status.feeds.map((feed) => feedSection(picture, feed, status.at)),
      status.feeds.length > 0
        ? undefined
        : element(
            'p',
            { class: 'none' },
            'The app knows no feeds yet. It reads feeds.json at the next tick of provision.',
          ),
    ),
  ]
}
