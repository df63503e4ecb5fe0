import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { type Answer, failureOf, isThrottled, textOf } from './answer.ts'
import type { Call, Send } from './call.ts'
import { type Report, toReport } from './objects.ts'

/** What became of a request for a report; `unknown`: the answer was lost, so a report may or may not exist. */
export type Creation =
  | { readonly outcome: 'created'; readonly reportId: string }
  | { readonly outcome: 'refused'; readonly failure: Failure }
  | { readonly outcome: 'throttled'; readonly failure: Failure; readonly waitMs: number | undefined }
  | { readonly outcome: 'unknown'; readonly failure: Failure }

/** When a recurring report runs: from `start`, at least 4 h ahead, every 4 to 2160 hours; without `count` for ever. */
export type Schedule = { readonly start: Date; readonly intervalHours: number; readonly count?: number }

type Delivery = {
  readonly description?: string
  readonly format?: 'CSV' | 'TSV'
  readonly callbackUrl?: string
  readonly callbackMethod?: 'GET' | 'POST'
}

/** Query times count only for a report that runs once and at once, which is what one without a schedule does. */
export type ReportRequest = Delivery & {
  readonly reportName: string
  readonly queryId: string
  readonly queryTimes?: { readonly start: string; readonly end: string }
  readonly schedule?: Schedule
}

/** Changes to a recurring report; its query cannot be changed. */
export type ReportChange = Delivery & { readonly reportName: string; readonly schedule: Schedule }

const DESCRIPTION = 'made by partner-insights-sync'

/** Asks for a report; throttling and lost answers are told apart, because a create call is never repeated blindly. */
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
  if (isFailure(answer)) {
    return { outcome: answer.kind === 'unavailable' ? 'unknown' : 'refused', failure: answer }
  }
  if (answer.status >= 400) return refusedCreation(answer, about)
  const reportId = textOf(answer.items[0], 'reportId')
  if (reportId) return { outcome: 'created', reportId }
  return { outcome: 'unknown', failure: failed('unavailable', `${about}: the answer names no id; it is looked up`) }
}

function refusedCreation(answer: Answer, about: string): Creation {
  const failure = failureOf(answer, about)
  if (isThrottled(answer)) return { outcome: 'throttled', failure, waitMs: answer.retryAfter }
  return { outcome: answer.status >= 500 || answer.status === 408 ? 'unknown' : 'refused', failure }
}

/** Changes a recurring report; undefined where the service has none of that id. What is not given stays (assumed). */
export function updateReport(
  send: Send,
  reportId: string,
  change: ReportChange,
): Promise<Report | Failure | undefined> {
  const body = { ReportName: change.reportName, ...scheduleFields(change.schedule), ...deliveryFields(change) }
  const path = `/ScheduledReport/${encodeURIComponent(reportId)}`
  return changed(send, { method: 'PUT', path, about: `update report ${reportId}`, body })
}

/** Stops or resumes the runs of a recurring report; undefined where the service has none of that id. */
export function switchReport(
  send: Send,
  verb: 'pause' | 'resume',
  reportId: string,
): Promise<Report | Failure | undefined> {
  const path = `/ScheduledReport/${verb}/${encodeURIComponent(reportId)}`
  return changed(send, { method: 'PUT', path, about: `${verb} report ${reportId}` })
}

async function changed(send: Send, call: Call): Promise<Report | Failure | undefined> {
  const answer = await send(call)
  if (isFailure(answer)) return answer
  if (answer.status === 404) return undefined
  if (answer.status >= 400) return failureOf(answer, call.about)
  const [report] = answer.items.flatMap(toReport)
  return report ?? failed('unavailable', `${call.about}: the answer holds no report; look at it and try again`)
}

function scheduleFields({ start, intervalHours, count }: Schedule): object {
  const fields = { StartTime: wireTime(start), RecurrenceInterval: intervalHours }
  return { ...fields, ...(count !== undefined && { RecurrenceCount: count }) }
}

function deliveryFields({ description, format, callbackUrl, callbackMethod }: Delivery): object {
  return {
    ...(description !== undefined && { Description: description }),
    ...(format && { Format: format }),
    ...(callbackUrl && { CallbackUrl: callbackUrl, CallbackMethod: callbackMethod ?? 'POST' }),
  }
}

/** The only form of an instant the service takes: UTC, whole seconds. */
function wireTime(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, 'Z')
}
