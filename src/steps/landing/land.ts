import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Figures, Landing } from '../../core/ledger/ledger.ts'
import { beginWriting, type Progress, refusedCodes, spent } from '../../core/ledger/progress.ts'
import { partitionPrefix } from '../../core/time/window.ts'
import type { ArchivedBlob } from '../../services/storage/archive.ts'
import { type Job, nameOf } from '../ledger/job.ts'
import { checkPass } from './check-pass.ts'
import type { HeldEntry } from './held-entry.ts'
import { writePass } from './write-pass.ts'

/** How often the write pass starts again when the remove pass counts other rows than were acknowledged. */
const WRITE_ROUNDS = 3

/** `paused`: the time of this invocation is over; a continuation goes on from the entry. */
export type LandResult = Figures | Failure | 'paused'

/** What a phase came to: the next one is in the entry, the landing is over, or it goes on another time. */
type Outcome = 'next' | 'complete' | 'paused' | Failure

type Work = {
  readonly job: Job
  readonly held: HeldEntry
  readonly archive: ArchivedBlob
  readonly enough: () => boolean
}

/**
 * Lands an archived report in its phases: check writes nothing and decides; write upserts; remove deletes what an earlier
 * attempt left and counts what stands. Gives the figures, or the failure that leaves whatever stood before as it was.
 */
export async function land(job: Job, held: HeldEntry, archive: ArchivedBlob, until: Date): Promise<LandResult> {
  const work = { job, held, archive, enough: () => job.services.clock() >= until }
  let outcome: Outcome = 'next'
  while (outcome === 'next') outcome = await PHASES[held.entry().phase](work)
  if (outcome === 'paused' || isFailure(outcome)) return outcome
  return figuresOf(work)
}

const PHASES: Readonly<Record<Landing['phase'], (work: Work) => Promise<Outcome>>> = { check, write, remove }

async function check({ job, held, archive }: Work): Promise<Outcome> {
  const { clock, landingTable } = job.services
  const started = clock()
  const { attempt, wrote } = held.entry()
  const checked = await checkPass(job, held, archive, new Map())
  if (isFailure(checked)) return checked
  const none = { check: 0, write: 0, remove: 0 }
  const milliseconds = spent({ milliseconds: none }, 'check', started, clock())
  const progress = beginWriting({ checked, untouched: wrote === undefined, rounds: 0, operations: 0, milliseconds })
  await landingTable(job.row.feed.table).create()
  await held.update({ phase: 'write', checkpoint: 0, wrote: attempt, progress })
  return 'next'
}

async function write(work: Work): Promise<Outcome> {
  const { job, held, archive, enough } = work
  const { clock, landingTable } = job.services
  const before = progressOf(held)
  const started = clock()
  const part = await writePass(job, held, archive, landingTable(job.row.feed.table), enough)
  if (isFailure(part)) return part
  const progress: Progress = {
    ...before,
    acknowledged: before.acknowledged + part.acknowledged,
    rejected: before.rejected + part.rejected,
    refused: part.refused.reduce((all, { rowKey, code }) => refuseRow(all, Number(rowKey), code), before.refused),
    operations: before.operations + part.operations,
    milliseconds: spent(before, 'write', started, clock()),
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
    const sum = `${acknowledged} rows acknowledged, ${rejected} rejected and ${refused.size} refused of ${rowsRead} read`
    return failed('storage', `${nameOf(held.entry())}: ${sum}; the landing is not complete and is tried again`)
  }
  await held.update({ phase: 'remove', checkpoint: 0, progress: { ...progress, checked } })
  return 'next'
}

async function remove({ job, held, enough }: Work): Promise<Outcome> {
  const { clock, landingTable } = job.services
  const { window, attempt, checkpoint } = held.entry()
  const before = progressOf(held)
  if (before.untouched) return 'complete'
  const started = clock()
  const prefix = partitionPrefix(window)
  const from = `${prefix}${String(checkpoint).padStart(3, '0')}`
  const { assertHeld } = held
  const part = await landingTable(job.row.feed.table).remove(prefix, attempt, { from, shouldPause: enough, assertHeld })
  if (isFailure(part)) return part
  const kept = before.kept + part.kept
  const operations = before.operations + part.operations
  const progress = { ...before, kept, operations, milliseconds: spent(before, 'remove', started, clock()) }
  if (part.next !== undefined) {
    await held.update({ checkpoint: Number(part.next.slice(prefix.length)), progress })
    return 'paused'
  }
  if (kept === before.acknowledged) {
    await held.update({ progress })
    return 'complete'
  }
  if (before.rounds >= WRITE_ROUNDS) return otherRows(held, before, kept)
  await held.update({ phase: 'write', checkpoint: 0, progress: beginWriting(progress) })
  return 'next'
}

function otherRows(held: HeldEntry, { acknowledged, rounds }: Progress, kept: number): Failure {
  const found = `${kept} rows stand where ${acknowledged} were acknowledged, after writing ${rounds} times`
  return failed('storage', `${nameOf(held.entry())}: ${found}; something else changes the table`)
}

function figuresOf({ job, held, archive }: Work): Figures {
  const { attempt, reportId, executionId, requestedAt, figures } = held.entry()
  const { checked, acknowledged, operations, milliseconds } = progressOf(held)
  return {
    attempt,
    reportId,
    executionId,
    requestedAt,
    rowsRead: checked.rowsRead,
    rowsRejected: checked.rowsRejected,
    rowsLanded: acknowledged,
    totals: checked.totals,
    bytes: archive.bytes,
    sha256: archive.sha256,
    archive: archive.name,
    table: job.row.feed.table,
    landedAt: job.services.clock(),
    milliseconds,
    operations,
    verdict: checked.rowsRead === 0 ? 'empty' : 'rows',
    ...(figures && { totalsBefore: figures.totals }),
  }
}

function progressOf(held: HeldEntry): Progress {
  const { progress } = held.entry()
  if (!progress) throw new Error(`${nameOf(held.entry())}: phase without progress`)
  return progress
}

function refuseRow(refused: Progress['refused'], record: number, code: string): Progress['refused'] {
  return { ...refused, [code]: [...(refused[code] ?? []), record] }
}
