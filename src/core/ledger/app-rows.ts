import type { FailureKind } from '../failures.ts'
import type { Account, Feed } from '../feeds/feed.ts'

/** What the app remembers of a feed, in its `feed~` row: the only place where steps other than provision read it. */
export type FeedRow = {
  readonly feed: Feed
  /** What feeds.json says of the feed's account. */
  readonly account: Account
  /** When the app first saw the feed: windows that end later are of lane `live`. */
  readonly since: string
  /** The query the service knows for this feed, and the hash of the feed it was registered for. */
  readonly query?: RegisteredQuery
  /** Queries of the feed's earlier forms that we registered and that open attempts may still use. */
  readonly formerQueries?: readonly string[]
  /** A failure that only a change outside can heal: nothing new is asked for meanwhile. */
  readonly blocked?: Trouble
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

/** Which feeds.json the last tick read: the container's or the packaged one, and the hash of its text. */
export type FeedsSourceRow = { readonly source: 'container' | 'package'; readonly hash: string }

export const FEEDS_SOURCE_KEY = 'feeds~source'

/** The last finished tick of `provision`: without it nobody could tell a quiet app from a dead timer. */
export type TickRow = { readonly at: string; readonly requested: number; readonly waiting: number }

export const TICK_KEY = 'tick~provision'

/** What was last told about a thing that every tick finds again. */
export type ToldRow = { readonly hash: string; readonly at: string }

export const toldRowKey = (about: string): string => `told~${about}`

/** When reports that nobody names were last looked for. */
export type SweptRow = { readonly at: string }

export const SWEPT_STRAYS_KEY = 'swept~strays'

/** The owner of a landing table: two feeds never land in one. */
export type TableRow = { readonly feed: string }

export const feedRowKey = (name: string): string => `feed~${name}`
export const tableRowKey = (table: string): string => `table~${table.toLowerCase()}`
export const pacingRowKey = (account: string): string => `pacing~${account}`
