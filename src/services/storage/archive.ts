import { createHash } from 'node:crypto'
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import { type Failure, failed } from '../../core/failures.ts'
import type { Asked } from '../../core/feeds/form.ts'
import { present } from '../../core/present.ts'
import type { CallbackSubject } from '../insights/callback-token.ts'
import { lazily } from '../lazily.ts'
import { BLOCK, blockId, createIfMissing, RANGE } from './blocks.ts'
import { statusOf } from './errors.ts'
import { type RejectWriter, rejectWriter } from './reject-list.ts'

/** What stands in the archive, as the service's bytes were received. */
export type ArchivedBlob = {
  readonly name: string
  readonly bytes: number
  /** Of the bytes as they were received, in hex. */
  readonly sha256: string
  readonly etag: string
  /** What was left out when it was stored; absent where nothing was to be. */
  readonly erased?: Erased
}

/** What is left out of a report: under the id of all values that were erased by then, so many rows. */
export type Erased = { readonly by: string; readonly rows: number }

export type ArchiveWriter = {
  append(chunk: Buffer): Promise<void>
  /**
   * Makes the staged blocks the blob, and gives it. A blob that already exists stays as it is, and is given instead.
   * `erased`: what was left out of it.
   */
  commit(erased?: Erased): Promise<ArchivedBlob>
}

/** Where an archive comes from, and what it answers. `nonce` keeps the blocks of two writers apart. */
export type ArchiveOrigin = {
  readonly asked: Asked
  readonly reportId: string
  readonly attempt: number
  readonly requestedAt: Date
  readonly nonce: string
}

/** What a replay needs to know about an archived report. `asked` is absent where an earlier version stored it. */
export type ArchivedReport = Omit<ArchiveOrigin, 'nonce' | 'asked'> & {
  readonly name: string
  readonly executionId: string
  readonly asked?: Asked
}

/** The name of what one attempt left in the archive: its report, or a list of its rejects. */
export type BlobName = {
  readonly name: string
  readonly window: string
  readonly attempt: number
  readonly isRejects: boolean
  /** When the report was asked for, or the file brought; absent where nobody noted it. */
  readonly requestedAt?: Date
}

export type Archive = {
  create(): Promise<void>
  find(name: string): Promise<ArchivedBlob | undefined>
  write(name: string, origin: ArchiveOrigin): ArchiveWriter
  /** The bytes of an archived report, or of a list of rejects, in ranges; throws (412) where the blob is not that of `etag`. */
  read(name: string, etag?: string): AsyncIterable<Buffer>
  /** The archived reports of one window, newest attempt first. */
  list(feed: string, window: string): Promise<readonly ArchivedReport[]>
  /** The names of all that the app left of a feed, or of one window of it, page by page. */
  names(feed: string, window?: string): AsyncIterable<BlobName>
  /** Removes a blob, which may be gone already; a failure where the storage refuses, such as for a lease. */
  remove(name: string): Promise<Failure | undefined>
  /** Opens a list of rejects, which only its owner writes. */
  rejects(name: string): RejectWriter
}

