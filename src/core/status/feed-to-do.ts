import { counted } from '../counted.ts'
import { type Advice, adviceOn, FAILURES, type FailureKind } from '../failures.ts'
import { type Emptied, emptiedColumns } from '../ledger/emptied.ts'
import type { FeedOutline, RangedRow } from '../ledger/feed-row.ts'
import { type Failed, isOutdated, isStanding, type LedgerEntry } from '../ledger/ledger.ts'
import { isSettledFailure } from '../plan/coverage.ts'
import { laneOf } from '../plan/due-windows.ts'
import type { RangedFeed } from '../plan/feed-history.ts'
import type { UnreadableEntry } from '../plan/known-feed.ts'
import { isOver } from '../plan/plan.ts'
import { setBack, whyNoHistory } from '../plan/set-back.ts'
import { present } from '../present.ts'
import { type Window, windowId } from '../time/window.ts'
import { dayWords, windowOption, windowWords } from '../time/words.ts'
import { halvedSentence, staleSentence } from './alarms.ts'
import { columnsCommand, DOCTOR, outdatedCommand, purgeCommand, retrySpan, windowCommand } from './command.ts'
import { adviceOnWindow, onceItAsks, whatStands } from './failed-window.ts'
import type { FeedStatus, ToDo } from './fields.ts'
import { doubtedWindows, type MarkedWindow } from './windows.ts'

/** A feed as its list is made from it. */
type Seen = {
  readonly now: Date
  readonly known: RangedFeed
  readonly status: FeedStatus
  readonly windows: readonly MarkedWindow[]
  /** The window that is waited for. */
  readonly next: Window | undefined
}

/** What of a feed needs a person. What the app heals by itself does not. */
export function feedToDo(
  now: Date,
  known: RangedFeed,
  status: FeedStatus,
  windows: readonly MarkedWindow[],
  next: Window | undefined,
): readonly ToDo[] {
  const seen = { now, known, status, windows, next }
  // Nothing of a feed that goes is asked for or landed.
  if (known.row.purgedAt !== undefined) return unfinishedPurge(seen)
  return [
    ...blockedFeed(seen),
    ...known.unreadable.map((each) => unreadableEntry(status.name, each)),
    ...restingLandings(seen),
    ...failedWindows(seen),
    ...staleFeed(seen),
    ...goneColumns(seen),
    ...emptyColumns(seen),
    ...doubtedWindows(known.row, windows)
      .filter(({ entry }) => !isOver(now, known.row, entry))
      .map((marked) => doubtedWindow(known.row, marked)),
    ...outdatedWindows(seen),
  ]
}

/** The sweep ends a purge, but for the windows that are left where the command was ended. */
function unfinishedPurge({ known: { row, entries, unreadable }, status: { name } }: Seen): readonly ToDo[] {
  const left = entries.length + unreadable.length
  if (left === 0 || row.purgedAt === undefined) return []
  const windows = counted(left, 'window is', 'windows are')
  const sentence = `The purge of ${name} has not ended: ${windows} left, with rows and files`
  const remedy = 'Repeat it, and the app frees the table and the name.'
  const since = new Date(row.purgedAt)
  return [{ kind: 'purge-unfinished', feed: name, sentence, remedy, command: purgeCommand(name), since }]
}

function blockedFeed({ known: { entries }, status: { name, blocked } }: Seen): readonly ToDo[] {
  if (!blocked) return []
  // The message may name the feed as well.
  const why = blocked.message.startsWith(`${name}: `) ? blocked.message.slice(name.length + 2) : blocked.message
  const stays = entries.some(isStanding) ? '; what landed stays' : ''
  const sentence = `${name} asks for nothing new: ${why}${stays}`
  const { remedy, command } = blocked
  return [{ kind: 'feed-blocked', feed: name, sentence, remedy, command, since: blocked.at }]
}

function unreadableEntry(feed: string, unreadable: UnreadableEntry): ToDo {
  const { failure, window } = unreadable
  const about = { kind: 'unreadable', feed, sentence: failure.message, ...unreadableAdvice(feed, unreadable) } as const
  return present<ToDo>({ ...about, window: window && windowId(window) })
}

