import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { isOfPerson } from '../../core/ledger/ledger.ts'
import { allowedLink } from '../../core/report/download-hosts.ts'
import { windowId } from '../../core/time/window.ts'
import type { Execution } from '../../services/insights/client.ts'
import { download } from '../../services/insights/download.ts'
import { type ArchivedBlob, archiveName } from '../../services/storage/archive.ts'
import { type Eraser, erasingWriter } from '../../services/storage/erasing.ts'
import { findEraser } from '../ledger/erasures.ts'
import { type Job, nameOf, subjectOf } from '../ledger/job.ts'
import { cleaned, tellErased } from './clean-archive.ts'
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
  const eraser = await findEraser(job.services, job.row)
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
  if (stored.erased && stored.erased.rows > 0) tellErased(job.services, entry, stored.erased.rows)
  // It may have been there already. And what was erased during the download is read now that the entry names the file: whoever
  // erases after this finds it.
  return cleaned(job, held, stored, await findEraser(job.services, job.row))
}

async function store(
  job: Job,
  held: HeldEntry,
  execution: Completed,
  eraser: Eraser | undefined,
): Promise<ArchivedBlob | Failure> {
  const { archive, settings, newId, clock } = job.services
  const { feed, window, asked, attempt, reportId, requestedAt } = held.entry()
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
      const writer = archive.write(name(gzip), { asked, reportId, attempt, requestedAt, nonce: newId() })
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
  const what = `${nameOf(entry)}: the service no longer has the finished report ${entry.reportId}`
  return failed('unavailable', `${what}; it is asked for again`)
}
