import type { Failure } from '../../core/failures.ts'
import type { OfferedDataset } from '../../core/ledger/offer.ts'
import type { Item } from './answer.ts'
import { type InsightsOptions, type Send, senderOf } from './call.ts'
import { findLiveDataset, type LiveDataset, listDatasets, offeredDatasets } from './datasets.ts'
import { type Execution, type ExecutionFilter, type Executions, latestExecution, listExecutions } from './executions.ts'
import { checkMfa, type MfaSigns } from './mfa.ts'
import { type List, listPages } from './pages.ts'
import {
  createQuery,
  deleteQuery,
  findQueries,
  listQueries,
  type NewQuery,
  type Query,
  type QueryFilter,
  type TestRun,
  testQuery,
} from './queries.ts'
import {
  type Creation,
  createReport,
  deleteReport,
  findReport,
  listReports,
  type Report,
  type ReportChange,
  type ReportFilter,
  type ReportRequest,
  switchReport,
  updateReport,
} from './reports.ts'

export type { Creation, Execution, LiveDataset, Query, Report }

/**
 * The Partner Insights API as one account sees it. The functions up to `listExecutions` are the endpoints of the
 * service; the others answer what the steps ask. Facts about the service are in docs/insights-api.md.
 */
export type InsightsClient = {
  /** All datasets, or those with a name; an empty list where there is none. */
  listDatasets(name?: string): Promise<readonly LiveDataset[] | Failure>
  /** All datasets, as far as each could be read: for a look at what the service no longer offers. */
  offeredDatasets(): Promise<readonly OfferedDataset[] | Failure>
  listQueries(filter: QueryFilter): Promise<readonly Query[] | Failure>
  createQuery(query: NewQuery): Promise<Query | Failure>
  /** Succeeds also where there is nothing to delete. */
  deleteQuery(queryId: string): Promise<Failure | undefined>
  /** At most 100 rows, with their fields by lower-case name. */
  testQuery(run: TestRun): Promise<readonly Item[] | Failure>
  /** Reports from all pages. The service may match parts of names. */
  listReports(filter: ReportFilter): Promise<readonly Report[] | Failure>
  createReport(request: ReportRequest): Promise<Creation>
  /** Gives undefined where there is no such report, as `pauseReport` and `resumeReport` do. */
  updateReport(reportId: string, change: ReportChange): Promise<Report | Failure | undefined>
  /** Succeeds also where there is nothing to delete. */
  deleteReport(reportId: string): Promise<Failure | undefined>
  pauseReport(reportId: string): Promise<Report | Failure | undefined>
  resumeReport(reportId: string): Promise<Report | Failure | undefined>
  /** `not-yet`: there is no run that matches. `unknown`: there is no such report. */
  listExecutions(
    reportIds: readonly string[],
    filter: ExecutionFilter,
  ): Promise<Executions | 'not-yet' | 'unknown' | Failure>

  /** The dataset with one of these names. Each name is asked for only where the service lacks the ones before it. */
  dataset(spellings: readonly string[]): Promise<LiveDataset | Failure>
  /** The user's queries with exactly that name. */
  queries(name: string): Promise<readonly Query[] | Failure>
  /** The report with an id, or undefined where the service has none. */
  report(reportId: string): Promise<Report | Failure | undefined>
  /** All reports, or those that the service finds by a name. The service may match parts of names. */
  reports(name?: string): Promise<readonly Report[] | Failure>
  /** The latest completed execution of a report; `pending` while there is none. */
  execution(reportId: string): Promise<Execution | Failure>
  /** Whether the sign-in has multi-factor. */
  checkMfa(dataset: string): Promise<MfaSigns | Failure>
  /** The same client, whose calls end when the signal aborts. */
  within(signal: AbortSignal): InsightsClient
}

/** Opens the Partner Insights API for one account. */
export function openInsightsClient(options: InsightsOptions, signal?: AbortSignal): InsightsClient {
  const sender = senderOf(options)
  const open = (given?: AbortSignal): InsightsClient => insightsClient(sender(given), options.baseUrl, open)
  return open(signal)
}

/** The client over whatever carries its calls. */
export function insightsClient(send: Send, baseUrl: string, within: InsightsClient['within']): InsightsClient {
  const list: List = (call) => listPages(send, baseUrl, call)
  return {
    listDatasets: (name) => listDatasets(list, name),
    offeredDatasets: () => offeredDatasets(list),
    listQueries: (filter) => listQueries(list, filter),
    createQuery: (query) => createQuery(send, query),
    deleteQuery: (queryId) => deleteQuery(send, queryId),
    testQuery: (run) => testQuery(send, run),
    listReports: (filter) => listReports(list, filter),
    createReport: (request) => createReport(send, request),
    updateReport: (reportId, change) => updateReport(send, reportId, change),
    deleteReport: (reportId) => deleteReport(send, reportId),
    pauseReport: (reportId) => switchReport(send, 'pause', reportId),
    resumeReport: (reportId) => switchReport(send, 'resume', reportId),
    listExecutions: (reportIds, filter) => listExecutions(list, reportIds, filter),
    dataset: (spellings) => findLiveDataset(list, spellings),
    queries: (name) => findQueries(list, name),
    report: (reportId) => findReport(list, reportId),
    reports: (name) => listReports(list, name === undefined ? {} : { reportName: name }),
    execution: (reportId) => latestExecution(list, reportId),
    checkMfa: (dataset) => checkMfa(send, dataset),
    within,
  }
}
