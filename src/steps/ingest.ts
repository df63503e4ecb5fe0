import { FAILURES, type Failure, failed, isFailure, isOfSignIn } from '../core/failures.ts'
import { isFeedName } from '../core/feeds/feed.ts'
import { letGo } from '../core/ledger/drop.ts'
import { isOfEarlierQuery } from '../core/ledger/feed-row.ts'
import { isOpen, isReportOf, type Landing, type Requested, type Requesting, takeoverAt } from '../core/ledger/ledger.ts'
import {
  toFailed,
  toHinted,
  toLanding,
  toLookedUp,
  toNextAttempt,
  toPlannedAtNoCost,
  toPolled,
  toRequested,
  toRequestedAgain,
  toTakenOver,
} from '../core/ledger/transitions.ts'
import { hasCome } from '../core/ledger/wake.ts'
import { askedTooEarly, hasPassed } from '../core/plan/plan.ts'
import { newGeneration, toGeneration } from '../core/report/generation.ts'
import { landingHash } from '../core/report/lander.ts'
import { DAY_MS, HOUR_MS } from '../core/time/durations.ts'
import { parseWindowId, windowId } from '../core/time/window.ts'
import type { Stored } from '../services/storage/ledger.ts'
import { type IngestMessage, readDropMessage, readIngestMessage } from '../services/storage/work-queue.ts'
import { dropRows } from './landing/drop.ts'
import { type Completed, fetchReport } from './landing/fetch-report.ts'
import { holdEntry } from './landing/held-entry.ts'
import { land } from './landing/land.ts'
import { publishFile } from './landing/publish-file.ts'
import { settle } from './landing/settle.ts'
import { endAttempt, endPassed, withdrawReports } from './ledger/end-attempt.ts'
import { findFeed } from './ledger/feed-row.ts'
import { failingInsights, type Job, nameOf, noLink } from './ledger/job.ts'
import { writePastHints } from './ledger/write-past-hints.ts'
import { endRefusedSignInOf } from './requesting/pacing-row.ts'
import type { Services } from './services.ts'

/**
 * Follows one hint. If the report of the entry's open attempt is ready, it is archived and landed. A message about another
 * attempt has no effect. If this throws, the queue tries again.
 */
export async function ingest(body: unknown, services: Services): Promise<void> {
  const drop = readDropMessage(body)
  const generation = drop && toGeneration(drop.generation)
  if (drop && generation && isFeedName(drop.feed)) return dropRows(services, drop.feed, generation)
  const message = readIngestMessage(body)
  const window = message && parseWindowId(message.window)
  if (!message || !window || !isFeedName(message.feed)) return ignore(services, 'the message is no ingest message')
  const row = await findFeed(services, message.feed)
  if ('problem' in row) return ignore(services, `the message names a feed that cannot be used: ${row.problem}`)
  const stored = await services.ledger.read(message.feed, windowId(window))
  if (!stored || isFailure(stored))
    return ignore(services, `no readable ledger entry ${message.feed} ${message.window}`)
  const { value: entry, etag } = stored
  if (entry.attempt !== message.attempt) return
  if (!isOpen(entry)) return void (await publishFile(services, stored))
  const opened = services.insights(row.feed.account, row.account)
  const insights = isFailure(opened) ? failingInsights(opened) : opened
  const job = { message, row, insights, services }
  if (entry.state === 'requesting') return adopt(job, { value: entry, etag })
  if (entry.state === 'requested') return poll(job, { value: entry, etag })
  return resume(job, { value: entry, etag })
}

function ignore({ emit }: Services, message: string): void {
  emit({ event: 'message.ignored', message })
}

type IngestJob = Job & { readonly message: IngestMessage }

/**
 * The service called back before the answer to our request was written: the report is ours if it has our name. That is
 * asked at most once in POLL_EVERY for an entry. A report that is not found is left to the sweep, which looks for it.
 */
async function adopt(job: IngestJob, stored: Stored<Requesting>): Promise<void> {
  const { value: entry, etag } = stored
  const { message, insights, services } = job
  const { ledger, queue, clock, settings } = services
  const next = new Date(clock().getTime() + settings.pollEveryMs)
  if (message.reportId === undefined) return wait(job, stored, next)
  const { lookAfter } = entry
  if (lookAfter && !hasCome(lookAfter, clock(), DAY_MS)) return wait(job, stored, lookAfter)
  const looked = await ledger.write(toLookedUp(entry, next), etag)
  if (!looked) return queue.send(message)
  const report = await insights.report(message.reportId)
  if (!report || isFailure(report) || !isReportOf(entry, report)) return
  const requested = toRequested(looked.value, report.reportId, clock(), settings.reportDeadlineMs)
  const written = await writePastHints(ledger, requested, looked)
  return written ? poll(job, written) : queue.send(message)
}

/**
 * A hint came too early. The first one waits in the queue, and the entry is marked; all others have no effect, so that N
 * hints cost N readings and no more, whoever sends them.
 */
async function wait(
  { message, services }: IngestJob,
  { value: entry, etag }: Stored<Requesting | Requested>,
  until: Date,
): Promise<void> {
  const { ledger, queue, clock } = services
  if (entry.hinted) return
  const marked = await ledger.write(toHinted(entry), etag)
  await queue.send(message, marked ? (until.getTime() - clock().getTime()) / 1000 : 0)
}

