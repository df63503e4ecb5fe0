import { createHash } from 'node:crypto'
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import type { CallbackSubject } from '../insights/callback-token.ts'
import { statusOf } from './errors.ts'
import { type RejectWriter, rejectWriter } from './reject-list.ts'

/** The size of one staged block, in bytes. */
const BLOCK = 4 * 1024 * 1024

/** Bytes that one read asks for, about 20,000 rows. Larger ranges leave holes in the memory of the process. */
export const RANGE = 1024 * 1024

/** A blob of the archive: a report's bytes as the service sent them. */
export type ArchivedBlob = { readonly name: string; readonly bytes: number; readonly sha256: string }

export type ArchiveWriter = {
  append(chunk: Buffer): Promise<void>
  /**
   * Makes the staged blocks the blob, and gives it. A blob that already exists stays as it is, and is given instead.
   */
  commit(): Promise<ArchivedBlob>
}

/** Where an archive comes from. `nonce` keeps the blocks of two writers apart. */
export type ArchiveOrigin = {
  readonly reportId: string
  readonly attempt: number
  readonly requestedAt: Date
  readonly nonce: string
}

/** What a replay needs to know about an archived report. */
export type ArchivedReport = Omit<ArchiveOrigin, 'nonce'> & { readonly name: string; readonly executionId: string }

export type Archive = {
  create(): Promise<void>
  find(name: string): Promise<ArchivedBlob | undefined>
  write(name: string, origin: ArchiveOrigin): ArchiveWriter
  /** The bytes of an archived report or of a list of rejects, piece by piece. */
  read(name: string): AsyncIterable<Buffer>
  /** The archived reports of one window, the newest attempt first. */
  list(feed: string, window: string): Promise<readonly ArchivedReport[]>
  rejects(name: string): RejectWriter
}

/** Opens the container `reports`. The client is opened on its first use. */
export function openArchive(container: () => Promise<ContainerClient>): Archive {
  const blob = (name: string) => async () => (await container()).getBlockBlobClient(name)
  return {
    async create() {
      await (await container()).createIfNotExists()
    },
    find: async (name) => find(await blob(name)()),
    write: (name, origin) => writer(blob(name), origin),
    read: (name) => ranges(blob(name)),
    list: async (feed, window) => listArchived(await container(), `${feed}/${window}/`),
    rejects: (name) => rejectWriter(blob(rejectsName(name))),
  }
}

/**
 * The name of one attempt's archive: `<feed>/<window>/<attempt>-<executionId>.csv`, or `.tsv`, `.csv.gz`, `.tsv.gz`.
 */
export function archiveName(
  { feed, window, attempt }: CallbackSubject,
  executionId: string,
  format: { readonly tsv: boolean; readonly gzip: boolean },
): string {
  const ending = `${format.tsv ? 'tsv' : 'csv'}${format.gzip ? '.gz' : ''}`
  return `${feed}/${window}/${attempt}-${executionId}.${ending}`
}

/** The name of the list of rejects, which is beside the archive. */
export function rejectsName(archive: string): string {
  return `${archive.replace(/\.(csv|tsv)(\.gz)?$/, '')}.rejects.jsonl`
}

type OpenBlob = () => Promise<BlockBlobClient>

async function find(blob: BlockBlobClient): Promise<ArchivedBlob | undefined> {
  try {
    const { contentLength, metadata } = await blob.getProperties()
    return { name: blob.name, bytes: contentLength ?? 0, sha256: metadata?.sha256 ?? '' }
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

async function listArchived(container: ContainerClient, prefix: string): Promise<readonly ArchivedReport[]> {
  const found: ArchivedReport[] = []
  for await (const { name, metadata } of container.listBlobsFlat({ prefix, includeMetadata: true })) {
    const [, attempt, executionId] = /\/(\d+)-([^/]+)\.(?:csv|tsv)(?:\.gz)?$/.exec(name) ?? []
    if (!attempt || !executionId) continue
    const requestedAt = new Date(metadata?.requestedat ?? 0)
    found.push({ name, attempt: Number(attempt), executionId, reportId: metadata?.reportid ?? '', requestedAt })
  }
  return found.toSorted((a, b) => b.attempt - a.attempt)
}

function writer(open: OpenBlob, origin: ArchiveOrigin): ArchiveWriter {
  const hash = createHash('sha256')
  const blocks: string[] = []
  let parts: Buffer[] = []
  const size = { waiting: 0, all: 0 }
  const stage = async () => {
    const body = Buffer.concat(parts, size.waiting)
    const id = blockId(origin.nonce, blocks.length)
    await (await open()).stageBlock(id, body, body.length)
    blocks.push(id)
    parts = []
    size.waiting = 0
  }
  return {
    async append(chunk) {
      hash.update(chunk)
      parts.push(chunk)
      size.waiting += chunk.length
      size.all += chunk.length
      if (size.waiting >= BLOCK) await stage()
    },
    async commit() {
      if (size.waiting > 0) await stage()
      const blob = await open()
      const written = { name: blob.name, bytes: size.all, sha256: hash.digest('hex') }
      const committed = await commitOnce(blob, blocks, metadataOf(origin, written))
      return committed ? written : ((await find(blob)) ?? written)
    },
  }
}

/** All block ids of a blob must have the same length. Two writers have different ids. */
function blockId(nonce: string, number: number): string {
  const id = `${nonce.slice(0, 36).padEnd(36, '0')}-${String(number).padStart(6, '0')}`
  return Buffer.from(id).toString('base64')
}

function metadataOf(
  { reportId, attempt, requestedAt }: ArchiveOrigin,
  { sha256 }: ArchivedBlob,
): Record<string, string> {
  return { sha256, reportid: reportId, attempt: String(attempt), requestedat: requestedAt.toISOString() }
}

/** Gives false where another writer of the same execution was first. */
async function commitOnce(blob: BlockBlobClient, blocks: string[], metadata: Record<string, string>): Promise<boolean> {
  const blobHTTPHeaders = { blobContentType: contentType(blob.name) }
  try {
    await blob.commitBlockList(blocks, { metadata, blobHTTPHeaders, conditions: { ifNoneMatch: '*' } })
    return true
  } catch (error) {
    if (statusOf(error) === 409 || statusOf(error) === 412) return false
    throw error
  }
}

function contentType(name: string): string {
  if (name.endsWith('.gz')) return 'application/gzip'
  return name.endsWith('.tsv') ? 'text/tab-separated-values' : 'text/csv'
}

/** Reads range by range: the SDK's stream takes a dropped connection for an abort and does not resume. */
async function* ranges(open: OpenBlob): AsyncIterable<Buffer> {
  const blob = await open()
  const { contentLength = 0, etag } = await blob.getProperties()
  const conditions = { ...(etag && { ifMatch: etag }) }
  for (let offset = 0; offset < contentLength; offset += RANGE) {
    const count = Math.min(RANGE, contentLength - offset)
    yield await blob.downloadToBuffer(offset, count, { conditions, concurrency: 1, maxRetryRequestsPerBlock: 5 })
  }
}
