import { FAILURES, type Failure, type FailureKind, failed } from './failures.ts'
import type { FeedsSourceRow, TickRow } from './ledger/app-rows.ts'
import { type Emptied, emptiedColumns } from './ledger/emptied.ts'
import { restsUntil, type Trouble } from './ledger/feed-row.ts'
import { isOpen, isPublished, isResting, type LedgerEntry, remedyOf, type State } from './ledger/ledger.ts'
import { driftOf } from './ledger/offer.ts'
import { startWithinReach } from './ledger/reach.ts'
import { type Coverage, coverage } from './plan/coverage.ts'
import { type KnownFeed, planOf } from './plan/known-feed.ts'
import { type Pacing, type RefusedSignIn, waitsUntil } from './plan/pacing.ts'
import { nextRequest } from './plan/plan.ts'
import { isSignInBlocked } from './plan/refused-sign-in.ts'
import { HOUR_MS } from './time/durations.ts'
import { windowId } from './time/window.ts'

/** One failure, with what a person does about it. */
export type FailedWindow = {
  readonly window?: string
  readonly kind: FailureKind
  readonly message: string
  readonly remedy: string
  readonly since?: Date
  /** Only the last attempt failed: the rows of an earlier landing are unchanged. */
  readonly landedBefore?: boolean
}

/** `until`: the service has its time for the report until then; absent where its answer was lost. */
export type SlowWindow = {
  readonly window: string
  readonly state: State
  readonly requestedAt: Date
  readonly until?: Date
}

export type FeedStatus = Coverage & {
  readonly feed: string
  readonly dataset: string
  readonly table: string
  readonly enabled: boolean
  readonly since: string
  readonly nextDue?: Date
  /** History starts then and not at `from`: the service offers no more. */
  readonly startsAt?: string
  readonly blocked?: Trouble & { readonly remedy: string }
  readonly trouble?: Trouble & { readonly remedy: string }
  /** The service gave no answer for the feed: it is not asked for until then. */
  readonly restsUntil?: Date
  /** A person paused the feed's history. */
  readonly backfillPaused?: true
  /** By how much the quota of the account stretches `refresh.every`. */
  readonly stretch?: number
  readonly failures: readonly FailedWindow[]
  /** Windows that were asked for an hour ago or more and have not landed. */
  readonly slow: readonly SlowWindow[]
  /** What differs between the feed and what the service lists or sends: a sentence for each. */
  readonly drift: readonly string[]
  /** Columns that had values before, each with the windows that lack it. */
  readonly emptied: Readonly<Record<string, Emptied>>
  /** Landings that wait for the storage and go on by themselves. */
  readonly resting: readonly FailedWindow[]
  /** Published windows with rows that a stray quote may have made of several, and how many. */
  readonly doubtful: readonly { readonly window: string; readonly rows: number }[]
}

export type Status = {
  readonly at: Date
  /** The last finished tick of `provision`. */
  readonly lastTick?: TickRow
  /** Where feeds.json came from, and whether the packaged file differs from it. */
  readonly feedsFrom?: { readonly source: 'container' | 'package'; readonly packagedDiffers: boolean }
  /** Accounts that the service asked to wait, and those whose sign-in it refuses. */
  readonly accounts: readonly AccountStatus[]
  /** Rows of feeds and accounts that cannot be read, and problems of feeds.json that no feed below says. */
  readonly problems: readonly FailedWindow[]
  readonly feeds: readonly FeedStatus[]
}

export type AccountStatus = {
  readonly account: string
  readonly waitsUntil?: Date
  /** `blocks`: until the sign-in works, the account asks for nothing. */
  readonly refused?: RefusedSignIn & { readonly remedy: string; readonly blocks: boolean }
}

/** The content of the ledger that a status needs. `packagedHash` is the hash of the packaged feeds.json. */
export type LedgerContent = {
  readonly feeds: readonly KnownFeed[]
  readonly unreadable: readonly Failure[]
  /** The pacing of each account. */
  readonly accounts: ReadonlyMap<string, Pacing>
  readonly lastTick: TickRow | undefined
  readonly source: FeedsSourceRow | undefined
  readonly packagedHash: string
}

