import { adviceText, type SignInKind } from '../failures.ts'
import { blockAdvice } from '../ledger/feed-block.ts'
import { isPublished, type LedgerEntry, type State } from '../ledger/ledger.ts'
import { outOfRangeReason } from '../ledger/reach.ts'
import { HOUR_MS, MINUTE_MS } from '../time/durations.ts'
import { minuteText } from '../time/instants.ts'
import { type Window, windowId } from '../time/window.ts'
import {
  type HistoryCounts,
  type HistoryWindow,
  historyCounts,
  historyOf,
  isCountedLanded,
  type RangedFeed,
} from './feed-history.ts'
import { planOf } from './known-feed.ts'
import { dueRequests } from './plan.ts'
import { type AccountNow, rehearse, type Timers } from './rehearse.ts'
import type { Rehearsed } from './rehearsed-feed.ts'
import { type Choice, type LeftOut, setBack } from './set-back.ts'

// What a person sees of a backfill before it runs and while it runs.

/** Without a landed report to go by, one is assumed to take so long: the next tick finds it done. */
const USUAL_REPORT_MS = 10 * MINUTE_MS

/** `going`: history is still asked for. `done`: nothing of it is left to ask for. */
export type Progress = 'going' | 'done' | 'paused' | 'blocked' | 'disabled'

/** The history of one feed. `reports`: those still needed. `doneAt`: when the last of them has landed. */
export type FeedHistory = HistoryCounts & {
  readonly feed: string
  readonly progress: Progress
  /** Why the feed is blocked, and what a person does about it. */
  readonly why?: string
  readonly reports: number
  readonly doneAt?: Date
  /** How long a report of the feed is assumed to take. */
  readonly reportMs: number
}

/**
 * One report that the app will ask for. `state`: how its window is now; without an entry it waits, or is due later.
 * `isDueNow`: only the quota and the turns of the feeds hold it up; the others wait until data has settled, or are tried again.
 */
export type NeededReport = DueReport & { readonly state: State | 'waiting' | 'due later' }

type DueReport = Rehearsed & { readonly isDueNow: boolean }

export type BackfillView = {
  readonly at: Date
  readonly feeds: readonly FeedHistory[]
  /** Reports of history that are still needed, and when the last of them has landed. */
  readonly reports: number
  readonly doneAt?: Date
  /** Those of them that are due now, and when the last of these has landed. */
  readonly dueNow?: { readonly reports: number; readonly doneAt: Date }
  /** The others, and when the last of these is asked for. */
  readonly dueLater?: { readonly reports: number; readonly lastAt: Date }
  /** Windows of history that landed in the last hour. */
  readonly landedLately: number
  /** All reports until history is done, in order: also the live ones and the refreshes that come in between. */
  readonly requests: readonly NeededReport[]
  /** Accounts that ask for nothing because their sign-in is refused: when they can sign in again, nobody knows. */
  readonly refused: readonly { readonly account: string; readonly kind: SignInKind }[]
  readonly outOfRange: readonly LeftOut[]
  /** What a choice is about and leaves as it is. */
  readonly left: readonly LeftOut[]
  /** Something of history is left that the app asks for only once something changes. */
  readonly isEndless: boolean
}

/**
 * What to look at: one feed or all, windows of some time or all, and what would be if a choice were set back and, with
 * `asIfResumed`, what is paused were resumed.
 */
export type Question = {
  readonly feed?: string
  readonly isInSpan: (window: Window) => boolean
  readonly choice?: Choice
  readonly asIfResumed?: boolean
}

/** The feeds that have a history, or the one of them with that name. */
export function feedsWithHistory(accounts: readonly Pick<AccountNow, 'feeds'>[], name?: string): readonly RangedFeed[] {
  const timed = accounts.flatMap(({ feeds }) => feeds).filter(({ row }) => row.feed.cadence.kind === 'windows')
  return name === undefined ? timed : timed.filter(({ row }) => row.feed.name === name)
}

