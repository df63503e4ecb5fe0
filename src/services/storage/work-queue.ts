import type { QueueClient } from '@azure/storage-queue'

/** Work for the ingest function: a hint that an attempt may be ready. */
export type IngestMessage = {
  readonly feed: string
  readonly window: string
  readonly attempt: number
  readonly reportId?: string
}

export type WorkQueue = {
  /** Puts a message in the queue, to be seen after `delaySeconds`. */
  send(message: IngestMessage, delaySeconds?: number): Promise<void>
}

/** A queue message stays invisible for at most seven days (Queue service REST reference, Put Message). */
const LONGEST_DELAY_SECONDS = 7 * 24 * 3600

/**
 * Opens the queue `ingest`. Messages are base64, which the Functions host expects; the payload is nested under one
 * key because the host copies top-level properties of a message over its own metadata.
 */
export function openWorkQueue(client: QueueClient): WorkQueue {
  let created: Promise<unknown> | undefined
  return {
    async send(message, delaySeconds = 0) {
      created ??= client.createIfNotExists().catch((error) => {
        created = undefined
        throw error
      })
      await created
      const text = Buffer.from(JSON.stringify({ ingest: message })).toString('base64')
      const visibilityTimeout = Math.min(Math.max(Math.ceil(delaySeconds), 0), LONGEST_DELAY_SECONDS)
      await client.sendMessage(text, { visibilityTimeout })
    },
  }
}

/** Reads the body of an `ingest` message as the host hands it over: parsed JSON, or text that is none. */
export function readIngestMessage(body: unknown): IngestMessage | undefined {
  if (typeof body !== 'object' || body === null || !('ingest' in body)) return undefined
  const { ingest } = body
  if (typeof ingest !== 'object' || ingest === null) return undefined
  const { feed, window, attempt, reportId } = ingest as Record<string, unknown>
  if (typeof feed !== 'string' || typeof window !== 'string' || !isAttempt(attempt)) return undefined
  return { feed, window, attempt, ...(typeof reportId === 'string' && { reportId }) }
}

function isAttempt(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
