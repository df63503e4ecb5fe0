import { CATALOG, columnKeyOf, findDataset } from '../catalog.ts'
import { hashJson } from '../hash.ts'
import { isSameName, nameKey } from '../names.ts'
import type { Feed } from './feed.ts'

/**
 * What an attempt asks the service for, as hashes. `rowSet` changes when other rows may come: another account, dataset,
 * table or query, and other columns where they decide which rows there are. `selection` also changes with any column.
 */
export type Asked = { readonly rowSet: string; readonly selection: string }

/** What a feed asks for, and how it lands. `form` changes with any column and type, and with the number of shards. */
export type Form = Asked & { readonly form: string }

/** Says what a feed asks for. `columns` are those that its query selects; a query of the user's own names them itself. */
export function askedFor(feed: Feed, columns: readonly string[]): Asked {
  const { account, dataset, table } = feed
  const names = columns.map(columnKeyOf(findDataset(CATALOG, dataset))).toSorted()
  const rowSet = hashJson({ account, dataset: nameKey(dataset), table: nameKey(table), rows: rowsOf(feed, names) })
  return { rowSet, selection: hashJson({ rowSet, names }) }
}

/** The form in which a feed lands what was asked for: it may have been changed since. */
export function formOf(asked: Asked, { types, shards }: Feed): Form {
  const { rowSet, selection } = asked
  const byName = Object.fromEntries(Object.entries(types).map(([name, type]) => [nameKey(name), type]))
  return { rowSet, selection, form: hashJson({ selection, types: byName, shards }) }
}

/** What decides which rows of a dataset come. */
function rowsOf({ dataset, source }: Feed, names: readonly string[]) {
  if (source.kind === 'query') return { query: source.query.trim() }
  if (source.kind === 'queryId') return { queryId: nameKey(source.queryId) }
  const { where, distinct } = source
  const decide = distinct || names.some((name) => mayBeMetric(dataset, name))
  return { where: where?.trim(), distinct, ...(decide && { names }) }
}

/** A metric is a sum over the other columns, so these decide which rows there are. What the catalogue lacks may be one. */
function mayBeMetric(dataset: string, name: string): boolean {
  return !findDataset(CATALOG, dataset)?.columns.some((column) => isSameName(column.name, name))
}

/** What ties a feed's name to its rows for good: under another account, dataset or table they would be another feed's. */
const IDENTITY = ['account', 'dataset', 'table'] as const

type Identity = Pick<Feed, (typeof IDENTITY)[number]> & { readonly cadence: Pick<Feed['cadence'], 'kind'> }
type OfTenant = { readonly tenant?: string | undefined }

/**
 * Says which change of a feed its name forbids, or undefined. Under the same account, another tenant is other numbers too. A
 * tenant that is not known is no change.
 */
export function forbiddenChange(
  before: Identity & OfTenant,
  after: Identity & OfTenant & Pick<Feed, 'name'>,
): string | undefined {
  const changes = IDENTITY.filter((field) => !isSameName(before[field], after[field])).map(
    (field) => `${field} changed from ${before[field]} to ${after[field]}`,
  )
  // A snapshot is everything as it is today, and a window one piece of time: neither is proof of the other.
  const [was, is] = [before.cadence.kind, after.cadence.kind]
  if (was !== is) changes.push(`${was} changed to ${is}`)
  const [former, tenant] = [before.tenant, after.tenant]
  if (changes.length === 0 && former !== undefined && tenant !== undefined && !isSameName(former, tenant)) {
    changes.push(`the tenant of account ${after.account} changed from ${former} to ${tenant}`)
  }
  if (changes.length === 0) return undefined
  return `feed ${after.name}: ${changes.join(', ')}: give it a new name`
}
