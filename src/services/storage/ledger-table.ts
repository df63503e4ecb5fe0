import { odata, type TableClient, type TableEntityResult, type TransactionAction } from '@azure/data-tables'
import { type Failure, isFailure } from '../../core/failures.ts'
import { DROPS, type Drop, dropKey, fromDropRow, toDropRow } from '../../core/ledger/drop.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { fromRow, type LedgerRow, toRow } from '../../core/ledger/ledger-row.ts'
import { joinTexts, splitTexts } from '../../core/ledger/long-texts.ts'
import type { Generation } from '../../core/report/generation.ts'
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
  /** All entries of a feed, in the order of their windows. */
  entries(feed: string): Promise<readonly (LedgerEntry | Failure)[]>
  /** The entries of windows that begin on a day, `20250301`: one as a rule. */
  entriesOn(feed: string, day: string): Promise<readonly (LedgerEntry | Failure)[]>
  /**
   * Adds an entry, or replaces the one read under `etag`; undefined where somebody else wrote it meanwhile. The drops of
   * what the entry no longer names are added in the same transaction.
   */
  write<E extends LedgerEntry>(
    entry: E,
    etag: string | undefined,
    drops?: readonly Drop[],
  ): Promise<Stored<E> | undefined>
  /** What of a feed's rows is still to be deleted. */
  drops(feed: string): Promise<readonly (Stored<Drop> | Failure)[]>
  readDrop(feed: string, generation: Generation): Promise<Stored<Drop> | Failure | undefined>
  /** Adds a drop, or replaces the one read under `etag`; undefined where somebody else added, changed or ended it. */
  writeDrop(drop: Drop, etag: string | undefined): Promise<Stored<Drop> | undefined>
  /** Ends a drop, unless somebody else changed it meanwhile. */
  endDrop(drop: Stored<Drop>): Promise<void>
  /** Reads an app row; its value is what was stored as JSON. */
  readApp<T>(key: string): Promise<Stored<T> | undefined>
  /** Writes an app row as `write` does an entry. */
  writeApp<T extends object>(key: string, value: T, etag: string | undefined): Promise<Stored<T> | undefined>
  appRows<T>(prefix: string): Promise<readonly T[]>
}

/** Opens the table `ledger`: PartitionKey is the feed's name, RowKey the window, `~drop_<generation>` for a drop. */
export function openLedger(client: TableClient): Ledger {
  const writeRow = async <T>(value: T, row: LedgerRow, keys: Keys, etag: string | undefined) => {
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
    entries: (feed) => listEntries(client, odata`PartitionKey eq ${feed} and RowKey lt ${DROPS}`),
    entriesOn: (feed, day) =>
      listEntries(client, odata`PartitionKey eq ${feed} and RowKey ge ${day} and RowKey lt ${`${day}~`}`),
    write(entry, etag, drops = []) {
      const keys = { partitionKey: entry.feed, rowKey: windowId(entry.window) }
      if (drops.length === 0) return writeRow(entry, toRow(entry), keys, etag)
      return writeWithDrops(client, entry, { ...splitTexts(toRow(entry)), ...keys }, etag, drops)
    },
    drops: (feed) => listDrops(client, feed),
    async readDrop(feed, generation) {
      const row = await getRow(client, feed, dropKey(generation))
      return row && storedDrop(feed, row)
    },
    writeDrop: (drop, etag) =>
      writeRow(drop, toDropRow(drop), { partitionKey: drop.feed, rowKey: dropKey(drop.generation) }, etag),
    endDrop: ({ value, etag }) => endDrop(client, value, etag),
    async readApp<T>(key: string) {
      const row = await getRow(client, APP, key)
      return row && { value: readJson<T>(row), etag: row.etag }
    },
    writeApp: (key, value, etag) =>
      writeRow(value, { json: JSON.stringify(value) }, { partitionKey: APP, rowKey: key }, etag),
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
    if (isConflict(error)) return undefined
    throw error
  }
}

/** The row is there already, is another version, or is gone. */
function isConflict(error: unknown): boolean {
  const status = statusOf(error)
  return status === 409 || status === 412 || status === 404
}

async function getRow(client: TableClient, partitionKey: string, rowKey: string) {
  try {
    return await client.getEntity<Record<string, unknown>>(partitionKey, rowKey)
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** Writes an entry and its drops in one entity group transaction: all of them, or none. */
async function writeWithDrops<E extends LedgerEntry>(
  client: TableClient,
  entry: E,
  row: LedgerRow & Keys,
  etag: string | undefined,
  drops: readonly Drop[],
): Promise<Stored<E> | undefined> {
  const first: TransactionAction = etag ? ['update', row, 'Replace', { etag }] : ['create', row]
  const rest = drops.map((drop): TransactionAction => {
    const keys = { partitionKey: drop.feed, rowKey: dropKey(drop.generation) }
    return ['create', { ...toDropRow(drop), ...keys }]
  })
  try {
    const { subResponses } = await client.submitTransaction([first, ...rest])
    const written = subResponses[0]?.etag
    // It was written all the same: nobody may take this for a conflict.
    if (written === undefined) throw new Error(`ledger entry ${row.partitionKey} ${row.rowKey}: no ETag in the answer`)
    return { value: entry, etag: written }
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

async function listEntries(client: TableClient, filter: string): Promise<readonly (LedgerEntry | Failure)[]> {
  const entries: (LedgerEntry | Failure)[] = []
  for await (const row of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
    entries.push(fromRow(row.partitionKey ?? '', row.rowKey ?? '', joinTexts(row)))
  }
  return entries
}

async function listDrops(client: TableClient, feed: string): Promise<readonly (Stored<Drop> | Failure)[]> {
  const drops: (Stored<Drop> | Failure)[] = []
  const filter = odata`PartitionKey eq ${feed} and RowKey ge ${DROPS}`
  for await (const row of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
    drops.push(storedDrop(feed, row))
  }
  return drops
}

function storedDrop(feed: string, row: TableEntityResult<Record<string, unknown>>): Stored<Drop> | Failure {
  const value = fromDropRow(feed, row.rowKey ?? '', row)
  return isFailure(value) ? value : { value, etag: row.etag }
}

async function endDrop(client: TableClient, { feed, generation }: Drop, etag: string): Promise<void> {
  try {
    await client.deleteEntity(feed, dropKey(generation), { etag })
  } catch (error) {
    if (!isConflict(error)) throw error
  }
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
