import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { BlockBlobClient } from '@azure/storage-blob'
import type { Reject } from '../../core/report/entities.ts'

/** The list of a report's rejects while it is written; both throw what the storage throws. */
export type RejectWriter = {
  add(reject: Reject): Promise<void>
  /** Ends the list; where there was no reject, an older list is deleted. */
  close(): Promise<void>
}

/** Bytes of one block of the list; no more of it is in memory. */
const BLOCK = 4 * 1024 * 1024

/** Writes a list of rejects, one to a line, however many there are. */
export function rejectWriter(open: () => Promise<BlockBlobClient>): RejectWriter {
  const lines = new PassThrough()
  let upload: Promise<void> | undefined
  return {
    async add(reject) {
      upload ??= uploadLines(open, lines)
      const room = lines.write(`${JSON.stringify(reject)}\n`) ? undefined : once(lines, 'drain')
      // An upload that failed reads no further: who waits for room alone would wait for ever.
      await Promise.race([upload, room])
    },
    async close() {
      if (!upload) await (await open()).deleteIfExists()
      lines.end()
      await upload
    },
  }
}

function uploadLines(open: () => Promise<BlockBlobClient>, lines: PassThrough): Promise<void> {
  const blobHTTPHeaders = { blobContentType: 'application/x-ndjson' }
  const upload = open().then(async (blob) => void (await blob.uploadStream(lines, BLOCK, 1, { blobHTTPHeaders })))
  // Told to whoever adds or closes; until then nobody waits for it.
  upload.catch(() => undefined)
  return upload
}
