import type { ContainerClient } from '@azure/storage-blob'

/** Puts feeds.json into the container `config`, where the next tick reads it. */
export async function writeFeedsText(container: ContainerClient, text: string): Promise<void> {
  await container.createIfNotExists()
  const blobHTTPHeaders = { blobContentType: 'application/json' }
  await container.getBlockBlobClient('feeds.json').upload(text, Buffer.byteLength(text), { blobHTTPHeaders })
}
