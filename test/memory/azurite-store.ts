import type { PipelinePolicy } from '@azure/core-rest-pipeline'
import { TableClient } from '@azure/data-tables'
import {
  BlobServiceClient,
  type ContainerClient,
  newPipeline,
  type RequestPolicyFactory,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { newPipeline as newQueuePipeline, QueueServiceClient } from '@azure/storage-queue'
import { openArchive } from '../../src/services/storage/archive.ts'
import { openLandingTable } from '../../src/services/storage/landing-table.ts'
import { openLedger } from '../../src/services/storage/ledger-table.ts'
import { openWorkQueue } from '../../src/services/storage/work-queue.ts'
import { type RawRow, rawRows } from '../pipeline/raw-rows.ts'
import { freshName } from '../setup/storage.ts'
import { type Pass, type Store, type StoredBlob, type StoreServices, unhindered } from './store.ts'

type Names = { readonly ledger: string; readonly reports: string; readonly queue: string; readonly rows: string }

/** A storage account of its own in Azurite, under names nobody else has; each HTTP request is one call. */
export function createAzuriteStore(connectionString: string): Store {
  const names: Names = {
    ledger: freshName('ledger'),
    reports: freshName('reports'),
    queue: freshName('ingest'),
    rows: freshName('rows'),
  }
  const { table, container, queue } = clientsOf(connectionString, names, unhindered)
  return {
    open: (pass) => openServices(clientsOf(connectionString, names, pass)),
    rows: async (name) => (await rawRows(table(name)).catch(noneWhereMissing)).map(withoutService),
    blobs: () => blobsOf(container),
    async receive() {
      await queue.createIfNotExists()
      const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 1, visibilityTimeout: 60 })
      const [message] = receivedMessageItems
      if (!message) return undefined
      return {
        body: JSON.parse(Buffer.from(message.messageText, 'base64').toString('utf8')),
        complete: async () => void (await queue.deleteMessage(message.messageId, message.popReceipt)),
      }
    },
  }
}

function openServices({ table, ledger, container, queue }: ReturnType<typeof clientsOf>): StoreServices {
  return {
    ledger: openLedger(ledger),
    archive: openArchive(async () => container),
    queue: openWorkQueue(queue),
    landingTable: (name) => openLandingTable(table(name)),
  }
}

function clientsOf(connectionString: string, names: Names, pass: Pass) {
  const policy: PipelinePolicy = {
    name: 'passPolicy',
    sendRequest: (request, next) => pass(`table ${request.method}`, () => next(request)),
  }
  const factory: RequestPolicyFactory = {
    create: (next) => ({ sendRequest: (request) => pass(`other ${request.method}`, () => next.sendRequest(request)) }),
  }
  const options = { allowInsecureConnection: true, additionalPolicies: [{ policy, position: 'perRetry' as const }] }
  const parts = new Map(connectionString.split(';').map((part) => part.split(/=(.*)/s) as [string, string]))
  const part = (name: string) => parts.get(name) ?? ''
  const credential = new StorageSharedKeyCredential(part('AccountName'), part('AccountKey'))
  const [blobs, queues] = [newPipeline(credential), newQueuePipeline(credential)]
  for (const { factories } of [blobs, queues]) factories.unshift(factory)
  const tableOf = (name: string) => TableClient.fromConnectionString(connectionString, name, options)
  return {
    ledger: tableOf(names.ledger),
    table: (name: string) => tableOf(names.rows + name),
    container: new BlobServiceClient(part('BlobEndpoint'), blobs).getContainerClient(names.reports),
    queue: new QueueServiceClient(part('QueueEndpoint'), queues).getQueueClient(names.queue),
  }
}

function noneWhereMissing(error: Error): readonly RawRow[] {
  if (error.message.includes('TableNotFound')) return []
  throw error
}

/** What the service adds to a row says nothing of what was landed. */
function withoutService(row: RawRow): RawRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !/^(odata\.|Timestamp)/.test(name)))
}

async function blobsOf(container: ContainerClient): Promise<readonly StoredBlob[]> {
  const blobs: StoredBlob[] = []
  for await (const { name, metadata = {}, properties } of container.listBlobsFlat({ includeMetadata: true })) {
    const bytes = await container.getBlobClient(name).downloadToBuffer()
    blobs.push({ name, bytes, metadata, contentType: properties.contentType ?? '' })
  }
  return blobs
}
