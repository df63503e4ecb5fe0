import { randomInt } from 'node:crypto'
import { TableClient } from '@azure/data-tables'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'

/** A name nobody else uses, good for a table, a queue and a container: small letters and digits, a letter first. */
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