/** What a person does about a row that cannot be read. Where its key names no window, no command takes it. */
export function unreadableAdvice(feed: string, { failure, window }: UnreadableEntry): Advice {
  if (!window) return { remedy: DELETE_ROW, command: DOCTOR }
  return adviceOn(failure.kind, { feed, window: windowOption(window) })
}

/** A row of the ledger that stands for no window. */
export const DELETE_ROW =
  'Something else changed this row of the ledger: delete it in any storage tool. The app makes it anew where it needs it.'

function restingLandings({ status: { name, resting } }: Seen): readonly ToDo[] {
  const [first] = resting
  if (!first) return []
  const more = resting.length === 1 ? '' : ` (${resting.length} windows)`
  const sentence = `${name} cannot write its rows${more}: ${first.message}; they go on from the archive`
  const about = { kind: 'storage-rests', feed: name, sentence, remedy: STORAGE_RESTS, command: DOCTOR } as const
  return [present<ToDo>({ ...about, window: first.window })]
}

const STORAGE_RESTS = 'Look whether the app can reach the storage account of DataStorage and has its roles there.'

function isFailed(entry: LedgerEntry): entry is Failed {
  return entry.state === 'failed'
}

/** These heal with time, but not while what causes them is as it is. */
const NEEDS_LOOK: readonly FailureKind[] = ['poison', 'link-refused', 'storage']

/** Whether only a person gets a failed window going. A sign-in that is refused is its account's. */
function needsPerson({ kind, byPerson }: Failed): boolean {
  return byPerson === true || FAILURES[kind].heals === 'person' || NEEDS_LOOK.includes(kind)
}

function failedWindows({ now, known: { row, entries } }: Seen): readonly ToDo[] {
  return entries
    .filter(isFailed)
    .filter((entry) => needsPerson(entry) && !isSettledFailure(now, row, entry))
    .map((entry) => failedWindow(now, row, entry))
}

function failedWindow(now: Date, row: RangedRow, entry: Failed): ToDo {
  const { feed, window, kind, message, since } = entry
  const sentence = `${windowWords(window)} of ${feed} failed (${kind}), ${whatStands(entry, 'it')}: ${message}`
  const about = { kind: 'window-failed', feed, window: windowId(window), sentence, since } as const
  return { ...about, ...adviceOnWindow(now, row, entry) }
}

/** A block says why its feed is stale. */
function staleFeed({ now, known, status, next }: Seen): readonly ToDo[] {
  const { name, staleSince, freshUntil, blocked } = status
  if (!staleSince || !next || blocked) return []
  const sentence = staleSentence(known.row, freshUntil, next, staleSince)
  const since = known.entries.filter(isFailed).filter(({ window }) => window.from >= next.from)
  const failed = since.find((entry) => !isOver(now, known.row, entry))
  const asked = failed
    ? adviceOnStale(now, known.row, failed)
    : { remedy: remedyOfNothing(since.at(-1)), command: DOCTOR }
  const window = windowId(failed?.window ?? next)
  return [{ kind: 'feed-stale', feed: name, window, sentence, ...asked, since: staleSince }]
}

function adviceOnStale(now: Date, row: RangedRow, failed: Failed): Advice {
  const why = `${windowWords(failed.window)}, which failed: ${failed.lastError?.message ?? 'see its attempts'}.`
  if (needsPerson(failed)) {
    const { remedy, command } = adviceOnWindow(now, row, failed)
    return { remedy: `It waits for ${why} ${remedy}`, command }
  }
  const command = windowCommand('retry', failed.feed, failed.window)
  return onceItAsks(row, failed, { remedy: `Ask again for ${why}`, command })
}

/** What a person does about a feed without a window to ask for again. `passed`: a snapshot that failed, and whose time is over. */
function remedyOfNothing(passed: Failed | undefined): string {
  return passed
    ? `${windowWords(passed.window)} failed, and its time has passed: ${passed.message}. The next snapshot is asked for by itself; look whether the app can ask.`
    : 'Look at what keeps the app from asking: its timers, sign-in, quota and storage.'
}

