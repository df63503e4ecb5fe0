import { odata, type TableClient } from '@azure/data-tables'
import { type Failure, isFailure } from '../../core/failures.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { fromRow, type LedgerRow, toRow } from '../../core/ledger/ledger-row.ts'
import { joinTexts, splitTexts } from '../../core/ledger/long-texts.ts'
import { type WindowId, windowId } from '../../core/time/window.ts'
import { statusOf } from './errors.ts'

/** PartitionKey of the rows that are about the app, not about a window. */
const APP = '_app'

/** A stored value with the ETag under which it may be changed. */
export type Stored<T> = { readonly value: T; readonly etag: string }

/**
 * The ledger. Every change is conditional, so that one of two writers at the same time gets nothing and reads again. A
 * text may be longer than a property of Table Storage can be, as long as the whole row stays below 1 MiB.
 */
export type Ledger = {
  create(): Promise<void>
  read(feed: string, window: WindowId): Promise<Stored<LedgerEntry> | Failure | undefined>
  entries(feed: string): Promise<readonly (LedgerEntry | Failure)[]>
  /** Adds an entry, or replaces the one that was read with `etag`. Undefined where another writer was faster. */
  write<E extends LedgerEntry>(entry: E, etag: string | undefined): Promise<Stored<E> | undefined>
  /** Reads an app row. Its value is stored as JSON. */
  readApp<T>(key: string): Promise<Stored<T> | undefined>
  /** Writes an app row as `write` does an entry. */
  writeApp<T extends object>(key: string, value: T, etag: string | undefined): Promise<Stored<T> | undefined>
  appRows<T>(prefix: string): Promise<readonly T[]>
}

/** Opens the table `ledger`: PartitionKey is the feed's name, RowKey the window. */
export function openLedger(client: TableClient): Ledger {
  const write = async <T>(value: T, row: LedgerRow, keys: Keys, etag: string | undefined) => {
    const written = await conditionalWrite(client, { ...splitTexts(row), ...keys }, etag)
    return written === undefined ? undefined : { value, etag: written }
  }
  return {
    create: () => client.createTable(),
    async read(feed, window) {
      const row = await getRow(client, feed, window)
      if (!row) return undefined
      const value = fromRow(feed, window, joinTexts(row))
      return isFailure(value) ? value : { value, etag: row.etag }
    },
    entries: (feed) => listEntries(client, feed),
    write: (entry, etag) =>
      write(entry, toRow(entry), { partitionKey: entry.feed, rowKey: windowId(entry.window) }, etag),
    async readApp<T>(key: string) {
      const row = await getRow(client, APP, key)
      return row && { value: readJson<T>(row), etag: row.etag }
    },
    writeApp: (key, value, etag) =>
      write(value, { json: JSON.stringify(value) }, { partitionKey: APP, rowKey: key }, etag),
    appRows: <T>(prefix: string) => listApp<T>(client, prefix),
  }
}

type Keys = { readonly partitionKey: string; readonly rowKey: string }

/** Gives the new ETag. Undefined where the row is no longer the one that was read. */
async function conditionalWrite(
  client: TableClient,
  entity: LedgerRow & Keys,
  etag: string | undefined,
): Promise<string | undefined> {
  try {
    const answer = etag
      ? await client.updateEntity(entity, 'Replace', { etag })
      : await client.createEntity<LedgerRow>(entity)
    return answer.etag
  } catch (error) {
    const status = statusOf(error)
    if (status === 409 || status === 412 || status === 404) return undefined
    throw error
  }
}

async function getRow(client: TableClient, partitionKey: string, rowKey: string) {
  try {
    return await client.getEntity<Record<string, unknown>>(partitionKey, rowKey)
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

async function listEntries(client: TableClient, feed: string): Promise<readonly (LedgerEntry | Failure)[]> {
  const entries: (LedgerEntry | Failure)[] = []
  const filter = odata`PartitionKey eq ${feed}`
  for await (const row of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
    entries.push(fromRow(feed, row.rowKey ?? '', joinTexts(row)))
  }
  return entries
}

async function listApp<T>(client: TableClient, prefix: string): Promise<readonly T[]> {
  const rows: T[] = []
  const filter = odata`PartitionKey eq ${APP} and RowKey ge ${prefix} and RowKey lt ${`${prefix}\uffff`}`
  for await (const row of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
    rows.push(readJson<T>(row))
  }
  return rows
}

function readJson<T>(row: Readonly<Record<string, unknown>>): T {
  return JSON.parse(String(joinTexts(row).json)) as T
}
