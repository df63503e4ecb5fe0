// The keys of the rows that are about the app, a feed, an account or a table and not about a window, and what they hold,
// but for the rows of feeds (feed-row.ts) and the pacing of accounts (plan/pacing.ts).

import type { Duration } from '../time/durations.ts'

/** What the keys of all feeds' rows begin with; the name of the feed follows. */
export const FEED_ROWS = 'feed~'

const TABLE_ROWS = 'table~'
const ERASED_ROWS = 'erased~'
const KEPT_ROWS = 'kept~'
const AUDITED_ROWS = 'audited~'
const TOLD_ROWS = 'told~'

/** What the keys of the rows begin with that a timer does not read at each tick: it has no use for them, or seldom. */
export const LEFT_OUT = {
  provision: [AUDITED_ROWS, KEPT_ROWS, ERASED_ROWS, TOLD_ROWS],
  sweep: [TABLE_ROWS, ERASED_ROWS, TOLD_ROWS],
} as const

export const feedRowKey = (name: string): string => `${FEED_ROWS}${name}`
export const tableRowKey = (table: string): string => `${TABLE_ROWS}${table.toLowerCase()}`
export const pacingRowKey = (account: string): string => `pacing~${account}`
export const cleanUpRowKey = (account: string): string => `cleanup~${account}`
export const tokenRowKey = (account: string): string => `token~${account}`
export const erasedRowKey = (feed: string): string => `${ERASED_ROWS}${feed}`
export const credentialsRowKey = (account: string): string => `credentials~${account}`
export const keptRowKey = (feed: string): string => `${KEPT_ROWS}${feed}`
export const auditedRowKey = (feed: string): string => `${AUDITED_ROWS}${feed}`
export const toldRowKey = (about: string): string => `${TOLD_ROWS}${about}`

export const FEEDS_SOURCE_KEY = 'feeds~source'
export const TICK_KEY = 'tick~provision'
export const SWEEP_KEY = 'tick~sweep'
export const STARTED_KEY = 'started'
export const SWEPT_STRAYS_KEY = 'swept~strays'
export const HOSTS_KEY = 'hosts'

/** The owner of a landing table: two feeds never land in one. */
export type TableRow = { readonly feed: string }

/** Which feeds.json the last tick read: the container's or the packaged one, and the hash of its text. */
export type FeedsSourceRow = {
  readonly source: 'container' | 'package'
  readonly hash: string
  /** Problems of the file, and of feeds that have no row of their own to say them. */
  readonly problems?: readonly string[]
}

/** The last finished tick of `provision`: without it nobody could tell a quiet app from a dead timer. */
export type TickRow = { readonly at: string; readonly requested: number; readonly waiting: number }

/** The last finished sweep. */
export type SweepRow = { readonly at: string }

/** What was last told about a thing that every tick finds again. */
export type ToldRow = { readonly hash: string; readonly at: string }

/** The hosts that reports were downloaded from, the newest last. */
export type HostsRow = { readonly hosts: readonly string[] }

/** Who renews the refresh token of an account, and until when. */
export type TokenLeaseRow = { readonly owner: string; readonly until: string }

/** How often in a row an account could not delete what it left at the service, and when that was last tried. */
export type CleanUpRow = { readonly times: number; readonly at: string }

/** When reports that nobody names were last looked for. */
export type SweptRow = { readonly at: string }

/** When what is older than a feed keeps was last looked for, and how long it kept its windows then. */
export type KeptRow = { readonly at: string; readonly keep?: Duration }

/** When a feed's table was last walked to its end; `after`: the key up to which it is walked at the moment. */
export type AuditedRow = { readonly at: string; readonly after?: string }

/** When the app was first seen to run: before its first tick, a timer is missed from then on. */
export type StartedRow = { readonly at: string }

/** What an account signs in with, as far as its end is known, and when that is looked up next. */
export type CredentialsRow = {
  readonly nextAt: string
  readonly credentials: readonly {
    readonly what: 'client-secret' | 'certificate' | 'consent'
    readonly expiresAt: string
  }[]
}