/** Asks whether the report is ready, at most once in POLL_EVERY for an entry, however many callbacks come. */
async function poll(job: IngestJob, stored: Stored<Requested>): Promise<void> {
  const { value: entry, etag } = stored
  const { message, row, insights, services } = job
  const { ledger, queue, clock, settings } = services
  const now = clock().getTime()
  if (hasPassed(clock(), row, entry)) return letPass(job, stored)
  if (!hasCome(entry.pollAfter, clock(), DAY_MS)) return wait(job, stored, entry.pollAfter)
  if (isOfEarlierQuery(row, entry)) return drop(job, stored, clock())
  const again = askedTooEarly(clock(), row, entry)
  if (again) return drop(job, stored, again)
  const asked = toPolled(entry, new Date(now + settings.pollEveryMs))
  const written = await ledger.write(asked, etag)
  if (!written) return queue.send(message)
  const execution = await insights.execution(entry.reportId)
  if (isFailure(execution)) return refused(services, written, execution)
  // Not ready is no failure: the sweep asks again, and the service calls back.
  if (execution.status === 'pending') return
  await endRefusedSignInOf(services, row.feed.account)
  if (execution.status === 'no-link') return awaitLink(job, written)
  const landing = toLanding(asked, {
    executionId: execution.executionId,
    origin: 'service',
    generation: newGeneration(services.newId),
    hash: landingHash(row.feed),
    phase: 'check',
    checkpoint: 0,
    leaseUntil: new Date(clock().getTime() + settings.leaseMs),
    owner: services.newId(),
  })
  const taken = await writePastHints(ledger, landing, written)
  if (!taken) return queue.send(message)
  return landUnderLease(job, taken, execution)
}

/** A report that the service calls completed gets its link within this time, or never. */
const LINK_WAIT_MS = HOUR_MS

/** A report without a link is looked at as often as one that is not ready. Where no link comes, the attempt ends. */
async function awaitLink(job: IngestJob, { value, etag }: Stored<Requested>): Promise<void> {
  const { ledger, clock, settings } = job.services
  const now = clock()
  const missing = noLink(value)
  const { kind, message } = missing
  const since = value.lastError?.message === message ? value.lastError.at : undefined
  if (!since) {
    await ledger.write(toRequestedAgain(value, value.pollAfter, { kind, message, at: now }), etag)
    return
  }
  if (!hasCome(new Date(since.getTime() + LINK_WAIT_MS), now, DAY_MS)) return
  const ended = await endAttempt(job.services, toNextAttempt(value, missing, now, settings.maxTries), etag, missing)
  if (ended) await withdrawReports(job, ended)
}

/** Leaves what time heals to the sweep, and what is wrong with the account's sign-in. Any other failure ends the attempt. */
async function refused(services: Services, { value, etag }: Stored<Requested>, failure: Failure): Promise<void> {
  if (FAILURES[failure.kind].heals === 'time' || isOfSignIn(failure)) return
  await endAttempt(services, toFailed(value, failure, services.clock()), etag, failure)
}

/** The time of a snapshot has passed while its report was made: the report would land under an old date. */
async function letPass(job: IngestJob, stored: Stored<Requested>): Promise<void> {
  const ended = await endPassed(job.services, stored)
  if (ended) await withdrawReports(job, ended)
}

/** The report does not answer what the feed asks for. The window is asked for again, which costs no try. */
async function drop(job: IngestJob, { value, etag }: Stored<Requested>, notBefore: Date): Promise<void> {
  const ended = await endAttempt(job.services, toPlannedAtNoCost(value, notBefore), etag)
  if (ended) await withdrawReports(job, ended)
}

/** After so many lost owners in a row, another one ends the landing. */
const MOST_LOST = 4

/** Continues a landing whose owner is gone. Until that is certain, a message has no effect: the sweep sends another one. */
async function resume(job: IngestJob, stored: Stored<Landing>): Promise<void> {
  const { value: entry, etag } = stored
  const { message, row, services } = job
  const { ledger, queue, clock, settings } = services
  const now = clock()
  const at = takeoverAt(entry, settings.leaseMs)
  if (!hasCome(at, now, DAY_MS)) return
  if (entry.owner !== '' && (entry.lost ?? 0) >= MOST_LOST) return giveUp(job, stored)
  const leaseUntil = new Date(now.getTime() + settings.leaseMs)
  const taken = toTakenOver(entry, {
    hash: landingHash(row.feed),
    owner: services.newId(),
    leaseUntil,
    generation: newGeneration(services.newId),
  })
  const written = await ledger.write(taken, etag, { drops: letGo(entry, taken, row.feed.table, now) })
  if (!written) return queue.send(message)
  return landUnderLease(job, written)
}

/** Whoever takes the landing is lost: it throws, or ends its process. */
async function giveUp({ row, services }: IngestJob, { value, etag }: Stored<Landing>): Promise<void> {
  const now = services.clock()
  const lost = 'every owner was lost without getting further; see the exceptions of the ingest function'
  const failure = failed('poison', `${nameOf(value)}: ${lost}`)
  const next = toFailed(value, failure, now)
  await endAttempt(services, next, etag, failure, letGo(value, next, row.feed.table, now))
}

/** Archives the report, unless it already is, and lands it. An expected failure ends in `failed`. */
async function landUnderLease(job: Job, stored: Stored<Landing>, execution?: Completed): Promise<void> {
  const { ledger, clock, settings } = job.services
  const held = holdEntry(stored, { ledger, clock, leaseMs: settings.leaseMs, table: job.row.feed.table })
  const until = new Date(clock().getTime() + settings.ingestTimeLimitMs)
  try {
    const archived = await fetchReport(job, held, execution)
    const figures = isFailure(archived) ? archived : await land(job, held, archived, until)
    await settle(job, held, figures)
  } finally {
    held.release()
  }
}
