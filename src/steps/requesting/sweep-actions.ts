import { FAILURES, failed, isFailure } from '../../core/failures.ts'
import { isOfEarlierQuery, withWindowRetried } from '../../core/ledger/feed-row.ts'
import { isReportOf, type LedgerEntry, type Requested, type Requesting } from '../../core/ledger/ledger.ts'
import {
  toFailed,
  toLandedAgain,
  toNextAttempt,
  toPlanned,
  toPlannedAtNoCost,
  toReopened,
  toRequested,
  withRemoteReport,
} from '../../core/ledger/transitions.ts'
import type { SweepAction } from '../../core/plan/sweep.ts'
import { windowId } from '../../core/time/window.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import { endAttempt, withdrawReport } from '../ledger/end-attempt.ts'
import { changeFeedRow } from '../ledger/feed-row.ts'
import { type Job, messageOf, nameOf, subjectOf } from '../ledger/job.ts'

type Act = (job: Job, stored: Stored<LedgerEntry>) => Promise<boolean>

/**
 * Carries out one action on an entry as it is now, and not as the sweep read it. False where it has another state or
 * attempt by now.
 */
export async function carryOut(job: Job, { kind, entry }: SweepAction): Promise<boolean> {
  const stored = await job.services.ledger.read(entry.feed, windowId(entry.window))
  if (!stored || isFailure(stored)) return false
  if (stored.value.state !== entry.state || stored.value.attempt !== entry.attempt) return false
  return ACTS[kind](job, stored)
}

const ACTS: Readonly<Record<SweepAction['kind'], Act>> = {
  async hint({ services }, { value }) {
    await services.queue.send(messageOf(value))
    return true
  },
  adopt: async (job, { value, etag }) => value.state === 'requesting' && adopt(job, { value, etag }),
  expire: async (job, { value, etag }) => value.state === 'requested' && expire(job, { value, etag }),
  async reopen({ row, services }, { value, etag }) {
    const now = services.clock()
    if (value.state !== 'failed' || !(await services.ledger.write(toReopened(value, now), etag))) return false
    services.emit({ event: 'window.reopened', ...subjectOf(value), kind: value.kind })
    // One window a day is tried after a block. A window that time heals does not count as that one.
    if (FAILURES[value.kind].heals !== 'change') return true
    await changeFeedRow(services, row.feed.name, (each) => withWindowRetried(each, now))
    return true
  },
  async 'ask-again'({ services }, { value, etag }) {
    return (await services.ledger.write(toPlanned(value, 'refresh', services.clock(), 0), etag)) !== undefined
  },
  async 'out-of-range'({ services }, { value, etag }) {
    const failure = failed('out-of-range', `${nameOf(value)}: its time has passed before it landed`)
    const next = value.figures ? toLandedAgain(value, value.figures) : toFailed(value, failure, services.clock())
    return (await endAttempt(services, next, etag, failure)) !== undefined
  },
  async withdraw(job, stored) {
    await withdrawReport(job, stored)
    return true
  },
}

/** The answer to a request was lost. Looks the report up by its name: either the service has it, or it was never made. */
async function adopt(job: Job, { value, etag }: Stored<Requesting>): Promise<boolean> {
  const { row, insights, services } = job
  const { clock, settings, ledger } = services
  const found = await insights.reports(value.reportName)
  if (isFailure(found)) return false
  const report = found.find((each) => isReportOf(value, each))
  const now = clock()
  const isEarlier = isOfEarlierQuery(row, value)
  if (report && !isEarlier) {
    const requested = toRequested(value, report.reportId, now, settings.reportDeadlineMs)
    return (await ledger.write(requested, etag)) !== undefined
  }
  const entry = report ? withRemoteReport(value, report.reportId) : value
  const lost = failed('unavailable', `${nameOf(value)}: the service never made the report that was asked for`)
  const next = isEarlier ? toPlannedAtNoCost(entry, now) : toNextAttempt(entry, lost, now, settings.maxTries)
  const ended = await endAttempt(services, next, etag, lost)
  if (ended) await withdrawReport(job, ended)
  return ended !== undefined
}

/** A report was not ready at its deadline. Ends the attempt, unless the report is ready now. */
async function expire(job: Job, { value, etag }: Stored<Requested>): Promise<boolean> {
  const { insights, services } = job
  const execution = await insights.execution(value.reportId)
  if (!isFailure(execution) && execution.status === 'completed') {
    await services.queue.send(messageOf(value))
    return true
  }
  const late = failed('deadline', `${nameOf(value)}: report ${value.reportId} was not ready at its deadline`)
  const next = toNextAttempt(value, late, services.clock(), services.settings.maxTries)
  const ended = await endAttempt(services, next, etag, late)
  if (ended) await withdrawReport(job, ended)
  return ended !== undefined
}
