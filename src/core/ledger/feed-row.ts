import type { Failure, FailureKind } from '../failures.ts'
import type { Account, Boundary, Feed } from '../feeds/feed.ts'
import { wantedColumns } from '../feeds/feed-query.ts'
import { type Asked, askedFor, type Form, formOf } from '../feeds/form.ts'
import { HOUR_MS, MINUTE_MS } from '../time/durations.ts'
import { hasCome } from './wake.ts'

/**
 * What the app remembers of a feed, in its `feed~` row. Only `provision` reads feeds.json; all other steps take the feed
 * from here. Every change of a row is a function of this file, or of feed-block.ts, reach.ts, offer.ts and emptied.ts beside
 * it; one that gives the row it was given changes nothing.
 */
export type FeedRow = {
  readonly feed: Feed
  /** What feeds.json says of the feed's account. */
  readonly account: Account
  /** The tenant that the feed's rows are of, as it was first written; absent until it is known. */
  readonly tenant?: string
  /** What the feed asks for, and how it lands. */
  readonly form: Form
  /** By how much the account's quota stretches `refresh.every`; absent where it leaves it as it is. */
  readonly stretch?: number
  /** When the app first saw the feed: windows that end later are of lane `live`. */
  readonly since: string
  /** A person paused the feed's history: nothing of it is asked for until they resume it. What is live goes on. */
  readonly backfillPaused?: true
  /** The query the service knows for this feed, and the hash of the feed it was registered for. */
  readonly query?: RegisteredQuery
  /**
   * How far back the service has data: the ranges that it listed last. Absent while it was not asked, or lists no such
   * dataset.
   */
  readonly ranges?: readonly string[]
  /**
   * The most that the service listed for the feed as it is: drift is measured against it. `hours` is the minimum interval
   * between two reports.
   */
  readonly offered?: { readonly ranges: readonly string[]; readonly hours?: number }
  /** When the ranges last reached further back than before: what was out of range is asked for again. */
  readonly widerAt?: string
  /** Where history starts for the feed's `of`, its `from`: absent where the service offers all of it. */
  readonly reach?: { readonly of: Boundary; readonly from?: string }
  /** The columns that the app chose last; they count while feeds.json names none. */
  readonly chosen?: readonly string[]
  /** Queries of the feed's earlier forms that we registered and that open attempts may still use. */
  readonly formerQueries?: readonly string[]
  /** A failure that only a change outside can heal: nothing new is asked for meanwhile. */
  readonly blocked?: Trouble
  /** The block is for what feeds.json says of the feed: only feeds.json ends it, whatever the feed's windows do. */
  readonly refused?: true
  /** Until then no window that failed is tried again: the last one that was tried has failed once more. */
  readonly nextTrial?: string
  /** Windows of the feed failed that a landing, or a change, may heal. */
  readonly failing?: true
  /** When the feed last landed after failures: what failed before is tried again. */
  readonly healedAt?: string
  /** When the feed was last changed: what failed before is tried again. */
  readonly changedAt?: string
  /** Columns of the feed's files that nobody named, as last told. */
  readonly drift?: readonly string[]
  /** What the feed uses and the service no longer offers, as last told: a sentence for each. */
  readonly offerDrift?: readonly string[]
  /** The columns that have values in the feed's newest window, which begins at `from`. */
  readonly filled?: { readonly from: string; readonly columns: readonly string[] }
  /** Columns that had values before, each with the time from the first to the last window that lacks it. */
  readonly emptiedIn?: Readonly<Record<string, { readonly from: string; readonly to: string }>>
  /** Since when the feed is stale, as last told. */
  readonly staleSince?: string
  /** The halved windows that were last told, by their ids. */
  readonly halved?: readonly string[]
  /** How many empty windows between full ones were last told. */
  readonly emptyBetween?: number
  /** Windows without rows that a person accepts as gaps, by their ids. */
  readonly acceptedGaps?: readonly string[]
  /** When a person had the feed purged: it lands nothing more, and its row goes once nothing else is left of it. */
  readonly purgedAt?: string
  /** What keeps the feed from being asked for, and heals with time. */
  readonly trouble?: Trouble
  /** How often in a row the feed could not be asked for, and when it was last tried. */
  readonly backoff?: { readonly times: number; readonly at: string }
}

