import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { List } from './list.ts'
import { type ExecutionRecord, type ExecutionStatus, type Report, toExecution } from './objects.ts'
import { saysUnknown } from './refusals.ts'

export type Execution =
  | { readonly status: 'pending' }
  | { readonly status: 'completed'; readonly executionId: string; readonly link: URL; readonly dataRedacted: boolean }

export type ExecutionFilter = {
  readonly executionIds?: readonly string[]
  readonly statuses: readonly ExecutionStatus[]
  /** Only the latest of each report, or all of the last 90 days. */
  readonly latest: boolean
}

export type Executions = { readonly executions: readonly ExecutionRecord[]; readonly dataRedacted: boolean }

/** Lists runs of reports. Both filters are always sent: their documented defaults contradict the samples. */
export async function listExecutions(
  list: List,
  reportIds: readonly string[],
  filter: ExecutionFilter,
): Promise<Executions | 'not-yet' | 'unknown' | Failure> {
  const about = `executions of report ${reportIds.join(', ')}`
  const path = `/ScheduledReport/execution/${reportIds.map(encodeURIComponent).join(';')}?${parametersOf(filter)}`
  const found = await list({ path, about })
  if (isFailure(found)) return found
  if (found.nothing !== undefined) return saysUnknown(found.nothing) ? 'unknown' : 'not-yet'
  return { executions: found.items.flatMap(toExecution), dataRedacted: found.dataRedacted }
}

function parametersOf({ executionIds, statuses, latest }: ExecutionFilter): string {
  const ids = executionIds ? `executionId=${executionIds.map(encodeURIComponent).join(';')}&` : ''
  return `${ids}executionStatus=${statuses.join(';')}&getLatestExecution=${latest}`
}

/**
 * The latest completed execution of a report; `pending` while there is none. A report that the service knows nothing of,
 * neither here nor in its list, is gone: `deadline`, as one that was never ready.
 */
export async function latestExecution(
  list: List,
  reportId: string,
  report: () => Promise<Report | Failure | undefined>,
): Promise<Execution | Failure> {
  const found = await listExecutions(list, [reportId], { statuses: ['Completed'], latest: true })
  if (found === 'not-yet') return { status: 'pending' }
  if (found === 'unknown') return pendingWhile(await report(), reportId)
  if (isFailure(found)) return found
  const ready = found.executions.find(({ status, link }) => status === 'Completed' && link)
  if (!ready?.link) return { status: 'pending' }
  const { executionId, link } = ready
  return { status: 'completed', executionId, link, dataRedacted: found.dataRedacted }
}

function pendingWhile(report: Report | Failure | undefined, reportId: string): Execution | Failure {
  if (report === undefined) {
    return failed('deadline', `report ${reportId}: the service no longer has it; it is asked for again`)
  }
  return isFailure(report) ? report : { status: 'pending' }
}
