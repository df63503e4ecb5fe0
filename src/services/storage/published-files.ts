import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import { createIfMissing, RANGE } from './blocks.ts'
import { statusOf } from './errors.ts'

/** What a writer sends as one block, and has in memory as a whole: the values of 2,500 rows of 30 columns. */
const GROUP_VALUES = 75_000

const CONTENT_TYPE = 'application/vnd.apache.parquet'

/** A file in the container `published`, as it was under an ETag. */
export type PublishedFile = {
  readonly name: string
  readonly bytes: number
  readonly etag: string
  readonly changedAt: Date
  /** What the writer says of it. The names are in lower case. */
  readonly metadata: Readonly<Record<string, string>>
}

/** A file that is written block by block. */
export type FileBlocks = {
  /** The ids of its blocks, in the order of their bytes. */
  readonly ids: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
}

/**
 * The container `published`: files that people read, and in `_staging/` those that nobody reads yet. Where somebody else changed
 * a file meanwhile, nothing is written or removed.
 */
export type PublishedFiles = {
  /** How many values a writer has in memory at once, to send them as one block. */
  readonly groupValues: number
  /** Creates the container where there is none, each time: somebody may have deleted it. */
  create(): Promise<void>
  find(name: string): Promise<PublishedFile | undefined>
  /** Gives bytes of a file; throws (412) where it is not that of `etag`. */
  read(file: PublishedFile, from: number, to: number): Promise<Buffer>
  /** The ids of the blocks that a file consists of. */
  blocks(name: string): Promise<readonly string[]>
  /** Sends a block, which is part of no file yet. No other writer may use its id. */
  stage(name: string, id: string, bytes: Uint8Array): Promise<void>
  /** Makes blocks the file, in place of that of `etag`, or of none. False where somebody else changed it meanwhile. */
  commit(name: string, blocks: FileBlocks, etag: string | undefined): Promise<boolean>
  /** Removes a file; with `etag` only that one. True where it is gone. */
  remove(name: string, etag?: string): Promise<boolean>
  /** The files of a folder that the app may have made. */
  list(folder: string): AsyncIterable<PublishedFile>
}

/** Opens the container `published`. The client is opened on its first use. */
export function openPublishedFiles(container: () => Promise<ContainerClient>): PublishedFiles {
  const blob = async (name: string) => blobIn(await container(), name)
  return {
    groupValues: GROUP_VALUES,
    create: async () => createIfMissing(await container()),
    find: async (name) => find(await blob(name)),
    read: async (file, from, to) => read(await blob(file.name), file, from, to),
    async blocks(name) {
      const { committedBlocks = [] } = await (await blob(name)).getBlockList('committed')
      return committedBlocks.map((block) => block.name)
    },
    stage: async (name, id, bytes) => void (await (await blob(name)).stageBlock(id, bytes, bytes.length)),
    commit: async (name, blocks, etag) => commit(await blob(name), blocks, etag),
    remove: async (name, etag) => remove(await blob(name), etag),
    list: (folder) => list(container, folder),
  }
}

/** A table and the days of a window, or a generation: no part can hold a dot or a slash, so no name leads out of its folder. */
const FILE_NAME = /^(?:[A-Za-z][A-Za-z0-9]{2,62}\/\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d|_staging\/[0-9a-f]{12})\.parquet$/

function blobIn(container: ContainerClient, name: string): BlockBlobClient {
  if (!FILE_NAME.test(name)) throw new Error(`"${name.slice(0, 200)}" is no name of a published file`)
  return container.getBlockBlobClient(name)
}

async function find(blob: BlockBlobClient): Promise<PublishedFile | undefined> {
  try {
    const { contentLength = 0, metadata = {}, etag = '', lastModified = new Date(0) } = await blob.getProperties()
    return { name: blob.name, bytes: contentLength, etag, changedAt: lastModified, metadata }
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

async function read(blob: BlockBlobClient, { etag }: PublishedFile, from: number, to: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let at = from; at < to; at += RANGE) {
    const options = { conditions: { ifMatch: etag }, concurrency: 1, maxRetryRequestsPerBlock: 5 }
    parts.push(await blob.downloadToBuffer(at, Math.min(RANGE, to - at), options))
  }
  return Buffer.concat(parts)
}

/** Each says that the blob is another one by now, or that another writer's commit took our blocks with it. */
const CONFLICTS: readonly unknown[] = ['ConditionNotMet', 'BlobAlreadyExists', 'BlobNotFound', 'InvalidBlockList']

/** Anything else is a refusal, such as for a lease, a snapshot or a policy. */
const isConflict = (error: unknown) =>
  statusOf(error) !== undefined && CONFLICTS.includes((error as { readonly code?: unknown }).code)

async function commit(
  blob: BlockBlobClient,
  { ids, metadata = {} }: FileBlocks,
  etag: string | undefined,
): Promise<boolean> {
  const conditions = etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }
  const blobHTTPHeaders = { blobContentType: CONTENT_TYPE }
  try {
    await blob.commitBlockList([...ids], { metadata, blobHTTPHeaders, conditions })
    return true
  } catch (error) {
    if (isConflict(error)) return false
    throw error
  }
}

async function remove(blob: BlockBlobClient, etag: string | undefined): Promise<boolean> {
  try {
    await blob.delete(etag === undefined ? {} : { conditions: { ifMatch: etag } })
    return true
  } catch (error) {
    if (statusOf(error) === 404) return true
    // A file that is gone has no ETag either.
    if (isConflict(error)) return (await find(blob)) === undefined
    throw error
  }
}

/** Where there is no container yet, there is no file. */
async function* list(open: () => Promise<ContainerClient>, prefix: string): AsyncIterable<PublishedFile> {
  try {
    for await (const found of (await open()).listBlobsFlat({ prefix, includeMetadata: true })) {
      const { contentLength = 0, etag, lastModified } = found.properties
      const file = { name: found.name, bytes: contentLength, etag, changedAt: lastModified }
      if (FILE_NAME.test(found.name)) yield { ...file, metadata: found.metadata ?? {} }
    }
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
}
