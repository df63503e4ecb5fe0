import type { StatusAnswer } from '../core/status/fields.ts'
import type { Picture } from './picture.ts'
import { command, withName } from './pieces.ts'
import { element, type Tree } from './tree.ts'
import { exact, minute } from './words.ts'

type ToDo = StatusAnswer['toDo'][number]

/** More cards than these are read by nobody. */
const MOST_CARDS = 5

/** Which cards to show at first: of each kind the first, then what is most urgent. They keep their order. */
export function firstCards(toDo: readonly ToDo[]): readonly ToDo[] {
  const ofKind = toDo.filter(({ kind }, at) => toDo.findIndex((each) => each.kind === kind) === at)
  const chosen = [...ofKind, ...toDo.filter((each) => !ofKind.includes(each))].slice(0, MOST_CARDS)
  return toDo.filter((each) => chosen.includes(each))
}

/** Everything that needs a person, a card each. */
export function toDoCards({ allCards, copied, nowMs }: Picture, { toDo }: StatusAnswer): readonly Tree[] {
  if (toDo.length === 0) return []
  const shown = allCards ? toDo : firstCards(toDo)
  const title = element('h2', { class: 'unseen' }, 'Needs you')
  const cards = element(
    'ul',
    { class: 'cards' },
    shown.map((each) => card(each, copied, nowMs)),
  )
  return [element('section', { key: 'cards' }, title, cards, more(toDo, shown, allCards))]
}

function card(
  { kind, feed, account, window, sentence, remedy, command: text, since }: ToDo,
  copied: string | undefined,
  nowMs: number,
): Tree {
  return element(
    'li',
    { key: [kind, feed, account, window, sentence].join('|'), class: 'card' },
    element(
      'p',
      { class: 'what' },
      element('span', {}, withName(sentence, feed ?? account)),
      since && element('span', { class: 'since' }, `since ${minute(since, nowMs)}`),
    ),
    element('p', { class: 'remedy' }, remedy),
    command(text, copied),
  )
}

function more(toDo: readonly ToDo[], shown: readonly ToDo[], all: boolean): Tree | undefined {
  const hidden = toDo.filter((each) => !shown.includes(each))
  if (hidden.length === 0 && (!all || toDo.length <= MOST_CARDS)) return undefined
  const kinds = new Set(hidden.map(({ kind }) => kind))
  const alike = kinds.size === 1 && shown.some(({ kind }) => kinds.has(kind)) ? ' of the same kind' : ''
  const words = all ? 'show fewer' : `and ${exact(hidden.length)} more${alike}`
  return element('button', { type: 'button', class: 'link', 'data-more': true }, words)
}
