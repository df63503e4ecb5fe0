/** A queue in storage, its messages and their poison queue. */

import { type DequeuedMessageItem, type QueueClient, QueueServiceClient } from '@azure/storage-queue'
import { openIdentity } from '../../src/services/sign-in/identity.ts'
import { errorMessage, type Log } from './host-log.ts'

/** How long a fetched message stays invisible. Renewed at half of it for as long as its function runs. */
const INVISIBLE_SECONDS = 600

/** Few, because the host asks again soon and a call without answer must not delay a stop. */
const RETRIES = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1000 }

const POISON_SUFFIX = '-poison'
const LONGEST_QUEUE_NAME = 63

/** A queue that triggers a function. */
export type TriggerQueue = {
  readonly name: string
  /** Takes up to `count` messages. Creates the queue when it is missing. Rejects when storage does not answer. */
  fetch(count: number): Promise<readonly DequeuedMessageItem[]>
  lease(message: DequeuedMessageItem): LeasedMessage
}

/** A fetched message. It stays invisible to others until it is settled or released. */
export type LeasedMessage = {
  complete(): Promise<void>
  retryAfter(seconds: number): Promise<void>
  /** Moves it to the queue `<name>-poison`. Where there can be no such queue, it is left invisible. */
  poison(): Promise<void>
  /** Ends the renewal. A message that was not settled comes back when its invisibility ends. */
  release(): void
}

/** How the host reaches the queues of an account: a connection string, or their address, with the app's user-assigned identity. */
export type QueueConnection = string | { readonly queueServiceUri: string; readonly clientId: string }

/** Opens a queue of a storage account. Nothing is asked of storage before the first `fetch`. */
export function openTriggerQueue(
  connection: QueueConnection,
  name: string,
  log: Log,
  invisibleSeconds: number = INVISIBLE_SECONDS,
): TriggerQueue {
  const service = openQueues(connection)
  const queue = service.getQueueClient(name)
  const poison = openPoison(service, name)
  let isCreated = false
  return {
    name,
    async fetch(count) {
      if (!isCreated) await queue.createIfNotExists()
      isCreated = true
      const options = { numberOfMessages: count, visibilityTimeout: invisibleSeconds }
      return (await queue.receiveMessages(options)).receivedMessageItems
    },
    lease: (message) => leaseMessage(queue, poison, message, log, invisibleSeconds),
  }
}

function openQueues(connection: QueueConnection): QueueServiceClient {
  const options = { retryOptions: RETRIES }
  if (typeof connection === 'string') return QueueServiceClient.fromConnectionString(connection, options)
  const { queueServiceUri, clientId } = connection
  return new QueueServiceClient(queueServiceUri, openIdentity(clientId), options)
}

function openPoison(service: QueueServiceClient, name: string): QueueClient | undefined {
  const poison = `${name}${POISON_SUFFIX}`
  if (name.endsWith(POISON_SUFFIX) || poison.length > LONGEST_QUEUE_NAME) return undefined
  return service.getQueueClient(poison)
}

function leaseMessage(
  queue: QueueClient,
  poison: QueueClient | undefined,
  message: DequeuedMessageItem,
  log: Log,
  invisibleSeconds: number,
): LeasedMessage {
  const { messageId, messageText } = message
  const { lastReceipt, release } = keepInvisible(queue, message, log, invisibleSeconds)
  const complete = async () => void (await queue.deleteMessage(messageId, await lastReceipt()))
  return {
    complete,
    release,
    async retryAfter(seconds) {
      await queue.updateMessage(messageId, await lastReceipt(), undefined, seconds)
    },
    async poison() {
      if (!poison) return
      await poison.createIfNotExists()
      await poison.sendMessage(messageText)
      await complete()
    },
  }
}

/** Keeps a message invisible until it is released. */
function keepInvisible(
  queue: QueueClient,
  { messageId, popReceipt }: DequeuedMessageItem,
  log: Log,
  invisibleSeconds: number,
) {
  let receipt = popReceipt
  let renewal = Promise.resolve()
  const renew = async () => {
    try {
      receipt = (await queue.updateMessage(messageId, receipt, undefined, invisibleSeconds)).popReceipt ?? receipt
    } catch (error) {
      log(`Queue ${queue.name}: message ${messageId} could not be kept invisible: ${errorMessage(error)}`)
    }
  }
  const timer = setInterval(() => {
    renewal = renew()
  }, invisibleSeconds * 500)
  const release = () => clearInterval(timer)
  /** Each renewal changes the receipt: one that is under way has to end before the message is settled. */
  const lastReceipt = async () => {
    release()
    await renewal
    return receipt
  }
  return { lastReceipt, release }
}
