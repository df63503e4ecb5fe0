import type { Changed, OneSided } from '../../src/core/report/comparison.ts'
import type { Diff } from '../../src/steps/operator/diff.ts'
import { type Line, table } from '../output.ts'

/** A row is shown in so many characters. --json has all of it. */
const ROW_LENGTH = 200

/** A comparison as a person reads it. */
export function diffLines(diff: Diff): readonly Line[] {
  const { before, after, key, keyLacks, rows } = diff
  return [
    `${diff.feed} ${diff.window}: from attempt ${before.attempt} to attempt ${after.attempt}`,
    `rows: ${before.rows} before, ${after.rows} after: ${diff.added} added, ${diff.removed} removed, ${diff.changed} changed, ${diff.same} the same`,
    ...(before.rejected + after.rejected > 0
      ? [`rejects, which are not compared: ${before.rejected} before, ${after.rejected} after`]
      : []),
    ...(key.length > 0 ? [`a row is known by ${key.join(', ')}`] : [wholeRows(keyLacks)]),
    ...(diff.repeatedKeys > 0
      ? [
          `${diff.repeatedKeys} keys have several rows in one landing: rows of these are added or removed, never changed`,
        ]
      : []),
    ...[...leftOut('added', diff.columnsAdded), ...leftOut('removed', diff.columnsRemoved)],
    ...columnLines(diff),
    ...rowLines('+', diff.added, rows.added.map(oneSidedText)),
    ...rowLines('-', diff.removed, rows.removed.map(oneSidedText)),
    ...rowLines('~', diff.changed, rows.changed.map(changedText)),
  ]
}

function wholeRows(keyLacks: readonly string[]): string {
  const why =
    keyLacks.length > 0
      ? `not both landings have ${keyLacks.join(', ')} of the feed's key`
      : 'the feed has no "key" in feeds.json'
  return `${why}: whole rows are compared, so a row that changed is one removed and one added`
}

function leftOut(what: 'added' | 'removed', columns: readonly string[]): readonly string[] {
  return columns.length > 0 ? [`columns ${what}, which are not compared: ${columns.join(', ')}`] : []
}

/** The columns whose sum moved, and those that changed in any row. */
function columnLines({ totals, changedIn }: Diff): readonly Line[] {
  const moved = totals.filter(({ moved }) => moved !== '0')
  const names = new Set([...moved.map(({ column }) => column), ...Object.keys(changedIn)])
  if (names.size === 0) return []
  const rows = [...names].map((name) => {
    const total = totals.find(({ column }) => column === name)
    return [name, total?.before ?? '-', total?.after ?? '-', total?.moved ?? '-', String(changedIn[name] ?? 0)]
  })
  return table(['column', 'total before', 'total after', 'moved by', 'changed rows'], rows)
}

function rowLines(sign: string, count: number, texts: readonly string[]): readonly string[] {
  const more = count - texts.length
  const shown = texts.map((text) => `${sign} ${text.length > ROW_LENGTH ? `${text.slice(0, ROW_LENGTH - 1)}…` : text}`)
  return more > 0 ? [...shown, `${sign} and ${more} more; --rows shows up to 100`] : shown
}

function oneSidedText({ line, values }: OneSided): string {
  return `line ${line}: ${valuesText(values)}`
}

function changedText({ lineAfter, key, values }: Changed): string {
  const changes = Object.entries(values).map(
    ([name, { before, after }]) => `${name} ${quoted(before)} is now ${quoted(after)}`,
  )
  return `line ${lineAfter}: ${valuesText(key)}: ${changes.join(', ')}`
}

function valuesText(values: OneSided['values']): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${quoted(value)}`)
    .join(', ')
}

/** A value that is absent, or an empty text, would not be seen. */
function quoted(value: string | null): string {
  return value === null ? 'nothing' : value === '' ? '""' : value.replaceAll('\n', ' ')
}
