import { odata, type TableClient } from '@azure/data-tables'
import type { Failure } from '../../core/failures.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { fromRow, type LedgerRow, toRow } from '../../core/ledger/ledger-row.ts'
import { joinTexts, splitTexts } from '../../core/ledger/long-texts.ts'
import { type WindowId, windowId } from '../../core/time/window.ts'
import { statusOf } from './errors.ts'

/** PartitionKey of the rows that speak of the app, not of a window. */
const APP = '_app'

/** A stored value with the ETag under which it may be changed. */
export type Stored<T> = { readonly value: T; readonly etag: string }

/**
 * The ledger: every change is conditional, so of two writers one is told `conflict` and looks again. A text may be longer
 * than a property of Table Storage, as long as the whole row stays below 1 MiB.
 */
export type Ledger = {
  create(): Promise<void>
  read(feed: string, window: WindowId): Promise<Stored<LedgerEntry> | Failure | undefined>
  entries(feed: string): Promise<readonly (LedgerEntry | Failure)[]>
  /** Adds an entry, or changes the one read under `etag`; gives the new ETag. */
  write(entry: LedgerEntry, etag: string | undefined): Promise<string | 'conflict'>
  /** Reads an app row; its value is what was stored as JSON. */
  readApp<T>(key: string): Promise<Stored<T> | undefined>
  writeApp(key: string, value: object, etag: string | undefined): Promise<string | 'conflict'>
  appRows<T>(prefix: string): Promise<readonly T[]>
}

/** Opens the table `ledger`: PartitionKey is the feed's name, RowKey the window. */
export function openLedger(client: TableClient): Ledger {
  const write = (partitionKey: string, rowKey: string, row: LedgerRow, etag: string | undefined) =>
    conditionalWrite(client, { ...splitTexts(row), partitionKey, rowKey }, etag)
  return {
    create: () => client.createTable(),
    async read(feed, window) {
      const row = await getRow(client, feed, window)
      if (!row) return undefined
      const value = fromRow(feed, window, joinTexts(row))
      return 'failure' in value ? value : { value, etag: row.etag }
    },
    entries: (feed) => listEntries(client, feed),
    write: (entry, etag) => write(entry.feed, windowId(entry.window), toRow(entry), etag),
    async readApp<T>(key: string) {
      const row = await getRow(client, APP, key)
      return row && { value: readJson<T>(row), etag: row.etag }
    },
    writeApp: (key, value, etag) => write(APP, key, { json: JSON.stringify(value) }, etag),
    appRows: <T>(prefix: string) => listApp<T>(client, prefix),
  }
}

async function conditionalWrite(
  client: TableClient,
  entity: LedgerRow & { partitionKey: string; rowKey: string },
  etag: string | undefined,
): Promise<string | 'conflict'> {
  try {
    const answer = etag
      ? await client.updateEntity(entity, 'Replace', { etag })
      : await client.createEntity<LedgerRow>(entity)
    return answer.etag ?? 'conflict'
  } catch (error) {
    const status = statusOf(error)
    if (status === 409 || status === 412 || status === 404) return 'conflict'
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
