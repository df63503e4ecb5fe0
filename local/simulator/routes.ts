/** Which endpoint answers a call. */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerInstead, cutPlace, type Refusal, spoilAnswer } from './answers.ts'
import { listDatasets } from './datasets.ts'
import { afterCut, answerDownload, refuseDownload } from './downloads.ts'
import { listExecutions } from './executions.ts'
import { type Answer, type Call, NOT_FOUND, readCall, refusal, send } from './http.ts'
import { getSecret, setSecret, vaultRefusal } from './key-vault.ts'
import { createQuery, deleteQuery, listQueries, testQuery } from './queries.ts'
import {
  createReport,
  deleteReport,
  listReports,
  pauseReport,
  resumeReport,
  standingReports,
  updateReport,
} from './reports.ts'
import type { ServedReports } from './served.ts'
import type { LoggedRequest, Service } from './service.ts'
import { answerAuthorize, answerDiscovery, answerIdentity, answerToken } from './sign-in.ts'
import { API_ENDPOINTS, type Endpoint, settingOf } from './switches.ts'
import { claimsOf } from './tokens.ts'

/** A route without `endpoint` cannot be made to fail. */
export type Route = {
  readonly endpoint?: Endpoint
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: RegExp
  /** How it writes a refusal, where that is not the API's envelope. */
  readonly refuse?: Refusal
  answer(call: Call, service: Service): Answer
}

type ApiAnswer = (call: Call, service: Service, user: string) => Answer

const api = (endpoint: Endpoint, method: Route['method'], path: string, answer: ApiAnswer): Route => ({
  endpoint,
  method,
  path: new RegExp(`^/insights/v1/mpn/${path}/?$`, 'i'),
  answer: (call, service) => {
    const caller = claimsOf(service, call.headers, 'partner')
    if (caller === undefined) return refusal(401, 'Unauthorized')
    return caller.role ? answer(call, service, caller.user) : refusal(403, 'Forbidden')
  },
})

/** What is answered over HTTP: the API under its base address, signed links, and the managed identity. */
export function serviceRoutes(served: ServedReports): readonly Route[] {
  return [
    api('listDatasets', 'GET', 'ScheduledDataset', listDatasets),
    api('listQueries', 'GET', 'ScheduledQueries', listQueries),
    api('createQuery', 'POST', 'ScheduledQueries', createQuery),
    api('testQuery', 'GET', 'ScheduledQueries/testQueryResult', testQuery),
    api('deleteQuery', 'DELETE', 'ScheduledQueries/[^/]+', deleteQuery),
    api('listReports', 'GET', 'ScheduledReport', listReports),
    api('createReport', 'POST', 'ScheduledReport', createReport),
    api('updateReport', 'PUT', 'ScheduledReport/[^/]+', updateReport),
    api('deleteReport', 'DELETE', 'ScheduledReport/[^/]+', deleteReport),
    api('pauseReport', 'PUT', 'ScheduledReport/pause/[^/]+', pauseReport),
    api('resumeReport', 'PUT', 'ScheduledReport/resume/[^/]+', resumeReport),
    api('listExecutions', 'GET', 'ScheduledReport/execution/[^/]+', listExecutions),
    downloadRoute(served),
    { endpoint: 'identity', method: 'GET', path: /^\/identity\/token$/, answer: answerIdentity },
  ]
}

const SECRET = /^\/secrets\/[^/]+\/?$/i

/** What is answered over HTTPS: sign-in and the Key Vault. */
export const AUTHORITY_ROUTES: readonly Route[] = [
  { endpoint: 'token', method: 'POST', path: /^\/[^/]+\/oauth2\/(v2\.0\/)?token$/i, answer: answerToken },
  { method: 'GET', path: /^\/[^/]+\/oauth2\/(v2\.0\/)?authorize$/i, answer: answerAuthorize },
  { method: 'GET', path: /^\/[^/]+\/v2\.0\/\.well-known\/openid-configuration$/i, answer: answerDiscovery },
  { endpoint: 'getSecret', method: 'GET', path: SECRET, answer: getSecret, refuse: vaultRefusal },
  { endpoint: 'setSecret', method: 'PUT', path: SECRET, answer: setSecret, refuse: vaultRefusal },
]

function downloadRoute(served: ServedReports): Route {
  const path = /^\/download\/([^/]+)\/([^/]+)\.[ct]sv$/
  return {
    endpoint: 'download',
    method: 'GET',
    path,
    answer: (call, service) => {
      const [, reportId, executionId] = path.exec(call.path) ?? []
      const report = standingReports(service).find((standing) => standing.reportId === reportId)
      const run = service.state.executions.find((execution) => execution.executionId === executionId)
      const refused = refuseDownload(call, service)
      if (refused) return refused
      if (!report || !run) return refusal(404, NOT_FOUND)
      const answer = answerDownload(call, served.of(report, run))
      afterCut(call, service, run)
      return answer
    },
  }
}

/** Reads, logs and answers one request, with the faults that hit it. */
export async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly Route[],
  service: Service,
): Promise<void> {
  const received = await readCall(request)
  service.requests.push(logged(received, service.now()))
  if (received.path.startsWith('/insights/')) service.apiCalls += 1
  const route = routes.find(({ method, path }) => method === received.method && path.test(received.path))
  if (!route) return send(response, refusal(404, NOT_FOUND))
  const effects = route.endpoint ? service.faults.take(route.endpoint) : []
  const call = { ...received, effects }
  if (effects.includes('hang')) return
  if (effects.includes('drop')) return void request.socket.destroy()
  const answer = withServiceHeaders(
    answerInstead(effects, route.refuse ?? refusal, service.apiCalls) ??
      spoilAnswer(route.answer(call, service), call, service),
    call,
    route,
    service,
  )
  if (effects.includes('lost')) return void request.socket.destroy()
  const cutAt = cutPlace(effects, answer.body.length, service)
  send(response, answer, { cutAt, lengthOff: settingOf(effects, 'lengthOff') })
}

const CALLS = 10

/** The headers of a real answer of 2023. How long a limit of ten calls lasts is not known, so here it never runs out. */
function withServiceHeaders<A extends Answer>(
  answer: A,
  { effects, headers: asked }: Call,
  { endpoint }: Route,
  service: Service,
): A {
  if (!API_ENDPOINTS.some((each) => each === endpoint) || effects.includes('bareHeaders')) return answer
  const methods = asked.validatemfa === 'true' ? claimsOf(service, asked, 'partner')?.amr : undefined
  const headers = {
    ...(methods && { ismfacompliant: String(methods.includes('mfa')) }),
    'ms-correlationid': randomUUID(),
    'x-ratelimit-limit': String(CALLS),
    'x-ratelimit-remaining': String(settingOf(effects, 'callsLeft') ?? CALLS - 2),
  }
  return { ...answer, headers: { ...headers, ...answer.headers } }
}

function logged(call: Call, at: Date): LoggedRequest {
  const { method, path, headers } = call
  const request = { at, method, path, query: Object.fromEntries(call.query), headers, body: call.body.toString('utf8') }
  const sentToken = path.startsWith('/download/') && (headers.authorization ?? headers['x-aaduserticket']) !== undefined
  return sentToken ? { ...request, note: 'a token was sent to a signed link' } : request
}
