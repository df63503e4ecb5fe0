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
import { refuseReport } from './report-request.ts'
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
  service.state.executions = [...service.state.executions, newExecution(service, report)]
  service.save()
  return items([reportItem(service, report)], 'Report created successfully')
}

/** DELETE /ScheduledReport/{reportId}; its executions go with it (dossier, section 13). */
export function deleteReport(call: Call, service: Service, user: string): Answer {
  const reportId = decodeURIComponent(call.path.split('/').at(-1) ?? '')
    .trim()
    .toLowerCase()
  const report = standingReports(service, user).find((standing) => standing.reportId === reportId)
  if (!report) return refusal(404, NOT_FOUND)
  const deleted = { ...report, deleted: true }
  service.state.reports = service.state.reports.map((kept) => (kept === report ? deleted : kept))
  service.save()
  return items([reportItem(service, report)], 'Report deleted successfully')
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
    executeNow: true,
    startTime: null,
    recurrenceInterval: null,
    recurrenceCount: null,
    callbackUrl: textField(fields, 'CallbackUrl') ?? null,
    callbackMethod: textField(fields, 'CallbackMethod')?.toUpperCase() === 'GET' ? 'GET' : 'POST',
    format: textField(fields, 'Format')?.toUpperCase() === 'TSV' ? 'tsv' : 'csv',
    queryStartTime: textField(fields, 'QueryStartTime') ?? null,
    queryEndTime: textField(fields, 'QueryEndTime') ?? null,
    deleted: false,
  }
}

/** A report as the service answers it: without the query times, which no sample echoes. */
function reportItem(service: Service, report: Report): object {
  const { queryStartTime, queryEndTime, deleted, ...answered } = report
  return { ...answered, reportStatus: reportStatus(service, report) }
}

/** Inactive once its only run is done (concluded: no page says when a report turns Inactive). */
function reportStatus(service: Service, report: Report): 'Active' | 'Inactive' {
  const runs = service.state.executions.filter(({ reportId }) => reportId === report.reportId)
  return runs.every((run) => statusOf(service, run) === 'Completed') ? 'Inactive' : 'Active'
}
