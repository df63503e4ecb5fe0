import { type Failure, isFailure } from '../../core/failures.ts'
import { present } from '../../core/present.ts'
import { isTransient } from '../retry.ts'
import { type Item, idOf, instantOf, numberOf, textOf } from './answer.ts'
import { type Call, callOf, DESCRIPTION, deleteOne, queryOf, type Send } from './call.ts'
import type { List } from './pages.ts'
import { failureOf, incomplete, isQueryGone, isThrottled } from './refusals.ts'

/** A report as the service lists it. Its callback address is left out, because the path of ours contains a token. */
export type Report = {
  readonly reportId: string
  readonly reportName: string
  readonly queryId: string
  readonly description?: string
  readonly query?: string
  readonly user?: string
  readonly createdAt?: Date
  readonly modifiedAt?: Date
  readonly startsAt?: Date
  readonly executeNow?: boolean
  /** `Active`, `Paused` or `Inactive`. */
  readonly status?: string
  readonly recurrenceIntervalHours?: number
  readonly recurrenceCount?: number
  readonly format?: string
}

export type ReportFilter = { readonly reportId?: string; readonly reportName?: string; readonly queryId?: string }

/**
 * What became of a request for a report. `query-gone`: the service no longer has its query. `unknown`: the answer was
 * lost, so the report may or may not exist.
 */
export type Creation =
  | { readonly outcome: 'created'; readonly reportId: string }
  | { readonly outcome: 'refused'; readonly failure: Failure }
  | { readonly outcome: 'query-gone'; readonly failure: Failure }
  | { readonly outcome: 'throttled'; readonly failure: Failure; readonly waitMs: number | undefined }
  | { readonly outcome: 'unknown'; readonly failure: Failure }

/**
 * When a recurring report runs: from `start`, at least 4 hours ahead, every 4 to 2160 hours, for ever without `count`.
 */
export type Schedule = { readonly start: Date; readonly intervalHours: number; readonly count?: number }

type Delivery = {
  readonly description?: string
  readonly format?: 'CSV' | 'TSV'
  readonly callbackUrl?: string
  readonly callbackMethod?: 'GET' | 'POST'
}

/** A report without a schedule runs once, at once. The service uses the query times only for such a report. */
export type ReportRequest = Delivery & {
  readonly reportName: string
  readonly queryId: string
  readonly queryTimes?: { readonly start: string; readonly end: string }
  readonly schedule?: Schedule
}

/** Changes to a recurring report. Its query cannot be changed. */
export type ReportChange = Delivery & { readonly reportName: string; readonly schedule: Schedule }

/** All reports that match a filter. The service may match parts of names. */
export async function listReports(list: List, filter: ReportFilter): Promise<readonly Report[] | Failure> {
  const { reportId, reportName } = filter
  const named = reportName === undefined ? 'reports' : `reports "${reportName}"`
  const about = reportId === undefined ? named : `report ${reportId}`
  const found = await list({ path: `/ScheduledReport?${queryOf(filter)}`, about })
  return isFailure(found) ? found : found.items.flatMap(toReport)
}

/** The report with an id, or undefined where the service has none. */
export async function findReport(list: List, reportId: string): Promise<Report | Failure | undefined> {
  const found = await listReports(list, { reportId })
  if (isFailure(found)) return found
  return found.find((report) => report.reportId.toLowerCase() === reportId.trim().toLowerCase())
}

/**
 * Requests a report. Throttling and lost answers are outcomes of their own: who repeats the call must know what was
 * done.
 */
