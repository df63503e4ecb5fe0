import { agreeing, counted } from '../counted.ts'
import { HOUR_MS } from '../time/durations.ts'
import { dayText, minuteText } from '../time/instants.ts'
import { parseWindowId } from '../time/window.ts'
import { dueLaterWords, lengthWords, windowName, windowOption } from '../time/words.ts'
import type { FeedStatus } from './fields.ts'

type Facts = Omit<FeedStatus, 'notes'>

/**
 * What is worth knowing of a feed and needs nobody, in sentences that do not name the feed. `end`: where its time ends, if
 * the service offers nothing of it.
 */
export function feedNotes(feed: Facts, end?: Date): readonly string[] {
  return [...ofTheFeed(feed), ...ofItsHistory(feed, end), ...ofItsWindows(feed), ...ofItsColumns(feed)]
}

function ofTheFeed({ since, firstSeenAhead, removedSince, restsUntil, stretch }: Facts): readonly string[] {
  const gone = 'its old rows are still being removed, and its name is free after that'
  const ahead = 'by a clock that was ahead: until then it is never called stale'
  return [
    ...(removedSince ? [`It was purged at ${minuteText(removedSince)}: ${gone}`] : []),
    ...(firstSeenAhead ? [`It was first seen at ${minuteText(since)}, ${ahead}`] : []),
    ...(restsUntil ? [`It rests until ${minuteText(restsUntil)}: the service gave no answer for it`] : []),
    ...(stretch ? [`It is refreshed ${stretch} times less often than it says, for the quota of its account`] : []),
  ]
}

function ofItsHistory({ name, dataset, startsAt, backfill }: Facts, end: Date | undefined): readonly string[] {
  const { left, paused, dueLater } = backfill
  const until = paused ? `paused until "backfill resume --feed ${name}"; what is live goes on` : paceOf(backfill)
  return [
    ...(startsAt ? [startNote(dataset, startsAt, end)] : []),
    ...(left > 0 || paused ? [`${counted(left, 'window')} of history left, ${until}`] : []),
    ...(dueLater ? [dueLaterWords(dueLater.windows, dueLater.lastAt)] : []),
  ]
}

function startNote(dataset: string, startsAt: Date, end: Date | undefined): string {
  const start = dayText(startsAt)
  return end
    ? `The service offers nothing of its time, which ends on ${dayText(end)}: it has ${dataset} from ${start} on`
    : `History starts on ${start} and not at "from": the service offers no more of ${dataset}`
}

/** How far history is, and how long it takes if it goes on as in the last hour. Before that, one hour says nothing of a pace. */
function paceOf({ left, landed, lately }: Facts['backfill']): string {
  if (lately === 0) return `${landed} landed`
  if (lately === landed) return `${landed} landed: "backfill" says how long the rest takes`
  return `${landed} landed: about ${lengthWords(Math.ceil(left / lately) * HOUR_MS)} more at the pace of the last hour`
}

function ofItsWindows(feed: Facts): readonly string[] {
  const { name, slow, resting, earlierForm, withoutFile, lateFiles, earlyBlanks, doubtful, acceptedGaps } = feed
  return [
    ...slow.map(({ window, state, requestedAt, until }) => {
      const end = until ? `; the service has until ${minuteText(until)}` : ''
      return `${windowName(window)} is ${state}, asked for at ${minuteText(requestedAt)}${end}`
    }),
    ...resting.map(
      ({ window = 'A window', message }) => `${windowName(window)} rests and goes on by itself: ${message}`,
    ),
    ...(earlierForm > 0 ? [`${counted(earlierForm, 'window')} landed with other columns, types or shards`] : []),
    ...(lateFiles > 0
      ? [`${counted(lateFiles, 'file is', 'files are')} not in place yet, which each sweep tries again`]
      : []),
    ...(withoutFile > 0
      ? [`${counted(withoutFile, 'window has', 'windows have')} no file: see "backfill --publish --feed ${name}"`]
      : []),
    ...(earlyBlanks > 0
      ? [`${counted(earlyBlanks, 'window')} had no rows before the data had settled: not complete yet`]
      : []),
    ...doubtful.map(({ window, rows }) => {
      const remedy = `look at its archive; "import ${name} <file> ${optionOf(window)}" lands a corrected file`
      return `${windowName(window)}: a stray quote may have made ${counted(rows, 'row')} of several: ${remedy}`
    }),
    ...(acceptedGaps.length > 0
      ? [`Accepted ${agreeing(acceptedGaps.length, 'gap', 'gaps')}: ${acceptedGaps.map(windowName).join(', ')}`]
      : []),
  ]
}

/** The window of an id, as commands take it. */
function optionOf(id: string): string {
  const window = parseWindowId(id)
  return window ? windowOption(window) : `--window ${id}`
}

function ofItsColumns({ drift, emptied }: Facts): readonly string[] {
  const empty = Object.entries(emptied).map(([column, { windows, from, to }]) => {
    const where = `${counted(windows, 'window')} from ${dayText(from)} to ${dayText(to)}`
    return `Column ${column}, which had values before, has none in ${where}`
  })
  return [...drift, ...empty]
}
