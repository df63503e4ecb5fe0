import { counted } from '../../core/counted.ts'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { writesFiles } from '../../core/feeds/feed.ts'
import { formOf } from '../../core/feeds/form.ts'
import { type Figures, type Landing, landingBefore } from '../../core/ledger/ledger.ts'
import { beginLanding, type Progress, refusedCodes, spent, writeAgain } from '../../core/ledger/progress.ts'
import { stagedName } from '../../core/ledger/published-file.ts'
import { settledAt } from '../../core/plan/due-windows.ts'
import { keyRange } from '../../core/report/generation.ts'
import type { ArchivedBlob } from '../../services/storage/archive.ts'
import { type Job, nameOf } from '../ledger/job.ts'
import { checkPass } from './check-pass.ts'
import { filePass } from './file-pass.ts'
import type { HeldEntry } from './held-entry.ts'
import { removeOrTell } from './remove-published.ts'
import { writePass } from './write-pass.ts'

/** How often the write pass starts again when the table holds other rows than were acknowledged. */
const WRITE_ROUNDS = 3

/** A checkpoint of phase `count` at which every shard was counted: a feed has 512 at most. */
const BEYOND_SHARDS = 999

/** The storage failed after the check, which leaves the landing as it is: it goes on once the storage answers. */
export type StorageAwaited = { readonly awaits: Failure }

/** `paused`: the time of this invocation is over; a continuation goes on from the entry. */
export type LandResult = Figures | Failure | StorageAwaited | 'paused'

/** What a phase came to: the next one is in the entry, the landing is over, or it goes on another time. */
type Outcome = 'next' | 'complete' | 'paused' | Failure | StorageAwaited

type Work = {
  readonly job: Job
  readonly held: HeldEntry
  readonly archive: ArchivedBlob
  readonly enough: () => boolean
}

/**
 * Lands an archived report as a generation of its own, in phases: check writes no row and decides; write upserts; count
 * reads what stands, where an owner was replaced; file writes the rows to a file, where the feed publishes files. Gives the
 * figures that prove it, ready to be published, or the failure that ends the attempt; what was published before stays as it is.
 */
export async function land(job: Job, held: HeldEntry, archive: ArchivedBlob, until: Date): Promise<LandResult> {
  const work = { job, held, archive, enough: () => job.services.clock() >= until }
  let outcome: Outcome = 'next'
  while (outcome === 'next') outcome = await PHASES[held.entry().phase](work)
  return outcome === 'complete' ? figuresOf(work) : outcome
}

const PHASES: Readonly<Record<Landing['phase'], (work: Work) => Promise<Outcome>>> = { check, write, count, file }

async function check({ job, held, archive }: Work): Promise<Outcome> {
  const { clock, landingTable } = job.services
  const started = clock()
  const checked = await checkPass(job, held, archive, new Map())
  if (isFailure(checked)) return checked
  const times = spent({ check: 0, write: 0, count: 0 }, 'check', started, clock())
  await landingTable(job.row.feed.table).create()
  const progress = beginLanding(checked, archive.etag, times)
  await held.update({ phase: 'write', checkpoint: 0, progress })
  return 'next'
}

async function write(work: Work): Promise<Outcome> {
  const { job, held, archive, enough } = work
  const { clock, landingTable } = job.services
  const before = progressOf(held)
  if (archive.etag !== before.etag) return isNotWhatWasChecked(held, archive)
  const started = clock()
  const table = landingTable(job.row.feed.table)
  // What failed may be that the table is gone: the landing must not find it gone again.
  if (held.entry().failingSince) await table.create()
  const part = await writePass(job, held, archive, table, enough)
  if (isFailure(part)) return awaitsStorage(part)
  const progress: Progress = {
    ...before,
    acknowledged: before.acknowledged + part.acknowledged,
    rejected: before.rejected + part.rejected,
    refused: part.refused.reduce((all, { rowKey, code }) => withRefused(all, Number(rowKey), code), before.refused),
    operations: before.operations + part.operations,
    milliseconds: spent(before.milliseconds, 'write', started, clock()),
  }
  if (part.next !== undefined) {
    await held.update({ checkpoint: part.next, progress })
    return 'paused'
  }
  return prove(work, progress)
}

/** Every record must be acknowledged or rejected, and the write pass must have rejected what the check rejects. */
async function prove({ job, held, archive }: Work, progress: Progress): Promise<Outcome> {
  const refused = refusedCodes(progress)
  const { acknowledged, rejected } = progress
  const agrees = refused.size === 0 && rejected === progress.checked.rowsRejected
  const checked = agrees ? progress.checked : await checkPass(job, held, archive, refused)
  if (isFailure(checked)) return checked
  const { rowsRead, rowsRejected } = checked
  if (rejected + refused.size !== rowsRejected || acknowledged + rowsRejected !== rowsRead) {
    const sum = `${counted(acknowledged, 'row')} acknowledged, ${rejected} rejected and ${refused.size} refused of ${rowsRead} read`
    return failed('storage', `${nameOf(held.entry())}: ${sum}; the landing is not complete and is tried again`)
  }
  const proven = { ...progress, checked }
  // Whoever takes over between here and the publication writes no row again and adds none to those acknowledged.
  if (!progress.mustCount) return afterRows(job, held, proven, rowsRead)
  await held.update({ progress: proven, phase: 'count', checkpoint: 0 })
  return 'next'
}

