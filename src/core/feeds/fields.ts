import { CATALOG } from '../catalog.ts'
import { SERVICE_ID } from '../names.ts'
import {
  type Account,
  type Cadence,
  DEFAULT_ACCOUNT,
  FEED_NAME,
  type Feed,
  type FeedSource,
  PUBLICATIONS,
  type Refresh,
  USER_TYPES,
} from './feed.ts'

// The only list of the fields of feeds.json. The reader accepts no others. `npm run docs` generates feeds.schema.json and the
// table in docs/feeds.md from it.

/** A field of an object of `feeds.json`. */
export type Field = {
  /** What it means, in whole sentences. Code is in backticks here and in `otherwise`. */
  readonly meaning: string
  /** What its value must be. In messages it follows the words `it must be`. */
  readonly allowed: string
  /** The default in words. A default that is a single value is in the schema instead. */
  readonly otherwise?: string
  readonly required?: true
} & (
  | {
      /** A JSON Schema (2020-12), which can refer to `DEFINITIONS`. */
      readonly schema: { readonly default?: unknown; readonly [keyword: string]: unknown }
    }
  | {
      /** The fields of an object. */
      readonly fields: FieldTable
      /** Whether `false` may stand in place of the object. */
      readonly orFalse?: true
    }
)

export type FieldTable = Readonly<Record<string, Field>>

type KeyOf<Union> = Union extends unknown ? keyof Union : never

/** The fields that a feed takes from its entry under the same name. A table that lacks one does not compile. */
type FeedKey = Exclude<
  keyof Feed | KeyOf<FeedSource> | keyof Extract<Cadence, { kind: 'windows' }>,
  'source' | 'cadence' | 'kind' | 'grain' | 'mustHave' | 'hash'
>

/** The ways to sign in, for `PARTNER_AUTH` and for the `auth` of an account. */
export const AUTH_MODES = ['refresh-token', 'client-secret', 'certificate', 'managed-identity', 'password'] as const

/** An account's name becomes part of the names of settings, Key Vault secrets and rows. */
export const ACCOUNT_NAME = /^[a-z][a-z0-9]{0,19}$/

/** Table Storage's rule for table names. It does not exclude `ledger` and `tables`. */
export const TABLE_NAME = /^[A-Za-z][A-Za-z0-9]{2,62}$/

/** A name in the query language of the service. */
export const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_]*$/

const FLAG = 'true or false'
/** A table row holds no more columns. */
export const MOST_COLUMNS = 252

const NAMES = `a list of 1 to ${MOST_COLUMNS} names`
const DURATION = 'an ISO 8601 duration, such as P7D or PT12H'
const BOUNDARY =
  'a date or an instant of the years 2000 to 2099, such as 2024-01-01 or 2024-01-01T00:00:00Z, or a duration back, such as P24M'
const BY_GRAIN =
  'whole months or years where the data is by month; whole days, weeks, months or years where it is by day'

/** The id or a domain of a tenant. It becomes a part of the address that tokens are asked from. */
export const TENANT = /^[A-Za-z0-9]+((\.|-+)[A-Za-z0-9]+)*$/

const TEXT_SCHEMA = { type: 'string', minLength: 1 } as const
const NAMES_SCHEMA = {
  type: 'array',
  items: TEXT_SCHEMA,
  minItems: 1,
  maxItems: MOST_COLUMNS,
  uniqueItems: true,
} as const
const DURATION_SCHEMA = { $ref: '#/$defs/duration' } as const
const BOUNDARY_SCHEMA = { $ref: '#/$defs/boundary' } as const

/** Schemas that several fields share. */
export const DEFINITIONS = {
  duration: {
    type: 'string',
    pattern: '^P(?=[0-9T])([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+S)?)?$',
    examples: ['P1D', 'P1W', 'P1M', 'P24M', 'PT12H'],
  },
  boundary: {
    type: 'string',
    pattern: '^(P[0-9T][0-9YMWDTHS]*|20[0-9]{2}-[0-9]{2}-[0-9]{2}(T.+)?)$',
    examples: ['P24M', '2024-01-01', '2024-01-01T00:00:00Z'],
  },
}