/** What of a feed only says how it asks and lands, and not when. */
export type WideField =
  | 'types'
  | 'mustHave'
  | 'source'
  | 'timeColumn'
  | 'newColumns'
  | 'maxRejects'
  | 'shards'
  | 'allowRedacted'

/** A feed row without its query and columns, which fill most of it: all that the timers read of a feed at each tick. */
export type FeedOutline = Omit<FeedRow, 'feed' | 'query' | 'chosen' | 'filled' | 'ranges' | 'offered'> & {
  readonly feed: Omit<Feed, WideField>
  readonly query?: Omit<RegisteredQuery, 'columns'>
}

/** The outline of a feed with how far back the service has data. */
export type RangedRow = FeedOutline & Pick<FeedRow, 'ranges'>

export type Trouble = { readonly kind: FailureKind; readonly message: string; readonly at: string }

/** `columns` are those that were asked for; absent where the query is the user's own and the file's header decides. */
export type RegisteredQuery = {
  readonly queryId: string
  readonly hash: string
  readonly columns?: readonly string[]
  /** The app made its text from columns. Absent where the query is the user's own. */
  readonly composed?: true
  /** The feed names no columns: the app chose them. */
  readonly chosen?: true
  /** Registered by the app, which therefore deletes it once it is replaced. */
  readonly ours: boolean
}

const FIRST_BACKOFF_MS = 15 * MINUTE_MS
const LAST_BACKOFF_MS = 6 * HOUR_MS

/** The row of a feed that the app sees for the first time. */
export function newFeedRow(feed: Feed, account: Account, now: Date): FeedRow {
  return { feed, account, form: formNow({ feed }), since: now.toISOString() }
}

/** The tenant of the feed's account. One that is known stays: another one is refused. */
export function withTenant(row: FeedRow, tenant: string | undefined): FeedRow {
  return row.tenant !== undefined || tenant === undefined ? row : { ...row, tenant }
}

/** The quota of the account stretches the refreshes of its feeds. */
export function withStretch(row: FeedRow, stretch: number): FeedRow {
  const { stretch: _, ...rest } = row
  if ((row.stretch ?? 1) === stretch) return row
  return stretch === 1 ? rest : { ...rest, stretch }
}

/** The feed cannot be asked for, which time heals. */
export function withTrouble(row: FeedRow, failure: Failure, now: Date): FeedRow {
  return row.trouble?.kind === failure.kind ? row : { ...row, trouble: toTrouble(failure, now) }
}

/** The columns of the feed's files that nobody named. */
export function withDrift(row: FeedRow, columns: readonly string[]): FeedRow {
  const drift = columns.toSorted()
  return JSON.stringify(row.drift ?? []) === JSON.stringify(drift) ? row : { ...row, drift }
}

export function withEmptyBetween(row: FeedRow, count: number): FeedRow {
  return (row.emptyBetween ?? 0) === count ? row : { ...row, emptyBetween: count }
}

/** What an audit found of the freshness of the feed and of its halved windows. */
export function withAlarms(row: FeedRow, staleSince: Date | undefined, halved: readonly string[]): FeedRow {
  const { staleSince: wasStale, halved: were = [], ...rest } = row
  const stale = staleSince?.toISOString()
  if (wasStale === stale && JSON.stringify(were) === JSON.stringify(halved)) return row
  return { ...rest, ...(stale !== undefined && { staleSince: stale }), ...(halved.length > 0 && { halved }) }
}

/** A person pauses the feed's history, or lets it go on. */
export function withBackfillPaused(row: FeedRow, isPaused: boolean): FeedRow {
  const { backfillPaused, ...rest } = row
  if ((backfillPaused === true) === isPaused) return row
  return isPaused ? { ...rest, backfillPaused: true } : rest
}

/** A person purges the feed. */
export function withPurge(row: FeedRow, now: Date): FeedRow {
  return row.purgedAt === undefined ? { ...row, purgedAt: now.toISOString() } : row
}

/** A person accepts that a window has no rows. */
export function withAcceptedGap(row: FeedRow, window: string): FeedRow {
  const { acceptedGaps = [] } = row
  return acceptedGaps.includes(window) ? row : { ...row, acceptedGaps: [...acceptedGaps, window] }
}

