import type { QueueClient } from '@azure/storage-queue'
import { isServiceId } from '../../core/names.ts'
import { earlier } from '../../core/time/instants.ts'
import { lazily } from '../lazily.ts'
import { statusOf } from './errors.ts'

/** Work for the ingest function: a hint that the report of an attempt may be ready. */
export type IngestMessage = {
  readonly feed: string
  readonly window: string
  readonly attempt: number
  readonly reportId?: string
}

/** Work for the ingest function: rows to delete. */
export type DropMessage = { readonly feed: string; readonly generation: string }

export type WorkQueue = {
  /** Puts a hint in the queue, to be seen after `delaySeconds`. */
  send(message: IngestMessage, delaySeconds?: number): Promise<void>
  sendDrop(message: DropMessage): Promise<void>
  look(): Promise<QueueLook>
  /** When the oldest message that is due was put in the queue: one request. */
  oldest(): Promise<Date | undefined>
}

/** How it stands with the queue and with that of its poisoned messages. The numbers are about right. */
export type QueueLook = {
  readonly messages: number
  /** When the oldest message that is due was put there. */
  readonly oldest?: Date
  readonly poisoned: number
}

/** A queue message is invisible for at most seven days (Queue service REST reference, Put Message). */
const LONGEST_DELAY_SECONDS = 7 * 24 * 3600

/**
 * Opens the queue `ingest`. Messages are base64, as the Functions host expects. The payload is under one key, because the host
 * copies the top-level properties of a message over its own metadata. `poisoned`: the queue that the host makes for messages
 * that failed too often; without it none are counted.
 */
export function openWorkQueue(client: QueueClient, poisoned?: QueueClient): WorkQueue {
  const create = lazily(() => client.createIfNotExists())
  const put = async (content: object, visibilityTimeout: number) => {
    await create()
    await client.sendMessage(Buffer.from(JSON.stringify(content)).toString('base64'), { visibilityTimeout })
  }
  const oldestIn = async () => {
    await create()
    const { peekedMessageItems } = await client.peekMessages({ numberOfMessages: MOST_PEEKED })
    return peekedMessageItems.map(({ insertedOn }) => insertedOn).reduce(earlierOf, undefined)
  }
  return {
    send: (ingest, delaySeconds = 0) =>
      put({ ingest }, Math.min(Math.max(Math.ceil(delaySeconds), 0), LONGEST_DELAY_SECONDS)),
    sendDrop: (drop) => put({ drop }, 0),
    async look() {
      const [oldest, messages, ofPoisoned] = await Promise.all([
        oldestIn(),
        countOf(client),
        poisoned ? countOf(poisoned) : 0,
      ])
      return { messages, ...(oldest && { oldest }), poisoned: ofPoisoned }
    },
    oldest: oldestIn,
  }
}

/** The service shows no more of the front of a queue (Queue service REST reference, Peek Messages). */
const MOST_PEEKED = 32

const earlierOf = (first: Date | undefined, each: Date): Date => (first ? earlier(first, each) : each)

/** About how many messages a queue holds; none where it does not exist yet. */
async function countOf(client: QueueClient): Promise<number> {
  try {
    return (await client.getProperties()).approximateMessagesCount ?? 0
  } catch (error) {
    if (statusOf(error) === 404) return 0
    throw error
  }
}

/**
 * Reads the body of an `ingest` message as the host gives it: parsed JSON, or text that is not JSON. Undefined where it
 * is no such message.
 */
export function readIngestMessage(body: unknown): IngestMessage | undefined {
  if (typeof body !== 'object' || body === null || !('ingest' in body)) return undefined
  const { ingest } = body
  if (typeof ingest !== 'object' || ingest === null) return undefined
  const { feed, window, attempt, reportId } = ingest as Record<string, unknown>
  if (typeof feed !== 'string' || typeof window !== 'string' || !isAttempt(attempt)) return undefined
  return { feed, window, attempt, ...(typeof reportId === 'string' && isServiceId(reportId) && { reportId }) }
}

/** Reads the body of a `drop` message. */
export function readDropMessage(body: unknown): DropMessage | undefined {
  if (typeof body !== 'object' || body === null || !('drop' in body)) return undefined
  const { drop } = body
  if (typeof drop !== 'object' || drop === null) return undefined
  const { feed, generation } = drop as Record<string, unknown>
  return typeof feed === 'string' && typeof generation === 'string' ? { feed, generation } : undefined
}

function isAttempt(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