/** The fields of the file itself. */
export const FILE_FIELDS = {
  $schema: {
    meaning: 'Where editors find this description.',
    allowed: 'the path of feeds.schema.json',
    schema: { type: 'string' },
  },
  accounts: {
    meaning:
      'Partner tenants and sign-ins besides the default one. Secrets belong in the settings or the Key Vault, never here.',
    allowed: 'an object of accounts by name',
    schema: {
      type: 'object',
      propertyNames: { pattern: ACCOUNT_NAME.source, not: { const: DEFAULT_ACCOUNT } },
      additionalProperties: { $ref: '#/$defs/account' },
    },
  },
  feeds: {
    meaning: 'One entry for each query of a dataset that lands in a table.',
    allowed: 'a list of feeds',
    required: true,
    schema: { type: 'array', items: { $ref: '#/$defs/feed' } },
  },
} as const satisfies FieldTable

export const ACCOUNT_FIELDS = {
  tenantId: {
    meaning: 'The tenant to sign in to.',
    allowed: 'the id or domain of a tenant',
    schema: { type: 'string', pattern: TENANT.source },
  },
  clientId: { meaning: 'The app to sign in as.', allowed: 'the id of an app registration', schema: TEXT_SCHEMA },
  auth: {
    meaning: 'How to sign in.',
    allowed: `one of ${AUTH_MODES.join(', ')}`,
    schema: { enum: AUTH_MODES },
  },
} as const satisfies Readonly<Record<keyof Account, Field>>

export const REFRESH_FIELDS = {
  every: {
    meaning: 'How often to ask again.',
    allowed: DURATION,
    otherwise: 'how often the dataset is refreshed',
    schema: DURATION_SCHEMA,
  },
  for: {
    meaning: 'How long after its end to ask again for a window.',
    allowed: DURATION,
    otherwise: '`P70D` for usage and money; other datasets need it',
    schema: DURATION_SCHEMA,
  },
} as const satisfies Readonly<Record<keyof Omit<Refresh, 'days'>, Field>>

