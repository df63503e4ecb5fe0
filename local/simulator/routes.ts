import type { IncomingMessage, ServerResponse } from 'node:http'
import { listDatasets } from './datasets.ts'
import { answerDownload, refuseDownload } from './downloads.ts'
import { listExecutions } from './executions.ts'
import type { Endpoint, EndpointEffect, StatusEffect } from './faults.ts'
import { type Answer, type Call, json, NOT_FOUND, readCall, refusal, send } from './http.ts'
import { createQuery, deleteQuery, listQueries } from './queries.ts'
import { createReport, deleteReport, listReports, standingReports } from './reports.ts'
import type { ServedReports } from './served.ts'
import type { LoggedRequest, Service } from './service.ts'
import { answerDiscovery, answerToken, userOf } from './tokens.ts'

/** A route without an endpoint cannot be made to fail. */
export type Route = {
  readonly endpoint?: Endpoint
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: RegExp
  answer(call: Call, service: Service): Answer
}

type ApiAnswer = (call: Call, service: Service, user: string) => Answer

const api = (endpoint: Endpoint, method: Route['method'], path: string, answer: ApiAnswer): Route => ({
  endpoint,
  method,
  path: new RegExp(`^/insights/v1/mpn/${path}/?$`, 'i'),
  answer: (call, service) => {
    const user = userOf(service, call.headers)
    return user === undefined ? refusal(401, 'Unauthorized') : answer(call, service, user)
  },
})

/** What the service answers under its base address, and the signed links. */
export function serviceRoutes(served: ServedReports): readonly Route[] {
  return [
    api('datasets', 'GET', 'ScheduledDataset', listDatasets),
    api('listQueries', 'GET', 'ScheduledQueries', listQueries),
    api('createQuery', 'POST', 'ScheduledQueries', createQuery),
    api('deleteQuery', 'DELETE', 'ScheduledQueries/[^/]+', deleteQuery),
    api('listReports', 'GET', 'ScheduledReport', listReports),
    api('createReport', 'POST', 'ScheduledReport', createReport),
    api('deleteReport', 'DELETE', 'ScheduledReport/[^/]+', deleteReport),
    api('executions', 'GET', 'ScheduledReport/execution/[^/]+', listExecutions),
    downloadRoute(served),
  ]
}

/** What the token endpoint answers, over HTTPS. */
export const AUTHORITY_ROUTES: readonly Route[] = [
  { endpoint: 'token', method: 'POST', path: /^\/[^/]+\/oauth2\/(v2\.0\/)?token$/i, answer: answerToken },
  { method: 'GET', path: /^\/[^/]+\/v2\.0\/\.well-known\/openid-configuration$/i, answer: answerDiscovery },
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
      return report && run ? answerDownload(call, served.of(report, run)) : refusal(404, NOT_FOUND)
    },
  }
}

/** Reads, logs and answers one request, with whatever fault hits it. */
export async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly Route[],
  service: Service,
): Promise<void> {
  const call = await readCall(request)
  service.requests.push(logged(call, service.now()))
  const route = routes.find(({ method, path }) => method === call.method && path.test(call.path))
  if (!route) return send(response, refusal(404, NOT_FOUND))
  const effect = route.endpoint && service.faults.takeEndpoint(route.endpoint)
  if (effect === 'drop') return void request.socket.destroy()
  if (isStatus(effect)) return send(response, faultAnswer(effect))
  const answer = route.answer(call, service)
  if (effect === 'lost') return void request.socket.destroy()
  send(response, answer, effect?.cutAt)
}

function isStatus(effect: EndpointEffect | undefined): effect is StatusEffect {
  return typeof effect === 'object' && 'status' in effect
}

function faultAnswer({ status, message, body, headers = {} }: StatusEffect): Answer {
  if (typeof body === 'string') return { status, headers, body }
  return body === undefined ? refusal(status, message ?? String(status), headers) : json(status, body, headers)
}

function logged(call: Call, at: Date): LoggedRequest {
  const { method, path, headers } = call
  const request = { at, method, path, query: Object.fromEntries(call.query), headers, body: call.body.toString('utf8') }
  const sentToken = path.startsWith('/download/') && (headers.authorization ?? headers['x-aaduserticket']) !== undefined
  return sentToken ? { ...request, note: 'a token was sent to a signed link' } : request
}
