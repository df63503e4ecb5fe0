import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { type FeedOutline, isOfEarlierQuery } from '../../core/ledger/feed-row.ts'
import { isReportOf, type LedgerEntry, type Requested, type Requesting } from '../../core/ledger/ledger.ts'
import {
  toFailed,
  toLookedFor,
  toNextAttempt,
  toPlanned,
  toPlannedAtNoCost,
  toReopened,
  toRequested,
  withRemoteReport,
} from '../../core/ledger/transitions.ts'
import { hasCome } from '../../core/ledger/wake.ts'
import { endsLookUp, type SweepAction } from '../../core/plan/sweep.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { endAttempt, endPassed, withdrawReports } from '../ledger/end-attempt.ts'
import { type Job, messageOf, nameOf, noLink, subjectOf } from '../ledger/job.ts'
import type { Services } from '../services.ts'

/** An action on an entry as it was read under an ETag, with the row of its feed. */
export type Due = { readonly row: FeedOutline; readonly action: SweepAction; readonly etag: string }

/**
 * `passed`: nothing was done, because somebody else changed the entry. A failure: the service did not answer, and need not
 * be asked for the other entries of the account.
 */
export type Done = 'done' | 'passed' | Failure

/**
 * Carries out one action, unless the entry has changed since it was read. `silence` is why the service did not answer the
 * account just now: it is not asked again.
 */
export async function carryOut(
  services: Services,
  { row, action, etag }: Due,
  silence: Failure | undefined,
): Promise<Done> {
  const { ledger, queue, clock, emit } = services
  const { entry } = action
  switch (action.kind) {
    case 'hint':
      await queue.send(messageOf(action.entry))
      return 'done'
    case 'rest':
      return doneIf(await ledger.write(entry, etag))
    case 'ask-again':
      return doneIf(await ledger.write(toPlanned(entry, 'refresh', clock(), 0), etag))
    case 'reopen':
      if (!(await ledger.write(toReopened(action.entry, clock()), etag))) return 'passed'
      emit({ event: 'window.reopened', ...subjectOf(entry), kind: action.entry.kind })
      return 'done'
    case 'out-of-range':
      return doneIf(await endPassed(services, { value: entry, etag }))
    case 'adopt':
    case 'expire': {
      if (silence && action.kind === 'expire') return 'passed'
      if (silence && action.kind === 'adopt') {
        await putOff(services, { value: action.entry, etag }, silence)
        return 'passed'
      }
      const insights = services.insights(row.feed.account, row.account)
      if (isFailure(insights)) return insights
      const job = { row, insights, services }
      if (action.kind === 'adopt') return adopt(job, { value: action.entry, etag })
      return doneIf(await expire(job, { value: action.entry, etag }))
    }
  }
}

function doneIf(written: unknown): Done {
  return written ? 'done' : 'passed'
}

type Asking = Omit<Job, 'row'> & { readonly row: FeedOutline }

/** The answer to a request was lost. Looks the report up by its name: either the service has it, or it was never made. */
async function adopt(job: Asking, { value, etag }: Stored<Requesting>): Promise<Done> {
  const { row, insights, services } = job
  const { clock, settings, ledger } = services
  const found = await insights.reports(value.reportName)
  const now = clock()
  if (isFailure(found)) {
    if (endsLookUp(found)) return doneIf(await endAttempt(services, toFailed(value, found, now), etag, found))
    await putOff(services, { value, etag }, found)
    return found
  }
  const report = found.find((each) => isReportOf(value, each))
  const isEarlier = isOfEarlierQuery(row, value)
  if (report && !isEarlier) {
    const requested = toRequested(value, report.reportId, now, settings.reportDeadlineMs)
    return doneIf(await ledger.write(requested, etag))
  }
  const entry = report ? withRemoteReport(value, report.reportId) : value
  const lost = failed('unavailable', `${nameOf(value)}: the service never made the report that was asked for`)
  const next = isEarlier ? toPlannedAtNoCost(entry, now) : toNextAttempt(entry, lost, now, settings.maxTries)
  const ended = await endAttempt(services, next, etag, lost)
  if (ended) await withdrawReports(job, ended)
  return doneIf(ended)
}

/**
 * The service did not say whether it made a report: it is looked for later, and later each time. Once the service has had
 * its time for a report, the attempt ends.
 */
async function putOff(services: Services, { value, etag }: Stored<Requesting>, failure: Failure): Promise<void> {
  const { ledger, clock, settings } = services
  const now = clock()
  const until = new Date(value.requestedAt.getTime() + settings.reportDeadlineMs)
  if (!hasCome(until, now, settings.reportDeadlineMs)) {
    await ledger.write(toLookedFor(value, failure, now), etag)
    return
  }
  await endAttempt(services, toNextAttempt(value, failure, now, settings.maxTries), etag, failure)
}

/** A report was not ready at its deadline. Ends the attempt, unless the report is ready now. */
async function expire(
  job: Asking,
  { value, etag }: Stored<Requested>,
): Promise<Stored<LedgerEntry> | true | undefined> {
  const { insights, services } = job
  const execution = await insights.execution(value.reportId)
  if (!isFailure(execution) && execution.status === 'completed') {
    await services.queue.send(messageOf(value))
    return true
  }
  const isFinished = !isFailure(execution) && execution.status === 'no-link'
  const reason = isFailure(execution) ? `: ${execution.message}` : ''
  const notReady = failed(
    'deadline',
    `${nameOf(value)}: report ${value.reportId} was not ready at its deadline${reason}`,
  )
  const late = isFinished ? noLink(value) : notReady
  const next = toNextAttempt(value, late, services.clock(), services.settings.maxTries)
  const ended = await endAttempt(services, next, etag, late)
  if (ended) await withdrawReports(job, ended)
  return ended
}
