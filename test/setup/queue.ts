import type { QueueClient } from '@azure/storage-queue'
import { ingest } from '../../src/steps/ingest.ts'
import type { Services } from '../../src/steps/services.ts'

/** A message taken off the queue. Nobody else sees it for a minute; then it is visible again unless it was completed. */
export type Taken = { readonly body: unknown; complete(): Promise<void> }

/** Takes the next visible message; undefined when there is none. */
export type Receive = () => Promise<Taken | undefined>

/** Takes messages off a queue as the Functions host does. */
export function openReceiver(queue: QueueClient): Receive {
  return async () => {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 1, visibilityTimeout: 60 })
    const [message] = receivedMessageItems
    if (!message) return undefined
    return {
      body: JSON.parse(Buffer.from(message.messageText, 'base64').toString('utf8')),
      complete: async () => void (await queue.deleteMessage(message.messageId, message.popReceipt)),
    }
  }
}

/** Gives every visible message to `ingest`, one after the other, until there is none left. */
export async function drain(receive: Receive, services: Services): Promise<void> {
  for (let taken = await receive(); taken; taken = await receive()) {
    await ingest(taken.body, services)
    await taken.complete()
  }
}
