import { setTimeout as pause } from 'node:timers/promises'
import type { DequeuedMessageItem } from '@azure/storage-queue'
import type { RegisteredFunction } from './core-module.ts'
import type { QueueSettings } from './host-json.ts'
import { errorMessage, type Log } from './host-log.ts'
import { decodeMessage, messageMetadata } from './queue-message.ts'
import type { LeasedMessage, TriggerQueue } from './queue-storage.ts'
import type { Listener, Run } from './runner.ts'

/** The first wait on an empty queue; each further one is about twice as long, up to `maxPollingInterval`. */
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
  let wait = 0
  while (!stopping.aborted) {
    while (running.size > settings.newBatchThreshold) await Promise.race(running)
    if (stopping.aborted) break
    const messages = await fetch()
    for (const message of messages) {
      const work = settle(listening, fn, binding, queue, message).finally(() => running.delete(work))
      running.add(work)
    }
    wait = messages.length > 0 ? 0 : nextWait(wait, settings.maxPollingIntervalMilliseconds)
    await pause(wait, undefined, { signal: stopping }).catch(() => undefined)
  }
  await Promise.all(running)
}

/** Fetches; an unreachable queue is reported once until it is there again, and is no messages meanwhile. */
function quietly(queue: TriggerQueue, { batchSize }: QueueSettings, log: Log) {
  let reported = false
  return async () => {
    try {
      const messages = await queue.fetch(batchSize)
      reported = false
      return messages
    } catch (error) {
      if (!reported) log(`Queue ${queue.name} cannot be read, trying on: ${errorMessage(error)}`)
      reported = true
      return []
    }
  }
}

/** A bit of chance keeps several instances from asking all at the same moment. */
function nextWait(wait: number, most: number): number {
  const doubled = Math.max(wait * 2, SHORTEST_WAIT_MILLISECONDS)
  return Math.min(most, doubled * (0.8 + Math.random() * 0.4))
}

/** Brings one message to its end: done, released, or poison. Never rejects: storage that fails leaves it invisible. */
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
    // A count over the limit has crashed its process each time: the host does not try it again.
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
