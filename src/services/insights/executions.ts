import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { isServiceId } from '../../core/names.ts'
import { present } from '../../core/present.ts'
import { safeText } from '../safe-text.ts'
import { type Item, idOf, instantOf, textOf } from './answer.ts'
import { NO_ID } from './call.ts'
import type { List } from './pages.ts'
import { correlationNote, saysUnknown } from './refusals.ts'
import { findReport } from './reports.ts'

const EXECUTION_STATUSES = ['Pending', 'Running', 'Paused', 'Completed'] as const

export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number]

/** One run of a report as the service lists it. `link` is signed: it must not get into any message. */
export type ExecutionRecord = {
  readonly executionId: string
  readonly reportId: string
  readonly status: ExecutionStatus | undefined
  readonly link?: URL
  readonly linkExpiresAt?: Date
  readonly generatedAt?: Date
  readonly format?: string
}

export type ExecutionFilter = {
  readonly executionIds?: readonly string[]
  readonly statuses: readonly ExecutionStatus[]
  /** True: only the latest of each report. False: all of the last 90 days. */
  readonly latest: boolean
}

export type Executions = { readonly executions: readonly ExecutionRecord[]; readonly dataRedacted: boolean }

/** Whether a report can be fetched. `no-link`: the service calls it completed, but does not say where it is. */
export type Execution =
  | { readonly status: 'pending' }
  | { readonly status: 'no-link' }
  | { readonly status: 'completed'; readonly executionId: string; readonly link: URL; readonly dataRedacted: boolean }

/**
 * Lists the runs of reports. `not-yet`: there is no run that matches. `unknown`: the service does not know the report.
 * Status and latest are always sent, because their documented defaults contradict the documents' samples.
 */
export async function listExecutions(
  list: List,
  reportIds: readonly string[],
  filter: ExecutionFilter,
): Promise<Executions | 'not-yet' | 'unknown' | Failure> {
  const found = await askForExecutions(list, reportIds, filter)
  return 'nothing' in found ? found.nothing : found
}

/** There is no run that matches, or no such report, by the answer with this id. */
type NoExecutions = { readonly nothing: 'not-yet' | 'unknown'; readonly correlationId: string | undefined }

async function askForExecutions(
  list: List,
  reportIds: readonly string[],
  { executionIds, statuses, latest }: ExecutionFilter,
): Promise<Executions | NoExecutions | Failure> {
  const wrong = [...reportIds, ...(executionIds ?? [])].find((id) => !isServiceId(id))
  if (wrong !== undefined) return failed('query-refused', `executions of "${safeText(wrong)}": ${NO_ID}`)
  const path = `/ScheduledReport/execution/${joined(reportIds)}`
  const only = executionIds ? `executionId=${joined(executionIds)}&` : ''
  const query = `${only}executionStatus=${joined(statuses)}&getLatestExecution=${latest}`
  const about = `executions of report ${reportIds.join(', ')}`
  const found = await list({ path: `${path}?${query}`, about })
  if (isFailure(found)) return found
  if (found.nothing !== undefined) {
    return { nothing: saysUnknown(found.nothing) ? 'unknown' : 'not-yet', correlationId: found.correlationId }
  }
  const foreign = found.items.map((item) => textOf(item, 'executionId')).find((id) => id && !isServiceId(id))
  if (foreign) return failed('unavailable', `${about}: the service names a run "${safeText(foreign)}": ${NO_ID}`)
  return { executions: found.items.flatMap(toExecution), dataRedacted: found.dataRedacted }
}

/**
 * The latest completed execution of a report; `pending` while there is none. The failure is `deadline` where the
 * service no longer has the report, which may be gone: it is waited for until its deadline.
 */
export async function latestExecution(list: List, reportId: string): Promise<Execution | Failure> {
  const found = await askForExecutions(list, [reportId], { statuses: ['Completed'], latest: true })
  if (isFailure(found)) return found
  if ('nothing' in found) {
    if (found.nothing === 'not-yet') return { status: 'pending' }
    // The message may be about the execution alone, so the list of reports decides.
    const report = await findReport(list, reportId)
    if (isFailure(report)) return report
    if (report) return { status: 'pending' }
    const what = `report ${reportId}: the service no longer has it${correlationNote(found.correlationId)}`
    return failed('deadline', `${what}; it is asked for again at its deadline`)
  }
  const ready = found.executions.find(({ status, link }) => status === 'Completed' && link)
  if (!ready?.link) {
    return { status: found.executions.some(({ status }) => status === 'Completed') ? 'no-link' : 'pending' }
  }
  const { executionId, link } = ready
  return { status: 'completed', executionId, link, dataRedacted: found.dataRedacted }
}

/** The service takes several values with semicolons between them, which are not encoded. */
function joined(values: readonly string[]): string {
  return values.join(';')
}

function toExecution(item: Item): readonly ExecutionRecord[] {
  const executionId = idOf(item, 'executionId')
  if (!executionId) return []
  const status = textOf(item, 'executionStatus')?.toLowerCase()
  const link = textOf(item, 'reportAccessSecureLink')
  const execution = present<ExecutionRecord>({
    executionId,
    reportId: idOf(item, 'reportId') ?? '',
    status: EXECUTION_STATUSES.find((each) => each.toLowerCase() === status),
    link: link && URL.canParse(link) ? new URL(link) : undefined,
    linkExpiresAt: instantOf(item, 'reportExpiryTime'),
    generatedAt: instantOf(item, 'reportGeneratedTime'),
    format: textOf(item, 'format'),
  })
  return [execution]
}
