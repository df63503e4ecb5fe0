import type { TableClient } from '@azure/data-tables'

/** A row of a landing table, as the SDK gives it. */
export type WindowRow = Readonly<Record<string, unknown>>

/** Which window to read: `window` is the RowKey of its entry, as `20261001T000000Z_20261101T000000Z`. */
export type WindowToRead = { readonly feed: string; readonly window: string }

/** One complete landing of a window. `landedAt` is when it was published. */
export type ReadWindow = { readonly rows: readonly WindowRow[]; readonly landedAt: Date }

/** The columns of a ledger entry that readers need. */
type Published = {
  readonly table: string
  readonly keyFrom: string
  readonly keyTo: string
  readonly rows: number
  readonly landedAt: Date
}

/** How often a reader starts over before it gives up. Each time a newer landing was published meanwhile. */
const STARTS = 5

/** After so many pages the entry is read again, so that a long reading that is out of date ends early. */
const PAGES = 100

/**
 * Reads the rows of one window as one consistent, complete landing. Gives undefined where nothing of the window is
 * published. `ledger` is the table `ledger`; `open` gives the client of a landing table. Throws what the storage throws,
 * and where the window landed anew at every one of five readings.
 */
export async function readWindow(
  ledger: TableClient,
  open: (table: string) => TableClient,
  key: WindowToRead,
): Promise<ReadWindow | undefined> {
  for (let start = 0; start < STARTS; start += 1) {
    const published = await readPublished(ledger, key)
    if (!published) return undefined
    const rows = await readRows(open(published.table), published, async () => {
      return (await readPublished(ledger, key))?.keyFrom === published.keyFrom
    })
    if (rows) return { rows, landedAt: published.landedAt }
  }
  throw new Error(`${key.feed} ${key.window} landed anew during each of ${STARTS} readings`)
}

/** Gives undefined where the entry is missing, or names no rows. */
async function readPublished(ledger: TableClient, { feed, window }: WindowToRead): Promise<Published | undefined> {
  const select = ['table', 'keyFrom', 'keyTo', 'rows', 'landedAt']
  try {
    const entry = await ledger.getEntity<Published>(feed, window, { queryOptions: { select } })
    return entry.keyFrom ? entry : undefined
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined
    throw error
  }
}

/** Gives undefined where the rows are no longer the published ones: the caller starts over. */
async function readRows(
  table: TableClient,
  { keyFrom, keyTo, rows: expected }: Published,
  isStillPublished: () => Promise<boolean>,
): Promise<readonly WindowRow[] | undefined> {
  const filter = `PartitionKey ge '${keyFrom}' and PartitionKey lt '${keyTo}'`
  const rows: WindowRow[] = []
  let pages = 0
  for await (const page of table.listEntities<WindowRow>({ queryOptions: { filter } }).byPage()) {
    rows.push(...page)
    pages += 1
    if (pages % PAGES === 0 && !(await isStillPublished())) return undefined
  }
  if (!(await isStillPublished())) return undefined
  if (rows.length === expected) return rows
  throw new Error(`${table.tableName}, rows from ${keyFrom} on: ${rows.length} where the ledger says ${expected}`)
}
