import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, readAnswer } from '../../src/services/insights/answer.ts'
import type { Call } from '../../src/services/insights/call.ts'
import { type InsightsClient, insightsClient } from '../../src/services/insights/client.ts'
import type { Pass } from '../memory/store.ts'
import type { TestClock } from '../setup/clock.ts'

/** What the app may ask of the service, one after the other as a table of bounds names them. */
export const ENDPOINTS = [
  'createReport',
  'listReports',
  'execution',
  'deleteReport',
  'listQueries',
  'createQuery',
  'deleteQuery',
  'listDatasets',
] as const

export type Endpoint = (typeof ENDPOINTS)[number]

/** A refusal of every call to an endpoint. `isDone`: what was asked is done all the same. */
export type Fault = {
  readonly status: number
  readonly message?: string
  readonly retryAfter?: string
  readonly isDone?: boolean
}

/** How the service is at present. */
export type Health = {
  readonly faults: Readonly<Partial<Record<Endpoint, Fault>>>
  /** What becomes of the reports that are made now. */
  readonly reports: 'good' | 'stuck' | 'empty' | 'headless' | 'malformed'
  /** Links lead to a host that the app does not trust. */
  readonly areLinksForeign: boolean
  /** The feed whose calls fail; without it those of all feeds. */
  readonly only?: string
  /** The reports that are made now never appear in a list. */
  readonly isUnlisted?: true
}

export const HEALTHY: Health = { faults: {}, reports: 'good', areLinksForeign: false }

/** A call as it reached the service. `hides`: a list that it asked for lacks a report, which the service does not list. */
export type Counted = {
  readonly account: string
  readonly endpoint: Endpoint
  readonly at: number
  fault?: Fault
  hides?: true
}

/** A request for a report as it reaches the service, before it answers. */
export type ReportCall = {
  readonly account: string
  readonly reportName: string
  readonly start: string
  readonly end: string
  readonly callbackUrl: string
  readonly at: number
}

/** A report that was made, whether or not the app hears of it. */
export type MadeReport = ReportCall & { readonly reportId: string; readonly readyAt: number; readonly kind: ReportKind }

type ReportKind = Health['reports']

/** What differs from a service whose data never changes. */
export type ServiceOptions = {
  /** What the rows of a report of this query say that is made now: the number in its metric. */
  readonly figureOf?: (call: ReportCall, query: string) => number
  readonly onReportCall?: (call: ReportCall) => void
  readonly onMade?: (report: MadeReport) => void
  /** How long the service makes a report, in milliseconds. */
  readonly generationMs?: () => number
}

/** Partner Insights in this process, for several accounts. */
export type Service = {
  health: Health
  readonly calls: readonly Counted[]
  /** Every report that was ever made. */
  readonly made: readonly StoredReport[]
  /** The service as one instance sees it through one account. `links` is where its links lead. */
  open(account: string, pass: Pass, links?: string): InsightsClient
  /** The reports that stand at the service now. */
  standing(): readonly StoredReport[]
  /** The same service once more, which from now on goes its own way and by its own clock. */
  copy(clock: TestClock): Service
}

/** How long the service makes a report where nothing else is said. */
const GENERATION = 2 * 60_000

const BASE = 'https://insights.test'
const FOREIGN = 'https://elsewhere.test'

const NOTHING = 'No item found with given filters.'
const NO_EXECUTION = 'There are no executions that have occurred for the given filter conditions.'

export type StoredReport = MadeReport & {
  readonly queryId: string
  readonly createdTime: string
  /** What its query selects, as it was written. */
  readonly columns: string
  readonly figure: number
  readonly isUnlisted: boolean
}

type StoredQuery = { readonly queryId: string; readonly name: string; readonly query: string }

type Account = { readonly reports: Map<string, StoredReport>; readonly queries: Map<string, StoredQuery> }

/** What an endpoint answers: a list, or a refusal with its text. */
type Answered = readonly object[] | { readonly status: number; readonly message: string }

/** What a service has done and holds. */
type State = {
  readonly calls: Counted[]
  readonly made: StoredReport[]
  readonly accounts: Map<string, Account>
}

const NEW = (): State => ({ calls: [], made: [], accounts: new Map() })