/** The window is asked for anew: what a person accepted of it before no longer counts. */
export function withoutAcceptedGap(row: FeedRow, window: string): FeedRow {
  const { acceptedGaps = [], ...rest } = row
  if (!acceptedGaps.includes(window)) return row
  const left = acceptedGaps.filter((each) => each !== window)
  return left.length > 0 ? { ...rest, acceptedGaps: left } : rest
}

/** The feed could not be asked for once more. */
export function withBackoff(row: FeedRow, now: Date): FeedRow {
  return { ...row, backoff: { times: (row.backoff?.times ?? 0) + 1, at: now.toISOString() } }
}

/** The feed was asked for. */
export function withoutBackoff(row: FeedRow): FeedRow {
  const { backoff: _, ...rest } = row
  return row.backoff ? rest : row
}

/**
 * Until when the feed waits because it could not be asked for. It is asked for again at the next tick; after that it waits 15
 * minutes, then twice as long each time, up to 6 hours.
 */
export function restsUntil({ backoff }: Pick<FeedRow, 'backoff'>, now: Date): Date | undefined {
  if (!backoff || backoff.times < 2) return undefined
  const waitMs = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(backoff.times - 2, 20), LAST_BACKOFF_MS)
  const until = new Date(Date.parse(backoff.at) + waitMs)
  return hasCome(until, now, LAST_BACKOFF_MS) ? undefined : until
}

/** Whether another instance registered a query for the same feed first: that one counts, for its reports are under way. */
export function isOvertaken(row: FeedRow, before: FeedRow, query: RegisteredQuery): boolean {
  const theirs = row.query
  return theirs?.hash === query.hash && theirs.queryId !== query.queryId && theirs.queryId !== before.query?.queryId
}

/**
 * The feed has a query at the service, so its trouble is over. The query it replaces, where the app registered it, waits
 * among the former ones; a feed that goes back to an earlier form finds its earlier query again, which stays.
 */
export function withQuery(row: FeedRow, query: RegisteredQuery): FeedRow {
  const { trouble: _, backoff: __, formerQueries = [], ...rest } = row
  const isChoice = row.feed.hash === query.hash && namesNoColumns(row.feed) && query.columns !== undefined
  const replaced = row.query?.ours ? [row.query.queryId] : []
  const former = new Set([...formerQueries, ...replaced].filter((queryId) => queryId !== query.queryId))
  const next = { ...rest, query, ...(isChoice && { chosen: query.columns }) }
  return { ...next, form: formNow(next), ...(former.size > 0 && { formerQueries: [...former] }) }
}

/** The service no longer has the feed's query: it is registered anew. */
export function withoutQuery(row: FeedRow): FeedRow {
  const { query: _, ...rest } = row
  return rest
}

/** A former query was deleted at the service. */
export function withoutFormerQuery(row: FeedRow, queryId: string): FeedRow {
  const { formerQueries = [], ...rest } = row
  const left = formerQueries.filter((each) => each !== queryId)
  return left.length > 0 ? { ...rest, formerQueries: left } : rest
}

/**
 * Whether an attempt asked another question than the feed does now: its query was replaced, or will be at the next request.
 * A new selection of the same rows is no reason to discard a report before it is registered.
 */
export function isOfEarlierQuery(
  row: Pick<FeedOutline, 'query' | 'form'>,
  { queryId, asked }: { readonly queryId: string; readonly asked: Asked },
): boolean {
  const isReplaced = row.query !== undefined && row.query.queryId !== queryId
  return isReplaced || asked.rowSet !== row.form.rowSet
}

/** What a feed asks for now, and how it lands. */
export function formNow({ feed, chosen }: Pick<FeedRow, 'feed' | 'chosen'>): Form {
  const { source } = feed
  const named = source.kind === 'columns' ? source.columns : []
  return formOf(askedFor(feed, named ?? chosen ?? wantedColumns(feed)), feed)
}

function namesNoColumns({ source }: Feed): boolean {
  return source.kind === 'columns' && source.columns === undefined
}

export function toTrouble({ kind, message }: Failure, now: Date): Trouble {
  return { kind, message, at: now.toISOString() }
}
