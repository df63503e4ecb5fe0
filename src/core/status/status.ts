import { type Failure, failed, isOfSignIn } from '../failures.ts'
import type { FeedsSourceRow } from '../ledger/app-rows.ts'
import type { PacingLimits } from '../plan/pacing.ts'
import { MINUTE_MS } from '../time/durations.ts'
import { minuteText } from '../time/instants.ts'
import { accountNotes, accountStatus, accountToDo, type KnownAccount } from './accounts.ts'
import { DOCTOR, PUSH_FEEDS } from './command.ts'
import { explained, type SeenFeed } from './feed.ts'
import { DELETE_ROW } from './feed-to-do.ts'
import {
  type AccountStatus,
  type ExplainedFailure,
  type FeedStatus,
  type QueueStatus,
  STATUS_VERSION,
  type Status,
  TO_DO_KINDS,
  type ToDo,
} from './fields.ts'
import { type Periods, silentTimers, type Ticks, timerStatuses } from './timers.ts'

/** All that a status is made of. `packagedHash` is the hash of the packaged feeds.json. */
export type LedgerContent = {
  readonly version: string
  readonly feeds: readonly SeenFeed[]
  readonly unreadable: readonly Failure[]
  readonly accounts: readonly Omit<KnownAccount, 'inFlight'>[]
  readonly limits: PacingLimits
  readonly ticks: Ticks
  readonly periods: Periods
  readonly queue: QueueStatus
  readonly source: FeedsSourceRow | undefined
  readonly packagedHash: string
}

/** Gives the status of the app: what needs a person, how far each feed is complete and fresh, and what goes on. */
export function ledgerStatus(now: Date, content: LedgerContent): Status {
  const { version, source, packagedHash, unreadable, queue, limits } = content
  const timers = timerStatuses(now, content.ticks, content.periods)
  const accounts = content.accounts.map((account) =>
    accountStatus(now, { ...account, inFlight: inFlight(account.name, content.feeds) }, limits),
  )
  const feeds = content.feeds.map((feed) => underAccount(feed, accounts))
  const ofFile = (source?.problems ?? []).map(ofFeedsFile)
  const toDo = [
    ...silentTimers(timers).map((name) => silentTimer(name, timers[name])),
    ...ofFile.map(feedsFileProblem),
    ...unreadable.map(unreadableRow),
    ...oldQueue(now, queue),
    ...accounts.flatMap((account) => accountToDo(now, account)),
    ...feeds.flatMap((feed) => feed.toDo),
  ]
  return {
    v: STATUS_VERSION,
    at: now,
    version,
    toDo: toDo.sort(byWeight),
    timers,
    queue,
    ...(source && { feedsFrom: { source: source.source, packagedDiffers: source.hash !== packagedHash } }),
    accounts,
    problems: [
      ...unreadable.map((failure) => ({ ...explained(failure), remedy: DELETE_ROW, command: DOCTOR })),
      ...ofFile.map((failure) => ({ ...explained(failure), remedy: CORRECT_FILE })),
    ],
    feeds: feeds.map(({ status }) => status),
  }
}

/** The kinds in their order, in each the feeds by name, and of a feed the newest windows first. */
function byWeight(a: ToDo, b: ToDo): number {
  const kinds = TO_DO_KINDS.indexOf(a.kind) - TO_DO_KINDS.indexOf(b.kind)
  const [feedA = '', feedB = ''] = [a.feed, b.feed]
  return kinds || compare(feedA, feedB) || compare(b.window ?? '', a.window ?? '')
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** What holds up the account of a feed is said under the feed, and what failed for its sign-in heals with that. */
function underAccount(seen: SeenFeed, accounts: readonly AccountStatus[]): SeenFeed {
  const account = accounts.find(({ name }) => name === seen.status.account)
  if (!account || !seen.status.enabled || seen.status.removedSince) return seen
  const { problems, trouble, notes, nextDue } = seen.status
  const { refused, waitsUntil } = account
  const isPaused = waitsUntil !== undefined && nextDue !== undefined && nextDue < waitsUntil
  const advised = <E extends ExplainedFailure>(failure: E): E =>
    refused && isOfSignIn(failure) ? { ...failure, remedy: refused.remedy, command: refused.command } : failure
  const status: FeedStatus = {
    ...seen.status,
    notes: [...accountNotes(account, isPaused), ...notes],
    problems: problems.map(advised),
    ...(trouble && { trouble: advised(trouble) }),
  }
  const isHeldUp = ({ kind }: ToDo) => kind === 'feed-stale' && refused !== undefined
  const advice = refused && { remedy: refused.remedy, command: refused.command }
  return { status, toDo: seen.toDo.map((each) => (isHeldUp(each) ? { ...each, ...advice } : each)) }
}

function inFlight(account: string, feeds: readonly SeenFeed[]): number {
  const own = feeds.filter(({ status }) => status.account === account)
  return own.reduce((sum, { status: { states } }) => sum + states.requesting + states.requested, 0)
}

/** What to say of a timer that is silent. */
export function silentTimer(name: string, { finishedAt, silentSince }: Status['timers']['sweep']): ToDo {
  const last = finishedAt ? `last ran at ${minuteText(finishedAt)}` : 'has never run to its end'
  const sentence = `The timer ${name} is silent: it ${last}; what landed stays`
  const remedy = 'See in its log whether the app runs, and start it again.'
  return { kind: 'timer-silent', sentence, remedy, command: DOCTOR, ...(silentSince && { since: silentSince }) }
}

const CORRECT_FILE = 'Correct feeds.json, and look with "validate" whether it is right. Then give it to the app.'

function feedsFileProblem({ message }: Failure): ToDo {
  return { kind: 'feeds-file', sentence: message, remedy: CORRECT_FILE, command: PUSH_FEEDS }
}

function unreadableRow(failure: Failure): ToDo {
  return { kind: 'unreadable', sentence: failure.message, remedy: DELETE_ROW, command: DOCTOR }
}

/** A message that is due waits for minutes at most. */
const OLD_MESSAGE_MS = 30 * MINUTE_MS

/** What to say of a queue whose oldest message has waited too long. */
export function oldQueue(now: Date, { oldest }: Pick<QueueStatus, 'oldest'>): readonly ToDo[] {
  if (!oldest || now.getTime() - oldest.getTime() < OLD_MESSAGE_MS) return []
  const sentence = `The oldest message in the queue ingest is due, and was put there at ${minuteText(oldest)}`
  const remedy = 'See in the log of ingest whether it runs, and what it waits for.'
  return [{ kind: 'queue-old', sentence, remedy, command: DOCTOR, since: oldest }]
}

/** A problem of the file itself names it already. */
function ofFeedsFile(problem: string): Failure {
  const start = 'feeds.json: '
  return failed('query-refused', problem.startsWith(start) ? problem : `${start}${problem}`)
}
