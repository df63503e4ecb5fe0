import { FAILURES, type Failure, isFailure } from '../../core/failures.ts'
import type { Figures, Landed, LedgerEntry } from '../../core/ledger/ledger.ts'
import { toFailed, toLanded, toNextAttempt, toRequestedAgain } from '../../core/ledger/transitions.ts'
import { windowId } from '../../core/time/window.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import { block, unblock } from '../requesting/feed-row.ts'
import type { Services } from '../services.ts'
import type { HeldEntry } from './held-entry.ts'
import { type Job, subjectOf } from './job.ts'
import type { LandResult } from './land.ts'

/** A report that could not be fetched is tried again after this, while its deadline lasts. */
const FETCH_AGAIN = 5 * 60_000

/** Ends a landing: `landed` with its figures as evidence, or `failed`, and says so in one event; or lets it go on later. */
export async function settle(job: Job, held: HeldEntry, result: LandResult): Promise<void> {
  if (result === 'paused') return goOnLater(job, held)
  if (isFailure(result)) return settleFailure(job, held, result)
  const { emit, settings } = job.services
  const entry = held.entry()
  const landed = await held.finish(toLanded(entry, result))
  emit({ event: 'window.landed', ...subjectOf(entry), count: result.rowsLanded })
  if (result.rowsRejected > 0) emit({ event: 'window.rejects', ...subjectOf(entry), count: result.rowsRejected })
  if (isRestated(entry.figures, result))
    emit({ event: 'window.restated', ...subjectOf(entry), count: result.rowsLanded })
  if (job.row.blocked) await unblock(job.services, entry.feed)
  if (settings.deleteReports) await withdrawReport(job, landed)
}

/** The lease is given up before the message is sent: whoever takes it finds the landing free. */
async function goOnLater({ services }: Job, held: HeldEntry): Promise<void> {
  const { feed, window, attempt } = held.entry()
  await held.pause()
  await services.queue.send({ feed, window: windowId(window), attempt })
}

/** What was not fetched yet may be fetched later from the same report; everything else ends the attempt. */
async function settleFailure(job: Job, held: HeldEntry, failure: Failure): Promise<void> {
  const { clock, settings } = job.services
  const entry = held.entry()
  const now = clock()
  const { kind, message } = failure
  if (kind !== 'unavailable' || entry.archive !== undefined) {
    await held.finish(toFailed(entry, kind, message, now))
    return tellFailure(job.services, entry, failure)
  }
  if (now < entry.deadline) {
    await held.finish(toRequestedAgain(entry, new Date(now.getTime() + FETCH_AGAIN), { kind, message, at: now }))
    return
  }
  const ended = await held.finish(toNextAttempt(entry, failure, now, settings.maxTries))
  if (ended.value.state === 'failed') await tellFailure(job.services, ended.value, failure)
  return withdrawReport(job, ended)
}

function isRestated(before: Figures | undefined, { rowsLanded, totals }: Figures): boolean {
  if (!before) return false
  return before.rowsLanded !== rowsLanded || JSON.stringify(before.totals) !== JSON.stringify(totals)
}

/**
 * Writes the event of a failed window and, where only a change outside heals it, blocks the feed. A window that is
 * tried again after a block does not block anew.
 */
export async function tellFailure(services: Services, entry: LedgerEntry, failure: Failure): Promise<void> {
  const { kind, message } = failure
  const { remedy, heals } = FAILURES[kind]
  services.emit({ event: 'window.failed', ...subjectOf(entry), kind, message, remedy })
  if (heals === 'change') await block(services, entry.feed, failure, entry.heals === 0)
}

/** Removes an entry's report at the service; where that fails, the entry goes on naming it and the sweep comes back. */
export async function withdrawReport(
  { insights, services }: Pick<Job, 'insights' | 'services'>,
  { value, etag }: Stored<LedgerEntry | Landed>,
): Promise<void> {
  if (value.remoteReport === undefined) return
  const failure = await insights.deleteReport(value.remoteReport)
  if (failure) return
  const { remoteReport: _, ...rest } = value
  await services.ledger.write(rest, etag)
}
