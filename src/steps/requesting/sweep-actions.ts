import { FAILURES, failed, isFailure } from '../../core/failures.ts'
import { isOfEarlierQuery, withRetry } from '../../core/ledger/feed-row.ts'
import { isReportOf, type LedgerEntry, type Requested, type Requesting } from '../../core/ledger/ledger.ts'
import {
  toFailed,
  toLandedAgain,
  toNextAttempt,
  toPlanned,
  toPlannedAtNoCost,
  toReopened,
  toRequested,
} from '../../core/ledger/transitions.ts'
import type { SweepAction } from '../../core/plan/sweep.ts'
import { windowId } from '../../core/time/window.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import { type Job, messageOf, nameOf, subjectOf } from '../landing/job.ts'
import { endAttempt, withdrawReport } from './end-attempt.ts'
import { changeFeedRow } from './feed-row.ts'

type Act<A> = (job: Job, stored: Stored<LedgerEntry>, action: A) => Promise<boolean>
type Acts = { readonly [K in SweepAction['kind']]: Act<Extract<SweepAction, { kind: K }>> }

/** Carries out one action on the entry as it stands now; false where it has changed since it was planned. */
export async function carryOut(job: Job, action: SweepAction): Promise<boolean> {
  const { entry } = action
  const stored = await job.services.ledger.read(entry.feed, windowId(entry.window))
  if (!stored || isFailure(stored)) return false
  if (stored.value.state !== entry.state || stored.value.attempt !== entry.attempt) return false
  const act = ACTS[action.kind] as Act<SweepAction>
  return act(job, stored, action)
}

const ACTS: Acts = {
  async hint({ services }, { value }) {
    await services.queue.send(messageOf(value))
    return true
  },
  adopt: (job, { etag }, { entry }) => adopt(job, { value: entry, etag }),
  expire: (job, { etag }, { entry }) => expire(job, { value: entry, etag }),
  async reopen({ row, services }, { value, etag }) {
    const now = services.clock()
    if (value.state !== 'failed' || !(await services.ledger.write(toReopened(value, now), etag))) return false
    services.emit({ event: 'window.reopened', ...subjectOf(value), kind: value.kind })
    // What time heals does not use up the one window a day that is tried after a block.
    if (FAILURES[value.kind].heals !== 'change') return true
    await changeFeedRow(services, row.feed.name, (each) => withRetry(each, now))
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

/** The answer to a request was lost: the service knows the report by our name, or never made it. */
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
  const entry = report ? { ...value, remoteReport: report.reportId } : value
  const lost = failed('unavailable', `${nameOf(value)}: the service never made the report that was asked for`)
  const next = isEarlier ? toPlannedAtNoCost(entry, now) : toNextAttempt(entry, lost, now, settings.maxTries)
  const ended = await endAttempt(services, next, etag, lost)
  if (ended) await withdrawReport(job, ended)
  return ended !== undefined
}

/** A report that was never ready: unless it is by now, its attempt ends. */
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
