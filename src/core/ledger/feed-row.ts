import type { Failure, FailureKind } from '../failures.ts'
import type { Account, Feed } from '../feeds/feed.ts'
import { wantedColumns } from '../feeds/feed-query.ts'
import { type Asked, askedFor, type Form, formOf } from '../feeds/form.ts'
import { isOpen, type LedgerEntry } from './ledger.ts'

/**
 * What the app remembers of a feed, in its `feed~` row. Only `provision` reads feeds.json; all other steps take the feed
 * from here. Every change of a row is a function of this file; one that gives the row it was given changes nothing.
 */
export type FeedRow = {
  readonly feed: Feed
  /** What feeds.json says of the feed's account. */
  readonly account: Account
  /** When the app first saw the feed: windows that end later are of lane `live`. */
  readonly since: string
  /** The query the service knows for this feed, and the hash of the feed it was registered for. */
  readonly query?: RegisteredQuery
  /** The columns that the app chose last; they count while feeds.json names none. */
  readonly chosen?: readonly string[]
  /** Queries of the feed's earlier forms that we registered and that open attempts may still use. */
  readonly formerQueries?: readonly string[]
  /** A failure that only a change outside can heal: nothing new is asked for meanwhile. */
  readonly blocked?: Trouble
  /** The block is for what feeds.json says of the feed: only feeds.json ends it, whatever the feed's windows do. */
  readonly refused?: true
  /** Columns of the feed's files that nobody named, as last told. */
  readonly drift?: readonly string[]
  /** When a window of an ended block was last tried again. */
  readonly retriedAt?: string
  /** How many empty windows between full ones were last told. */
  readonly emptyBetween?: number
  /** When the feed was last changed: what failed before is tried again. */
  readonly reopenBefore?: string
  /** What keeps the feed from being asked for, and heals with time. */
  readonly trouble?: Trouble
}

export type Trouble = { readonly kind: FailureKind; readonly message: string; readonly at: string }

/** `columns` are those that were asked for; absent where the query is the user's own and the file's header decides. */
export type RegisteredQuery = {
  readonly queryId: string
  readonly hash: string
  readonly columns?: readonly string[]
  /** Registered by the app, which therefore deletes it once it is replaced. */
  readonly ours: boolean
}

/** The row of a feed that the app sees for the first time. */
export function newFeedRow(feed: Feed, account: Account, now: Date): FeedRow {
  return { feed, account, since: now.toISOString() }
}

/**
 * The feed is as feeds.json has it now, and owns its table. A changed feed deserves another try: its block ends, and what
 * failed before is asked for again.
 */
export function withFeed(row: FeedRow, feed: Feed, account: Account, now: Date): FeedRow {
  if (row.feed.hash === feed.hash) return { ...withoutRefusal(row), feed, account }
  const { blocked: _, refused: __, trouble: ___, ...rest } = row
  return { ...rest, feed, account, reopenBefore: now.toISOString() }
}

/**
 * The app does not take the feed as feeds.json has it now: its table belongs to another feed, or its name to other rows.
 * It keeps its earlier form: what is open of it lands as it was asked for. A block for another reason is replaced, and
 * comes back by itself with the first request that fails.
 */
export function refusedBy(row: FeedRow, failure: Failure, now: Date): FeedRow {
  const isKnown = row.blocked?.kind === failure.kind && row.blocked.message === failure.message && row.refused
  return isKnown ? row : { ...row, blocked: toTrouble(failure, now), refused: true }
}

/** The feed left feeds.json or is disabled: it asks for nothing new, so it no longer matters what the file said of it. */
export function retired(row: FeedRow): FeedRow {
  if (!row.feed.enabled && !row.refused) return row
  return { ...withoutRefusal(row), feed: { ...row.feed, enabled: false } }
}

function withoutRefusal(row: FeedRow): FeedRow {
  const { blocked: _, refused, ...free } = row
  return refused ? free : row
}

/** Nothing new is asked for. A further failure of a blocked feed moves the day of its next try. */
export function blockedBy(row: FeedRow, failure: Failure, now: Date): FeedRow {
  return row.refused ? row : { ...row, blocked: toTrouble(failure, now) }
}

/** As `blockedBy`, for a window that is tried again after a block: it does not block a feed that is free. */
export function stillBlockedBy(row: FeedRow, failure: Failure, now: Date): FeedRow {
  return row.blocked ? blockedBy(row, failure, now) : row
}

/** The feed landed again: what held it back is gone. */
export function unblocked(row: FeedRow): FeedRow {
  if (!row.blocked || row.refused) return row
  const { blocked: _, ...free } = row
  return free
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

/** A window that a change outside heals was tried again: the next one a day later. */
export function withWindowRetried(row: FeedRow, now: Date): FeedRow {
  return { ...row, retriedAt: now.toISOString() }
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
  const { trouble: _, formerQueries = [], ...rest } = row
  const isChoice = row.feed.hash === query.hash && namesNoColumns(row.feed) && query.columns !== undefined
  const replaced = row.query?.ours ? [row.query.queryId] : []
  const former = new Set([...formerQueries, ...replaced].filter((queryId) => queryId !== query.queryId))
  const chosen = isChoice ? { chosen: query.columns } : {}
  return { ...rest, query, ...chosen, ...(former.size > 0 && { formerQueries: [...former] }) }
}

/** The service no longer has the feed's query: it is registered anew. */
export function withoutQuery(row: FeedRow): FeedRow {
  const { query: _, ...rest } = row
  return rest
}

/** The former queries that no open attempt uses any more. */
export function unusedQueries({ formerQueries = [] }: FeedRow, entries: readonly LedgerEntry[]): readonly string[] {
  const used = new Set(entries.filter(isOpen).map(({ queryId }) => queryId))
  return formerQueries.filter((queryId) => !used.has(queryId))
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
  row: FeedRow,
  { queryId, asked }: { readonly queryId: string; readonly asked: Asked },
): boolean {
  const isReplaced = row.query !== undefined && row.query.queryId !== queryId
  return isReplaced || asked.rowSet !== askedNow(row).rowSet
}

/** What a feed asks for now. */
export function askedNow({ feed, chosen }: FeedRow): Asked {
  const { source } = feed
  const named = source.kind === 'columns' ? source.columns : []
  return askedFor(feed, named ?? chosen ?? wantedColumns(feed))
}

/** What a feed asks for now, and how it lands. */
export function formNow(row: FeedRow): Form {
  return formOf(askedNow(row), row.feed)
}

function namesNoColumns({ source }: Feed): boolean {
  return source.kind === 'columns' && source.columns === undefined
}

function toTrouble({ kind, message }: Failure, now: Date): Trouble {
  return { kind, message, at: now.toISOString() }
}
