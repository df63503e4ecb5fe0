import type { ContainerClient } from '@azure/storage-blob'

/** The size of one staged block, in bytes. */
export const BLOCK = 4 * 1024 * 1024

/** Bytes that one read asks for, about 20,000 rows. Larger ranges leave holes in the memory of the process. */
export const RANGE = 1024 * 1024

/** All block ids of a blob must have the same length. `nonce` keeps those of two writers apart. */
export function blockId(nonce: string, number: number): string {
  const id = `${nonce.slice(0, 36).padEnd(36, '0')}-${String(number).padStart(6, '0')}`
  return Buffer.from(id).toString('base64')
}

/** Creates a container where there is none. It asks first: a role on a container alone may not let the app create it. */
export async function createIfMissing(container: ContainerClient, abortSignal?: AbortSignal): Promise<void> {
  const options = abortSignal ? { abortSignal } : {}
  if (!(await container.exists(options))) await container.createIfNotExists(options)
}
