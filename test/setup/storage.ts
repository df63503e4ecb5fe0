import { randomInt } from 'node:crypto'
import { TableClient } from '@azure/data-tables'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import type { StorageClients } from '../../src/services/storage/clients.ts'

/** A name that nobody else uses. It begins with a letter and fits tables, queues and containers. */
export function freshName(prefix: string): string {
  const chance = Array.from({ length: 12 }, () => randomInt(36).toString(36)).join('')
  return `${prefix.toLowerCase().replace(/[^a-z0-9]/g, '')}${chance}`
}

/** The clients of one storage account, which may be Azurite's. */
export function storageOf(connectionString: string) {
  const blobs = BlobServiceClient.fromConnectionString(connectionString)
  const queues = QueueServiceClient.fromConnectionString(connectionString)
  return {
    table: (name: string) =>
      TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true }),
    container: (name: string) => blobs.getContainerClient(name),
    queue: (name: string) => queues.getQueueClient(name),
  }
}

/** The same clients with `suffix` added to every name, so that apps can share an account without meeting. */
export function withSuffix({ table, container, queue }: StorageClients, suffix: string): StorageClients {
  return {
    table: (name) => table(name + suffix),
    container: (name) => container(name + suffix),
    queue: (name) => queue(name + suffix),
  }
}
