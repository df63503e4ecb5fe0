import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { dropOfBlobs } from '../../core/ledger/drop.ts'
import { isOfPerson } from '../../core/ledger/ledger.ts'
import { allowedLink } from '../../core/report/download-hosts.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { windowId } from '../../core/time/window.ts'
import type { Execution } from '../../services/insights/client.ts'
import { download } from '../../services/insights/download.ts'
import { type ArchivedBlob, archiveName } from '../../services/storage/archive.ts'
import { countErased, type Eraser, erasedBy, erasingWriter, withoutErased } from '../../services/storage/erasing.ts'
import { findEraser } from '../ledger/erasures.ts'
import { type Job, nameOf, subjectOf } from '../ledger/job.ts'
import type { HeldEntry } from './held-entry.ts'
import { noteHost } from './note-host.ts'

export type Completed = Extract<Execution, { status: 'completed' }>

/**
 * Brings the report of a held entry into the archive, once: a landing that goes on uses what is there.
 * `known` is the execution that was just seen complete; without it the service is asked again.
 */
export async function fetchReport(job: Job, held: HeldEntry, known?: Completed): Promise<ArchivedBlob | Failure> {
  const { archive, emit } = job.services
  const entry = held.entry()
  const kept = entry.archive === undefined ? undefined : await archive.find(entry.archive)
  // What was checked has to stay as it is.
  if (kept && entry.phase !== 'check') return kept
  const eraser = await findEraser(job.services, job.row.feed)
  if (kept) return cleaned(job, held, kept, eraser)
  if (isOfPerson(entry)) {
    return failed('malformed', `${nameOf(entry)}: its archive is gone; ask for the window again`)
  }
  const execution = known ?? (await askAgain(job, held))
  if (isFailure(execution)) return execution
  if (execution.dataRedacted && !job.row.feed.allowRedacted) {
    return failed('redacted', `${nameOf(entry)}: the service hides data from this account's role`)
  }
  const stored = await store(job, held, execution, eraser)
  if (isFailure(stored)) return stored
  await held.update({ archive: stored.name })
  emit({ event: 'window.archived', ...subjectOf(entry), count: stored.bytes })
  if (stored.erased && stored.erased.rows > 0) tellErased(job, held, stored.erased.rows)
  // It may have been there already, stored before something was erased.
  return cleaned(job, held, stored, eraser)
}

/**
 * Gives the archive without the rows that were erased after it was stored: a copy, which the landing goes on with. The drop
 * lets the archive itself go, and all others of the window, as soon as the landing has ended.
 */
async function cleaned(
  { row, services }: Job,
  held: HeldEntry,
  blob: ArchivedBlob,
  eraser: Eraser | undefined,
): Promise<ArchivedBlob> {
  const { archive, ledger, clock, newId } = services
  if (!eraser || blob.erased?.by === eraser.id) return blob
  const { rows } = await countErased(blob.name, archive.read(blob.name, blob.etag), eraser)
  if (rows === 0) return blob
  const entry = held.entry()
  const { feed, window, attempt, reportId, requestedAt, executionId } = entry
  const place = { table: row.feed.table, fresh: newGeneration(newId), now: clock() }
  await ledger.writeDrop(dropOfBlobs({ feed, window }, attempt, place), undefined)
  const format = { tsv: /\.tsv(\.gz)?$/.test(blob.name), gzip: blob.name.endsWith('.gz') }
  // The id of what is erased: a copy that was made before more was erased does not stand in the way.
  const suffix = `-e${eraser.id}`
  const name = archiveName(
    { feed, window: windowId(window), attempt },
    executionId.replace(/-e[0-9a-f]{16}$/, '').slice(0, 64 - suffix.length) + suffix,
    format,
  )
  const writer = archive.write(name, { reportId, attempt, requestedAt, nonce: newId() })
  const tally = { rows: 0, hasColumn: false }
  for await (const chunk of withoutErased(blob.name, archive.read(blob.name, blob.etag), eraser, tally)) {
    held.assertHeld()
    await writer.append(chunk)
  }
  const copy = await writer.commit(erasedBy(eraser, tally.rows + (blob.erased?.rows ?? 0)))
  await held.update({ archive: copy.name })
  services.emit({ event: 'window.erased', ...subjectOf(entry), count: tally.rows })
  return copy
}

function tellErased({ services }: Job, held: HeldEntry, rows: number): void {
  services.emit({ event: 'window.erased', ...subjectOf(held.entry()), count: rows })
}

async function store(
  job: Job,
  held: HeldEntry,
  execution: Completed,
  eraser: Eraser | undefined,
): Promise<ArchivedBlob | Failure> {
  const { archive, settings, newId, clock } = job.services
  const { feed, window, attempt, reportId, requestedAt } = held.entry()
  const tsv = /\.tsv(\.gz)?$/i.test(execution.link.pathname)
  const subject = { feed, window: windowId(window), attempt }
  const name = (gzip: boolean) => archiveName(subject, execution.executionId, { tsv, gzip })
  const earlier = (await archive.find(name(true))) ?? (await archive.find(name(false)))
  if (earlier) return earlier
  if (!allowedLink(execution.link, settings.downloadHosts)) await noteHost(job.services, execution.link)
  return download(execution.link, {
    hosts: settings.downloadHosts,
    maxBytes: settings.maxReportBytes,
    clock,
    open(gzip) {
      held.assertHeld()
      const writer = archive.write(name(gzip), { reportId, attempt, requestedAt, nonce: newId() })
      return eraser ? erasingWriter(writer, eraser) : writer
    },
    renewLink: async () => {
      const fresh = await askAgain(job, held)
      return isFailure(fresh) ? fresh : fresh.link
    },
  })
}

async function askAgain({ insights }: Job, held: HeldEntry): Promise<Completed | Failure> {
  const entry = held.entry()
  const execution = await insights.execution(entry.reportId)
  if (isFailure(execution) || execution.status === 'completed') return execution
  return failed('unavailable', `${nameOf(entry)}: the service no longer has the finished report; it is asked for again`)
}
