/** Which feeds a run works by: its own, those of the package, or those that a person pushed to an earlier run. */

import { BlobServiceClient } from '@azure/storage-blob'

/** Marks what `npm start` put there: what has no such mark was pushed by a person. */
const BY_START = { by: 'npmstart' }

/** Whoever adds it for the feeds alone must know what else it does. */
const FRESH = '--fresh, which removes everything that landed on this machine'

export type RunsFeeds = {
  /** What feeds.json, or the file of `--feeds`, says. */
  readonly text: string
  /** Whether that is other than the packaged file. */
  readonly isOwn: boolean
}

/**
 * Puts the run's own feeds where `feeds push` would; without them, the packaged ones count again. What a person pushed
 * stays: gives what to tell of it. Throws where the run has own feeds, and others were pushed.
 */
export async function placeFeeds(connectionString: string, { text, isOwn }: RunsFeeds): Promise<string | undefined> {
  const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('config')
  await container.createIfNotExists()
  const blob = container.getBlockBlobClient('feeds.json')
  const metadata = (await blob.exists()) ? (await blob.getProperties()).metadata : undefined
  const pushed = metadata && metadata.by !== BY_START.by ? String(await blob.downloadToBuffer()) : undefined
  if (pushed !== undefined && pushed === text) return undefined
  if (pushed !== undefined && isOwn) {
    throw new Error(`other feeds were pushed to this run: start without --feeds and --report-file, or add ${FRESH}`)
  }
  if (pushed !== undefined) {
    return `The feeds are those that were pushed, and feeds.json differs: type "npx partner-insights-sync feeds diff", or start with ${FRESH}`
  }
  if (isOwn) await blob.upload(text, Buffer.byteLength(text), { metadata: BY_START })
  else await blob.deleteIfExists()
  return undefined
}
