import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { windowId } from '../../src/core/time/window.ts'
import { readIngestMessage } from '../../src/services/storage/work-queue.ts'
import { ADOPT_AFTER, type History, MAX_TRIES } from './history.ts'
import type { Asked } from './insights.ts'

/** What histories may hold, with the sides of each. Every side has to occur. */
const SIDES = {
  'reports are listed': ['always', 'never', 'late'],
  'names are found': ['whole', 'in part'],
  DELETE_REPORTS: ['true', 'false'],
  answers: ['arrived', 'status', 'dropped', 'unreadable', 'timed out'],
  'reports of lost answers': ['adopted', 'never adopted', 'not made'],
  reports: ['good', 'stuck', 'failing'],
  'deleted by the service': ['at once', 'later'],
  'another instance at work': ['before the making', 'after the making'],
  'a foreign report': ['longer name', 'other query'],
  callbacks: ['none', 'one', 'several', 'early', 'with the id of another report'],
  'age of a request in a sweep': ['below ADOPT_AFTER', 'equal', 'above'],
  'a report in a sweep': ['before its deadline', 'at it', 'after it'],
  'a hint': ['before pollAfter', 'at or after it'],
  'the attempt of a hint': ['former', 'open', 'ended', 'unanswered'],
  'tries of an attempt that came to nothing': ['below MAX_TRIES', 'equal'],
  'reports made for a window that landed': ['one', 'several'],
  windows: ['landed', 'failed by their file', 'failed for want of a report'],
} as const

type Group = keyof typeof SIDES

export type Tally = {
  count<G extends Group>(group: G, side: (typeof SIDES)[G][number]): void
  /** One line for each group. */
  lines(): readonly string[]
  /** The sides that never occurred. */
  missing(): readonly string[]
}

export function openTally(): Tally {
  const counts = new Map<string, number>()
  const groups = Object.entries(SIDES)
  const of = (group: string, side: string) => counts.get(`${group}: ${side}`) ?? 0
  return {
    count(group, side) {
      counts.set(`${group}: ${side}`, of(group, side) + 1)
    },
    lines: () =>
      groups.map(([group, sides]) => `${group}: ${sides.map((side) => `${side} ${of(group, side)}`).join(', ')}`),
    missing: () =>
      groups.flatMap(([group, sides]) =>
        sides.filter((side) => of(group, side) === 0).map((side) => `${group}: ${side}`),
      ),
  }
}

export function countHistory(tally: Tally, { unlisted, partialNames, deleteReports }: History): void {
  tally.count(
    'reports are listed',
    unlisted === 0 ? 'always' : unlisted === Number.POSITIVE_INFINITY ? 'never' : 'late',
  )
  tally.count('names are found', partialNames ? 'in part' : 'whole')
  tally.count('DELETE_REPORTS', deleteReports ? 'true' : 'false')
}

/** `adopted`: the reports that some entry named. */
export function countRequest(tally: Tally, { fate, reportId }: Asked, adopted: ReadonlySet<string>): void {
  tally.count('answers', fate.loss ?? 'arrived')
  const known = reportId !== undefined && adopted.has(reportId)
  const made = known ? 'adopted' : 'never adopted'
  if (fate.loss) tally.count('reports of lost answers', fate.made ? made : 'not made')
  if (fate.meanwhile) tally.count('another instance at work', `${fate.meanwhile.side} the making`)
  if (fate.foreign) tally.count('a foreign report', fate.foreign)
  if (!fate.made) return
  tally.count('reports', fate.report)
  const [first, ...others] = fate.calls
  tally.count('callbacks', first === undefined ? 'none' : others.length > 0 ? 'several' : 'one')
  if (first !== undefined && fate.isMisnamed) tally.count('callbacks', 'with the id of another report')
  if (first === 0) tally.count('callbacks', 'early')
  if (fate.removedAfter !== undefined)
    tally.count('deleted by the service', fate.removedAfter === 0 ? 'at once' : 'later')
}

/** What a sweep is about to see. */
export function countSwept(tally: Tally, entries: readonly LedgerEntry[], now: Date): void {
  for (const entry of entries) {
    if (entry.state === 'requesting') {
      const age = now.getTime() - entry.requestedAt.getTime() - ADOPT_AFTER
      tally.count('age of a request in a sweep', age < 0 ? 'below ADOPT_AFTER' : age === 0 ? 'equal' : 'above')
    }
    if (entry.state !== 'requested') continue
    const late = now.getTime() - entry.deadline.getTime()
    tally.count('a report in a sweep', late < 0 ? 'before its deadline' : late === 0 ? 'at it' : 'after it')
  }
}

/** What a message is about to meet. */
export function countHint(tally: Tally, body: unknown, entries: readonly LedgerEntry[], now: Date): void {
  const hint = readIngestMessage(body)
  const entry = entries.find(({ feed, window }) => feed === hint?.feed && windowId(window) === hint?.window)
  if (!hint || !entry) return
  const isFormer = hint.attempt < entry.attempt
  const isOpen = entry.state === 'requested' || entry.state === 'landing'
  const side = entry.state === 'requesting' ? 'unanswered' : isOpen ? 'open' : 'ended'
  tally.count('the attempt of a hint', isFormer ? 'former' : side)
  if (isFormer || entry.state !== 'requested') return
  tally.count('a hint', now < entry.pollAfter ? 'before pollAfter' : 'at or after it')
}

/** Counts an entry as it is written, if its attempt came to nothing. */
export function countWritten(tally: Tally, entry: LedgerEntry): void {
  if (entry.state === 'planned' && entry.reason === 'expired')
    tally.count('tries of an attempt that came to nothing', 'below MAX_TRIES')
  if (entry.state === 'failed' && entry.kind !== 'too-many-rejects' && entry.tries === MAX_TRIES)
    tally.count('tries of an attempt that came to nothing', 'equal')
}

export function countEnd(tally: Tally, entry: LedgerEntry, asked: readonly Asked[]): void {
  const byFile = entry.state === 'failed' && entry.kind === 'too-many-rejects'
  const failed = byFile ? 'failed by their file' : 'failed for want of a report'
  tally.count('windows', entry.state === 'landed' ? 'landed' : failed)
  const id = windowId(entry.window)
  const made = asked.filter(({ feed, window, reportId }) => feed === entry.feed && window === id && reportId)
  if (entry.state !== 'landed') return
  tally.count('reports made for a window that landed', made.length > 1 ? 'several' : 'one')
}
