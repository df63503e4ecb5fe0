import {
  type Answer,
  type Call,
  type Fields,
  items,
  NOT_FOUND,
  pathId,
  readFields,
  refusal,
  textField,
  wireTime,
} from './http.ts'
import { refuseUpdate } from './report-request.ts'
import { reportItem, standingReports } from './reports.ts'
import type { Service } from './service.ts'
import type { Report } from './state.ts'

/** DELETE /ScheduledReport/{reportId}; its executions go with it (docs/insights-api.md). */
export function deleteReport(call: Call, service: Service, user: string): Answer {
  return change(call, service, user, 'deleted', (report) => ({ ...report, deleted: true }))
}

/** PUT /ScheduledReport/pause/{reportId}; what it does to one that is paused or inactive is unknown: here, the same. */
export function pauseReport(call: Call, service: Service, user: string): Answer {
  return change(call, service, user, 'paused', (report) => ({ ...report, paused: true }))
}

/** PUT /ScheduledReport/resume/{reportId} */
export function resumeReport(call: Call, service: Service, user: string): Answer {
  return change(call, service, user, 'resumed', (report) => ({ ...report, paused: false }))
}

/** PUT /ScheduledReport/{reportId}; fields left out keep their value (unknown: docs/insights-api.md). */
export function updateReport(call: Call, service: Service, user: string): Answer {
  const fields = readFields(call)
  const refused = refuseUpdate({ fields, service, user, effects: call.effects })
  return refused ?? change(call, service, user, 'updated', (report) => updated(report, fields, service.now()))
}

function change(call: Call, service: Service, user: string, done: string, apply: (report: Report) => Report): Answer {
  const report = standingReports(service, user).find((standing) => standing.reportId === pathId(call))
  if (!report) return refusal(404, NOT_FOUND)
  const changed = apply(report)
  service.state.reports = service.state.reports.map((kept) => (kept === report ? changed : kept))
  service.save()
  return items([reportItem(service, changed)], `Report ${done} successfully`)
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
