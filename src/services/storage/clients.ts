import { TableClient } from '@azure/data-tables'
import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob'
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue'
import { lazily } from '../lazily.ts'
import { openIdentity } from '../sign-in/identity.ts'

/** Where ledger, rows, archive and queue live: a connection string locally, an identity in Azure. */
export type StorageConnection =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | {
      readonly kind: 'identity'
      readonly tableServiceUri: string
      readonly blobServiceUri: string
      readonly queueServiceUri: string
      /** Of a user-assigned identity. */
      readonly clientId?: string
    }

export type StorageClients = {
  table(name: string): TableClient
  /** The library of blobs is the largest of all and is loaded with the first container: a callback needs none. */
  container(name: string): Promise<ContainerClient>
  queue(name: string): QueueClient
}

type Blobs = typeof BlobServiceClient

/** Opens the clients of one storage account; plain http is allowed where the connection string says so (Azurite). */
export function storageClients(storage: StorageConnection): StorageClients {
  if (storage.kind === 'connection-string') return byConnectionString(storage.connectionString)
  const credential = openIdentity(storage.clientId)
  const queues = new QueueServiceClient(storage.queueServiceUri, credential)
  return {
    table: (name) => new TableClient(storage.tableServiceUri, name, credential),
    container: containers((Blobs) => new Blobs(storage.blobServiceUri, credential)),
    queue: (name) => queues.getQueueClient(name),
  }
}

function byConnectionString(connectionString: string): StorageClients {
  const queues = QueueServiceClient.fromConnectionString(connectionString)
  const allowInsecureConnection = /TableEndpoint=http:|UseDevelopmentStorage=true/i.test(connectionString)
  return {
    table: (name) => TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection }),
    container: containers((Blobs) => Blobs.fromConnectionString(connectionString)),
    queue: (name) => queues.getQueueClient(name),
  }
}

function containers(open: (library: Blobs) => BlobServiceClient): StorageClients['container'] {
  const service = lazily(async () => open((await import('@azure/storage-blob')).BlobServiceClient))
  return async (name) => (await service()).getContainerClient(name)
}
