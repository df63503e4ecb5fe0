import type { ContainerClient } from '@azure/storage-blob'
import { withoutMark } from '../text-file.ts'
import { statusOf } from './errors.ts'

/** The text of feeds.json, and where it came from. */
export type FeedsText = { readonly text: string; readonly source: 'container' | 'package' }

/**
 * Reads feeds.json from the container `config`, or the packaged one where the container has none. The app never writes
 * there: only the command `feeds push` does, and its code is not deployed.
 */
export async function readFeedsText(container: ContainerClient, packaged: () => Promise<string>): Promise<FeedsText> {
  try {
    const bytes = await container.getBlobClient('feeds.json').downloadToBuffer()
    return { text: withoutMark(bytes.toString('utf8')), source: 'container' }
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    return { text: await packaged(), source: 'package' }
  }
}
