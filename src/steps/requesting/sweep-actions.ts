import { FAILURES, type Failure, failed, isFailure } from '../../core/failures.ts'
import type { LedgerEntry, Requested, Requesting } from '../../core/ledger/ledger.ts'
import { toFailed, toLandedAgain, toNextAttempt, toPlanned, toRequested } from '../../core/ledger/transitions.ts'
import type { SweepAction } from '../../core/plan/sweep.ts'
import { windowId } from '../../core/time/window.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import { type Job, nameOf, subjectOf } from '../landing/job.ts'
import { tellFailure, withdrawReport } from '../landing/settle.ts'
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
    await services.queue.send({ feed: value.feed, window: windowId(value.window), attempt: value.attempt })
    return true
  },
  adopt: (job, stored, { entry }) => adopt(job, { ...stored, value: entry }),
  expire: (job, { etag }, { entry }) => expire(job, { value: entry, etag }),
  async reopen({ row, services }, { value, etag }, { entry }) {
    const now = services.clock()
    const planned = { ...toPlanned(value, 'healed', now, 0), heals: value.heals + 1 }
    if (!(await services.ledger.write(planned, etag))) return false
    services.emit({ event: 'window.reopened', ...subjectOf(value), kind: entry.kind })
    // What time heals does not use up the one window a day that is tried after a block.
    if (FAILURES[entry.kind].heals !== 'change') return true
    await changeFeedRow(services, row.feed.name, (each) => ({ ...each, retriedAt: now.toISOString() }))
    return true
  },
  async 'ask-again'({ services }, { value, etag }) {
    return (await services.ledger.write(toPlanned(value, 'refresh', services.clock(), 0), etag)) !== undefined
  },
  async 'out-of-range'({ services }, { value, etag }) {
    const failure = failed('out-of-range', `${nameOf(value)}: its time has passed before it landed`)
    const next = value.figures
      ? toLandedAgain(value, value.figures)
      : toFailed(value, failure.kind, failure.message, services.clock())
    if (!(await services.ledger.write(next, etag))) return false
    if (next.state === 'failed') await tellFailure(services, next, failure)
    return true
  },
  async withdraw(job, stored) {
    await withdrawReport(job, stored)
    return true
  },
}

/** A request whose answer was lost: the service knows the report by our name, or it was never made. */
async function adopt(job: Job, { value, etag }: Stored<Requesting>): Promise<boolean> {
  const { row, insights, services } = job
  const { clock, settings, ledger } = services
  const found = await insights.reports(value.reportName)
  if (isFailure(found)) return false
  const report = found.find((each) => each.reportName === value.reportName && each.queryId === value.queryId)
  const now = clock()
  const changed = row.query !== undefined && row.query.queryId !== value.queryId
  if (report && !changed) {
    const deadline = new Date(now.getTime() + settings.reportDeadlineMs)
    const requested = toRequested(value, { reportId: report.reportId, deadline, pollAfter: now })
    return (await ledger.write(requested, etag)) !== undefined
  }
  const entry = report ? { ...value, remoteReport: report.reportId } : value
  if (changed) return end(job, toPlanned(entry, 'expired', now, value.tries - 1), etag)
  const lost = failed('unavailable', `${nameOf(value)}: the service never made the report that was asked for`)
  return end(job, toNextAttempt(entry, lost, now, settings.maxTries), etag, lost)
}

/** A report that was never ready: unless it is by now, its attempt ends. */
async function expire(job: Job, { value, etag }: Stored<Requested>): Promise<boolean> {
  const { insights, services } = job
  const execution = await insights.execution(value.reportId)
  if (!isFailure(execution) && execution.status === 'completed') {
    await services.queue.send({ feed: value.feed, window: windowId(value.window), attempt: value.attempt })
    return true
  }
  const late = failed('deadline', `${nameOf(value)}: report ${value.reportId} was not ready at its deadline`)
  return end(job, toNextAttempt(value, late, services.clock(), services.settings.maxTries), etag, late)
}

/** Writes the end of an attempt and removes what it left at the service. */
async function end(job: Job, next: LedgerEntry, etag: string, failure?: Failure): Promise<boolean> {
  const written = await job.services.ledger.write(next, etag)
  if (!written) return false
  if (failure && next.state === 'failed') await tellFailure(job.services, next, failure)
  await withdrawReport(job, written)
  return true
}
