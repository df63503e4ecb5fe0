/** Queue triggers: from a message to a function, with retries and the poison queue. */

import { setTimeout as pause } from 'node:timers/promises'
import type { DequeuedMessageItem } from '@azure/storage-queue'
import type { RegisteredFunction } from './core-module.ts'
import type { TypedData } from './core-types.ts'
import type { QueueSettings } from './host-json.ts'
import { errorMessage, type Log } from './host-log.ts'
import { hostTime, type Listener, type Run } from './invocation.ts'
import type { LeasedMessage, TriggerQueue } from './queue-storage.ts'

/** The first wait on an empty queue. Each further one is about twice as long, up to `maxPollingInterval`. */
const SHORTEST_WAIT_MILLISECONDS = 100

export type QueueTrigger = { readonly binding: string; readonly queue: TriggerQueue }

type QueueListening = { readonly run: Run; readonly settings: QueueSettings; readonly log: Log }

/** Hands the messages of a queue to a function, as the host does it. */
export function startQueue(listening: QueueListening, fn: RegisteredFunction, trigger: QueueTrigger): Listener {
  const stopping = new AbortController()
  const polling = poll(listening, fn, trigger, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await polling
    },
  }
}

async function poll(
  listening: QueueListening,
  fn: RegisteredFunction,
  { binding, queue }: QueueTrigger,
  stopping: AbortSignal,
): Promise<void> {
  const { settings, log } = listening
  const fetch = quietly(queue, settings, log)
  const running = new Set<Promise<void>>()
  let waitMilliseconds = 0
  while (!stopping.aborted) {
    while (running.size > settings.newBatchThreshold) await Promise.race(running)
    if (stopping.aborted) break
    const messages = await fetch()
    for (const message of messages) {
      const work = settle(listening, fn, binding, queue, message).finally(() => running.delete(work))
      running.add(work)
    }
    waitMilliseconds =
      messages.length > 0 ? 0 : nextWaitMilliseconds(waitMilliseconds, settings.maxPollingIntervalMilliseconds)
    await pause(waitMilliseconds, undefined, { signal: stopping }).catch(() => undefined)
  }
  await Promise.all(running)
}

/** Fetches messages. A queue that cannot be reached gives none, and is reported once until it is there again. */
function quietly(queue: TriggerQueue, { batchSize }: QueueSettings, log: Log) {
  let reported = false
  return async () => {
    try {
      const messages = await queue.fetch(batchSize)
      reported = false
      return messages
    } catch (error) {
      if (!reported) log(`Queue ${queue.name} cannot be read and is tried again: ${errorMessage(error)}`)
      reported = true
      return []
    }
  }
}

/** Chance keeps several instances from asking at the same moment. */
function nextWaitMilliseconds(last: number, most: number): number {
  const doubled = Math.max(last * 2, SHORTEST_WAIT_MILLISECONDS)
  return Math.min(most, doubled * (0.8 + Math.random() * 0.4))
}

/** Completes one message, gives it back, or moves it to the poison queue. Never rejects: when storage fails, it stays invisible. */
async function settle(
  { run, settings, log }: QueueListening,
  fn: RegisteredFunction,
  binding: string,
  queue: TriggerQueue,
  message: DequeuedMessageItem,
): Promise<void> {
  const leased = queue.lease(message)
  try {
    const text = decodeMessage(message.messageText)
    // A count above the limit means that the message ended its process each time: the host does not try it again.
    if (text === undefined || message.dequeueCount > settings.maxDequeueCount) return await leased.poison()
    const result = await run(fn, { binding, data: { string: text }, metadata: messageMetadata(message, text) })
    await finish(leased, 'error' in result, message.dequeueCount, settings)
  } catch (error) {
    log(`Queue ${queue.name}: message ${message.messageId} could not be settled: ${errorMessage(error)}`)
  } finally {
    leased.release()
  }
}

function finish(leased: LeasedMessage, isFailed: boolean, count: number, settings: QueueSettings): Promise<void> {
  if (!isFailed) return leased.complete()
  if (count >= settings.maxDequeueCount) return leased.poison()
  return leased.retryAfter(Math.floor(settings.visibilityTimeoutMilliseconds / 1000))
}

/** The text of a base64 message; undefined when it is not base64. As .NET, it allows white space and demands padding. */
function decodeMessage(messageText: string): string | undefined {
  const text = messageText.replace(/\s/g, '')
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64').toString('utf8')
}

/**
 * What the host says about a message beside its text. The top-level properties of a JSON object, except arrays, stand
 * beside the host's own facts and replace those of the same name. A payload therefore belongs under a single key.
 */
function messageMetadata(message: DequeuedMessageItem, text: string): Record<string, TypedData> {
  const time = (instant: Date) => ({ json: JSON.stringify(hostTime(instant)) })
  const properties = Object.entries(parseObject(text)).filter(([, value]) => !Array.isArray(value))
  return {
    QueueTrigger: { string: text },
    Id: { string: message.messageId },
    PopReceipt: { string: message.popReceipt },
    DequeueCount: { json: String(message.dequeueCount) },
    InsertionTime: time(message.insertedOn),
    ExpirationTime: time(message.expiresOn),
    NextVisibleTime: time(message.nextVisibleOn),
    ...Object.fromEntries(
      properties.map(([name, value]) => [
        name,
        typeof value === 'string' ? { string: value } : { json: JSON.stringify(value) },
      ]),
    ),
  }
}

/** The JSON object that a text is; an empty one when it is something else. */
function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}
