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
import { openApp } from '../../src/app/app.ts'
import type { StorageClients } from '../../src/services/storage/clients.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { openReceiver } from '../setup/queue.ts'
import { testSettings } from '../setup/settings.ts'
import { rowsIfAny } from '../setup/site-storage.ts'
import { freshName, storageOf, withSuffix } from '../setup/storage.ts'
import type { Pass, Store, StoredBlob } from './store.ts'

/** A store in Azurite, under names of its own. Each HTTP request is one call. The ledger goes by `clock`. */
export function createAzuriteStore(connectionString: string, clock = () => new Date()): Store {
  const suffix = freshName('s')
  const direct = storageOf(connectionString)
  const queue = direct.queue(`ingest${suffix}`)
  const receive = openReceiver(queue)
  return {
    open(pass) {
      const storage = withSuffix(passedClients(connectionString, pass), suffix)
      const app = openApp(testSettings(), '', { storage, clock })
      const { ledger, archive, publishedFiles, queue, landingTable } = app(() => undefined)
      return { ledger, archive, publishedFiles, queue, landingTable }
    },
    rows: async (name) => (await rowsIfAny(direct.table(name + suffix))).map(withoutService),
    blobs: () => blobsOf(direct.container(`reports${suffix}`)),
    files: () => blobsOf(direct.container(`published${suffix}`)),
    async receive() {
      await queue.createIfNotExists()
      return receive()
    },
  }
}

/** Clients that send every request through `pass`, retries included. */
function passedClients(connectionString: string, pass: Pass): StorageClients {
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
  const blobService = new BlobServiceClient(part('BlobEndpoint'), blobs)
  const queueService = new QueueServiceClient(part('QueueEndpoint'), queues)
  return {
    table: (name) => TableClient.fromConnectionString(connectionString, name, options),
    container: async (name) => blobService.getContainerClient(name),
    queue: (name) => queueService.getQueueClient(name),
  }
}

/** The row without what the service adds to it. */
function withoutService(row: RawRow): RawRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !/^(odata\.|Timestamp)/.test(name)))
}

/** None where the container was never made. */
async function blobsOf(container: ContainerClient): Promise<readonly StoredBlob[]> {
  if (!(await container.exists())) return []
  const blobs: StoredBlob[] = []
  for await (const { name, metadata = {}, properties } of container.listBlobsFlat({ includeMetadata: true })) {
    const bytes = await container.getBlobClient(name).downloadToBuffer()
    blobs.push({ name, bytes, metadata, contentType: properties.contentType ?? '' })
  }
  return blobs
}
