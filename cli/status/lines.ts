import { counted } from '../../src/core/counted.ts'
import { quotaWait } from '../../src/core/status/accounts.ts'
import type {
  AccountStatus,
  ExplainedFailure,
  FeedStatus,
  Status,
  ToDo,
  WindowStatus,
} from '../../src/core/status/fields.ts'
import { countWaiting } from '../../src/core/status/gaps.ts'
import { isTold } from '../../src/core/status/told.ts'
import { minuteText } from '../../src/core/time/instants.ts'
import { windowName } from '../../src/core/time/words.ts'
import { type Line, type Style, type Styled, table } from '../output.ts'

// The status as lines for a person.

/** What needs a person, the feeds as a table, what is worth knowing of them, and the timers. */
export function statusLines(status: Status): readonly Line[] {
  const { toDo, feeds, accounts, problems } = status
  return [
    ...toDoLines(toDo),
    '',
    ...table(HEAD, feeds.map(rowOf)),
    '',
    ...accounts.flatMap(accountLines),
    ...problems.map(({ kind, ...failure }) => failureLine(`${kind}:`, failure)),
    ...feeds.flatMap((feed) => troubles(feed, status)),
    endingOf(status),
  ]
}

/** So many things of one kind are told one by one. */
const MOST_OF_A_KIND = 5

function toDoLines(toDo: readonly ToDo[]): readonly Line[] {
  if (toDo.length === 0) return [[{ text: 'nothing needs you', style: 'green' }]]
  const kinds = [...Map.groupBy(toDo, ({ kind }) => kind).values()]
  const heading = counted(toDo.length, 'thing needs you', 'things need you')
  return [[{ text: heading, style: 'red' }], ...kinds.flatMap(ofKind)]
}

function ofKind(toDo: readonly ToDo[]): readonly Line[] {
  const told = toDo.slice(0, MOST_OF_A_KIND)
  const left = toDo.length - told.length
  return [
    ...told.flatMap(oneToDo),
    ...(left > 0 ? [`  and ${left} more of the same kind: "status --json" lists them`] : []),
  ]
}

function oneToDo({ sentence, remedy, command, since }: ToDo): readonly Line[] {
  const when = since ? ` (since ${minuteText(since)})` : ''
  return [[{ text: `! ${sentence}${when}`, style: 'bold' }], `  ${remedy}`, ['  ', { text: command, style: 'cyan' }]]
}

const HEAD = ['feed', 'landed', 'failed', 'waiting', 'under way', 'rows', 'complete until', 'fresh until', 'next due']

function rowOf(status: FeedStatus): readonly (string | Styled)[] {
  const { name, states, rows, completeUntil, latestSnapshot, freshUntil, staleSince, nextDue } = status
  const left = countWaiting(status)
  const underWay = states.requesting + states.requested + states.landing
  const far = latestSnapshot ? `snapshot ${isoDay(latestSnapshot)}` : shown(completeUntil)
  return [
    name,
    String(states.landed),
    marked(String(states.failed), states.failed > 0 && 'red'),
    marked(String(left), left > 0 && 'yellow'),
    String(underWay),
    String(rows),
    far,
    marked(shown(freshUntil), staleSince !== undefined && 'red'),
    shown(nextDue),
  ]
}

function marked(text: string, style: Style | false): Styled {
  return style ? { text, style } : { text }
}

/** The day on which a window starts, by its id. */
function isoDay(id: string): string {
  return `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}`
}

function shown(instant: Date | undefined): string {
  return instant ? minuteText(instant) : '-'
}

/** What a refused sign-in is, and what to type, is said among what needs a person. */
function accountLines(account: AccountStatus): readonly Line[] {
  const { name, refused } = account
  const asks = refused?.blocks
    ? 'asks for nothing, and tries its sign-in once an hour'
    : 'tries its sign-in at each tick'
  const wait = quotaWait(account, account.waitsUntil)
  return [
    ...(wait === undefined ? [] : [wait]),
    ...(refused ? [`account ${name} ${asks}: its sign-in is refused (${refused.kind})`] : []),
  ]
}

