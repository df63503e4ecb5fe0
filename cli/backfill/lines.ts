import { counted } from '../../src/core/counted.ts'
import type { BackfillView, FeedHistory } from '../../src/core/plan/backfill.ts'
import type { LeftOut } from '../../src/core/plan/set-back.ts'
import { MINUTE_MS } from '../../src/core/time/durations.ts'
import { dayText, minuteText } from '../../src/core/time/instants.ts'
import { type Window, windowId } from '../../src/core/time/window.ts'
import { dueLaterWords, lengthWords } from '../../src/core/time/words.ts'
import { type Line, table } from '../output.ts'

const HEAD = ['feed', 'landed', 'failed', 'waiting', 'due later', 'under way', 'out of range', 'reports', 'done about']

/** The history of each feed as a line, and what all of it takes. */
export function historyLines(view: BackfillView): readonly Line[] {
  const { feeds } = view
  const blocked = feeds.filter(({ why }) => why !== undefined).map(({ feed, why }) => `${feed} is blocked: ${why}`)
  return [...table(HEAD, feeds.map(rowOf)), '', ...blocked, ...view.refused.map(refusedLine), ...forecastLines(view)]
}

function refusedLine({ account, kind }: BackfillView['refused'][number]): string {
  return `account ${account} cannot sign in (${kind}), and asks for nothing until it can: "status" shows what to type`
}

function rowOf(history: FeedHistory): readonly string[] {
  const { feed, landed, failed, waiting, dueLater, underWay, outOfRange, reports, progress, doneAt } = history
  const counts = [landed, failed, waiting, dueLater, underWay, outOfRange, reports].map(String)
  return [feed, ...counts, progress === 'going' && doneAt ? minuteText(doneAt) : progress]
}

const ENDLESS =
  'for days the app asks for no more history; "status" shows why, unless what is live takes all that the account may ask for'

/** Why the reports that are due later wait. */
const LATER = 'when data has settled or a failed try is repeated'

/** What is still to come, now and later, and what that is reckoned from. */
function forecastLines({ doneAt, dueNow, dueLater, at, feeds, isEndless, refused }: BackfillView): readonly string[] {
  if (!doneAt) return [isEndless ? `none of it yet: ${ENDLESS}` : noneLeft(feeds)]
  const minutes = feeds.map(({ reportMs }) => Math.max(Math.round(reportMs / MINUTE_MS), 1))
  const [least, most] = [Math.min(...minutes), Math.max(...minutes)]
  const took = `${least === most ? '' : `${least} to `}${counted(most, 'minute')}`
  const lines: string[] = []
  if (dueNow) {
    const length = lengthWords(dueNow.doneAt.getTime() - at.getTime())
    lines.push(`${counted(dueNow.reports, 'report')}: about ${length}, until ${minuteText(dueNow.doneAt)}`)
  }
  if (dueLater) lines.push(dueLaterWords(dueLater.reports, dueLater.lastAt, LATER))
  return [
    ...lines,
    `if each report lands after ${took}, and the app has the timers and limits of these settings${refused.length > 0 ? ', and can sign in' : ''}`,
    ...(isEndless ? [`not all of it: ${ENDLESS}`] : []),
  ]
}

function noneLeft(feeds: BackfillView['feeds']): string {
  const isPaused = feeds.some(({ progress }) => progress === 'paused')
  return isPaused
    ? 'what is paused is not asked for: "backfill resume" lets it go on'
    : 'no report of history is left to ask for'
}

const REHEARSED_HEAD = ['asked for about', 'feed', 'window', 'priority', 'state now']

/** Every window in the order in which the app asks for it, and those that it does not ask for. */
export function rehearsalLines({ requests, outOfRange, left, feeds }: BackfillView): readonly Line[] {
  const rows = requests.map(({ at, feed, window, priority, state }) => [
    minuteText(at),
    feed,
    windowId(window),
    priority,
    state,
  ])
  const listed = rows.length > 0 ? [...table(REHEARSED_HEAD, rows), ''] : []
  const outside = runsOf(outOfRange).map(({ feed, window, count, why }) =>
    count === 1
      ? `out of range: ${feed} ${windowId(window)} ${why}`
      : `out of range: ${feed} ${daysOf(window)}, ${count} windows: each ${why}`,
  )
  const paused = feeds.filter(({ progress }) => progress === 'paused')
  const asResumed = paused.map(({ feed }) => `${feed} is paused: shown as if "backfill resume" came now`)
  return [...listed, ...outside, ...leftLines(left), ...asResumed]
}

/** Says of windows that a choice leaves them as they are. */
export function leftLines(left: readonly LeftOut[]): readonly string[] {
  return runsOf(left).map(({ feed, window, count, why }) =>
    count === 1
      ? `${feed} ${windowId(window)} stays: it ${why}`
      : `${feed} ${daysOf(window)}, ${count} windows stay: each ${why}`,
  )
}

/** Windows of a feed that follow each other and are left out for the same reason. */
type Run = LeftOut & { readonly count: number }

function runsOf(left: readonly LeftOut[]): readonly Run[] {
  const runs: Run[] = []
  for (const { feed, window, why } of left.toSorted(byFeedAndTime)) {
    const last = runs.at(-1)
    const goesOn = last && last.feed === feed && last.why === why && +last.window.to === +window.from
    if (!goesOn) runs.push({ feed, window, why, count: 1 })
    else runs[runs.length - 1] = { ...last, window: { from: last.window.from, to: window.to }, count: last.count + 1 }
  }
  return runs
}

function daysOf({ from, to }: Window): string {
  return `from ${dayText(from)} to ${dayText(to)}`
}

function byFeedAndTime(a: LeftOut, b: LeftOut): number {
  return a.feed.localeCompare(b.feed) || a.window.from.getTime() - b.window.from.getTime()
}

/** What `--json` gives of something about a window. */
export function withId<T extends { readonly window: Window }>(each: T) {
  return { ...each, window: windowId(each.window) }
}

/** What `--json` gives of a view: windows by their ids. */
export function viewJson({ requests, outOfRange, left, ...rest }: BackfillView) {
  return { ...rest, windows: requests.map(withId), outOfRange: outOfRange.map(withId), left: left.map(withId) }
}
