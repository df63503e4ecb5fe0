import type { TableClient } from '@azure/data-tables'
import type { ContainerClient } from '@azure/storage-blob'
import type { QueueClient } from '@azure/storage-queue'

/** Creates a table, writes, reads and deletes a row, and deletes the table. Throws what the client throws. */
export async function probeTable(client: TableClient, abortSignal: AbortSignal): Promise<void> {
  const row = { partitionKey: 'doctor', rowKey: 'doctor' }
  await client.createTable({ abortSignal })
  await client.createEntity(row, { abortSignal })
  await client.getEntity(row.partitionKey, row.rowKey, { abortSignal })
  await client.deleteEntity(row.partitionKey, row.rowKey, { abortSignal })
  await client.deleteTable({ abortSignal })
}

/** Does the same with a container and a blob. */
export async function probeContainer(client: ContainerClient, abortSignal: AbortSignal): Promise<void> {
  const blob = client.getBlockBlobClient('doctor')
  await client.create({ abortSignal })
  await blob.upload('doctor', 6, { abortSignal })
  await blob.downloadToBuffer(0, 6, { abortSignal })
  await blob.delete({ abortSignal })
  await client.delete({ abortSignal })
}

/** Does the same with a queue and a message. */
export async function probeQueue(client: QueueClient, abortSignal: AbortSignal): Promise<void> {
  await client.create({ abortSignal })
  const { messageId, popReceipt } = await client.sendMessage('doctor', { abortSignal })
  await client.peekMessages({ abortSignal })
  await client.deleteMessage(messageId, popReceipt, { abortSignal })
  await client.delete({ abortSignal })
}
