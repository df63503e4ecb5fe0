import { type TableClient, TableServiceClient } from '@azure/data-tables'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import type { Azurite } from '../../local/azurite.ts'
import { parseWindowId } from '../../src/core/time/window.ts'
import { type RawRow, rawRows } from '../pipeline/raw-rows.ts'
import { storageOf } from './storage.ts'

/** What the hosts of a site have left in storage. */
export type SiteStorage = {
  /** The ledger's entries, as they are stored. */
  entries(): Promise<readonly RawRow[]>
  rows(table: string): Promise<readonly RawRow[]>
  /** The names of the files that people read. */
  published(): Promise<readonly string[]>
  /** The messages of the queue `ingest` that anyone could take now. */
  messages(): Promise<readonly string[]>
  /** Deletes every message, including those that a host is working on. */
  loseMessages(): Promise<void>
}

/** Deletes all tables, containers and queues, so that the account is like new. */
export async function emptyStorage({ connectionString }: Azurite): Promise<void> {
  const tables = TableServiceClient.fromConnectionString(connectionString, { allowInsecureConnection: true })
  for await (const { name } of tables.listTables()) if (name) await tables.deleteTable(name)
  const blobs = BlobServiceClient.fromConnectionString(connectionString)
  for await (const { name } of blobs.listContainers()) await blobs.deleteContainer(name)
  const queues = QueueServiceClient.fromConnectionString(connectionString)
  for await (const { name } of queues.listQueues()) await queues.deleteQueue(name)
}

/** Reads straight from the storage, past every proxy. */
export function openSiteStorage({ connectionString }: Azurite): SiteStorage {
  const storage = storageOf(connectionString)
  const queue = storage.queue('ingest')
  const rows = (name: string) => rowsIfAny(storage.table(name))
  return {
    rows,
    published: () => Array.fromAsync(storage.container('published').listBlobsFlat(), ({ name }) => name),
    entries: async () => (await rows('ledger')).filter(({ RowKey }) => parseWindowId(String(RowKey)) !== undefined),
    async messages() {
      const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: 32 })
      return peekedMessageItems.map(({ messageText }) => Buffer.from(messageText, 'base64').toString('utf8'))
    },
    async loseMessages() {
      await queue.createIfNotExists()
      await queue.clearMessages()
    },
  }
}

/** The rows of a table; none when the table does not exist yet. */
export async function rowsIfAny(table: TableClient): Promise<readonly RawRow[]> {
  return rawRows(table).catch((error: Error) => {
    if (error.message.includes('TableNotFound')) return []
    throw error
  })
}
