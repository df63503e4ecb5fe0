import { type Failure, isFailure } from '../../core/failures.ts'
import { changeOf, isOfPerson, isOpen, isRestated, isSameReport } from '../../core/ledger/ledger.ts'
import { toFailed, toLanded, toNextAttempt, toRequestedAgain, toStorageAwaited } from '../../core/ledger/transitions.ts'
import { isOverdue } from '../../core/ledger/wake.ts'
import { refreshAt } from '../../core/plan/refresh.ts'
import { MINUTE_MS } from '../../core/time/durations.ts'
import { tellFailure, withdrawReports } from '../ledger/end-attempt.ts'
import { noteLandedColumns, noteLanding } from '../ledger/feed-row.ts'
import { type Job, messageOf, subjectOf } from '../ledger/job.ts'
import type { HeldEntry } from './held-entry.ts'
import type { LandResult } from './land.ts'
import { publishFile } from './publish-file.ts'

/** A report that could not be fetched is tried again after this, while its deadline lasts. */
const FETCH_AGAIN_MS = 5 * MINUTE_MS

/** Ends a landing: `landed` with its figures as evidence, or `failed`, and says so in one event; or lets it go on later. */
export async function settle(job: Job, held: HeldEntry, result: LandResult): Promise<void> {
  if (result === 'paused') return goOnLater(job, held)
  if (isFailure(result)) return settleFailure(job, held, result)
  if ('awaits' in result) return awaitStorage(job, held, result.awaits)
  const { emit } = job.services
  const entry = held.entry()
  const landed = await held.finish(toLanded(entry, result, refreshAt(job.row, entry.window, result, result.landedAt)))
  emit({ event: 'window.landed', ...subjectOf(entry), count: result.rowsLanded })
  if (result.rowsRejected > 0) emit({ event: 'window.rejects', ...subjectOf(entry), count: result.rowsRejected })
  if (result.rowsDoubtful) emit({ event: 'window.doubtful', ...subjectOf(entry), count: result.rowsDoubtful })
  const isKnown = entry.figures !== undefined && isSameReport(entry.figures, result)
  if (!isKnown && isRestated({ figures: result })) {
    const { rows, totals = [] } = changeOf({ figures: result }) ?? {}
    const message = `changed: ${[...(rows ? ['rows'] : []), ...totals.map(({ name }) => name)].join(', ')}`
    emit({ event: 'window.restated', ...subjectOf(entry), count: result.rowsLanded, message })
  }
  if (!isOfPerson(entry)) {
    if (job.row.blocked || job.row.failing) await noteLanding(job.services, entry)
    const { window, figures: before, progress } = entry
    const filledColumns = progress?.checked.filledColumns ?? []
    const { emptyColumns, selection, running } = result
    const isRunning = running === true
    await noteLandedColumns(job.services, job.row, {
      window,
      before,
      selection,
      filledColumns,
      emptyColumns,
      isRunning,
    })
  }
  const published = await publishFile(job.services, landed)
  // Somebody may land it again by now, and needs the entry as it is.
  if (published && !isOpen(published.value)) await withdrawReports(job, published)
}

/** The lease is given up before the message is sent: whoever takes it finds the landing free. */
async function goOnLater({ services }: Job, held: HeldEntry): Promise<void> {
  const message = messageOf(held.entry())
  await held.pause()
  await services.queue.send(message)
}

/** The sweep lets the landing go on when it has rested. */
async function awaitStorage({ services }: Job, held: HeldEntry, failure: Failure): Promise<void> {
  const entry = held.entry()
  const { value } = await held.finish(toStorageAwaited(entry, failure, services.clock()))
  if (value.state === 'failed') return tellFailure(services, value, failure)
  services.emit({ event: 'window.rests', ...subjectOf(entry), kind: failure.kind, message: failure.message })
}

/** What was not fetched yet may be fetched later from the same report; everything else ends the attempt. */
async function settleFailure(job: Job, held: HeldEntry, failure: Failure): Promise<void> {
  const { clock, settings } = job.services
  const entry = held.entry()
  const now = clock()
  const { kind, message } = failure
  const mayComeLater = kind === 'unavailable' || kind === 'mfa-required'
  if (!mayComeLater || entry.archive !== undefined) {
    const { value } = await held.finish(toFailed(entry, failure, now))
    return tellFailure(job.services, value, failure)
  }
  if (!isOverdue(entry, now, settings.reportDeadlineMs)) {
    await held.finish(toRequestedAgain(entry, new Date(now.getTime() + FETCH_AGAIN_MS), { kind, message, at: now }))
    return
  }
  const ended = await held.finish(toNextAttempt(entry, failure, now, settings.maxTries))
  if (ended.value.state === 'failed') await tellFailure(job.services, ended.value, failure)
  await withdrawReports(job, ended)
}
