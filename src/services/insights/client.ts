import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { findListed } from '../../core/feeds/feed-query.ts'
import { failureOf, type Item } from './answer.ts'
import { type InsightsOptions, openSender, type Send } from './call.ts'
import type { EndpointName } from './endpoints.ts'
import { type Execution, type ExecutionFilter, type Executions, latestExecution, listExecutions } from './executions.ts'
import { type List, list } from './list.ts'
import { type LiveDataset, type Query, type Report, toDataset, toReport } from './objects.ts'
import {
  createQuery,
  listQueries,
  type NewQuery,
  parametersOf,
  type QueryFilter,
  type TestRun,
  testQuery,
} from './queries.ts'
import {
  type Creation,
  createReport,
  type ReportChange,
  type ReportRequest,
  switchReport,
  updateReport,
} from './reports.ts'

export type { Creation, Execution, LiveDataset, Query, Report }

export type ReportFilter = { readonly reportId?: string; readonly reportName?: string; readonly queryId?: string }

/** Every endpoint of the service, by the names of `ENDPOINTS`. */
type Endpoints = {
  /** All datasets, or those of a name; none where the service has none. */
  listDatasets(name?: string): Promise<readonly LiveDataset[] | Failure>
  listQueries(filter: QueryFilter): Promise<readonly Query[] | Failure>
  createQuery(query: NewQuery): Promise<Query | Failure>
  /** Succeeds also where there is nothing to delete. */
  deleteQuery(queryId: string): Promise<Failure | undefined>
  /** At most 100 rows, their fields by lower-case name. */
  testQuery(run: TestRun): Promise<readonly Item[] | Failure>
  /** All pages; names may be compared in part by the service. */
  listReports(filter: ReportFilter): Promise<readonly Report[] | Failure>
  createReport(request: ReportRequest): Promise<Creation>
  /** Undefined where there is no such report; so for pause and resume. */
  updateReport(reportId: string, change: ReportChange): Promise<Report | Failure | undefined>
  deleteReport(reportId: string): Promise<Failure | undefined>
  pauseReport(reportId: string): Promise<Report | Failure | undefined>
  resumeReport(reportId: string): Promise<Report | Failure | undefined>
  /** `not-yet`: no run of these filters; `unknown`: no such report. */
  listExecutions(
    reportIds: readonly string[],
    filter: ExecutionFilter,
  ): Promise<Executions | 'not-yet' | 'unknown' | Failure>
}

export type InsightsClient = Endpoints & {
  /** The dataset of one of these spellings; each is asked for only where those before it are not offered. */
  dataset(spellings: readonly string[]): Promise<LiveDataset | Failure>
  /** All queries of exactly that name. */
  queries(name: string): Promise<readonly Query[] | Failure>
  /** The report of that id, or undefined where the service has none. */
  report(reportId: string): Promise<Report | Failure | undefined>
  /** All reports, or what the service finds by a name; the caller compares it exactly. */
  reports(name?: string): Promise<readonly Report[] | Failure>
  /** The latest completed execution of a report; `pending` while there is none. */
  execution(reportId: string): Promise<Execution | Failure>
  /** The same client, whose calls end when the signal aborts. */
  within(signal: AbortSignal): InsightsClient
}

/** Opens the Partner Insights API of one account. Facts about the service are documented in docs/insights-api.md. */
export function openInsightsClient(options: InsightsOptions, signal?: AbortSignal): InsightsClient {
  const send = openSender(options, signal)
  const listAll: List = (call) => list(send, options.baseUrl, call)
  const endpoints = openEndpoints(send, listAll)
  const report = async (reportId: string) => {
    const found = await endpoints.listReports({ reportId })
    return isFailure(found) ? found : found.find((each) => isSame(each.reportId, reportId))
  }
  return {
    ...endpoints,
    report,
    dataset: (spellings) => findDataset(endpoints, spellings),
    async queries(queryName) {
      const found = await endpoints.listQueries({ queryName, includeSystemQueries: false })
      return isFailure(found) ? found : found.filter(({ name }) => name === queryName.trim())
    },
    reports: (reportName) => endpoints.listReports(reportName === undefined ? {} : { reportName }),
    execution: (reportId) => latestExecution(listAll, reportId, () => report(reportId)),
    within: (other) => openInsightsClient(options, other),
  }
}

async function findDataset(
  { listDatasets }: Pick<Endpoints, 'listDatasets'>,
  spellings: readonly string[],
): Promise<LiveDataset | Failure> {
  for (const spelling of spellings) {
    const found = await listDatasets(spelling)
    if (isFailure(found)) return found
    const dataset = findListed(found, spellings)
    if (dataset) return dataset
  }
  const names = spellings.join(' or ')
  return failed('query-refused', `dataset ${names}: the service does not offer it; correct the feed`)
}

function openEndpoints(send: Send, listAll: List): Endpoints & Record<EndpointName, unknown> {
  const remove = (path: string, about: string) => removeOne(send, path, `delete ${about}`)
  return {
    async listDatasets(name) {
      const path = `/ScheduledDataset?${parametersOf({ datasetName: name })}`
      const found = await listAll({ path, about: name === undefined ? 'datasets' : `dataset ${name}` })
      return isFailure(found) ? found : found.items.flatMap(toDataset)
    },
    listQueries: (filter) => listQueries(listAll, filter),
    createQuery: (query) => createQuery(send, query),
    deleteQuery: (queryId) => remove(`/ScheduledQueries/${encodeURIComponent(queryId)}`, `query ${queryId}`),
    testQuery: (run) => testQuery(send, run),
    async listReports(filter) {
      const { reportId, reportName } = filter
      const named = reportName === undefined ? 'reports' : `reports "${reportName}"`
      const about = reportId === undefined ? named : `report ${reportId}`
      const found = await listAll({ path: `/ScheduledReport?${parametersOf(filter)}`, about })
      return isFailure(found) ? found : found.items.flatMap(toReport)
    },
    createReport: (request) => createReport(send, request),
    updateReport: (reportId, change) => updateReport(send, reportId, change),
    deleteReport: (reportId) => remove(`/ScheduledReport/${encodeURIComponent(reportId)}`, `report ${reportId}`),
    pauseReport: (reportId) => switchReport(send, 'pause', reportId),
    resumeReport: (reportId) => switchReport(send, 'resume', reportId),
    listExecutions: (reportIds, filter) => listExecutions(listAll, reportIds, filter),
  }
}

async function removeOne(send: Send, path: string, about: string): Promise<Failure | undefined> {
  const answer = await send({ method: 'DELETE', path, about })
  if (isFailure(answer)) return answer
  return answer.status >= 400 && answer.status !== 404 ? failureOf(answer, about) : undefined
}

function isSame(id: string, other: string): boolean {
  return id.toLowerCase() === other.trim().toLowerCase()
}
