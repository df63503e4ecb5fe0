/** Reports: listed, created, updated, paused, resumed, deleted. */

import { randomUUID } from 'node:crypto'
import { newExecution, statusOf } from './executions.ts'
import {
  type Answer,
  type Call,
  type Fields,
  items,
  NOT_FOUND,
  parameter,
  pathId,
  readFields,
  refusal,
  textField,
  wireTime,
} from './http.ts'
import { matchesName, visibleQueries } from './queries.ts'
import { isExecuteNow, refuseReport, refuseUpdate } from './report-request.ts'
import type { Service } from './service.ts'
import type { Query, Report } from './state.ts'

/** The reports that exist at the service: those of a user, or all. */
export function standingReports(service: Service, user?: string): readonly Report[] {
  return service.state.reports.filter((report) => !report.deleted && (user === undefined || report.user === user))
}

/** GET /ScheduledReport */
export function listReports(call: Call, service: Service, user: string): Answer {
  const [reportId, queryId] = [parameter(call, 'reportId')?.toLowerCase(), parameter(call, 'queryId')?.toLowerCase()]
  const reportName = parameter(call, 'reportName')
  const found = standingReports(service, user)
    .filter((report) => !report.executeNow || !call.effects.includes('unlisted'))
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

/** POST /ScheduledReport. Only a report with ExecuteNow runs: a recurring one is kept and listed, and never runs. */
export function createReport(call: Call, service: Service, user: string): Answer {
  const fields = readFields(call)
  const refused = refuseReport({ fields, service, user, effects: call.effects })
  if (refused) return refused
  const queryId = textField(fields, 'QueryId')?.toLowerCase()
  const query = visibleQueries(service, user).find((visible) => visible.queryId === queryId)
  if (!query) return refusal(400, 'Invalid QueryId')
  const report = newReport(fields, query, user, service.now())
  service.state.reports = [...service.state.reports, report]
  if (report.executeNow) service.state.executions = [...service.state.executions, newExecution(service, report)]
  service.save()
  return items([reportItem(service, report)], 'Report created successfully')
}

function newReport(fields: Fields, query: Query, user: string, now: Date): Report {
  const executeNow = isExecuteNow(fields)
  const number = (name: string) => (fields.get(name) as number | undefined) ?? null
  return {
    reportId: randomUUID(),
    reportName: textField(fields, 'ReportName') ?? '',
    description: textField(fields, 'Description') ?? null,
    queryId: query.queryId,
    query: query.query,
    user,
    createdTime: wireTime(now),
    modifiedTime: null,
    executeNow,
    // With ExecuteNow the service ignores the schedule.
    startTime: executeNow ? null : (textField(fields, 'StartTime') ?? null),
    recurrenceInterval: executeNow ? null : number('recurrenceinterval'),
    recurrenceCount: executeNow ? null : number('recurrencecount'),
    callbackUrl: textField(fields, 'CallbackUrl') ?? null,
    callbackMethod: textField(fields, 'CallbackMethod')?.toUpperCase() === 'GET' ? 'GET' : 'POST',
    format: textField(fields, 'Format')?.toUpperCase() === 'TSV' ? 'tsv' : 'csv',
    queryStartTime: textField(fields, 'QueryStartTime') ?? null,
    queryEndTime: textField(fields, 'QueryEndTime') ?? null,
    deleted: false,
    paused: false,
  }
}

/** PUT /ScheduledReport/{reportId}. Fields that are left out keep their value; what the service does is unknown. */
export function updateReport(call: Call, service: Service, user: string): Answer {
  const fields = readFields(call)
  const refused = refuseUpdate({ fields, service, user, effects: call.effects })
  return refused ?? change(call, service, user, 'updated', (report) => updated(report, fields, service.now()))
}

/** The query and ExecuteNow cannot be changed. */
function updated(report: Report, fields: Fields, now: Date): Report {
  const text = (name: string) => textField(fields, name)
  const number = (name: string) => fields.get(name) as number | undefined | null
  return {
    ...report,
    reportName: text('ReportName') ?? report.reportName,
    description: text('Description') ?? report.description,
    startTime: text('StartTime') ?? report.startTime,
    recurrenceInterval: number('recurrenceinterval') ?? report.recurrenceInterval,
    recurrenceCount: number('recurrencecount') ?? report.recurrenceCount,
    callbackUrl: text('CallbackUrl') ?? report.callbackUrl,
    callbackMethod: (text('CallbackMethod')?.toUpperCase() ?? report.callbackMethod) as Report['callbackMethod'],
    format: (text('Format')?.toLowerCase() ?? report.format) as Report['format'],
    modifiedTime: wireTime(now),
  }
}

/** PUT /ScheduledReport/pause/{reportId}. What it does to a paused or inactive report is unknown: here, the same. */
export function pauseReport(call: Call, service: Service, user: string): Answer {
  return change(call, service, user, 'paused', (report) => ({ ...report, paused: true }))
}

/** PUT /ScheduledReport/resume/{reportId} */
export function resumeReport(call: Call, service: Service, user: string): Answer {
  return change(call, service, user, 'resumed', (report) => ({ ...report, paused: false }))
}

/** DELETE /ScheduledReport/{reportId}. Its executions go with it (docs/insights-api.md). */
export function deleteReport(call: Call, service: Service, user: string): Answer {
  return change(call, service, user, 'deleted', (report) => ({ ...report, deleted: true }))
}

function change(call: Call, service: Service, user: string, done: string, apply: (report: Report) => Report): Answer {
  const report = standingReports(service, user).find((standing) => standing.reportId === pathId(call))
  if (!report) return refusal(404, NOT_FOUND)
  const changed = apply(report)
  service.state.reports = service.state.reports.map((kept) => (kept === report ? changed : kept))
  service.save()
  return items([reportItem(service, changed)], `Report ${done} successfully`)
}

/** A report as the service answers it: without the query times, which no sample shows. */
function reportItem(service: Service, report: Report): object {
  const { queryStartTime, queryEndTime, deleted, paused, ...answered } = report
  return { ...answered, reportStatus: reportStatus(service, report) }
}

/** Inferred, since no page says when a report turns Inactive: an ExecuteNow report does once its only run is completed. */
function reportStatus(service: Service, { reportId, paused, executeNow }: Report): 'Active' | 'Paused' | 'Inactive' {
  if (paused) return 'Paused'
  const runs = service.state.executions.filter((run) => run.reportId === reportId)
  return executeNow && runs.every((run) => statusOf(service, run) === 'Completed') ? 'Inactive' : 'Active'
}
