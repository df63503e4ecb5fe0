import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { BlockBlobClient } from '@azure/storage-blob'
import type { Reject } from '../../core/report/entities.ts'

/** Writes the list of a report's rejects. Both functions throw what the storage client throws. */
export type RejectWriter = {
  add(reject: Reject): Promise<void>
  /** Ends the list. Where there was no reject, an older list is deleted. */
  close(): Promise<void>
}

/** The size of one block of the list, in bytes. No more of the list is in memory. */
const BLOCK = 4 * 1024 * 1024

/** Opens a list of rejects, one JSON object a line. The list may have any length. */
export function rejectWriter(open: () => Promise<BlockBlobClient>): RejectWriter {
  const lines = new PassThrough()
  let upload: Promise<void> | undefined
  return {
    async add(reject) {
      upload ??= uploadLines(open, lines)
      const room = lines.write(`${JSON.stringify(reject)}\n`) ? undefined : once(lines, 'drain')
      // A failed upload reads no further, and would never make room.
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
  // `add` and `close` throw the error. Until one of them is called, nobody waits for the upload.
  upload.catch(() => undefined)
  return upload
}
