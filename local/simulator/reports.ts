import { randomUUID } from 'node:crypto'
import { newExecution, statusOf } from './executions.ts'
import {
  type Answer,
  type Call,
  type Fields,
  items,
  NOT_FOUND,
  parameter,
  readFields,
  refusal,
  textField,
  wireTime,
} from './http.ts'
import { matchesName, visibleQueries } from './queries.ts'
import { isExecuteNow, refuseReport } from './report-request.ts'
import type { Service } from './service.ts'
import type { Query, Report } from './state.ts'

/** The reports that stand at the service; a user sees the own ones. */
export function standingReports(service: Service, user?: string): readonly Report[] {
  return service.state.reports.filter((report) => !report.deleted && (user === undefined || report.user === user))
}

/** GET /ScheduledReport */
export function listReports(call: Call, service: Service, user: string): Answer {
  const [reportId, queryId] = [parameter(call, 'reportId')?.toLowerCase(), parameter(call, 'queryId')?.toLowerCase()]
  const reportName = parameter(call, 'reportName')
  const listed = standingReports(service, user).filter(
    (report) => !report.executeNow || !call.effects.includes('unlisted'),
  )
  const found = listed
    .filter((report) => reportId === undefined || report.reportId === reportId)
    .filter((report) => queryId === undefined || report.queryId === queryId)
    .filter((report) => matchesName(call, report.reportName, reportName))
  const filtered = [reportId, queryId, reportName].some((filter) => filter !== undefined)
  if (found.length === 0 && filtered) return refusal(404, NOT_FOUND)
  return items(
    found.map((report) => reportItem(service, report)),
    'Reports fetched successfully',
  )
}

/** POST /ScheduledReport */
export function createReport(call: Call, service: Service, user: string): Answer {
  const fields = readFields(call)
  const refused = refuseReport({ fields, service, user, effects: call.effects })
  if (refused) return refused
  const queryId = textField(fields, 'QueryId')?.toLowerCase()
  const query = visibleQueries(service, user).find((visible) => visible.queryId === queryId)
  if (!query) return refusal(400, 'Invalid QueryId')
  const report = newReport(fields, query, user, service.now())
  service.state.reports = [...service.state.reports, report]
  // When a report runs that is not to run at once is of no use to anybody here: it is kept and listed.
  if (report.executeNow) service.state.executions = [...service.state.executions, newExecution(service, report)]
  service.save()
  return items([reportItem(service, report)], 'Report created successfully')
}

function newReport(fields: Fields, query: Query, user: string, now: Date): Report {
  return {
    reportId: randomUUID(),
    reportName: textField(fields, 'ReportName') ?? '',
    description: textField(fields, 'Description') ?? null,
    queryId: query.queryId,
    query: query.query,
    user,
    createdTime: wireTime(now),
    modifiedTime: null,
    ...scheduleOf(fields),
    callbackUrl: textField(fields, 'CallbackUrl') ?? null,
    callbackMethod: textField(fields, 'CallbackMethod')?.toUpperCase() === 'GET' ? 'GET' : 'POST',
    format: textField(fields, 'Format')?.toUpperCase() === 'TSV' ? 'tsv' : 'csv',
    queryStartTime: textField(fields, 'QueryStartTime') ?? null,
    queryEndTime: textField(fields, 'QueryEndTime') ?? null,
    deleted: false,
    paused: false,
  }
}

function scheduleOf(
  fields: Fields,
): Pick<Report, 'executeNow' | 'startTime' | 'recurrenceInterval' | 'recurrenceCount'> {
  if (isExecuteNow(fields))
    return { executeNow: true, startTime: null, recurrenceInterval: null, recurrenceCount: null }
  const number = (name: string) => (fields.get(name) as number | undefined) ?? null
  const recurrence = { recurrenceInterval: number('recurrenceinterval'), recurrenceCount: number('recurrencecount') }
  return { executeNow: false, startTime: textField(fields, 'StartTime') ?? null, ...recurrence }
}

/** A report as the service answers it: without the query times, which no sample echoes. */
export function reportItem(service: Service, report: Report): object {
  const { queryStartTime, queryEndTime, deleted, paused, ...answered } = report
  return { ...answered, reportStatus: reportStatus(service, report) }
}

/** An ExecuteNow report is inactive once its only run is done (concluded: no page says when a report turns Inactive). */
function reportStatus(service: Service, { reportId, paused, executeNow }: Report): 'Active' | 'Paused' | 'Inactive' {
  if (paused) return 'Paused'
  const runs = service.state.executions.filter((run) => run.reportId === reportId)
  return executeNow && runs.every((run) => statusOf(service, run) === 'Completed') ? 'Inactive' : 'Active'
}
