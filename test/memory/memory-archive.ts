import { createHash } from 'node:crypto'
import type { Reject } from '../../src/core/report/entities.ts'
import type {
  Archive,
  ArchivedBlob,
  ArchivedReport,
  ArchiveOrigin,
  ArchiveWriter,
  BlobName,
} from '../../src/services/storage/archive.ts'
import type { RejectWriter } from '../../src/services/storage/reject-list.ts'
import type { Pass, StoredBlob } from './store.ts'

/** The container `reports`. `block` is how many bytes are staged, and read, at once. */
export type ArchiveState = { readonly blobs: Map<string, StoredBlob>; readonly block: number }

export const emptyArchive = (block: number): ArchiveState => ({ blobs: new Map(), block })

export function openMemoryArchive(state: ArchiveState, pass: Pass): Archive {
  return {
    create: () => pass('archive.create', async () => undefined),
    find: (name) => pass('archive.properties', async () => find(state, name)),
    write: (name, origin) => writer(state, pass, name, origin),
    read: (name, etag) => ranges(state, pass, name, etag),
    list: (feed, window) => pass('archive.list', async () => list(state, `${feed}/${window}/`)),
    names: (feed, window) => names(state, pass, window === undefined ? `${feed}/` : `${feed}/${window}/`),
    remove: (name) => pass('archive.delete', async () => void state.blobs.delete(name)),
    rejects: (name) => rejectWriter(state, pass, name),
  }
}

function find({ blobs }: ArchiveState, name: string): ArchivedBlob | undefined {
  const blob = blobs.get(name)
  if (!blob) return undefined
  const { sha256 = '', erasedby, erasedrows } = blob.metadata
  const erased = erasedby === undefined ? undefined : { by: erasedby, rows: Number(erasedrows) }
  return { name, bytes: blob.bytes.length, sha256, etag: etagOf(blob), ...(erased && { erased }) }
}

/** Blobs are never changed in place here: other bytes or other metadata are another ETag. */
function etagOf({ bytes, metadata }: StoredBlob): string {
  return createHash('sha256').update(bytes).update(JSON.stringify(metadata)).digest('hex')
}

/** The reports under a prefix, newest attempt first. */
function list({ blobs }: ArchiveState, prefix: string): readonly ArchivedReport[] {
  const found = [...blobs.values()].flatMap(({ name, metadata }): readonly ArchivedReport[] => {
    const [, attempt, executionId] = /^(\d+)-([^.]+)\./.exec(name.slice(prefix.length)) ?? []
    if (!name.startsWith(prefix) || name.endsWith('.rejects.jsonl') || !attempt || !executionId) return []
    const { rowset, selection, requestedat = 0, reportid: reportId = '' } = metadata
    const asked = rowset !== undefined && selection !== undefined && { asked: { rowSet: rowset, selection } }
    return [{ name, attempt: Number(attempt), executionId, reportId, requestedAt: new Date(requestedat), ...asked }]
  })
  return found.sort((a, b) => b.attempt - a.attempt)
}

async function* names({ blobs }: ArchiveState, pass: Pass, prefix: string): AsyncIterable<BlobName> {
  for (const name of await pass('archive.list', async () => [...blobs.keys()].sort())) {
    const [, window = '', attempt] = /^[^/]+\/([^/]+)\/(\d+)-/.exec(name) ?? []
    if (!name.startsWith(prefix) || attempt === undefined) continue
    const at = blobs.get(name)?.metadata.requestedat
    const found = { name, window, attempt: Number(attempt), isRejects: name.endsWith('.rejects.jsonl') }
    yield { ...found, ...(at !== undefined && { requestedAt: new Date(at) }) }
  }
}

function writer(
  state: ArchiveState,
  pass: Pass,
  name: string,
  { asked, reportId, attempt, requestedAt }: ArchiveOrigin,
): ArchiveWriter {
  const staged: Buffer[] = []
  let waiting = Buffer.alloc(0)
  const stage = (size: number) =>
    pass('archive.stage', async () => {
      staged.push(waiting.subarray(0, size))
      waiting = waiting.subarray(size)
    })
  return {
    async append(chunk) {
      waiting = Buffer.concat([waiting, chunk])
      while (waiting.length >= state.block) await stage(state.block)
    },
    async commit(erased) {
      if (waiting.length > 0) await stage(waiting.length)
      const bytes = Buffer.concat(staged)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const metadata = {
        sha256,
        reportid: reportId,
        attempt: String(attempt),
        requestedat: requestedAt.toISOString(),
        rowset: asked.rowSet,
        selection: asked.selection,
        ...(erased && { erasedby: erased.by, erasedrows: String(erased.rows) }),
      }
      await pass('archive.commit', async () => {
        if (!state.blobs.has(name)) state.blobs.set(name, { name, bytes, metadata, contentType: contentType(name) })
      })
      const written = find(state, name)
      if (!written) throw new Error(`blob ${name} is missing`)
      return written
    },
  }
}

function contentType(name: string): string {
  if (name.endsWith('.gz')) return 'application/gzip'
  return name.endsWith('.tsv') ? 'text/tab-separated-values' : 'text/csv'
}

async function* ranges(state: ArchiveState, pass: Pass, name: string, etag?: string): AsyncIterable<Buffer> {
  const blob = await pass('archive.properties', async () => state.blobs.get(name))
  if (!blob) throw new Error(`blob ${name} is missing`)
  if (etag !== undefined && etag !== etagOf(blob)) throw new Error(`blob ${name} is another (412)`)
  for (let offset = 0; offset < blob.bytes.length; offset += state.block) {
    yield await pass('archive.range', async () => blob.bytes.subarray(offset, offset + state.block))
  }
}

function rejectWriter({ blobs }: ArchiveState, pass: Pass, name: string): RejectWriter {
  const lines: string[] = []
  return {
    name,
    async add(reject: Reject) {
      lines.push(`${JSON.stringify(reject)}\n`)
    },
    async close() {
      const blob = { name, bytes: Buffer.from(lines.join('')), metadata: {}, contentType: 'application/x-ndjson' }
      if (lines.length > 0) await pass('archive.put', async () => blobs.set(name, blob))
    },
  }
}