/** Gives the status of each feed: how far it is complete, its windows by state, its failures with remedies. */
export function ledgerStatus(now: Date, content: LedgerContent): Status {
  const { feeds, lastTick, source, packagedHash, unreadable, accounts } = content
  return {
    at: now,
    ...(lastTick && { lastTick }),
    ...(source && { feedsFrom: { source: source.source, packagedDiffers: source.hash !== packagedHash } }),
    accounts: [...accounts].flatMap(([account, pacing]) => accountStatus(now, account, pacing)),
    problems: [...unreadable, ...(source?.problems ?? []).map(ofFeedsFile)].map(explained),
    feeds: feeds.map((known) => feedStatus(now, known)),
  }
}

function accountStatus(now: Date, account: string, pacing: Pacing): readonly AccountStatus[] {
  const until = waitsUntil(pacing, now)
  const { refused } = pacing
  if (!until && !refused) return []
  const explained = refused && {
    ...refused,
    remedy: FAILURES[refused.kind].remedy,
    blocks: isSignInBlocked(pacing, now),
  }
  return [{ account, ...(until && { waitsUntil: until }), ...(explained && { refused: explained }) }]
}

function feedStatus(now: Date, known: KnownFeed): FeedStatus {
  const { row, entries, unreadable } = known
  const { name, dataset, table, enabled } = row.feed
  const nextDue = nextRequest(now, planOf(known))
  const until = restsUntil(row, now)
  const startsAt = startWithinReach(row)
  return {
    feed: name,
    dataset,
    table,
    enabled,
    since: row.since,
    ...coverage(now, known),
    ...(nextDue && { nextDue }),
    ...(startsAt !== undefined && { startsAt }),
    ...(until && { restsUntil: until }),
    ...(row.backfillPaused && { backfillPaused: true as const }),
    ...(row.stretch !== undefined && { stretch: row.stretch }),
    // A feed that asks for nothing is not held up.
    ...(enabled && row.blocked && { blocked: { ...row.blocked, remedy: FAILURES[row.blocked.kind].remedy } }),
    ...(row.trouble && { trouble: { ...row.trouble, remedy: FAILURES[row.trouble.kind].remedy } }),
    drift: driftOf(row),
    emptied: emptiedColumns(row, entries),
    failures: [...unreadable.map(({ failure }) => explained(failure)), ...entries.flatMap(failedWindow)],
    slow: entries.flatMap((entry) => slowWindow(now, entry)),
    resting: entries.flatMap(restingWindow),
    doubtful: entries.flatMap(doubtfulWindow),
  }
}

function restingWindow(entry: LedgerEntry): readonly FailedWindow[] {
  if (!isResting(entry) || !entry.lastError) return []
  return [{ window: windowId(entry.window), ...explained(entry.lastError), landedBefore: isPublished(entry) }]
}

function doubtfulWindow({ window, figures }: LedgerEntry): FeedStatus['doubtful'] {
  return figures?.rowsDoubtful ? [{ window: windowId(window), rows: figures.rowsDoubtful }] : []
}

function failedWindow(entry: LedgerEntry): readonly FailedWindow[] {
  if (entry.state !== 'failed') return []
  const { since, window } = entry
  const failure = { ...explained(entry), remedy: remedyOf(entry) }
  return [{ window: windowId(window), ...failure, since, landedBefore: isPublished(entry) }]
}

const SLOW_MS = HOUR_MS

function slowWindow(now: Date, entry: LedgerEntry): readonly SlowWindow[] {
  if (!isOpen(entry) || now.getTime() - entry.requestedAt.getTime() < SLOW_MS) return []
  const { window, state, requestedAt } = entry
  return [{ window: windowId(window), state, requestedAt, ...('deadline' in entry && { until: entry.deadline }) }]
}

/** A problem of the file itself names it already. */
function ofFeedsFile(problem: string): Failure {
  const start = 'feeds.json: '
  return failed('query-refused', problem.startsWith(start) ? problem : `${start}${problem}`)
}

function explained({ kind, message }: { readonly kind: FailureKind; readonly message: string }) {
  return { kind, message, remedy: FAILURES[kind].remedy }
}