/** The fields of one entry of `feeds`. */
export const FEED_FIELDS = {
  name: {
    meaning: 'What the feed is called everywhere. No two feeds have the same name, and it never changes.',
    allowed: '2 to 40 lowercase letters, digits and hyphens, starting with a letter',
    required: true,
    schema: { type: 'string', pattern: FEED_NAME.source },
  },
  account: {
    meaning:
      'Which sign-in to use: one of `accounts`, or `default` for the one in the `PARTNER_…` settings. It never changes under the same name.',
    allowed: 'the name of an account',
    schema: { type: 'string', default: DEFAULT_ACCOUNT },
  },
  dataset: {
    meaning: 'The dataset of Partner Insights to ask for. It never changes under the same name.',
    allowed: 'the name of a dataset',
    required: true,
    schema: { anyOf: [{ enum: CATALOG.map(({ name }) => name) }, { type: 'string', pattern: IDENTIFIER.source }] },
  },
  timeColumn: {
    meaning:
      'The time column of a dataset that the catalogue lacks. Goes with `window`, whose whole months or days say how fine its data is.',
    allowed: 'the name of a column',
    otherwise: "the catalogue's",
    schema: { type: 'string', pattern: IDENTIFIER.source },
  },
  columns: {
    meaning: 'Columns and metrics to select.',
    allowed: NAMES,
    otherwise:
      'without `query` and `queryId`, the newest ones in the catalogue that the service offers too, without personal data; all of a dataset that the catalogue lacks, as far as a table row holds them',
    schema: NAMES_SCHEMA,
  },
  where: {
    meaning:
      "A condition for the query, without the word WHERE, such as `CustomerMarket = 'Germany'`. Goes with `columns`.",
    allowed: 'the text of a condition',
    schema: TEXT_SCHEMA,
  },
  distinct: {
    meaning: 'Select distinct rows. Goes with `columns`.',
    allowed: FLAG,
    schema: { type: 'boolean', default: false },
  },
  query: {
    meaning: 'The whole text of a query, instead of `columns`. The header of the report decides the columns.',
    allowed: 'the text of a query',
    schema: TEXT_SCHEMA,
  },
  queryId: {
    meaning:
      'An existing query of the service, such as a system query, instead of `columns`. The header of the report decides the columns.',
    allowed: 'the id of a query, at most 64 letters, digits and hyphens',
    schema: { type: 'string', pattern: SERVICE_ID.source },
  },
  window: {
    meaning: 'How much time one report covers, aligned to the UTC calendar.',
    allowed: BY_GRAIN,
    otherwise: 'the grain of the data',
    schema: DURATION_SCHEMA,
  },
  snapshot: {
    meaning: 'Time between snapshots of a dataset without a time column. Excludes the other time fields.',
    allowed: 'whole days, weeks, months or years, such as P1D, P1W, P1M or P1Y',
    otherwise: 'how often the dataset is refreshed',
    schema: DURATION_SCHEMA,
  },
  backfillWindow: {
    meaning: 'Longer windows for the time before the feed was first seen, for fewer reports.',
    allowed: BY_GRAIN,
    otherwise: '`window`',
    schema: DURATION_SCHEMA,
  },
  from: {
    meaning: 'Where history starts. A duration counts back from the day the feed was first seen.',
    allowed: BOUNDARY,
    schema: { ...BOUNDARY_SCHEMA, default: 'P3M' },
  },
  to: {
    meaning: 'Where history ends. A duration counts back from the day the feed was first seen.',
    allowed: BOUNDARY,
    otherwise: 'it does not end',
    schema: BOUNDARY_SCHEMA,
  },
  delay: {
    meaning: 'How late the service settles. A window is first due this long after its end.',
    allowed: DURATION,
    otherwise: 'how late the dataset is known to settle',
    schema: DURATION_SCHEMA,
  },
  openWindow: {
    meaning:
      'Also ask for the running window, up to now: every `refresh.every`, else every `delay`. It counts as complete once its data has settled.',
    allowed: FLAG,
    otherwise: '`true` where the data is by month, else `false`',
    schema: { type: 'boolean' },
  },
  refresh: {
    meaning:
      'Ask again for young windows, since the source restates them. Also the day after each day of the month on which the source loads data. `false`: never.',
    allowed: 'an object with the fields every and for, or false',
    otherwise: 'for `P70D` for usage and money; other datasets are not asked for again',
    fields: REFRESH_FIELDS,
    orFalse: true,
  },
  table: {
    meaning:
      'The table the rows land in. It never changes under the same name. No two feeds land in the same table. Case does not count.',
    allowed: '3 to 63 letters and digits, starting with a letter, but not ledger or tables',
    otherwise: '`name` in PascalCase',
    schema: { type: 'string', pattern: TABLE_NAME.source },
  },
  types: {
    meaning:
      'Types of single columns. A time column of type string is not checked against the window. The report of a query of your own must have each of these columns.',
    allowed: `an object of at most ${MOST_COLUMNS} columns and their types`,
    otherwise: "the catalogue's, else string",
    schema: { type: 'object', maxProperties: MOST_COLUMNS, additionalProperties: { enum: USER_TYPES } },
  },
  newColumns: {
    meaning:
      'What to do with a column that neither the feed nor the catalogue names: land it as a string, or fail the window.',
    allowed: 'land or fail',
    schema: { enum: ['land', 'fail'], default: 'land' },
  },
  maxRejects: {
    meaning: 'The share of rejected rows above which a window does not land.',
    allowed: 'a share from 0 to 1, such as 0.001',
    schema: { type: 'number', minimum: 0, maximum: 1, default: 0.001 },
  },
  key: {
    meaning: 'Columns that identify a row, for the command diff only.',
    allowed: NAMES,
    schema: NAMES_SCHEMA,
  },
  keep: {
    meaning:
      'How long after its end a window is kept. Then its rows, files, archives and rejects are removed, and it is not asked for any more.',
    allowed: 'an ISO 8601 duration, at least as long as `delay`, such as P24M',
    otherwise: 'for ever',
    schema: DURATION_SCHEMA,
  },
  publish: {
    meaning:
      'Where each window can be read: in the table, or also as one Parquet file in the container `published`. Files of windows that landed before are written with `backfill --publish`.',
    allowed: '["table"] or ["table", "parquet"]',
    schema: {
      type: 'array',
      items: { enum: PUBLICATIONS },
      contains: { const: 'table' },
      uniqueItems: true,
      default: ['table'],
    },
  },
  shards: {
    meaning: 'Partitions that the rows of one window are spread over.',
    allowed: 'a whole number from 1 to 512',
    schema: { type: 'integer', minimum: 1, maximum: 512, default: 16 },
  },
  allowRedacted: {
    meaning: "Land reports even if the service redacts data for the account's role.",
    allowed: FLAG,
    schema: { type: 'boolean', default: false },
  },
  enabled: {
    meaning: 'Whether anything new is asked for. Rows that landed stay.',
    allowed: FLAG,
    schema: { type: 'boolean', default: true },
  },
} as const satisfies FieldTable & Readonly<Record<FeedKey, Field>>
