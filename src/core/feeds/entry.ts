import { type Dataset, findDataset } from '../catalog.ts'
import { hashJson } from '../hash.ts'
import { DEFAULT_ACCOUNT } from './accounts.ts'
import { readCadence, readDelay } from './cadence.ts'
import { readKey, readSource, readTypes } from './columns.ts'
import type { Feed } from './feed.ts'
import {
  addProblem,
  FEED_FIELDS,
  type Fields,
  matching,
  oneOf,
  parseFlag,
  parseText,
  read,
  readRequired,
  rejectUnknown,
  show,
  suggest,
} from './fields.ts'

/** What a feed may refer to. */
export type Known = { readonly catalogue: readonly Dataset[]; readonly accounts: readonly string[] }

const NAME = 'small letters, digits and hyphens, starting with a letter, 2 to 40 of them'
const TABLE = 'letters and digits, starting with a letter, 3 to 63 of them, and neither ledger nor tables'
const FLAG = 'true or false'

/** What decides how rows land: a change of any of it changes the feed's hash. */
type Landing = Omit<Feed, 'name' | 'cadence' | 'delay' | 'key' | 'enabled' | 'hash'>

/** Reads one entry of `feeds`. What is wrong gets a stand-in, since one problem is enough to refuse the file. */
export function readFeed(fields: Fields, known: Known): Feed {
  rejectUnknown(fields, FEED_FIELDS)
  const name = readRequired(fields, 'name', NAME, matching(/^[a-z][a-z0-9-]{1,39}$/)) ?? ''
  const dataset = readDataset(fields, known.catalogue)
  const landing = readLanding(fields, { name, dataset, accounts: known.accounts })
  const key = readKey(fields, landing.source, dataset)
  return {
    name,
    ...landing,
    cadence: readCadence(fields, dataset),
    delay: readDelay(fields, dataset),
    ...(key && { key }),
    enabled: read(fields, 'enabled', FLAG, parseFlag) ?? true,
    hash: hashJson(landing),
  }
}

function readLanding(
  fields: Fields,
  known: { name: string; dataset?: Dataset | undefined; accounts: readonly string[] },
): Landing {
  const { name, dataset, accounts } = known
  const source = readSource(fields, dataset)
  return {
    account: readAccount(fields, accounts),
    dataset: dataset?.name ?? '',
    source,
    ...(dataset?.grain && { grain: dataset.grain }),
    ...(dataset?.timeColumn && { timeColumn: dataset.timeColumn }),
    table: readTable(fields, name),
    types: readTypes(fields, source, dataset),
    newColumns: read(fields, 'newColumns', 'land or fail', oneOf(['land', 'fail'])) ?? 'land',
    maxRejects: read(fields, 'maxRejects', 'a share from 0 to 1, such as 0.001', parseShare) ?? 0.001,
    shards: read(fields, 'shards', 'a whole number from 1 to 512', parseShards) ?? 16,
    allowRedacted: read(fields, 'allowRedacted', FLAG, parseFlag) ?? false,
  }
}

function readDataset(fields: Fields, catalogue: readonly Dataset[]): Dataset | undefined {
  const name = readRequired(fields, 'dataset', 'the name of a dataset', parseText)
  if (name === undefined) return undefined
  const dataset = findDataset(catalogue, name)
  const names = catalogue.flatMap((each) => [each.name, ...(each.aliases ?? [])])
  if (!dataset) addProblem(fields, `dataset is ${show(name)}, which the catalogue does not have${suggest(name, names)}`)
  return dataset
}

function readAccount(fields: Fields, accounts: readonly string[]): string {
  const account = read(fields, 'account', 'the name of an account', parseText) ?? DEFAULT_ACCOUNT
  const names = [DEFAULT_ACCOUNT, ...accounts]
  if (!names.includes(account)) {
    addProblem(fields, `account is ${show(account)}, which accounts does not have${suggest(account, names)}`)
  }
  return account
}

function readTable(fields: Fields, name: string): string {
  const chosen = read(fields, 'table', TABLE, parseTable)
  if ('table' in fields.values || name === '') return chosen ?? ''
  const table = pascalCase(name)
  if (!parseTable(table)) addProblem(fields, `table is ${show(table)} (from name); it must be ${TABLE}: give one`)
  return table
}

function pascalCase(name: string): string {
  return name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
}

/** `tables` is refused by Table Storage itself, `ledger` holds the progress of the app. */
function parseTable(value: unknown): string | undefined {
  const table = matching(/^[A-Za-z][A-Za-z0-9]{2,62}$/)(value)
  return table && !['ledger', 'tables'].includes(table.toLowerCase()) ? table : undefined
}

function parseShare(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined
}

function parseShards(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 512 ? value : undefined
}
