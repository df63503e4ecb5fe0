/** Executions: the runs of reports. */

import { randomUUID } from 'node:crypto'
import { downloadLink } from './downloads.ts'
import { type Answer, type Call, items, NOT_FOUND, parameter, pathId, refusal, wireTime } from './http.ts'
import type { Service } from './service.ts'
import type { Execution, Report } from './state.ts'

const STATUSES = ['Pending', 'Running', 'Paused', 'Completed'] as const

export type ExecutionStatus = (typeof STATUSES)[number]

const NONE_YET =
  "There are no executions that have occurred for the given filter conditions. Double check the reportId or executionId and retry the API after the report's scheduled execution time"

/** The service lists executions for 90 days. */
const HISTORY_MS = 90 * 86_400_000

/** A run of the report, queued now. The file, switches and restatements of this moment decide what it will serve. */
export function newExecution(service: Service, report: Report): Execution {
  const now = service.now()
  const executionId = randomUUID()
  const file = service.files.get(report.queryId)
  if (file) service.pinned.set(executionId, file)
  const calls = report.callbackUrl === null ? [] : service.faults.take('callback')
  return {
    executionId,
    reportId: report.reportId,
    queuedAt: now.toISOString(),
    readyAt: new Date(now.getTime() + service.generationMilliseconds).toISOString(),
    announced: false,
    faults: [...service.faults.take('report'), ...calls],
    restatements: service.state.restatements.length,
  }
}

/** Pending for the first third of the generation time, then Running, then Completed; Running for ever when it is stuck. */
export function statusOf(service: Service, execution: Execution): ExecutionStatus {
  const [now, queued, ready] = [service.now().getTime(), Date.parse(execution.queuedAt), Date.parse(execution.readyAt)]
  if (now >= ready) return execution.faults.includes('stuck') ? 'Running' : 'Completed'
  return now - queued >= (ready - queued) / 3 ? 'Running' : 'Pending'
}

/** GET /ScheduledReport/execution/{reportId}, with the two documented defaults: completed executions, only the latest. */
export function listExecutions(call: Call, service: Service, user: string): Answer {
  const reportIds = idList(pathId(call))
  const reports = service.state.reports.filter(
    (report) => !report.deleted && report.user === user && reportIds.includes(report.reportId),
  )
  if (reports.length === 0) return refusal(404, NOT_FOUND)
  const asked = parameter(call, 'executionStatus') ?? 'Completed'
  const known = STATUSES.map((status) => status.toLowerCase())
  const unknown = asked.split(';').find((status) => !known.includes(status.trim().toLowerCase()))
  if (unknown !== undefined) return refusal(400, `Requested value '${unknown.trim()}' not found`)
  const statuses = idList(asked)
  const executionId = parameter(call, 'executionId')
  const ids = executionId === undefined ? undefined : idList(executionId)
  const latestOnly = parameter(call, 'getLatestExecution')?.toLowerCase() !== 'false'
  const oldest = service.now().getTime() - HISTORY_MS
  const found = reports.flatMap((report) => {
    const runs = service.state.executions
      .filter((run) => run.reportId === report.reportId && Date.parse(run.queuedAt) >= oldest)
      .filter((run) => statuses.includes(statusOf(service, run).toLowerCase()))
      .filter((run) => ids?.includes(run.executionId) ?? true)
    return (latestOnly ? runs.slice(-1) : runs).map((run) => executionItem(service, report, run))
  })
  return found.length > 0 ? items(found, null) : refusal(404, NONE_YET)
}

/** The parts of a list that is joined by `;`, trimmed and in lower case. */
function idList(text: string): readonly string[] {
  return text.split(';').map((id) => id.trim().toLowerCase())
}

function executionItem(service: Service, report: Report, execution: Execution): object {
  const status = statusOf(service, execution)
  const done = status === 'Completed'
  return {
    executionId: execution.executionId,
    reportId: report.reportId,
    recurrenceInterval: report.recurrenceInterval,
    recurrenceCount: report.recurrenceCount,
    // Null in the samples, although the report had a callback.
    callbackUrl: null,
    callbackMethod: null,
    format: report.format,
    executionStatus: status,
    reportLocation: null,
    reportAccessSecureLink: done ? downloadLink(service, report, execution) : null,
    reportExpiryTime: null,
    reportGeneratedTime: done ? wireTime(new Date(execution.readyAt)) : null,
  }
}