/** Where feeds.json came from, in words that are true of an app in Azure and of a local run. */
const FEEDS_FROM = {
  container: 'the feeds.json that the app was given counts',
  package: 'the feeds.json that the app was built with counts',
} as const

function endingOf({ timers, feedsFrom }: Status): string {
  const { finishedAt } = timers.provision
  const tick = finishedAt ? `provision last ran at ${finishedAt.toISOString()}` : 'provision has not run yet'
  const from = feedsFrom ? FEEDS_FROM[feedsFrom.source] : 'the app has not read its feeds yet'
  const differs = feedsFrom?.packagedDiffers ? ['the local feeds differ: see "feeds diff"'] : []
  return [tick, from, ...differs].join('; ')
}

/** What is told above, of its account or as a thing that needs a person, is not told again. */
function troubles(status: FeedStatus, all: Status): readonly Line[] {
  const { name, trouble, problems, notes } = status
  const others = problems.filter((each) => !isTold(status, all, each))
  return [
    ...(status.enabled || status.removedSince
      ? []
      : [`${name} is disabled or no longer in feeds.json: it asks for nothing new`]),
    ...[...notes, ...markNotes(status, all.toDo)].map((note) => `${name}: ${note}`),
    ...(trouble && !isTold(status, all, trouble) ? [failureLine(`${name} is waiting: ${trouble.kind}:`, trouble)] : []),
    ...[...Map.groupBy(others, ({ kind }) => kind).values()].map((ofKind) => problemLine(name, ofKind)),
  ]
}

/** Windows that failed in the same way: the newest of them, and how many more. */
function problemLine(name: string, problems: FeedStatus['problems']): string {
  const newest = problems.at(-1)
  if (!newest) return ''
  const kept = newest.landedBefore ? ' (the rows of the earlier landing remain)' : ''
  const more = problems.length > 1 ? `, and ${counted(problems.length - 1, 'more window')}` : ''
  return failureLine(`${name} ${newest.kind}:`, { ...newest, message: `${newest.message}${kept}${more}` })
}

function failureLine(
  start: string,
  { message, remedy, command }: Pick<ExplainedFailure, 'message' | 'remedy' | 'command'>,
) {
  return `${start} ${message}\n  ${remedy}\n  ${command}`
}

/** What the marks of windows say, which only the dashboard and `--windows` show. */
function markNotes({ name, outdated, running, removed }: FeedStatus, toDo: readonly ToDo[]): readonly string[] {
  const mayAskAgain = toDo.some(({ kind, feed }) => kind === 'outdated' && feed === name)
  const again = mayAskAgain ? '; "backfill --outdated" asks for them again' : ''
  const areOutdated = counted(outdated, 'window is', 'windows are')
  const areGone = counted(removed, 'window has', 'windows have')
  return [
    ...(outdated > 0 ? [`${areOutdated} outdated: the feed asks for other rows now${again}`] : []),
    ...running.map(
      ({ window, asOf, rows }) => `${windowName(window)}: running, as of ${shown(asOf)}: ${counted(rows, 'row')}`,
    ),
    ...(removed > 0 ? [`${areGone} no rows any more: removed by "keep", and complete all the same`] : []),
  ]
}

const WINDOW_HEAD = ['feed', 'window', 'state', 'mark', 'rows', 'attempt', 'last error']

const STATE_STYLES: Readonly<Partial<Record<WindowStatus['state'], Style>>> = { landed: 'green', failed: 'red' }

/** Every window of the feeds, in order of time. */
export function windowLines(feeds: readonly FeedStatus[]): readonly Line[] {
  const rows = feeds.flatMap(({ name, windows }) =>
    windows.map(({ id, state, mark = '', rows: count, attempt, error = '' }) => [
      name,
      id,
      marked(state, STATE_STYLES[state] ?? false),
      marked(mark, mark !== '' && 'yellow'),
      count === undefined ? '-' : String(count),
      String(attempt),
      error,
    ]),
  )
  return rows.length === 0 ? ['no window'] : table(WINDOW_HEAD, rows)
}
