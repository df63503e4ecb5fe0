import { failed, isFailure } from '../../core/failures.ts'
import type { Drop } from '../../core/ledger/drop.ts'
import { namedFile, stagedName } from '../../core/ledger/published-file.ts'
import { dayOf, type KeyRange } from '../../core/report/generation.ts'
import { statusOf } from '../../services/storage/errors.ts'
import type { Services } from '../services.ts'
import { tellNotRemoved } from './remove-file.ts'

/**
 * Removes the file of a generation that no entry names any more: the staged one, and the published one unless another landing has
 * the window's file. False where the storage refuses, or an entry cannot be read.
 */
export async function removePublished(services: Services, drop: Drop, name: string): Promise<boolean> {
  const { publishedFiles } = services
  try {
    await publishedFiles.remove(stagedName(drop.generation))
    return await removeUnnamed(services, drop.feed, drop, name)
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    const message = `published file ${name} cannot be removed (${status}): look at the roles on container published`
    await tellNotRemoved(services, drop.feed, failed('storage', message))
    return false
  }
}

/**
 * Removes a published file that no entry names. It is looked at before the entries are read: a landing that publishes meanwhile
 * changes it, and it stays.
 */
export async function removeUnnamed(services: Services, feed: string, place: KeyRange, name: string): Promise<boolean> {
  const { ledger, publishedFiles } = services
  const file = await publishedFiles.find(name)
  if (!file) return true
  const entries = await ledger.entriesOn(feed, dayOf(place))
  if (entries.some(isFailure)) return false
  const isNamed = entries.some((entry) => !isFailure(entry) && namedFile(entry) === name)
  return isNamed || publishedFiles.remove(name, file.etag)
}
