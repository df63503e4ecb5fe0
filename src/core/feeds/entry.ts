import type { Dataset } from '../catalog.ts'
import { hashJson } from '../hash.ts'
import { present } from '../present.ts'
import type { Problems } from '../problems.ts'
import { readCadence, readDelay, readKeep } from './cadence.ts'
import { readKey, readSource, readTypes } from './columns.ts'
import { readDataset } from './dataset.ts'
import { DEFAULT_ACCOUNT, FEED_NAME, type Feed, PUBLICATIONS } from './feed.ts'
import { FEED_FIELDS, TABLE_NAME } from './fields.ts'
import {
  addProblem,
  type FeedSection,
  isGiven,
  matching,
  oneOf,
  parseFlag,
  parseText,
  read,
  readRequired,
  show,
  suggest,
  within,
} from './section.ts'

/** What a feed may refer to: `accounts` by name, with what is wrong with each. */
export type References = {
  readonly catalogue: readonly Dataset[]
  readonly accounts: ReadonlyMap<string, Problems>
}

/** So many problems of its account a feed repeats at most: a thousand feeds may use it. */
const MOST_OF_ACCOUNT = 20

/** The fields that decide how rows land. A change of any of them changes the hash of the feed. */
type HashedFields = Omit<Feed, 'name' | 'cadence' | 'delay' | 'key' | 'keep' | 'publish' | 'enabled' | 'hash'>

/** Reads one entry of `feeds`. A wrong value gets a placeholder, since one problem is enough to refuse the file. */
export function readFeed(feed: FeedSection, { catalogue, accounts }: References): Feed {
  const name = readRequired(feed, 'name', matching(FEED_NAME)) ?? ''
  const dataset = readDataset(feed, catalogue)
  const source = readSource(feed, dataset)
  const { newColumns, maxRejects, shards, allowRedacted, enabled } = FEED_FIELDS
  const landing = present<HashedFields>({
    account: readAccount(feed, accounts),
    dataset: dataset?.name ?? '',
    source,
    grain: dataset?.grain,
    timeColumn: dataset?.timeColumn,
    table: readTable(feed, name),
    ...readTypes(feed, source, dataset),
    newColumns: read(feed, 'newColumns', oneOf(newColumns.schema.enum)) ?? newColumns.schema.default,
    maxRejects: read(feed, 'maxRejects', within(maxRejects.schema)) ?? maxRejects.schema.default,
    shards: read(feed, 'shards', within(shards.schema)) ?? shards.schema.default,
    allowRedacted: read(feed, 'allowRedacted', parseFlag) ?? allowRedacted.schema.default,
  })
  const key = readKey(feed, source, dataset)
  const delay = readDelay(feed, dataset)
  return present({
    name,
    ...landing,
    cadence: readCadence(feed, dataset),
    delay,
    key,
    keep: readKeep(feed, delay),
    publish: read(feed, 'publish', parsePublications),
    enabled: read(feed, 'enabled', parseFlag) ?? enabled.schema.default,
    hash: hashJson(landing),
  })
}

/** The table is the landing place and the truth, so it is always among them. */
function parsePublications(value: unknown): Feed['publish'] {
  if (!Array.isArray(value)) return undefined
  const named = PUBLICATIONS.filter((name) => value.includes(name))
  return named.includes('table') && named.length === value.length ? named : undefined
}

/** A feed cannot be used where its account has a problem, which is then the feed's too. */
function readAccount(feed: FeedSection, accounts: References['accounts']): string {
  const account = read(feed, 'account', parseText) ?? DEFAULT_ACCOUNT
  const names = [DEFAULT_ACCOUNT, ...accounts.keys()]
  if (!names.includes(account)) {
    addProblem(feed, `account is ${show(account)}, which accounts does not have${suggest(account, names)}`)
  }
  const { problems = [] } = accounts.get(account) ?? {}
  feed.problems.push(...problems.slice(0, MOST_OF_ACCOUNT))
  return account
}

function readTable(feed: FeedSection, name: string): string {
  const chosen = read(feed, 'table', parseTable)
  if (isGiven(feed, 'table') || name === '') return chosen ?? ''
  const words = name.split('-').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
  const table = words.join('')
  if (!parseTable(table)) {
    addProblem(feed, `table is ${show(table)} (from name); it must be ${FEED_FIELDS.table.allowed}: set table`)
  }
  return table
}

/** Table Storage itself refuses `tables`, and `ledger` holds the progress of the app. */
function parseTable(value: unknown): string | undefined {
  const table = matching(TABLE_NAME)(value)
  return table && !['ledger', 'tables'].includes(table.toLowerCase()) ? table : undefined
}
