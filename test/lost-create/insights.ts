import { failed } from '../../src/core/failures.ts'
import type { Creation as Answer, InsightsClient } from '../../src/services/insights/client.ts'
import type { ReportRequest } from '../../src/services/insights/reports.ts'
import type { TestClock } from '../setup/clock.ts'
import { AFTERWARDS, CALL_LIMIT, type Creation, type History, type Loss, type Meanwhile } from './history.ts'
import type { Twin } from './twin.ts'

/** One request for a report as it reached, or did not reach, the service. */
export type Asked = {
  readonly feed: string
  readonly window: string
  readonly attempt: number
  readonly request: ReportRequest
  readonly fate: Creation
  /** Absent where the service made no report. */
  readonly reportId?: string
  readonly madeAt: number
  /** What the file of the report names as customers, one for each row that can land. */
  readonly customers: readonly string[]
}

export type Scene = {
  readonly twin: Twin
  readonly clock: TestClock
  readonly history: History
  /** Every request so far, in the order in which they were sent. */
  readonly asked: Asked[]
  /** Lets another instance act while a request is on its way. */
  meanwhile(what: Meanwhile): Promise<void>
}

/** The service as a history plans it: the app's own client, with the faults of each call set before it. */
export function insightsOf(scene: Scene): InsightsClient {
  const { twin, history } = scene
  const { client, simulator } = twin
  const left = { unlisted: history.unlisted, undeleted: history.undeleted }
  let sent = 0
  const listing = (isLookUp: boolean) => {
    if (left.unlisted > 0) simulator.fault({ endpoint: 'listReports', effect: 'unlisted' })
    if (history.partialNames) simulator.fault({ endpoint: 'listReports', effect: 'partialNames' })
    if (isLookUp) left.unlisted -= 1
  }
  return {
    ...client,
    createReport: (request) =>
      create(scene, request, history.creations[sent++] ?? AFTERWARDS[history.afterwards], sent),
    async report(reportId) {
      listing(true)
      return client.report(reportId)
    },
    async reports(name) {
      listing(name !== undefined)
      return client.reports(name)
    },
    async deleteReport(reportId) {
      if (left.undeleted-- > 0) simulator.fault({ endpoint: 'deleteReport', effect: { status: 500 } })
      return client.deleteReport(reportId)
    },
  }
}

async function create(scene: Scene, request: ReportRequest, fate: Creation, serial: number): Promise<Answer> {
  const { twin, clock, asked } = scene
  const [, feed = '', window = '', attempt = ''] =
    /\/callback\/([^/]+)\/([^/]+)\/(\d+)\//.exec(request.callbackUrl ?? '') ?? []
  if (fate.foreign) await addForeign(twin, request, fate.foreign)
  // Another instance may add requests of its own before this one arrives.
  const place = asked.length
  const subject = { feed, window, attempt: Number(attempt), request, fate }
  asked.push({ ...subject, madeAt: clock.now().getTime(), customers: [] })
  if (fate.meanwhile?.side === 'before') await scene.meanwhile(fate.meanwhile)
  const before = new Set(twin.simulator.reports().map(({ reportId }) => reportId))
  const customers = serve(twin, request, serial, fate)
  const answer = await post(scene, request, fate)
  const made = twin.simulator.reports().find(({ reportId }) => !before.has(reportId))
  const madeAt = clock.now().getTime()
  asked[place] = { ...subject, ...(made && { reportId: made.reportId }), madeAt, customers }
  if (fate.meanwhile?.side === 'after') await scene.meanwhile(fate.meanwhile)
  return answer
}

/** Somebody copies our report under a longer name, or makes one of our very name from another query. */
async function addForeign({ client, queries }: Twin, request: ReportRequest, kind: string): Promise<void> {
  const { callbackUrl: _, ...copied } = request
  const other = { reportName: `${request.reportName} copy` }
  await client.createReport({ ...copied, ...(kind === 'longer name' ? other : { queryId: queries.foreign }) })
}

/** Each report has rows of its own, one to three of them, so that rows tell which report they are of. */
function serve({ simulator }: Twin, request: ReportRequest, serial: number, { report }: Creation): readonly string[] {
  const month = request.queryTimes?.start.slice(0, 10)
  const customers = Array.from({ length: 1 + (serial % 3) }, (_, row) => `report ${serial} row ${row}`)
  const lines = customers.map((customer) => `${month},${customer},1.5`)
  const spoilt = report === 'failing' ? [`${month},nobody,many`] : []
  const file = ['Month,CustomerName,UsageQuantity', ...lines, ...spoilt, ''].join('\r\n')
  simulator.serveFile(request.queryId, Buffer.from(file))
  return customers
}

const UNANSWERED: Answer = { outcome: 'unknown', failure: failed('unavailable', 'create report: no answer in time') }

async function post({ twin, clock }: Scene, request: ReportRequest, fate: Creation): Promise<Answer> {
  const { client, simulator } = twin
  if (fate.made) {
    // The history decides when the service calls back.
    simulator.fault({ endpoint: 'callback', effect: 'lost' })
    if (fate.report === 'stuck') simulator.fault({ endpoint: 'report', effect: 'stuck' })
  }
  if (fate.loss && fate.loss !== 'timed out')
    simulator.fault({ endpoint: 'createReport', effect: SPOILT[fate.loss](fate) })
  const isSent = fate.made || fate.loss !== 'timed out'
  const answer = isSent ? await client.createReport(request) : UNANSWERED
  if (fate.loss !== 'timed out') return answer
  clock.advance(CALL_LIMIT)
  return UNANSWERED
}

const SPOILT = {
  status: ({ made }: Creation) => (made ? { doneThen: 500 } : { status: 500 }),
  dropped: ({ made }: Creation) => (made ? 'lost' : 'drop'),
  unreadable: ({ made }: Creation) => (made ? 'truncated' : { page: 502 }),
} as const satisfies Record<Exclude<Loss, 'timed out'>, (fate: Creation) => unknown>
