import { failed, isFailure } from '../../core/failures.ts'
import type { Drop } from '../../core/ledger/drop.ts'
import { namedFile, stagedName } from '../../core/ledger/published-file.ts'
import { dayOf } from '../../core/report/generation.ts'
import { statusOf } from '../../services/storage/errors.ts'
import type { Services } from '../services.ts'
import { tellNotRemoved } from './remove-file.ts'

/**
 * Removes the file of a generation that no entry names any more: the staged one, and the published one unless another landing has
 * the window's file. False where the storage refuses, or an entry cannot be read.
 */
export async function removePublished(services: Services, drop: Drop, name: string): Promise<boolean> {
  const staged = stagedName(drop.generation)
  const isGone = await removeNamed(services, drop.feed, staged, () => services.publishedFiles.remove(staged))
  return isGone && removeUnnamed(services, drop.feed, dayOf(drop), name)
}

/**
 * Removes a published file that no entry of the windows that begin on a day (`20250301`) names. It is looked at before the
 * entries are read: a landing that publishes meanwhile changes it, and it stays. False where the storage refuses, or an entry
 * cannot be read.
 */
export function removeUnnamed(services: Services, feed: string, day: string, name: string): Promise<boolean> {
  const { ledger, publishedFiles } = services
  return removeNamed(services, feed, name, async () => {
    const file = await publishedFiles.find(name)
    if (!file) return true
    const entries = await ledger.entriesOn(feed, day)
    if (entries.some(isFailure)) return false
    const isNamed = entries.some((entry) => !isFailure(entry) && namedFile(entry) === name)
    return isNamed || publishedFiles.remove(name, file.etag)
  })
}

/** Removes a file by `remove`. What the storage refuses is told once a day, and is false. */
export async function removeNamed(
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