/** The rows are proven. `checkpoint`: the end of the phase that proved them. */
async function afterRows(job: Job, held: HeldEntry, progress: Progress, checkpoint: number): Promise<Outcome> {
  const hasFile = writesFiles(job.row.feed)
  await held.update(hasFile ? { progress, phase: 'file', checkpoint: 0 } : { progress, checkpoint })
  return hasFile ? 'next' : 'complete'
}

/** Counts the rows that stand: a former owner may have written any of them, and none but them. */
async function count({ job, held, enough }: Work): Promise<Outcome> {
  const { clock, landingTable } = job.services
  const { window, generation, checkpoint } = held.entry()
  const before = progressOf(held)
  const started = clock()
  const range = keyRange(window, generation)
  const from = `${range.keyFrom}${String(checkpoint).padStart(3, '0')}`
  const part = await landingTable(job.row.feed.table).count({ ...range, keyFrom: from }, enough)
  if (isFailure(part)) return awaitsStorage(part)
  const progress: Progress = {
    ...before,
    counted: before.counted + part.rows,
    operations: before.operations + part.operations,
    milliseconds: spent(before.milliseconds, 'count', started, clock()),
  }
  if (part.next !== undefined) {
    await held.update({ checkpoint: Number(part.next.slice(range.keyFrom.length)), progress })
    return 'paused'
  }
  if (progress.counted === progress.acknowledged) {
    return afterRows(job, held, progress, BEYOND_SHARDS)
  }
  if (progress.rounds >= WRITE_ROUNDS) return hasOtherRows(held, progress)
  await held.update({ phase: 'write', checkpoint: 0, progress: writeAgain(progress) })
  return 'next'
}

/** Writes the file of the rows and proves it, unless the feed has ceased to publish files meanwhile. */
async function file({ job, held, archive, enough }: Work): Promise<Outcome> {
  const before = progressOf(held)
  if (!writesFiles(job.row.feed)) {
    await giveUpFile(job, held, before)
    return 'complete'
  }
  if (archive.etag !== before.etag) return isNotWhatWasChecked(held, archive)
  const { clock } = job.services
  const started = clock()
  const part = await filePass({ job, held, archive, progress: before, enough })
  if (isFailure(part)) return awaitsStorage(part)
  const { readBack: _, ...others } = before
  const progress = { ...others, milliseconds: spent(before.milliseconds, 'file', started, clock()) }
  if ('next' in part) {
    const { next, readBack } = part
    await held.update({ checkpoint: next, progress: { ...progress, ...(readBack && { readBack }) } })
    return enough() ? 'paused' : 'next'
  }
  await held.update({ progress: { ...progress, file: part } })
  return 'complete'
}

async function giveUpFile({ services }: Job, held: HeldEntry, { file: _, ...progress }: Progress): Promise<void> {
  const { feed, generation } = held.entry()
  const staged = stagedName(generation)
  await removeOrTell(services, feed, staged, () => services.publishedFiles.remove(staged))
  await held.update({ progress })
}

/** The check read the whole file, so any other failure is of the file or the feed as they are now. */
function awaitsStorage(failure: Failure): Failure | StorageAwaited {
  return failure.kind === 'storage' ? { awaits: failure } : failure
}

function isNotWhatWasChecked(held: HeldEntry, { name }: ArchivedBlob): Failure {
  return failed('malformed', `${nameOf(held.entry())}: archive ${name} was changed after its check; ask for it again`)
}

function hasOtherRows(held: HeldEntry, { counted: standing, acknowledged, rounds }: Progress): Failure {
  const were = counted(acknowledged, 'was', 'were')
  const found = `${counted(standing, 'row stands', 'rows stand')} where ${were} acknowledged, after writing ${counted(rounds, 'time')}`
  return failed('storage', `${nameOf(held.entry())}: ${found}; something else changes the table`)
}

function figuresOf({ job, held, archive }: Work): Figures {
  const { window, attempt, generation, origin, reportId, executionId, requestedAt, asked, figures, rejects } =
    held.entry()
  const { rowSet, selection, form } = formOf(asked, job.row.feed)
  const { checked, acknowledged, operations, milliseconds, file: evidence } = progressOf(held)
  const { by: erasedBy, rows: rowsErased = 0 } = archive.erased ?? {}
  const landed: Figures = {
    attempt,
    generation,
    origin,
    reportId,
    executionId,
    requestedAt,
    rowsRead: checked.rowsRead,
    rowsRejected: checked.rowsRejected,
    rowsLanded: acknowledged,
    ...(checked.rowsDoubtful !== undefined && { rowsDoubtful: checked.rowsDoubtful }),
    ...(rowsErased > 0 && { rowsErased }),
    ...(erasedBy !== undefined && { erasedBy }),
    totals: checked.totals,
    bytes: archive.bytes,
    sha256: archive.sha256,
    archive: archive.name,
    ...(rejects !== undefined && { rejects }),
    table: job.row.feed.table,
    rowSet,
    selection,
    form,
    landedAt: job.services.clock(),
    milliseconds,
    operations,
    ...(evidence && { file: evidence }),
    verdict: checked.rowsRead + rowsErased === 0 ? 'empty' : 'rows',
    emptyColumns: checked.emptyColumns,
    ...(origin === 'service' && requestedAt < settledAt(job.row.feed, window) && { running: true as const }),
  }
  return { ...landed, ...landingBefore(figures, landed) }
}

function progressOf(held: HeldEntry): Progress {
  const { progress } = held.entry()
  if (!progress) throw new Error(`${nameOf(held.entry())}: phase without progress`)
  return progress
}

function withRefused(refused: Progress['refused'], record: number, code: string): Progress['refused'] {
  return { ...refused, [code]: [...(refused[code] ?? []), record] }
}
