/** The simulator, as a whole. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Dataset } from '../../src/core/catalog.ts'
import { keepCertificate, makeCertificate } from '../certificate.ts'
import { startCallbacks } from './callbacks.ts'
import { answerControl, type Controls } from './control.ts'
import { datasetsOf } from './datasets.ts'
import { createFaults } from './faults.ts'
import { readCall, send } from './http.ts'
import { keepSecret } from './key-vault.ts'
import { standingReports } from './reports.ts'
import { AUTHORITY_ROUTES, serve, serviceRoutes } from './routes.ts'
import { createServedReports } from './served.ts'
import type { Profile, Service } from './service.ts'
import { IDENTITY_HEADER } from './sign-in.ts'
import { loadState, saveState } from './state.ts'

/** A stand-in for the Partner Insights service, written from its documentation. It is never deployed. */
export type Simulator = Controls & {
  /** For INSIGHTS_BASE_URL. */
  readonly baseUrl: string
  /** Where downloads come from, for REPORT_DOWNLOAD_HOSTS. */
  readonly origin: string
  /** The HTTPS token endpoint, for PARTNER_AUTHORITY_HOST. */
  readonly authority: string
  /** The stand-in for a Key Vault, at the same address, for KEY_VAULT_URL. */
  readonly keyVault: string
  /** The stand-in for a managed identity, for IDENTITY_ENDPOINT and IDENTITY_HEADER. */
  readonly identity: { readonly endpoint: string; readonly header: string }
  /** The PEM that a client of `authority` has to trust, for NODE_EXTRA_CA_CERTS. */
  readonly certificate: string
  close(): Promise<void>
}

export type SimulatorOptions = {
  /** 0, the default, takes a free port. */
  readonly port?: number
  /** As `port`. */
  readonly authorityPort?: number
  /** Decides the values of the rows. The same seed gives the same rows. */
  readonly seed?: number
  readonly now?: () => Date
  readonly profile?: Profile
  /** Datasets beside those of the profile, or in place of the ones with the same name. */
  readonly datasets?: readonly Dataset[]
  /** How long a report takes, from its creation to `Completed`: 200 unless said otherwise. */
  readonly generationMilliseconds?: number
  /** A file that keeps queries, reports and keys over a restart. The certificate is kept beside it. */
  readonly state?: string
  /** Rows of each month or day. */
  readonly rows?: number
}

/** Starts the service and its token endpoint on loopback. Throws what `listen` throws, for example when a port is in use. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { certificate, key } = await (options.state === undefined ? makeCertificate() : keepCertificate(options.state))
  const api = createServer()
  const authority = createSecureServer({ cert: certificate, key })
  const port = await listen(api, options.port)
  const authorityPort = await listen(authority, options.authorityPort).catch(async (error) => {
    await stop(api)
    throw error
  })
  const { now = () => new Date() } = options
  let aheadMilliseconds = 0
  const service = createService(options, {
    origin: `http://127.0.0.1:${port}`,
    authority: `https://localhost:${authorityPort}`,
    now: () => new Date(now().getTime() + aheadMilliseconds),
  })
  const { state } = service
  const served = createServedReports(service)
  const callbacks = startCallbacks(service)
  const simulator: Simulator = {
    baseUrl: `${service.origin}/insights/v1/mpn`,
    origin: service.origin,
    authority: service.authority,
    keyVault: service.authority,
    identity: { endpoint: `${service.origin}/identity/token`, header: IDENTITY_HEADER },
    certificate,
    requests: service.requests,
    served: (reportId) => {
      const report = state.reports.find((known) => known.reportId === reportId.toLowerCase())
      const execution = state.executions.findLast((run) => run.reportId === report?.reportId)
      return report && execution && served.of(report, execution)
    },
    reports: () => standingReports(service),
    fault: (rule) => {
      service.faults.add(rule)
      // Whoever has signed in would not meet the fault for an hour.
      if (rule.endpoint === 'token') service.revocations += 1
    },
    faults: () => service.faults.list(),
    clearFaults: () => service.faults.clear(),
    restate: (restatement) => {
      state.restatements = [...state.restatements, restatement]
      service.save()
    },
    keepSecret: (name, value, exp) => void keepSecret(service, name, value, exp),
    secrets: () => state.secrets,
    serveFile: (queryId, bytes) => void service.files.set(queryId.toLowerCase(), bytes),
    advance: (milliseconds) => {
      aheadMilliseconds += milliseconds
      callbacks.look()
    },
    close: async () => {
      await callbacks.stop()
      await Promise.all([stop(api), stop(authority)])
    },
  }
  const routes = serviceRoutes(served)
  attach(authority, (request, response) => serve(request, response, AUTHORITY_ROUTES, service))
  attach(api, async (request, response) => {
    if (!request.url?.startsWith('/_sim/')) return serve(request, response, routes, service)
    send(response, answerControl(await readCall(request), simulator))
  })
  return simulator
}

function createService(
  { state: file, profile = '2023', datasets, seed = 1, rows, generationMilliseconds = 200 }: SimulatorOptions,
  { origin, authority, now }: Pick<Service, 'origin' | 'authority' | 'now'>,
): Service {
  const state = loadState(file)
  const service: Service = {
    state,
    profile,
    datasets: datasetsOf(profile, datasets),
    seed,
    rows,
    generationMilliseconds,
    origin,
    authority,
    files: new Map(),
    pinned: new Map(),
    expired: new Set(),
    faults: createFaults(),
    revocations: 0,
    requests: [],
    apiCalls: 0,
    now,
    save: () => saveState(file, state),
  }
  // The signing key has to outlive this process even if nothing else changes.
  service.save()
  return service
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** A handler that throws is a bug of the simulator: the answer says so, so that the caller does not wait in vain. */
function attach(server: Server, handle: Handler): void {
  server.on('request', (request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return
      send(response, { status: 500, headers: { 'content-type': 'text/plain' }, body: `simulator: ${String(error)}` })
    })
  })
}

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}

async function stop(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
}