/** Opens the container `reports`. The client is opened on its first use. */
export function openArchive(container: () => Promise<ContainerClient>): Archive {
  const blob = (name: string) => async () => blobIn(await container(), name)
  return {
    create: lazily(async () => createIfMissing(await container())),
    find: async (name) => find(await blob(name)()),
    write: (name, origin) => writer(blob(name), origin),
    read: (name, etag) => ranges(blob(name), etag),
    list: async (feed, window) => listArchived(await container(), `${feed}/${window}/`),
    names: (feed, window) => namesIn(container, window === undefined ? `${feed}/` : `${feed}/${window}/`),
    remove: async (name) => remove(await blob(name)()),
    rejects: (name) => rejectWriter(name, blob(name)),
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
  return blobName(`${feed}/${window}/${attempt}-${executionId}.${ending}`)
}

/**
 * The name of an owner's list of rejects, beside the archive. It holds the attempt and the owner, so that no owner ever
 * writes or deletes the list of another.
 */
export function rejectsName({ feed, window, attempt }: CallbackSubject, owner: string): string {
  return blobName(`${feed}/${window}/${attempt}-${owner}.rejects.jsonl`)
}

/** Feed, window, attempt and one id: no part can hold a dot or a slash, so no name leads out of its folder. */
const BLOB_NAME =
  /^[a-z][a-z0-9-]{0,39}\/[A-Za-z0-9_]{1,64}\/(\d{1,16})-([A-Za-z0-9-]{1,64})\.(?:(csv|tsv)(?:\.gz)?|rejects\.jsonl)$/

/** Gives a name of a blob as it is. Throws where the app makes no such names. */
function blobName(name: string): string {
  if (!BLOB_NAME.test(name)) throw new Error(`"${name.slice(0, 200)}" is no name of an archive or of a list of rejects`)
  return name
}

/** The client resolves a name as an address, so it is asked afterwards which blob of which container it leads to. */
function blobIn(container: ContainerClient, name: string): BlockBlobClient {
  const blob = container.getBlockBlobClient(blobName(name))
  if (blob.name === name && blob.containerName === container.containerName) return blob
  throw new Error(`"${name}" leads to blob "${blob.name}" of container "${blob.containerName}"`)
}

type OpenBlob = () => Promise<BlockBlobClient>

async function find(blob: BlockBlobClient): Promise<ArchivedBlob | undefined> {
  try {
    const { contentLength = 0, metadata, etag = '' } = await blob.getProperties()
    const erased = erasedIn(metadata)
    return { name: blob.name, bytes: contentLength, sha256: metadata?.sha256 ?? '', etag, ...(erased && { erased }) }
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** What the storage answers where somebody may not remove a blob, or where a lease, a snapshot or a policy holds it. */
const REFUSALS = [403, 409, 412]

async function remove(blob: BlockBlobClient): Promise<Failure | undefined> {
  try {
    await blob.deleteIfExists()
    return undefined
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined || !REFUSALS.includes(status)) throw error
    const cause = 'look for a lease, a snapshot or a policy that holds it, and at the roles'
    return failed('storage', `archive ${blob.name} cannot be removed (${status}): ${cause}`)
  }
}

function erasedIn({ erasedby, erasedrows }: Record<string, string> = {}): Erased | undefined {
  return erasedby === undefined ? undefined : { by: erasedby, rows: Number(erasedrows) }
}

function askedIn({ rowset, selection }: Record<string, string> = {}): Asked | undefined {
  return rowset === undefined || selection === undefined ? undefined : { rowSet: rowset, selection }
}

async function listArchived(container: ContainerClient, prefix: string): Promise<readonly ArchivedReport[]> {
  const found: ArchivedReport[] = []
  for await (const { name, metadata } of container.listBlobsFlat({ prefix, includeMetadata: true })) {
    const [, attempt, executionId, format] = BLOB_NAME.exec(name) ?? []
    if (!attempt || !executionId || !format) continue
    const requestedAt = new Date(metadata?.requestedat ?? 0)
    const about = { name, attempt: Number(attempt), executionId, reportId: metadata?.reportid ?? '', requestedAt }
    found.push(present<ArchivedReport>({ ...about, asked: askedIn(metadata) }))
  }
  return found.toSorted((a, b) => b.attempt - a.attempt)
}

async function* namesIn(open: () => Promise<ContainerClient>, prefix: string): AsyncIterable<BlobName> {
  for await (const { name, metadata } of (await open()).listBlobsFlat({ prefix, includeMetadata: true })) {
    const [, attempt, , format] = BLOB_NAME.exec(name) ?? []
    const [, window = ''] = name.split('/')
    const at = metadata?.requestedat
    if (!attempt) continue
    const found = { name, window, attempt: Number(attempt), isRejects: format === undefined }
    yield { ...found, ...(at !== undefined && { requestedAt: new Date(at) }) }
  }
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
    async commit(erased) {
      if (size.waiting > 0) await stage()
      const blob = await open()
      const sha256 = hash.digest('hex')
      const etag = await commitOnce(blob, blocks, metadataOf(origin, sha256, erased))
      const own = { name: blob.name, bytes: size.all, sha256, ...(erased && { erased }) }
      const written = etag === undefined ? await find(blob) : { ...own, etag }
      if (!written) throw new Error(`archive ${blob.name} was deleted while it was written`)
      return written
    },
  }
}

function metadataOf(
  { asked, reportId, attempt, requestedAt }: ArchiveOrigin,
  sha256: string,
  erased: Erased | undefined,
): Record<string, string> {
  const { rowSet: rowset, selection } = asked
  const left = erased && { erasedby: erased.by, erasedrows: String(erased.rows) }
  const at = requestedAt.toISOString()
  return { sha256, reportid: reportId, attempt: String(attempt), requestedat: at, rowset, selection, ...left }
}

/** Gives the ETag; undefined where another writer of the same execution was first. */
async function commitOnce(
  blob: BlockBlobClient,
  blocks: string[],
  metadata: Record<string, string>,
): Promise<string | undefined> {
  const blobHTTPHeaders = { blobContentType: contentType(blob.name) }
  try {
    const { etag } = await blob.commitBlockList(blocks, { metadata, blobHTTPHeaders, conditions: { ifNoneMatch: '*' } })
    return etag
  } catch (error) {
    if (statusOf(error) === 409 || statusOf(error) === 412) return undefined
    throw error
  }
}

function contentType(name: string): string {
  if (name.endsWith('.gz')) return 'application/gzip'
  return name.endsWith('.tsv') ? 'text/tab-separated-values' : 'text/csv'
}

/** Ranges instead of one long stream: the SDK's stream takes a dropped connection for an abort and does not resume. */
async function* ranges(open: OpenBlob, expected: string | undefined): AsyncIterable<Buffer> {
  const blob = await open()
  const { contentLength = 0, etag } = await blob.getProperties()
  const conditions = { ifMatch: expected ?? etag ?? '*' }
  for (let offset = 0; offset < contentLength; offset += RANGE) {
    const count = Math.min(RANGE, contentLength - offset)
    yield await blob.downloadToBuffer(offset, count, { conditions, concurrency: 1, maxRetryRequestsPerBlock: 5 })
  }
}
