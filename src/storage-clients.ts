import { TableClient } from '@azure/data-tables'
import { ManagedIdentityCredential } from '@azure/identity'
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue'
import type { Storage } from './storage-settings.ts'

export type StorageClients = {
  table(name: string): TableClient
  container(name: string): ContainerClient
  queue(name: string): QueueClient
}

/** Opens the clients of one storage account; plain http is allowed where the connection string says so (Azurite). */
export function storageClients(storage: Storage): StorageClients {
  if (storage.kind === 'connection-string') return byConnectionString(storage.connectionString)
  const credential = storage.clientId
    ? new ManagedIdentityCredential({ clientId: storage.clientId })
    : new ManagedIdentityCredential()
  const blobs = new BlobServiceClient(storage.blobServiceUri, credential)
  const queues = new QueueServiceClient(storage.queueServiceUri, credential)
  return {
    table: (name) => new TableClient(storage.tableServiceUri, name, credential),
    container: (name) => blobs.getContainerClient(name),
    queue: (name) => queues.getQueueClient(name),
  }
}

function byConnectionString(connectionString: string): StorageClients {
  const blobs = BlobServiceClient.fromConnectionString(connectionString)
  const queues = QueueServiceClient.fromConnectionString(connectionString)
  const allowInsecureConnection = /TableEndpoint=http:|UseDevelopmentStorage=true/i.test(connectionString)
  return {
    table: (name) => TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection }),
    container: (name) => blobs.getContainerClient(name),
    queue: (name) => queues.getQueueClient(name),
  }
}
