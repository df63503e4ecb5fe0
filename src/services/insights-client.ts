import { type Failure, failed, isFailure } from '../core/failures.ts'
import type { Credentials } from './credentials.ts'
import { type Answer, failureOf, type Item, isThrottled, readAnswer, textOf, textsOf } from './insights-answer.ts'
import { withoutQuery } from './safe-address.ts'

/** No call may take longer; the create call's limit is what the adoption of lost answers counts on. */
const CALL_LIMIT = 60_000

/** Pages of one list; more means that the links run in a circle. */
const PAGE_LIMIT = 1000

export type LiveDataset = { readonly columns: readonly string[]; readonly metrics: readonly string[] }
export type Query = { readonly queryId: string; readonly name: string; readonly query: string }
export type Report = {
  readonly reportId: string
  readonly reportName: string
  readonly queryId: string
  readonly createdAt: Date | undefined
}
export type Execution =
  | { readonly status: 'pending' }
  | { readonly status: 'completed'; readonly executionId: string; readonly link: URL; readonly dataRedacted: boolean }

/** What became of a request for a report; `unknown`: the answer was lost, so a report may or may not exist. */
export type Creation =
  | { readonly outcome: 'created'; readonly reportId: string }
  | { readonly outcome: 'refused'; readonly failure: Failure }
  | { readonly outcome: 'throttled'; readonly failure: Failure; readonly wait: number | undefined }
  | { readonly outcome: 'unknown'; readonly failure: Failure }

export type ReportRequest = {
  readonly reportName: string
  readonly queryId: string
  readonly queryTimes?: { readonly start: string; readonly end: string }
  readonly callbackUrl?: string
}

export type InsightsClient = {
  dataset(name: string): Promise<LiveDataset | Failure>
  /** All queries of that name; the service's filter may be partial, so names are compared by us. */
  queries(name: string): Promise<readonly Query[] | Failure>
  createQuery(query: Omit<Query, 'queryId'>): Promise<Query | Failure>
  deleteQuery(queryId: string): Promise<Failure | undefined>
  createReport(request: ReportRequest): Promise<Creation>
  /** The report of that id, or undefined where the service has none. */
  report(reportId: string): Promise<Report | Failure | undefined>
  /** All reports, or those the service finds by a name; its filter may be partial, so names are compared by us. */
  reports(reportName?: string): Promise<readonly Report[] | Failure>
  deleteReport(reportId: string): Promise<Failure | undefined>
  /** The latest completed execution of a report; `pending` while there is none. */
  execution(reportId: string): Promise<Execution | Failure>
}

export type InsightsOptions = {
  readonly baseUrl: string
  readonly tokenHeader: 'Authorization' | 'X-AadUserTicket'
  readonly credentials: Credentials
  readonly clock: () => Date
}

type Call = { readonly method: 'GET' | 'POST' | 'DELETE'; readonly path: string; readonly about: string; body?: object }

/** Opens the Partner Insights API of one account. Facts about the service are documented in docs/insights-api.md. */
export function openInsightsClient(options: InsightsOptions): InsightsClient {
  const send = (call: Call) => authorised(options, call)
  return {
    async dataset(name) {
      const found = await list(send, `/ScheduledDataset?datasetName=${encodeURIComponent(name)}`, `dataset ${name}`)
      if (isFailure(found)) return found
      const item = found.find((each) => textOf(each, 'datasetName')?.toLowerCase() === name.toLowerCase())
      if (!item) return failed('query-refused', `dataset ${name}: the service does not offer it`)
      return { columns: textsOf(item, 'selectableColumns'), metrics: textsOf(item, 'availableMetrics') }
    },
    async queries(name) {
      const path = `/ScheduledQueries?queryName=${encodeURIComponent(name)}&includeSystemQueries=false`
      const found = await list(send, path, `query "${name}"`)
      return isFailure(found) ? found : found.flatMap(toQuery).filter((query) => query.name === name)
    },
    async createQuery({ name, query }) {
      const body = { Name: name, Description: 'made by partner-insights-sync', Query: query }
      const answer = await send({ method: 'POST', path: '/ScheduledQueries', about: `create query "${name}"`, body })
      return isFailure(answer) ? answer : (created(answer, toQuery) ?? incomplete(`create query "${name}"`))
    },
    deleteQuery: (queryId) => remove(send, `/ScheduledQueries/${encodeURIComponent(queryId)}`, `query ${queryId}`),
    createReport: (request) => createReport(send, request),
    async report(reportId) {
      const path = `/ScheduledReport?reportId=${encodeURIComponent(reportId)}`
      const found = await list(send, path, `report ${reportId}`)
      if (isFailure(found)) return found
      return found.flatMap(toReport).find((report) => report.reportId.toLowerCase() === reportId.toLowerCase())
    },
    async reports(name) {
      const filter = name === undefined ? '' : `?reportName=${encodeURIComponent(name)}`
      const found = await list(send, `/ScheduledReport${filter}`, name === undefined ? 'reports' : `report "${name}"`)
      return isFailure(found) ? found : found.flatMap(toReport)
    },
    deleteReport: (reportId) => remove(send, `/ScheduledReport/${encodeURIComponent(reportId)}`, `report ${reportId}`),
    execution: (reportId) => execution(send, reportId),
  }
}

type Send = (call: Call) => Promise<Answer | Failure>

