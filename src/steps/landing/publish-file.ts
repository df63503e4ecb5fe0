import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { isOpen, type LedgerEntry } from '../../core/ledger/ledger.ts'
import { publishedName, stagedName } from '../../core/ledger/published-file.ts'
import { withoutOwed } from '../../core/ledger/transitions.ts'
import { windowId } from '../../core/time/window.ts'
import { BLOCK, blockId } from '../../services/storage/blocks.ts'
import { statusOf } from '../../services/storage/errors.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import type { FileBlocks, PublishedFile } from '../../services/storage/published-files.ts'
import { nameOf, subjectOf } from '../ledger/job.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'
import { removeOrTell } from './remove-published.ts'

/** Somebody else may change file and entry at the same time so often; then the sweep tries again. */
const ROUNDS = 5

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
    return await putInPlace(services, stored.value, ROUNDS)
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    const current = await readEntry(services, stored.value)
    // Somebody else has put it in its place meanwhile, and removed the staged file.
    if (current && owes(current.value, stored.value)) await tellLate(services, stored.value, status)
    return current
  }
}

async function readEntry(
  { ledger }: Services,
  { feed, window }: LedgerEntry,
): Promise<Stored<LedgerEntry> | undefined> {
  const stored = await ledger.read(feed, windowId(window))
  return stored && !isFailure(stored) ? stored : undefined
}

/** Whether an entry still owes the file that it owed before. */
function owes(current: LedgerEntry, { figures }: LedgerEntry): boolean {
  return current.owed !== undefined && current.figures?.generation === figures?.generation
}

async function putInPlace(
  services: Services,
  entry: LedgerEntry,
  rounds: number,
): Promise<Stored<LedgerEntry> | undefined> {
  const { ledger, publishedFiles } = services
  const { figures, feed, window } = entry
  if (!figures || rounds === 0) return readEntry(services, entry)
  const { generation, table } = figures
  const target = publishedName(table, window)
  const staged = await publishedFiles.find(stagedName(generation))
  const blocks = staged && (await copyBlocks(services, staged, target))
  // In this order: whoever publishes after the entry was read changes the target after it was looked at, and ours is refused.
  const before = await publishedFiles.find(target)
  const current = await readEntry(services, entry)
  if (!current || !owes(current.value, entry)) return current
  const isThere = before?.metadata.generation === generation
  const isCommitted = isThere || (blocks && (await publishedFiles.commit(target, blocks, before?.etag)))
  if (isCommitted === false) return putInPlace(services, entry, rounds - 1)
  // Whoever works on the entry must not find it changed: what is owed is looked at again when the attempt has ended.
  if (isOpen(current.value)) return current
  if (isCommitted === undefined) {
    // No file is better than that of a landing that no entry names any more.
    if (before && !(await publishedFiles.remove(target, before.etag))) return putInPlace(services, entry, rounds - 1)
    await tellLost(services, entry)
  }
  const written = await ledger.write(withoutOwed(current.value, isCommitted === true), current.etag)
  if (written && staged) await removeOrTell(services, feed, staged.name, () => publishedFiles.remove(staged.name))
  return written ?? putInPlace(services, entry, rounds - 1)
}

/** Sends the bytes of a staged file as blocks of its target, which shows none of them yet. */
async function copyBlocks(
  { publishedFiles, newId }: Services,
  staged: PublishedFile,
  target: string,
): Promise<FileBlocks> {
  const owner = newId()
  const ids: string[] = []
  for (let at = 0; at < staged.bytes; at += BLOCK) {
    const id = blockId(owner, ids.length)
    await publishedFiles.stage(target, id, await publishedFiles.read(staged, at, Math.min(at + BLOCK, staged.bytes)))
    ids.push(id)
  }
  return { ids, metadata: staged.metadata }
}

async function tellLate(services: Services, entry: LedgerEntry, status: number): Promise<void> {
  const message = `${nameOf(entry)}: its file cannot be put in its place (${status}): readers see the one before`
  await tell(services, entry, failed('storage', message), REFUSED)
}

async function tellLost(services: Services, entry: LedgerEntry): Promise<void> {
  const message = `${nameOf(entry)}: its file was removed before it was in its place: the folder has none`
  await tell(
    services,
    entry,
    failed('storage', message),
    `type "backfill --publish --feed ${entry.feed}" to write it again`,
  )
}

const REFUSED = 'look for a lease, a snapshot or a policy that holds the file, and at the roles on container published'

async function tell(services: Services, entry: LedgerEntry, failure: Failure, remedy: string): Promise<void> {
  const { kind, message } = failure
  const event = { event: 'file.late', ...subjectOf(entry), kind, message, remedy } as const
  await tellOnce(services, `file~${entry.feed}`, event, { remedy })
}
