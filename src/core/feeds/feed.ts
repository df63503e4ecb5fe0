import type { Grain } from '../catalog.ts'
import type { Duration } from '../time/durations.ts'

/** The types a person may give a column. */
export const USER_TYPES = ['string', 'double', 'int64', 'boolean', 'datetime', 'guid'] as const

/** How a column lands. `month` comes only from the catalogue: the text as written, and `<name>_month` as a datetime. */
export type ColumnType = (typeof USER_TYPES)[number] | 'month'

/** Where a feed's query comes from. Without `columns`, the app selects the catalogue's defaults that the service lists. */
export type FeedSource =
  | {
      readonly kind: 'columns'
      readonly columns?: readonly string[]
      readonly where?: string
      readonly distinct: boolean
    }
  | { readonly kind: 'query'; readonly query: string }
  | { readonly kind: 'queryId'; readonly queryId: string }

/** Where history starts or ends: an ISO instant, or a duration back from the day the app first saw the feed. */
export type Boundary = { readonly date: string } | { readonly back: Duration }

/**
 * Ask again for windows that ended less than `for` ago: once per `every`, and the day after each of `days`, the days of the
 * month on which the source loads the data of the month before.
 */
export type Refresh = { readonly every: Duration; readonly for: Duration; readonly days?: readonly number[] }

/** When a feed asks for data: one window after another, or a snapshot of everything at intervals. */
export type Cadence =
  | {
      readonly kind: 'windows'
      readonly window: Duration
      readonly backfillWindow: Duration
      readonly from: Boundary
      readonly to?: Boundary
      readonly openWindow: boolean
      readonly refresh?: Refresh
    }
  | { readonly kind: 'snapshot'; readonly every: Duration }

/** One entry of `feeds.json` with every default filled in. JSON-safe: the ledger stores it as it is. */
export type Feed = {
  readonly name: string
  readonly account: string
  readonly dataset: string
  readonly source: FeedSource
  readonly cadence: Cadence
  readonly grain?: Grain
  readonly timeColumn?: string
  readonly delay: Duration
  readonly table: string
  /** The types of all columns and metrics in the catalogue's spelling, and of those that the user's `types` add. */
  readonly types: Readonly<Record<string, ColumnType>>
  /** The columns in the user's `types`, where the query is the user's own: a report of it has them all. */
  readonly mustHave?: readonly string[]
  readonly newColumns: 'land' | 'fail'
  readonly maxRejects: number
  readonly key?: readonly string[]
  /** Rows and files of windows that ended longer ago are removed, and not asked for; absent: for ever. */
  readonly keep?: Duration
  /** Where the windows can be read; absent: in the table alone. */
  readonly publish?: readonly (typeof PUBLICATIONS)[number][]
  readonly shards: number
  readonly allowRedacted: boolean
  readonly enabled: boolean
  /** Changes only when something changes that decides how rows land. */
  readonly hash: string
}

/** Where the windows of a feed can be read. */
export const PUBLICATIONS = ['table', 'parquet'] as const

/** Whether each window that is published is also written as one Parquet file. */
export function writesFiles({ publish }: Pick<Feed, 'publish'>): boolean {
  return publish?.includes('parquet') === true
}

/** How an account signs in where nobody says otherwise. */
export const DEFAULT_AUTH = 'refresh-token'

/** One account in `feeds.json`. The rest of its sign-in is in the settings. */
export type Account = { readonly tenantId?: string; readonly clientId?: string; readonly auth?: string }

/** The account whose sign-in is in the settings without a suffix. Every feed that names none uses it. */
export const DEFAULT_ACCOUNT = 'default'

export const FEED_NAME = /^[a-z][a-z0-9-]{1,39}$/

/** Whether a text can be the name of a feed. Check it before it goes into a table key. */
export function isFeedName(text: string): boolean {
  return FEED_NAME.test(text)
}
