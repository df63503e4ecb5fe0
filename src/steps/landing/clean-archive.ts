import type { Landing } from '../../core/ledger/ledger.ts'
import { windowId } from '../../core/time/window.ts'
import { type ArchivedBlob, archiveName } from '../../services/storage/archive.ts'
import { countErased, type Eraser, erasedBy, type Tally, withoutErased } from '../../services/storage/erasing.ts'
import { dropOfFiles } from '../ledger/drop-of-files.ts'
import { type Job, subjectOf } from '../ledger/job.ts'
import type { HeldEntry } from './held-entry.ts'

/**
 * Gives the archive without the rows that were erased after it was stored: a copy, which the landing goes on with. The drop
 * lets the archive itself go, and all others of the window, as soon as the landing has ended.
 */
export async function cleaned(
  { row, services }: Job,
  held: HeldEntry,
  blob: ArchivedBlob,
  eraser: Eraser | undefined,
): Promise<ArchivedBlob> {
  const { archive, ledger, newId } = services
  if (!eraser || blob.erased?.by === eraser.id) return blob
  const { rows, isCut } = await countErased(blob.name, archive.read(blob.name, blob.etag), eraser)
  // What cannot be read to its end cannot land, and may have anything behind there.
  if (rows === 0 && !isCut) return blob
  const entry = held.entry()
  const { asked, attempt, reportId, requestedAt } = entry
  const name = copyName(entry, blob, eraser)
  // The copy stays once another report has landed: it is what that is compared with.
  await ledger.writeDrop(dropOfFiles(services, row, entry, { upTo: attempt, except: name }), undefined)
  const writer = archive.write(name, { asked, reportId, attempt, requestedAt, nonce: newId() })
  const tally: Tally = { rows: 0, hasColumn: false }
  for await (const chunk of withoutErased(blob.name, archive.read(blob.name, blob.etag), eraser, tally)) {
    held.assertHeld()
    await writer.append(chunk)
  }
  const copy = await writer.commit(erasedBy(eraser, tally.rows + (blob.erased?.rows ?? 0)))
  await held.update({ archive: copy.name, ...(tally.isCut && { cut: true }) })
  tellErased(services, entry, tally.rows)
  return copy
}

/** The id of what is erased is in it: a copy that was made before more was erased does not stand in the way. */
function copyName({ feed, window, attempt, executionId }: Landing, blob: ArchivedBlob, eraser: Eraser): string {
  const suffix = `-e${eraser.id}`
  // A name takes 64 characters of an id. The id of a copy ends with what was erased before.
  const id = executionId.replace(/-e[0-9a-f]{16}$/, '').slice(0, 64 - suffix.length) + suffix
  const format = { tsv: /\.tsv(\.gz)?$/.test(blob.name), gzip: blob.name.endsWith('.gz') }
  return archiveName({ feed, window: windowId(window), attempt }, id, format)
}

/** Tells that rows were left out of the report of an attempt. */
export function tellErased({ emit }: Job['services'], entry: Landing, rows: number): void {
  emit({ event: 'window.erased', ...subjectOf(entry), count: rows })
}