export async function createReport(send: Send, request: ReportRequest): Promise<Creation> {
  const about = `create report "${request.reportName}"`
  const { queryTimes, schedule } = request
  const body = {
    ReportName: request.reportName,
    QueryId: request.queryId,
    ExecuteNow: schedule === undefined,
    ...(schedule && scheduleFields(schedule)),
    ...(queryTimes && { QueryStartTime: queryTimes.start, QueryEndTime: queryTimes.end }),
    ...deliveryFields({ description: DESCRIPTION, format: 'CSV', ...request }),
  }
  const answer = await send({ method: 'POST', path: '/ScheduledReport', about, body })
  if (isFailure(answer)) return { outcome: answer.kind === 'unavailable' ? 'unknown' : 'refused', failure: answer }
  if (answer.status >= 400) {
    const failure = failureOf(answer, about)
    if (isThrottled(answer)) return { outcome: 'throttled', failure, waitMs: answer.retryAfterMs }
    if (isQueryGone(answer)) return { outcome: 'query-gone', failure }
    return { outcome: isTransient(answer.status) ? 'unknown' : 'refused', failure }
  }
  const reportId = idOf(answer.items[0], 'reportId')
  if (reportId) return { outcome: 'created', reportId }
  const failure = incomplete(answer, about, 'contains no id that can be used; the report is looked up')
  return { outcome: 'unknown', failure }
}

/**
 * Changes a recurring report. Gives undefined where the service has no such report. What the change leaves out is
 * assumed to stay as it is.
 */
export function updateReport(
  send: Send,
  reportId: string,
  change: ReportChange,
): Promise<Report | Failure | undefined> {
  const body = { ReportName: change.reportName, ...scheduleFields(change.schedule), ...deliveryFields(change) }
  return changeReport(send, reportId, { method: 'PUT', path: '/ScheduledReport', about: 'update report', body })
}

/** Pauses or resumes a recurring report. Gives undefined where the service has no such report. */
export function switchReport(
  send: Send,
  verb: 'pause' | 'resume',
  reportId: string,
): Promise<Report | Failure | undefined> {
  return changeReport(send, reportId, { method: 'PUT', path: `/ScheduledReport/${verb}`, about: `${verb} report` })
}

export function deleteReport(send: Send, reportId: string): Promise<Failure | undefined> {
  return deleteOne(send, { path: '/ScheduledReport', about: 'delete report' }, reportId)
}

async function changeReport(send: Send, reportId: string, to: Call): Promise<Report | Failure | undefined> {
  const call = callOf(to, reportId)
  if (isFailure(call)) return call
  const answer = await send(call)
  if (isFailure(answer)) return answer
  if (answer.status === 404) return undefined
  if (answer.status >= 400) return failureOf(answer, call.about)
  const [report] = answer.items.flatMap(toReport)
  return report ?? incomplete(answer, call.about, 'contains no report; look at the report and try again')
}

function scheduleFields({ start, intervalHours, count }: Schedule): object {
  return {
    // The service takes UTC in whole seconds, and no other form.
    StartTime: start.toISOString().replace(/\.\d+Z$/, 'Z'),
    RecurrenceInterval: intervalHours,
    ...(count !== undefined && { RecurrenceCount: count }),
  }
}

function deliveryFields({ description, format, callbackUrl, callbackMethod }: Delivery): object {
  return {
    ...(description !== undefined && { Description: description }),
    ...(format && { Format: format }),
    ...(callbackUrl && { CallbackUrl: callbackUrl, CallbackMethod: callbackMethod ?? 'POST' }),
  }
}

function toReport(item: Item): readonly Report[] {
  const reportId = idOf(item, 'reportId')
  if (!reportId) return []
  const report = present<Report>({
    reportId,
    reportName: textOf(item, 'reportName') ?? '',
    queryId: idOf(item, 'queryId') ?? '',
    description: textOf(item, 'description'),
    query: textOf(item, 'query'),
    user: textOf(item, 'user'),
    createdAt: instantOf(item, 'createdTime'),
    modifiedAt: instantOf(item, 'modifiedTime'),
    startsAt: instantOf(item, 'startTime'),
    executeNow: typeof item.executenow === 'boolean' ? item.executenow : undefined,
    status: textOf(item, 'reportStatus'),
    recurrenceIntervalHours: numberOf(item, 'recurrenceInterval'),
    recurrenceCount: numberOf(item, 'recurrenceCount'),
    format: textOf(item, 'format'),
  })
  return [report]
}