/** `downloads` is where its links lead. The client's own code reads the answers, so only HTTP is left out. */
export function createService(
  clock: TestClock,
  downloads: string,
  options: ServiceOptions = {},
  state = NEW(),
  health = HEALTHY,
): Service {
  const { calls, made, accounts } = state
  const answerTo = (account: Account, call: Call, counted: Counted, links: string): Answer => {
    const { endpoint } = counted
    // Every name and id here contains the feed's name.
    const health = JSON.stringify(call).includes(service.health.only ?? '') ? service.health : HEALTHY
    const fault = health.faults[endpoint]
    if (fault) counted.fault = fault
    if (endpoint === 'createReport') options.onReportCall?.(reportCall(counted, call))
    const asked = { account, made, call, counted, health, clock, downloads: links, options }
    const answered = fault && !fault.isDone ? [] : ANSWERS[endpoint](asked)
    return toAnswer(fault ? { message: '', ...fault } : answered, clock.now(), fault?.retryAfter)
  }
  const service: Service = {
    health,
    calls,
    made,
    standing: () => [...accounts.values()].flatMap(({ reports }) => [...reports.values()]),
    copy: (own) => createService(own, downloads, options, copyOf(state), service.health),
    open(name, pass, links = downloads) {
      const account = accounts.get(name) ?? { reports: new Map(), queries: new Map() }
      accounts.set(name, account)
      const send = (call: Call) => {
        const endpoint = endpointOf(call)
        return pass(`insights.${endpoint}`, async () => {
          const counted: Counted = { account: name, endpoint, at: clock.now().getTime() }
          calls.push(counted)
          return answerTo(account, call, counted, links)
        })
      }
      const client: InsightsClient = insightsClient(send, BASE, () => client)
      return client
    },
  }
  return service
}

/** What is stored is never changed in place. */
function copyOf({ calls, made, accounts }: State): State {
  const copies = [...accounts].map(
    ([name, { reports, queries }]) => [name, { reports: new Map(reports), queries: new Map(queries) }] as const,
  )
  return { calls: [...calls], made: [...made], accounts: new Map(copies) }
}

function endpointOf({ method, path }: Call): Endpoint {
  if (path.startsWith('/ScheduledDataset')) return 'listDatasets'
  if (path.startsWith('/ScheduledReport/execution/')) return 'execution'
  const isReport = path.startsWith('/ScheduledReport')
  if (method === 'POST') return isReport ? 'createReport' : 'createQuery'
  if (method === 'DELETE') return isReport ? 'deleteReport' : 'deleteQuery'
  return isReport ? 'listReports' : 'listQueries'
}

function toAnswer(answered: Answered, now: Date, retryAfter?: string): Answer {
  const headers = new Headers(retryAfter === undefined ? {} : { 'Retry-After': retryAfter })
  if (!('status' in answered))
    return readAnswer(200, headers, JSON.stringify({ value: answered, statusCode: 200 }), now)
  const { status, message } = answered
  return readAnswer(status, headers, JSON.stringify({ value: null, statusCode: status, message }), now)
}

function reportCall({ account, at }: Counted, { body }: Call): ReportCall {
  const {
    ReportName = '',
    QueryStartTime = '',
    QueryEndTime = '',
    CallbackUrl = '',
  } = {
    ...body,
  } as Record<string, string>
  return { account, at, reportName: ReportName, start: QueryStartTime, end: QueryEndTime, callbackUrl: CallbackUrl }
}

type Asked = {
  readonly account: Account
  readonly made: StoredReport[]
  readonly call: Call
  readonly counted: Counted
  readonly health: Health
  readonly clock: TestClock
  readonly downloads: string
  readonly options: ServiceOptions
}

