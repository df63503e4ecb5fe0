import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { isOpen, type LedgerEntry } from '../../core/ledger/ledger.ts'
import { publishedName, stagedName } from '../../core/ledger/published-file.ts'
import { withoutOwed } from '../../core/ledger/transitions.ts'
import { windowId } from '../../core/time/window.ts'
import { statusOf } from '../../services/storage/errors.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { blockId, type FileBlocks, type PublishedFile } from '../../services/storage/published-files.ts'
import { nameOf, subjectOf } from '../ledger/job.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'

/** The size of one block, in bytes. No more of a file is in memory. */
const BLOCK = 4 * 1024 * 1024

/**
 * Puts the file of a published landing in its place, in one write: until then readers see the file of the landing before. Gives
 * the entry as it is afterwards; undefined where it is gone. What the storage refuses is told, and the sweep tries it again.
 */
export async function publishFile(
  services: Services,
  stored: Stored<LedgerEntry>,
): Promise<Stored<LedgerEntry> | undefined> {
  if (!stored.value.owed) return stored
  try {
    return await putInPlace(services, stored.value)
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    await tellLate(services, stored.value, status)
    return stored
  }
}

async function putInPlace(services: Services, entry: LedgerEntry): Promise<Stored<LedgerEntry> | undefined> {
  const { ledger, publishedFiles } = services
  const { figures, feed, window } = entry
  if (!figures) return undefined
  const { generation, table } = figures
  const target = publishedName(table, window)
  const staged = await publishedFiles.find(stagedName(generation))
  const blocks = staged && (await copyBlocks(services, staged, target))
  if (blocks === 'gone') return putInPlace(services, entry)
  // In this order: whoever publishes after the entry was read changes the target after it was looked at, and ours is refused.
  const before = await publishedFiles.find(target)
  const current = await ledger.read(feed, windowId(window))
  if (!current || isFailure(current)) return undefined
  if (current.value.figures?.generation !== generation || !current.value.owed) return current
  const isThere = before?.metadata.generation === generation
  const isCommitted = isThere || (blocks && (await publishedFiles.commit(target, blocks, before?.etag)))
  if (isCommitted === false) return putInPlace(services, entry)
  // Whoever works on the next attempt would lose the entry; where that one fails, the sweep comes back.
  if (isOpen(current.value)) return current
  if (isCommitted === undefined) await tellLost(services, entry)
  // As long as something is owed, whoever comes next removes it: afterwards nobody would.
  if (staged) await publishedFiles.remove(staged.name)
  const written = await ledger.write(withoutOwed(current.value, isCommitted === true), current.etag)
  return written ?? putInPlace(services, entry)
}

/**
 * Sends the bytes of a staged file as blocks of its target, which shows none of them yet. `gone`: somebody else has put it in
 * its place meanwhile.
 */
async function copyBlocks(
  { publishedFiles, newId }: Services,
  staged: PublishedFile,
  target: string,
): Promise<FileBlocks | 'gone'> {
  const owner = newId()
  const ids: string[] = []
  for (let at = 0; at < staged.bytes; at += BLOCK) {
    const bytes = await unlessGone(publishedFiles.read(staged, at, Math.min(at + BLOCK, staged.bytes)))
    if (!bytes) return 'gone'
    const id = blockId(owner, ids.length)
    await publishedFiles.stage(target, id, bytes)
    ids.push(id)
  }
  return { ids, metadata: staged.metadata }
}

async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    const status = statusOf(error)
    if (status === 404 || status === 412) return undefined
    throw error
  }
}

async function tellLate(services: Services, entry: LedgerEntry, status: number): Promise<void> {
  const message = `${nameOf(entry)}: its file cannot be put in its place (${status}): readers see the one before`
  await tell(services, entry, failed('storage', message), REFUSED)
}

async function tellLost(services: Services, entry: LedgerEntry): Promise<void> {
  const message = `${nameOf(entry)}: its file was removed before it was in its place`
  await tell(services, entry, failed('storage', message), `type "backfill --publish ${entry.feed}" to write it again`)
}

const REFUSED = 'look for a lease, a snapshot or a policy that holds the file, and at the roles on container published'

async function tell(services: Services, entry: LedgerEntry, failure: Failure, remedy: string): Promise<void> {
  const { kind, message } = failure
  const event = { event: 'file.late', ...subjectOf(entry), kind, message, remedy } as const
  await tellOnce(services, `file~${entry.feed}`, event, { remedy })
}
