import { isFailure } from '../../core/failures.ts'
import { type Drop, isNamed, type WindowBlobs, withLaterWake, withRowsGone } from '../../core/ledger/drop.ts'
import { type LedgerEntry, namedBlobs } from '../../core/ledger/ledger.ts'
import { dayOf, type Generation } from '../../core/report/generation.ts'
import { windowId } from '../../core/time/window.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import type { Services } from '../services.ts'
import { removeFile } from './remove-file.ts'
import { removeFilesOf } from './remove-published.ts'

/**
 * Deletes the rows of a generation that no entry names any more, in as many invocations as it takes, and looks again an
 * hour later for rows that a late request brought back. It may run twice at once: a row can only be deleted once.
 */
export async function dropRows(services: Services, feed: string, generation: Generation): Promise<void> {
  const { ledger, clock, settings, queue, landingTable } = services
  const stored = await ledger.readDrop(feed, generation)
  if (!stored) return
  if (isFailure(stored)) return services.emit({ event: 'message.ignored', message: stored.message })
  // Published rows are never deleted. An entry that was deleted by hand and brought back names its rows again: so the drop
  // is over. One that cannot be read may name them.
  const found = await ledger.entriesOn(feed, dayOf(stored.value))
  const entries = found.filter((entry): entry is LedgerEntry => !isFailure(entry))
  if (entries.length < found.length) return
  if (isNamed(generation, entries)) return ledger.endDrop(stored)
  const until = new Date(clock().getTime() + settings.ingestTimeLimitMs)
  const held = await ledger.writeDrop(withLaterWake(stored.value, clock()), stored.etag)
  if (!held) return
  const removed = await landingTable(held.value.table).remove(held.value, () => clock() >= until)
  // What time heals is left to the sweep.
  if (isFailure(removed)) return
  if (!removed.isDone) return queue.sendDrop({ feed, generation })
  // People read it: it waits for no archive that the storage holds.
  const isFileGone = await removeFilesOf(services, held.value)
  if (held.value.blobs && !(await removeBlobs(services, feed, held.value.blobs, entries))) return
  if (!isFileGone) return
  await noteRowsGone(services, held)
}

/**
 * Removes what earlier attempts of a window left in the archive, but for what its entry names and what is to stay. False while the
 * window is landing: what it lands from is still needed, and what it replaces goes once it has landed. False, too, where a
 * file cannot be removed.
 */
async function removeBlobs(
  services: Services,
  feed: string,
  { window, upTo, except }: WindowBlobs,
  entries: readonly LedgerEntry[],
): Promise<boolean> {
  const entry = entries.find((each) => windowId(each.window) === window)
  if (entry?.state === 'landing') return false
  const staying = new Set([...(entry ? namedBlobs(entry) : []), except])
  let isEmpty = true
  for await (const { name, attempt } of services.archive.names(feed, window)) {
    if (attempt <= upTo && !staying.has(name) && !(await removeFile(services, feed, name))) isEmpty = false
  }
  return isEmpty
}

async function noteRowsGone({ ledger, clock }: Services, held: Stored<Drop>): Promise<void> {
  const next = withRowsGone(held.value, clock())
  if (next) await ledger.writeDrop(next, held.etag)
  else await ledger.endDrop(held)
}