/** Sends a call; a refused token is renewed once. */
async function authorised(options: InsightsOptions, call: Call): Promise<Answer | Failure> {
  const token = await options.credentials.token()
  if (isFailure(token)) return token
  const answer = await sendOnce(options, call, token)
  if (isFailure(answer) || answer.status !== 401) return answer
  const renewed = await options.credentials.renew(token)
  return isFailure(renewed) ? renewed : sendOnce(options, call, renewed)
}

async function sendOnce(options: InsightsOptions, call: Call, token: string): Promise<Answer | Failure> {
  const url = new URL(`${options.baseUrl}${call.path}`)
  const bearer = options.tokenHeader === 'Authorization' ? `Bearer ${token}` : token
  try {
    const response = await fetch(url, {
      method: call.method,
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', [options.tokenHeader]: bearer },
      signal: AbortSignal.timeout(CALL_LIMIT),
      redirect: 'error',
      ...(call.body && { body: JSON.stringify(call.body) }),
    })
    return readAnswer(response.status, response.headers, await response.text(), options.clock())
  } catch (error) {
    const reason = error instanceof Error ? error.name : 'unknown error'
    return failed('unavailable', `${call.about}: no answer from ${withoutQuery(url)} (${reason}); it is tried again`)
  }
}

/** All items of a list, page by page; 404 means that nothing matches. */
async function list(send: Send, path: string, about: string): Promise<readonly Item[] | Failure> {
  const items: Item[] = []
  let next: string | undefined = path
  for (let page = 0; next !== undefined && page < PAGE_LIMIT; page++) {
    const answer: Answer | Failure = await send({ method: 'GET', path: next, about })
    if (isFailure(answer)) return answer
    if (answer.status === 404) return items
    if (answer.status >= 400) return failureOf(answer, about)
    items.push(...answer.items)
    next = nextPath(path, answer.nextLink)
  }
  return items
}

/** Only the query part of a link is followed, on the path that was asked: a page never leads to another host. */
function nextPath(path: string, link: string | undefined): string | undefined {
  const query = link?.split('?')[1]
  return query === undefined ? undefined : `${path.split('?')[0]}?${query}`
}

async function createReport(send: Send, request: ReportRequest): Promise<Creation> {
  const about = `create report "${request.reportName}"`
  const body = {
    ReportName: request.reportName,
    Description: 'made by partner-insights-sync',
    QueryId: request.queryId,
    ExecuteNow: true,
    ...(request.queryTimes && { QueryStartTime: request.queryTimes.start, QueryEndTime: request.queryTimes.end }),
    Format: 'CSV',
    ...(request.callbackUrl && { CallbackUrl: request.callbackUrl, CallbackMethod: 'POST' }),
  }
  const answer = await send({ method: 'POST', path: '/ScheduledReport', about, body })
  if (isFailure(answer)) {
    return { outcome: answer.failure === 'unavailable' ? 'unknown' : 'refused', failure: answer }
  }
  const failure = failureOf(answer, about)
  if (isThrottled(answer)) return { outcome: 'throttled', failure, wait: answer.retryAfter }
  if (answer.status >= 500) return { outcome: 'unknown', failure }
  if (answer.status >= 400) return { outcome: 'refused', failure }
  const reportId = textOf(answer.items[0], 'reportId')
  return reportId ? { outcome: 'created', reportId } : { outcome: 'unknown', failure: incomplete(about) }
}

/** Both filters are always sent: their documented defaults contradict the samples. */
async function execution(send: Send, reportId: string): Promise<Execution | Failure> {
  const about = `execution of report ${reportId}`
  const filters = 'executionStatus=Completed&getLatestExecution=true'
  const path = `/ScheduledReport/execution/${encodeURIComponent(reportId)}?${filters}`
  const answer = await send({ method: 'GET', path, about })
  if (isFailure(answer)) return answer
  if (answer.status === 404) return { status: 'pending' }
  if (answer.status >= 400) return failureOf(answer, about)
  const item = answer.items.find((each) => textOf(each, 'executionStatus')?.toLowerCase() === 'completed')
  const executionId = textOf(item, 'executionId')
  const link = textOf(item, 'reportAccessSecureLink')
  if (!executionId || !link || !URL.canParse(link)) return { status: 'pending' }
  return { status: 'completed', executionId, link: new URL(link), dataRedacted: answer.dataRedacted }
}

async function remove(send: Send, path: string, about: string): Promise<Failure | undefined> {
  const answer = await send({ method: 'DELETE', path, about: `delete ${about}` })
  if (isFailure(answer)) return answer
  return answer.status >= 400 && answer.status !== 404 ? failureOf(answer, `delete ${about}`) : undefined
}

function created<T>(answer: Answer, read: (item: Item) => readonly T[]): T | Failure | undefined {
  return answer.status >= 400 ? failureOf(answer, 'create query') : answer.items.flatMap(read)[0]
}

function incomplete(about: string): Failure {
  return failed('unavailable', `${about}: the answer names no id; it is looked up and tried again`)
}

function toQuery(item: Item): readonly Query[] {
  const queryId = textOf(item, 'queryId')
  return queryId ? [{ queryId, name: textOf(item, 'name') ?? '', query: textOf(item, 'query') ?? '' }] : []
}

function toReport(item: Item): readonly Report[] {
  const reportId = textOf(item, 'reportId')
  const reportName = textOf(item, 'reportName') ?? ''
  const created = new Date(textOf(item, 'createdTime') ?? '')
  const createdAt = Number.isNaN(created.getTime()) ? undefined : created
  return reportId ? [{ reportId, reportName, queryId: textOf(item, 'queryId') ?? '', createdAt }] : []
}