const ANSWERS: Readonly<Record<Endpoint, (asked: Asked) => Answered>> = {
  createReport({ account, made, call, counted, health, clock, options }) {
    const { QueryId = '' } = { ...call.body } as Record<string, string>
    const query = account.queries.get(QueryId)?.query
    if (query === undefined) return { status: 400, message: 'Invalid QueryId' }
    const asked = reportCall(counted, call)
    const report: StoredReport = {
      ...asked,
      reportId: `r-${made.length}-${asked.reportName.replaceAll(' ', '-')}`,
      queryId: QueryId,
      createdTime: clock.now().toISOString(),
      readyAt: clock.now().getTime() + (options.generationMs?.() ?? GENERATION),
      columns: /^SELECT (.+) FROM /.exec(query)?.[1] ?? '',
      figure: options.figureOf?.(asked, query) ?? 1,
      kind: health.reports,
      isUnlisted: health.isUnlisted === true,
    }
    account.reports.set(report.reportId, report)
    made.push(report)
    options.onMade?.(report)
    return [report]
  },
  listReports({ account, call, counted }) {
    const { searchParams } = new URL(call.path, BASE)
    const [id, name] = [searchParams.get('reportId'), searchParams.get('reportName')]
    const matches = ({ reportId, reportName }: StoredReport) =>
      (id === null || reportId === id) && (name === null || reportName === name)
    const found = [...account.reports.values()].filter(matches)
    if (found.some(({ isUnlisted }) => isUnlisted)) counted.hides = true
    return someOf(found.filter(({ isUnlisted }) => !isUnlisted))
  },
  execution({ account, call, health, clock, downloads }) {
    const id = decodeURIComponent(new URL(call.path, BASE).pathname.split('/').at(-1) ?? '')
    const report = account.reports.get(id)
    if (!report) return { status: 404, message: NOTHING }
    const isReady = clock.now().getTime() >= report.readyAt
    if (report.kind === 'stuck' || !isReady) return { status: 404, message: NO_EXECUTION }
    const { columns, start, kind, figure, createdTime } = report
    const query = new URLSearchParams({ columns, start, kind, figure: String(figure), made: createdTime })
    const link = `${health.areLinksForeign ? FOREIGN : downloads}/report.csv?${query}`
    return [
      { executionId: `e-${id.slice(2)}`, reportId: id, executionStatus: 'Completed', reportAccessSecureLink: link },
    ]
  },
  deleteReport: ({ account, call }) => removed(account.reports, call),
  listQueries({ account, call }) {
    const name = new URL(call.path, BASE).searchParams.get('queryName')
    return someOf([...account.queries.values()].filter((query) => query.name === name))
  },
  createQuery({ account, call }) {
    const { Name = '', Query = '' } = { ...call.body } as Record<string, string>
    const query: StoredQuery = { queryId: `q-${Name.replaceAll(' ', '-')}`, name: Name, query: Query }
    account.queries.set(query.queryId, query)
    return [query]
  },
  deleteQuery: ({ account, call }) => removed(account.queries, call),
  listDatasets({ call }) {
    const datasetName = new URL(call.path, BASE).searchParams.get('datasetName')
    return [{ datasetName, selectableColumns: COLUMNS, availableMetrics: METRICS, availableDateRanges: ['LIFETIME'] }]
  },
}

/** All columns that the feeds of the laws ask for. */
const COLUMNS = [
  ...['CompletionDate', 'TrainingName', 'MPNId', 'PartnerName', 'Month', 'Date', 'MonthlyActiveUsers'],
  ...['CustomerName', 'UsageQuantity'],
]
const METRICS = ['ACR_USD']

/** Where a report says when, and where it says how much. */
const TIMES = ['CompletionDate', 'Month', 'Date']
const FIGURES = ['MonthlyActiveUsers', 'ACR_USD']

function someOf(found: readonly object[]): Answered {
  return found.length > 0 ? found : { status: 404, message: NOTHING }
}

function removed(from: Map<string, unknown>, { path }: Call): Answered {
  const id = decodeURIComponent(path.split('/').at(-1) ?? '')
  return from.delete(id) ? [] : { status: 404, message: NOTHING }
}

/** Where reports are downloaded from: their address alone says what they hold. */
export type Downloads = { readonly origin: string; close(): Promise<void> }

export async function startDownloads(serve: (link: URL) => Promise<string> = serveFile): Promise<Downloads> {
  const server = createServer(async ({ url = '' }, response) => {
    response.end(await serve(new URL(url, 'http://localhost')))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

async function serveFile({ searchParams }: URL): Promise<string> {
  const get = (name: string) => searchParams.get(name) ?? ''
  return fileOf(get('kind'), get('columns'), get('start'), get('figure'))
}

/** A report with one row at the start of its window. */
export function fileOf(kind: string, columns: string, start: string, figure = '1'): string {
  if (kind === 'malformed') return '{"error":"something else"}'
  if (kind === 'headless') return ''
  const names = columns.split(',').map((name) => name.trim())
  const cell = (name: string) => (FIGURES.includes(name) ? figure : 'some')
  const row = names.map((name) => (TIMES.includes(name) ? start.slice(0, 10) : cell(name)))
  const rows = kind === 'empty' ? [] : [row.join(',')]
  return [names.join(','), ...rows, ''].join('\r\n')
}
