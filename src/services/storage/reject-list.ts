import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { BlockBlobClient } from '@azure/storage-blob'
import type { Reject } from '../../core/report/entities.ts'

/** The list of a report's rejects while it is written; its calls throw what the storage throws. */
export type RejectWriter = {
  readonly name: string
  add(reject: Reject): Promise<void>
  /** Ends the list. Where there was no reject there is no list. */
  close(): Promise<void>
}

/** The size of one block of the list, in bytes. No more of the list is in memory. */
const BLOCK = 4 * 1024 * 1024

/** Writes a list of rejects, one to a line, however many there are. */
export function rejectWriter(name: string, open: () => Promise<BlockBlobClient>): RejectWriter {
  const lines = new PassThrough()
  let upload: Promise<void> | undefined
  return {
    name,
    async add(reject) {
      upload ??= uploadLines(open, lines)
      const room = lines.write(`${JSON.stringify(reject)}\n`) ? undefined : once(lines, 'drain')
      // A failed upload reads no further, and would never make room.
      await Promise.race([upload, room])
    },
    async close() {
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
