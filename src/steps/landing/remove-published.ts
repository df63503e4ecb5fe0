import { failed, isFailure } from '../../core/failures.ts'
import type { Drop } from '../../core/ledger/drop.ts'
import { fileDay, isFileNamed, stagedName } from '../../core/ledger/published-file.ts'
import { statusOf } from '../../services/storage/errors.ts'
import type { Services } from '../services.ts'
import { tellNotRemoved } from './remove-file.ts'

/**
 * Removes the files of a generation that no entry names any more: the staged one, and the published one unless another landing
 * has the window's file. False where the storage refuses, or an entry cannot be read.
 */
export async function removeFilesOf(services: Services, { feed, generation, file }: Drop): Promise<boolean> {
  if (file === undefined) return true
  const staged = stagedName(generation)
  const isGone = await removeOrTell(services, feed, staged, () => services.publishedFiles.remove(staged))
  return isGone && removeUnlessNamed(services, feed, file)
}

/**
 * Removes a published file that no entry names. It is looked at before the entries are read: a landing that publishes meanwhile
 * changes it, and it stays. False where the storage refuses, or an entry cannot be read.
 */
export function removeUnlessNamed(services: Services, feed: string, name: string): Promise<boolean> {
  const { ledger, publishedFiles } = services
  return removeOrTell(services, feed, name, async () => {
    const file = await publishedFiles.find(name)
    if (!file) return true
    const entries = await ledger.entriesOn(feed, fileDay(name))
    if (entries.some(isFailure)) return false
    return isFileNamed(name, entries) || publishedFiles.remove(name, file.etag)
  })
}

/** Removes a file by `remove`. What the storage refuses is told once a day, and is false. */
export async function removeOrTell(
  services: Services,
  feed: string,
  name: string,
  remove: () => Promise<boolean>,
): Promise<boolean> {
  try {
    return await remove()
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    const cause = 'look for a lease, a snapshot or a policy that holds it, and at the roles on container published'
    await tellNotRemoved(services, feed, failed('storage', `file ${name} cannot be removed (${status}): ${cause}`))
    return false
  }
}