/** Says how it stands with the history of the feeds. Of each account all feeds are played, because they take turns. */
export function viewBackfill(
  now: Date,
  accounts: readonly AccountNow[],
  timers: Timers,
  question: Question,
): BackfillView {
  const { accounts: after, left } = afterChoice(now, accounts, question)
  const parts = after.map((account) => viewOfAccount(now, account, timers, question))
  const feeds = parts.flatMap((part) => part.feeds)
  const states = statesOf(accounts)
  const requests = parts
    .flatMap((part) => part.requests)
    .map(
      (each): NeededReport => ({
        ...each,
        state: states.get(keyOf(each)) ?? (each.isDueNow ? 'waiting' : 'due later'),
      }),
    )
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
  const ofHistory = requests.filter(isOfHistory)
  const doneAt = lastOf(ofHistory)
  return {
    at: now,
    feeds,
    reports: feeds.reduce((sum, feed) => sum + feed.reports, 0),
    ...(doneAt && { doneAt }),
    ...nowAndLater(ofHistory),
    landedLately: feedsWithHistory(accounts, question.feed).reduce((sum, feed) => sum + landedLately(now, feed), 0),
    requests,
    refused: parts.flatMap((part) => part.refused),
    outOfRange: parts.flatMap((part) => part.outOfRange),
    left,
    isEndless: parts.some((part) => part.isEndless),
  }
}

function nowAndLater(requests: readonly DueReport[]): Pick<BackfillView, 'dueNow' | 'dueLater'> {
  const dueNow = requests.filter(({ isDueNow }) => isDueNow)
  const dueLater = requests.filter(({ isDueNow }) => !isDueNow)
  const [doneAt, lastAt] = [lastOf(dueNow), dueLater.at(-1)?.at]
  return {
    ...(doneAt && { dueNow: { reports: dueNow.length, doneAt } }),
    ...(lastAt && { dueLater: { reports: dueLater.length, lastAt } }),
  }
}

type OfWindow = { readonly feed: string; readonly window: Window }

function isAbout({ feed, isInSpan }: Question, each: OfWindow): boolean {
  return (feed === undefined || feed === each.feed) && isInSpan(each.window)
}

function isOfHistory({ priority }: Rehearsed): boolean {
  return priority === 'backfill'
}

/** The accounts as they would be if the choice were set back, and what of it stays as it is. */
function afterChoice(now: Date, accounts: readonly AccountNow[], question: Question) {
  const { choice } = question
  const left: LeftOut[] = []
  if (!choice) return { accounts, left }
  const again = ({ row }: RangedFeed, entry: LedgerEntry) => {
    const next = isAbout(question, entry) ? setBack(choice, row, entry, now) : undefined
    if (next && 'why' in next) left.push({ feed: entry.feed, window: entry.window, why: next.why })
    return next && 'state' in next ? next : entry
  }
  const after = accounts.map((account) => ({
    ...account,
    feeds: account.feeds.map((known) => ({ ...known, entries: known.entries.map((entry) => again(known, entry)) })),
  }))
  return { accounts: after, left }
}

const keyOf = ({ feed, window }: OfWindow) => `${feed} ${windowId(window)}`

function statesOf(accounts: readonly AccountNow[]): ReadonlyMap<string, State> {
  const entries = accounts.flatMap(({ feeds }) => feeds.flatMap((feed) => feed.entries))
  return new Map(entries.map((entry) => [keyOf(entry), entry.state]))
}

function lastOf(requests: readonly Rehearsed[]): Date | undefined {
  const last = requests.reduce((end, { landsAt }) => Math.max(end, landsAt.getTime()), 0)
  return last > 0 ? new Date(last) : undefined
}

/** The account as the question supposes it. A feed that it is not about stays paused. */
function played(account: AccountNow, { feed, asIfResumed }: Question): AccountNow {
  if (!asIfResumed) return account
  const feeds = account.feeds.map((known) => {
    const { backfillPaused: _, ...row } = known.row
    return feed === undefined || feed === row.feed.name ? { ...known, row } : known
  })
  return { ...account, feeds }
}

