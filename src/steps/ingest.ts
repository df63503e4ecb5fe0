import { FAILURES, type Failure, isFailure } from '../core/failures.ts'
import { isFeedName } from '../core/feeds/feed.ts'
import { type FeedRow, feedRowKey } from '../core/ledger/app-rows.ts'
import { isOpen, type Landing, type Requested, type Requesting } from '../core/ledger/ledger.ts'
import { reportName } from '../core/ledger/remote-names.ts'
import { toFailed, toLanding, toPlanned, toRequested, toTakenOver } from '../core/ledger/transitions.ts'
import { parseWindowId, windowId } from '../core/time/window.ts'
import type { Stored } from '../services/storage/ledger-table.ts'
import { type IngestMessage, readIngestMessage } from '../services/storage/work-queue.ts'
import { type Completed, fetchReport } from './landing/fetch-report.ts'
import { holdEntry, takeoverAt } from './landing/held-entry.ts'
import type { Job } from './landing/job.ts'
import { land } from './landing/land.ts'
import { settle, tellFailure, withdrawReport } from './landing/settle.ts'
import type { Services } from './services.ts'

/**
 * Follows one hint: where the entry's open attempt is ready at the service, its report is archived and landed.
 * A message of another attempt is completed without effect; anything thrown makes the queue try again.
 */
export async function ingest(body: unknown, services: Services): Promise<void> {
  const message = readIngestMessage(body)
  const window = message && parseWindowId(message.window)
  if (!message || !window || !isFeedName(message.feed)) return ignore(services, 'the message is no ingest message')
  const row = (await services.ledger.readApp<FeedRow>(feedRowKey(message.feed)))?.value
  if (!row) return ignore(services, `the message names feed ${message.feed}, which the app does not know`)
  const stored = await services.ledger.read(message.feed, windowId(window))
  if (!stored || isFailure(stored))
    return ignore(services, `no readable ledger entry ${message.feed} ${message.window}`)
  const { value: entry, etag } = stored
  if (entry.attempt !== message.attempt || !isOpen(entry)) return
  const insights = services.insights(row.feed.account, row.account)
  if (isFailure(insights)) throw new Error(insights.message)
  const job = { message, row, insights, services }
  if (entry.state === 'requesting') return adopt(job, { value: entry, etag })
  if (entry.state === 'requested') return poll(job, { value: entry, etag })
  return resume(job, { value: entry, etag })
}

function ignore({ emit }: Services, message: string): void {
  emit({ event: 'message.ignored', message })
}

/** The service called back before our own answer was written: the report is ours if it has our name. */
async function adopt(job: Job & { message: IngestMessage }, { value: entry, etag }: Stored<Requesting>): Promise<void> {
  const { message, row, insights, services } = job
  const { ledger, queue, clock, settings } = services
  const report = message.reportId ? await insights.report(message.reportId) : undefined
  if (!report || isFailure(report)) return queue.send(message, settings.pollEveryMs / 1000)
  const name = reportName(settings.deployment, row.feed, entry.window, entry.attempt)
  if (report.reportName !== name || report.queryId !== entry.queryId) return
  const now = clock()
  const known = {
    reportId: report.reportId,
    deadline: new Date(now.getTime() + settings.reportDeadlineMs),
    pollAfter: now,
  }
  const requested = toRequested(entry, known)
  const written = await ledger.write(requested, etag)
  if (!written) return queue.send(message)
  return poll(job, written)
}

/** Asks whether the report is ready, at most once in POLL_EVERY for an entry, however many callbacks come. */
async function poll(job: Job & { message: IngestMessage }, { value: entry, etag }: Stored<Requested>): Promise<void> {
  const { message, row, insights, services } = job
  const { ledger, queue, clock, settings } = services
  const now = clock().getTime()
  if (now < entry.pollAfter.getTime()) return queue.send(message, (entry.pollAfter.getTime() - now) / 1000)
  if (row.query && entry.queryId !== row.query.queryId) return drop(job, { value: entry, etag })
  const asked = { ...entry, pollAfter: new Date(now + settings.pollEveryMs) }
  const written = await ledger.write(asked, etag)
  if (!written) return queue.send(message)
  const execution = await insights.execution(entry.reportId)
  if (isFailure(execution)) return refused(services, written, execution)
  // Not ready is no failure: the sweep asks again, and the service calls back.
  if (execution.status === 'pending') return
  const held = {
    ...({ executionId: execution.executionId, hash: row.feed.hash, phase: 'check', checkpoint: 0 } as const),
    ...{ leaseUntil: new Date(clock().getTime() + settings.leaseMs), owner: services.newId() },
  }
  const landing = toLanding(asked, held)
  const taken = await ledger.write(landing, written.etag)
  if (!taken) return queue.send(message)
  return landUnderLease(job, taken, execution)
}

/** What time heals is left to the sweep; anything else ends the attempt. */
async function refused(services: Services, { value, etag }: Stored<Requested>, failure: Failure): Promise<void> {
  if (FAILURES[failure.kind].heals === 'time') return
  const next = toFailed(value, failure.kind, failure.message, services.clock())
  if (await services.ledger.write(next, etag)) await tellFailure(services, next, failure)
}

/** The feed changed while its report was made: the report answers another query and is asked for anew, at no try. */
async function drop({ insights, services }: Job, { value: entry, etag }: Stored<Requested>): Promise<void> {
  const planned = toPlanned(entry, 'expired', services.clock(), entry.tries - 1)
  const written = await services.ledger.write(planned, etag)
  if (written) await withdrawReport({ insights, services }, written)
}

/** Goes on with a landing whose owner is gone; before that is sure, the message waits. */
async function resume(job: Job & { message: IngestMessage }, { value: entry, etag }: Stored<Landing>): Promise<void> {
  const { message, row, services } = job
  const { ledger, queue, clock, settings } = services
  const now = clock()
  const wait = takeoverAt(entry, settings.leaseMs).getTime() - now.getTime()
  if (wait > 0) return queue.send(message, wait / 1000)
  const leaseUntil = new Date(now.getTime() + settings.leaseMs)
  const taken = toTakenOver(entry, { hash: row.feed.hash, owner: services.newId(), leaseUntil })
  const written = await ledger.write(taken, etag)
  if (!written) return queue.send(message)
  return landUnderLease(job, written)
}

/** Archives the report, where that was not done yet, and lands it; what is expected to go wrong ends in `failed`. */
async function landUnderLease(job: Job, stored: Stored<Landing>, execution?: Completed): Promise<void> {
  const { ledger, clock, settings } = job.services
  const held = holdEntry(stored, { ledger, clock, milliseconds: settings.leaseMs })
  const until = new Date(clock().getTime() + settings.ingestTimeLimitMs)
  try {
    const archived = await fetchReport(job, held, execution)
    const figures = isFailure(archived) ? archived : await land(job, held, archived, until)
    await settle(job, held, figures)
  } finally {
    held.release()
  }
}
