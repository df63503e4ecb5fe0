import { isFailure } from '../../core/failures.ts'
import { type Figures, isOpen, type LedgerEntry } from '../../core/ledger/ledger.ts'
import { publishedName, stagedName } from '../../core/ledger/published-file.ts'
import { withFileInPlace, withFileLost } from '../../core/ledger/transitions.ts'
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

/** An entry as it was read; undefined where it is gone or cannot be read. */
type Current = Stored<LedgerEntry> | undefined

/**
 * Puts the file of a published landing in its place, in one write: until then readers see the file of the landing before. Gives
 * the entry as it is afterwards. What the storage refuses is told, and the sweep tries it again.
 */
export async function publishFile(services: Services, stored: Stored<LedgerEntry>): Promise<Current> {
  const { owed, figures } = stored.value
  if (!owed || !figures) return stored
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const current = await tryToPut(services, stored.value, figures)
      if (current !== 'changed') return current
    }
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    await tellLate(services, stored.value, status)
  }
  return readEntry(services, stored.value)
}

async function readEntry({ ledger }: Services, { feed, window }: LedgerEntry): Promise<Current> {
  const stored = await ledger.read(feed, windowId(window))
  return stored && !isFailure(stored) ? stored : undefined
}

/** One round. `changed`: somebody else changed the file or the entry meanwhile. */
async function tryToPut(
  services: Services,
  entry: LedgerEntry,
  { generation, table, file }: Figures,
): Promise<Current | 'changed'> {
  const { ledger, publishedFiles } = services
  const target = publishedName(table, entry.window)
  const found = await publishedFiles.find(stagedName(generation))
  // Only what was proven is published.
  const staged = found?.bytes === file?.bytes ? found : undefined
  const blocks = staged && (await copyBlocks(services, staged, target))
  if (blocks === 'gone') return 'changed'
  // In this order: whoever publishes after the entry was read changes the target after it was looked at, and ours is refused.
  const before = await publishedFiles.find(target)
  const current = await readEntry(services, entry)
  if (!current?.value.owed || current.value.figures?.generation !== generation) return current
  const isThere = before?.metadata.generation === generation
  if (!isThere && blocks && !(await publishedFiles.commit(target, blocks, before?.etag))) return 'changed'
  // Whoever works on the entry would lose it. What is owed is looked at again when the attempt has ended.
  if (isOpen(current.value)) return current
  const isLost = !isThere && !blocks
  // No file is better than that of a landing that no entry names any more.
  if (isLost && before && !(await publishedFiles.remove(target, before.etag))) return 'changed'
  if (isLost) await tellLost(services, entry)
  // As long as something is owed, whoever comes next removes it; afterwards nobody would before the weekly audit.
  if (staged) await removeOrTell(services, entry.feed, staged.name, () => publishedFiles.remove(staged.name))
  const next = isLost ? withFileLost(current.value) : withFileInPlace(current.value)
  return (await ledger.write(next, current.etag)) ?? 'changed'
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
  const nonce = newId()
  const ids: string[] = []
  for (let at = 0; at < staged.bytes; at += BLOCK) {
    const bytes = await unlessGone(publishedFiles.read(staged, at, Math.min(at + BLOCK, staged.bytes)))
    if (!bytes) return 'gone'
    const id = blockId(nonce, ids.length)
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

function tellLate(services: Services, entry: LedgerEntry, status: number): Promise<void> {
  const cause = 'look for a lease, a snapshot or a policy that holds the file, and at the roles on container published'
  return tell(services, entry, `its file cannot be put in its place (${status}): readers see the one before`, cause)
}

function tellLost(services: Services, entry: LedgerEntry): Promise<void> {
  const remedy = `type "backfill --publish --feed ${entry.feed}" to write it again`
  return tell(services, entry, 'its file was removed before it was in its place: the folder has none', remedy)
}

async function tell(services: Services, entry: LedgerEntry, what: string, remedy: string): Promise<void> {
  const message = `${nameOf(entry)}: ${what}`
  const event = { event: 'file.late', ...subjectOf(entry), kind: 'storage', message, remedy } as const
  await tellOnce(services, `file~${entry.feed}`, event, { remedy })
}