function goneColumns({ known: { row }, status: { name, enabled } }: Seen): readonly ToDo[] {
  const { offerDrift = [] } = row
  if (!enabled || offerDrift.length === 0) return []
  const sentence = `${name}: ${offerDrift.join('; ')}; what landed stays, and the service decides when it is asked`
  const remedy = 'Compare with what the service offers, and correct the feed.'
  return [{ kind: 'column-gone', feed: name, sentence, remedy, command: columnsCommand(row.feed.dataset) }]
}

function emptyColumns(seen: Seen): readonly ToDo[] {
  const { now, known, status } = seen
  const { row } = known
  if (row.feed.cadence.kind === 'snapshot') return emptyInSnapshots(seen)
  const askable = known.entries.filter((entry) => !isOver(now, row, entry))
  return Object.entries(emptiedColumns(row, askable)).map(([column, found]): ToDo => {
    const { name } = status
    const { from, to } = found
    const sentence = emptiedSentence(name, column, found)
    const remedy = 'Compare with the portal, and ask again once the source is right.'
    const lane = laneOf({ from, to }, new Date(row.since))
    const way = onceItAsks(row, { lane }, { remedy, command: retrySpan(name, { from, to }) })
    return { kind: 'column-empty', feed: name, sentence, ...way }
  })
}

/** Nobody can ask for a snapshot whose time has passed: the next one with values ends this. */
function emptyInSnapshots({ known: { row }, status: { name, emptied } }: Seen): readonly ToDo[] {
  const remedy = 'Compare with the portal and with what the service offers. The next snapshot is asked for by itself.'
  const command = columnsCommand(row.feed.dataset)
  return Object.entries(emptied).map(([column, found]) => {
    return { kind: 'column-empty', feed: name, sentence: emptiedSentence(name, column, found), remedy, command }
  })
}

function emptiedSentence(feed: string, column: string, { windows, from }: Emptied): string {
  return `Column ${column} of ${feed} had values before and has none in ${counted(windows, 'window')} from ${dayWords(from)}`
}

function doubtedWindow(row: FeedOutline, marked: MarkedWindow): ToDo {
  const { entry, mark } = marked
  const { feed, window, figures } = entry
  const sentence =
    mark === 'empty'
      ? `${windowWords(window)} of ${feed} has no rows, and the windows beside it have`
      : halvedSentence(marked)
  const remedy = 'Ask for the window once more: the same answer a second time is taken as the word of the service.'
  const kind = mark === 'empty' ? 'window-empty' : 'window-halved'
  const way = onceItAsks(row, entry, { remedy, command: windowCommand('retry', feed, window) })
  return present<ToDo>({ kind, feed, window: windowId(window), sentence, ...way, since: figures?.landedAt })
}

/** It counts all that the command names. Where none of them would be asked for again, they stay, and need nobody. */
function outdatedWindows({ now, known: { row, entries }, status: { name, blocked } }: Seen): readonly ToDo[] {
  // What ends the block comes first: until then nothing is asked again.
  if (blocked) return []
  const outdated = entries.filter((entry) => isOutdated(entry, row.form))
  const mayAskAgain = outdated.some((entry) => {
    const next = setBack('outdated', row, entry, now)
    return next !== undefined && 'state' in next
  })
  if (!mayAskAgain || whyNoHistory(row) !== undefined) return []
  const windows = counted(outdated.length, 'window is', 'windows are')
  const rows = outdated.reduce((sum, { figures }) => sum + (figures?.rowsLanded ?? 0), 0)
  const stay = `the rows stay (${rows}), but do not count as complete`
  const sentence = `${name} asks for other rows now: ${windows} outdated; ${stay}`
  const remedy =
    'Look with "doctor" whether the service takes the query of the feed. Then ask for them again, or leave them as they are.'
  return [{ kind: 'outdated', feed: name, sentence, remedy, command: outdatedCommand(name) }]
}