/** How it stands with what the question is about, of an account of which all feeds are played. */
function viewOfAccount(now: Date, account: AccountNow, timers: Timers, question: Question) {
  const timed = feedsWithHistory([account], question.feed).map((known) => ({
    known,
    windows: historyOf(now, known).filter(({ window }) => question.isInSpan(window)),
  }))
  const times = reportTimes(account.feeds)
  const reportMs = (feed: string) => times.get(feed) ?? USUAL_REPORT_MS
  const supposed = played(account, question)
  const { requests: all, missed, isEndless } = rehearse(now, supposed, { ...timers, reportMs })
  const requests = withDueNow(now, supposed, all).filter((each) => isAbout(question, each))
  const outside = timed.flatMap(outOfRange)
  const areOutside = new Set(outside.map(keyOf))
  const falling = missed
    .map(({ row, window, at }) => {
      const why = `${outOfRangeReason(row)} when its turn comes, at ${minuteText(at)}`
      return { feed: row.feed.name, window, why }
    })
    .filter((each) => isAbout(question, each) && !areOutside.has(keyOf(each)))
  return {
    feeds: timed.map((each) => historyOfFeed(each, requests, reportMs(each.known.row.feed.name))),
    requests,
    refused: timed.slice(0, 1).flatMap(({ known }) => {
      const { refused } = account.pacing
      return refused && !refused.works ? [{ account: known.row.feed.account, kind: refused.kind }] : []
    }),
    outOfRange: [...outside, ...falling],
    isEndless,
  }
}

/** Marks what the app may ask for now: of a window that is due its first report, not one that follows once it has settled. */
function withDueNow(now: Date, { feeds }: AccountNow, requests: readonly Rehearsed[]): readonly DueReport[] {
  const due = feeds.flatMap((known) => dueRequests(now, planOf(known)))
  const left = new Set(due.map(({ row, window }) => keyOf({ feed: row.feed.name, window })))
  return requests.map((each) => ({ ...each, isDueNow: left.delete(keyOf(each)) }))
}

/** A feed with the windows of its history. */
type TimedFeed = { readonly known: RangedFeed; readonly windows: readonly HistoryWindow[] }

function historyOfFeed({ known, windows }: TimedFeed, requests: readonly Rehearsed[], reportMs: number): FeedHistory {
  const { name } = known.row.feed
  const counts = historyCounts(windows)
  const own = requests.filter((each) => each.feed === name && isOfHistory(each))
  const doneAt = lastOf(own)
  return {
    feed: name,
    ...counts,
    ...progressOf(known, counts, own.length),
    reports: own.length,
    ...(doneAt && { doneAt }),
    reportMs,
  }
}

function progressOf(
  { row }: RangedFeed,
  { waiting, dueLater, underWay }: HistoryCounts,
  reports: number,
): { readonly progress: Progress; readonly why?: string } {
  if (!row.feed.enabled) return { progress: 'disabled' }
  if (row.backfillPaused) return { progress: 'paused' }
  if (waiting + dueLater + underWay + reports === 0) return { progress: 'done' }
  if (!row.blocked) return { progress: 'going' }
  return {
    progress: 'blocked',
    why: `${row.blocked.message}. ${adviceText(blockAdvice(row, row.blocked))}`,
  }
}

function outOfRange({ known, windows }: TimedFeed): readonly LeftOut[] {
  const why = outOfRangeReason(known.row)
  const outside = windows.filter(({ condition }) => condition === 'outOfRange')
  return outside.map(({ window }) => ({ feed: known.row.feed.name, window, why }))
}

/** Of the windows of history that count as landed, those that landed in the last hour. */
function landedLately(now: Date, { entries }: RangedFeed): number {
  const since = now.getTime() - HOUR_MS
  const landed = entries.filter((entry) => entry.lane === 'backfill' && isCountedLanded(entry))
  return landed.filter(({ figures }) => figures && figures.landedAt.getTime() > since).length
}

/** How long the service takes for a report of each feed: the median of what landed, of the feed or else of all of them. */
function reportTimes(feeds: readonly RangedFeed[]): ReadonlyMap<string, number> {
  const taken = new Map(feeds.map((known) => [known.row.feed.name, timesOf(known)]))
  const ofAll = median([...taken.values()].flat())
  return new Map(
    [...taken].flatMap(([feed, own]) => {
      const time = median(own) ?? ofAll
      return time === undefined ? [] : [[feed, time] as const]
    }),
  )
}

function timesOf({ entries }: RangedFeed): readonly number[] {
  return entries.filter(isPublished).flatMap(({ figures: { origin, requestedAt, landedAt } }) => {
    const taken = landedAt.getTime() - requestedAt.getTime()
    return origin === 'service' && taken > 0 ? [taken] : []
  })
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
