import { TableClient } from '@azure/data-tables'
import type { TokenCredential } from '@azure/identity'
import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob'
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue'
import { lazily } from '../lazily.ts'
import { openIdentity } from '../sign-in/identity.ts'

/** How to reach the storage account: with a connection string locally, with an identity in Azure. */
export type StorageConnection =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | {
      readonly kind: 'identity'
      readonly tableServiceUri: string
      readonly blobServiceUri: string
      readonly queueServiceUri: string
      /** The client id of a user-assigned identity. */
      readonly clientId?: string
    }

export type StorageClients = {
  table(name: string): TableClient
  /** Loads the library for blobs, the largest of all, with the first container. A callback needs no container. */
  container(name: string): Promise<ContainerClient>
  queue(name: string): QueueClient
}

type Blobs = typeof BlobServiceClient

/**
 * Opens the clients of one storage account. Plain http is allowed where the connection string names it (Azurite). Without a
 * connection string, `signIn` opens the identity that reaches the account: the app's own, unless a person works with it.
 */
export function storageClients(
  connection: StorageConnection,
  signIn: (clientId: string | undefined) => TokenCredential = openIdentity,
): StorageClients {
  if (connection.kind === 'connection-string') return byConnectionString(connection.connectionString)
  const credential = signIn(connection.clientId)
  const queues = new QueueServiceClient(connection.queueServiceUri, credential)
  return {
    table: (name) => new TableClient(connection.tableServiceUri, name, credential),
    container: containers((Blobs) => new Blobs(connection.blobServiceUri, credential)),
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
