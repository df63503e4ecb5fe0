import type { TableClient } from '@azure/data-tables'
import type { ContainerClient } from '@azure/storage-blob'
import type { QueueClient } from '@azure/storage-queue'
import { createIfMissing } from './blocks.ts'

/** Creates a table, writes, reads and deletes a row, and deletes the table. Throws what the client throws. */
export async function probeTable(client: TableClient, abortSignal: AbortSignal): Promise<void> {
  const row = { partitionKey: 'doctor', rowKey: 'doctor' }
  await client.createTable({ abortSignal })
  await client.createEntity(row, { abortSignal })
  await client.getEntity(row.partitionKey, row.rowKey, { abortSignal })
  await client.deleteEntity(row.partitionKey, row.rowKey, { abortSignal })
  await client.deleteTable({ abortSignal })
}

/** Writes, reads and deletes a blob of that name. In Azure the app may make no container of its own. */
export async function probeBlob(client: ContainerClient, name: string, abortSignal: AbortSignal): Promise<void> {
  const blob = client.getBlockBlobClient(name)
  await createIfMissing(client, abortSignal)
  await blob.upload('doctor', 6, { abortSignal })
  await blob.downloadToBuffer(0, 6, { abortSignal })
  await blob.delete({ abortSignal })
}

/** Creates a queue, writes, reads and deletes a message, and deletes the queue. */
export async function probeQueue(client: QueueClient, abortSignal: AbortSignal): Promise<void> {
  await client.create({ abortSignal })
  const { messageId, popReceipt } = await client.sendMessage('doctor', { abortSignal })
  await client.peekMessages({ abortSignal })
  await client.deleteMessage(messageId, popReceipt, { abortSignal })
  await client.delete({ abortSignal })
}
