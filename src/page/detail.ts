import type { WindowAnswer } from '../core/status/fields.ts'
import { windowName } from '../core/time/words.ts'
import type { Picture, Place } from './picture.ts'
import { command, facts } from './pieces.ts'
import { type Child, element, type Tree } from './tree.ts'
import { exact, many, minute, size, span } from './words.ts'

/** The panel of the window that is opened. */
export function panel(picture: Picture): readonly Tree[] {
  const { opened, detail } = picture
  if (!opened) return []
  return [
    element(
      'aside',
      { key: 'panel', class: 'panel', 'aria-labelledby': 'panel-title' },
      title(opened),
      !detail
        ? element('p', { class: 'quiet', role: 'status' }, 'Reading …')
        : 'sentence' in detail && !('id' in detail)
          ? element('p', { class: 'sentence', role: 'status' }, detail.sentence)
          : element('div', { key: 'known', class: 'known' }, known(detail, picture)),
    ),
  ]
}

function title({ feed, window }: Place): Tree {
  return element(
    'header',
    {},
    element('h2', { id: 'panel-title', tabindex: -1 }, windowName(window)),
    element('p', { class: 'quiet' }, feed),
    element(
      'p',
      { class: 'buttons' },
      control('before', 'the window before'),
      control('after', 'the window after'),
      control('close', 'close'),
    ),
  )
}

function control(word: string, label: string): Tree {
  return element('button', { type: 'button', [`data-${word}`]: true, 'aria-label': label }, word)
}

function known(detail: WindowAnswer, { copied, nowMs }: Picture): readonly Child[] {
  const { sentence, error, commands, figures, totals, attempts } = detail
  return [
    element('p', { class: 'sentence' }, sentence),
    error &&
      element(
        'div',
        { class: 'card' },
        element('p', {}, `${error.kind}: ${error.message}`),
        element('p', { class: 'remedy' }, error.remedy),
      ),
    commands.map((text) => command(text, copied)),
    figures && [element('h3', {}, 'Figures'), figureRows(detail, figures, nowMs)],
    (totals.length > 0 && [element('h3', {}, 'Totals'), totalTable(totals)]) || undefined,
    (attempts.length > 0 && [element('h3', {}, 'Attempts'), attemptTable(attempts, nowMs)]) || undefined,
    element('p', { class: 'quiet' }, `${detail.id} · ${detail.lane} · ${many(detail.tries, 'try', 'tries')}`),
  ]
}

function figureRows({ attempt }: WindowAnswer, figures: NonNullable<WindowAnswer['figures']>, nowMs: number): Tree {
  const {
    milliseconds: { check, write, count },
  } = figures
  const isOlder = figures.attempt === attempt ? '' : `, of attempt ${figures.attempt}`
  const before = figures.rowsBefore === undefined ? '' : `, ${exact(figures.rowsBefore)} before`
  return facts({ class: 'figures' }, [
    ['rows landed', `${exact(figures.rowsLanded)}${before}${isOlder}`],
    ['rows read', exact(figures.rowsRead)],
    ['rows rejected', exact(figures.rowsRejected)],
    ['landed', minute(figures.landedAt, nowMs)],
    ...(figures.removedAt ? [['removed', minute(figures.removedAt, nowMs)] as const] : []),
    ['asked for', minute(figures.requestedAt, nowMs)],
    ['took', `check ${took(check)} · write ${took(write)} · count ${took(count)}`],
    ['origin', figures.origin === 'import' ? 'a file of a person' : `report ${figures.reportId}`],
    ['table', figures.table],
    ['size', size(figures.bytes)],
    ['SHA-256', figures.sha256],
    ['archive', figures.archive],
    ...(figures.rejects ? [['rejects', figures.rejects] as const] : []),
    ...(figures.emptyColumns.length > 0 ? [['empty columns', figures.emptyColumns.join(', ')] as const] : []),
  ])
}

function took(ms: number): string {
  return ms < 1000 ? `${exact(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function totalTable(totals: WindowAnswer['totals']): Tree {
  return table('totals', ['column', 'before', 'now'], totals, ({ name, sum, before }) => ({
    key: name,
    cells: [name, before ?? '', sum ?? '—'],
    look: before === undefined ? '' : 'moved',
  }))
}

function attemptTable(attempts: WindowAnswer['attempts'], nowMs: number): Tree {
  return table('attempts', ['no.', 'ended (UTC)', 'took', 'outcome', 'rows'], attempts, (each) => ({
    key: String(each.attempt),
    cells: [
      String(each.attempt),
      minute(each.at, nowMs).replace(' UTC', ''),
      each.seconds === undefined ? '—' : span(each.seconds * 1000),
      [each.outcome, ...leftBy(each)],
      each.rows === undefined ? '' : exact(each.rows),
    ],
    look: each.outcome === 'landed' ? '' : 'failed',
  }))
}

/** What helps to find out why an attempt failed. */
function leftBy({ correlationId, archive, rejects }: WindowAnswer['attempts'][number]): readonly Child[] {
  const lines = [correlationId && `correlation id ${correlationId}`, archive, rejects]
  return lines.filter(Boolean).map((line) => element('small', {}, line))
}

type Row = { readonly key: string; readonly cells: readonly Child[]; readonly look: string }

function table<T>(look: string, names: readonly string[], items: readonly T[], row: (item: T) => Row): Tree {
  return element(
    'div',
    { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': `Table of ${names.join(', ')}` },
    element(
      'table',
      { class: look },
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          names.map((name) => element('th', { scope: 'col' }, name)),
        ),
      ),
      element(
        'tbody',
        {},
        items.map(row).map(({ key, cells, look }) =>
          element(
            'tr',
            { key, class: look },
            cells.map((cell) => element('td', {}, cell)),
          ),
        ),
      ),
    ),
  )
}
