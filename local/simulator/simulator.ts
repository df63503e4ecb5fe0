import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { keepCertificate, makeCertificate } from '../certificate.ts'
import { type Callbacks, startCallbacks } from './callbacks.ts'
import { answerControl } from './control.ts'
import { createFaults, type FaultRule } from './faults.ts'
import { readCall, send } from './http.ts'
import { IDENTITY_HEADER } from './identity.ts'
import { keepSecret, type Secret } from './key-vault.ts'
import { standingReports } from './reports.ts'
import type { Restatement } from './restate.ts'
import { AUTHORITY_ROUTES, serve, serviceRoutes } from './routes.ts'
import { createServedReports, type Served, type ServedReports } from './served.ts'
import type { LoggedRequest, Profile, Service } from './service.ts'
import { loadState, type Report, saveState } from './state.ts'

/** A stand-in for the Partner Insights service, written from its documentation; nothing of it is deployed. */
export type Simulator = {
  /** For INSIGHTS_BASE_URL. */
  readonly baseUrl: string
  /** Where downloads come from, for REPORT_DOWNLOAD_HOSTS. */
  readonly origin: string
  /** The HTTPS token endpoint, for PARTNER_AUTHORITY_HOST. */
  readonly authority: string
  /** The stand-in for a Key Vault, at the same place, for KEY_VAULT_URL. */
  readonly keyVault: string
  /** The stand-in for a managed identity, for IDENTITY_ENDPOINT and IDENTITY_HEADER. */
  readonly identity: { readonly endpoint: string; readonly header: string }
  /** PEM that a client of `authority` has to trust, for NODE_EXTRA_CA_CERTS. */
  readonly certificate: string
  /** Every request received, those of `/_sim/` left out. */
  readonly requests: readonly LoggedRequest[]
  /** What a report holds, also after it was deleted; undefined for a reportId never given out. */
  served(reportId: string): Served | undefined
  /** What stands at the service now. */
  reports(): readonly Report[]
  /** Turns on a switch of `switches.ts`; throws where it cannot act. */
  fault(rule: FaultRule): void
  /** Reports of the dataset created from now on hold other rows than those before. */
  restate(restatement: Restatement): void
  /** Puts a secret into the Key Vault; `exp` in seconds since 1970. */
  keepSecret(name: string, value: string, exp?: number): void
  /** What the Key Vault holds, each secret in its newest version. */
  secrets(): readonly Secret[]
  /** Serves these very bytes, compressed, for every report of the query created from now on. */
  serveFile(queryId: string, bytes: Buffer): void
  /** Moves the simulator's clock. */
  advance(milliseconds: number): void
  close(): Promise<void>
}

export type SimulatorOptions = {
  /** 0, the default, takes a free port; so does `authorityPort`. */
  readonly port?: number
  readonly authorityPort?: number
  readonly seed?: number
  readonly now?: () => Date
  readonly profile?: Profile
  readonly generationMilliseconds?: number
  /** A file that keeps queries, reports and keys over a restart; the certificate is kept beside it. */
  readonly state?: string
  readonly rows?: number
}

const GENERATION_MS = 200

/** Starts the service and its token endpoint on loopback ports. Throws what `listen` throws, as when a port is in use. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { certificate, key } = await (options.state === undefined ? makeCertificate() : keepCertificate(options.state))
  const api = createServer()
  const authority = createSecureServer({ cert: certificate, key })
  const port = await listen(api, options.port)
  const authorityPort = await listen(authority, options.authorityPort).catch(async (error) => {
    await stop(api)
    throw error
  })
  const clock = createClock(options.now ?? (() => new Date()))
  const service = createService(options, clock.now, `http://127.0.0.1:${port}`, `https://localhost:${authorityPort}`)
  const served = createServedReports(service)
  const callbacks = startCallbacks(service)
  const close = async () => {
    await callbacks.stop()
    await Promise.all([stop(api), stop(authority)])
  }
  const simulator = { ...compose(service, served, callbacks, clock.advance), certificate, close }
  const routes = serviceRoutes(served)
  attach(authority, (request, response) => serve(request, response, AUTHORITY_ROUTES, service))
  attach(api, async (request, response) => {
    if (!request.url?.startsWith('/_sim/')) return serve(request, response, routes, service)
    send(response, answerControl(await readCall(request), simulator))
  })
  return simulator
}

function createService(options: SimulatorOptions, now: () => Date, origin: string, authority: string): Service {
  const state = loadState(options.state)
  const service = {
    state,
    profile: options.profile ?? '2023',
    seed: options.seed ?? 1,
    rows: options.rows,
    generationMilliseconds: options.generationMilliseconds ?? GENERATION_MS,
    origin,
    authority,
    files: new Map(),
    pinned: new Map(),
    expired: new Set<string>(),
    faults: createFaults(),
    requests: [],
    now,
    save: () => saveState(options.state, state),
  }
  // The signing key has to outlive this process even if nothing else changes.
  service.save()
  return service
}

function compose(
  service: Service,
  served: ServedReports,
  callbacks: Callbacks,
  advance: (milliseconds: number) => void,
): Omit<Simulator, 'certificate' | 'close'> {
  return {
    baseUrl: `${service.origin}/insights/v1/mpn`,
    origin: service.origin,
    authority: service.authority,
    keyVault: service.authority,
    identity: { endpoint: `${service.origin}/identity/token`, header: IDENTITY_HEADER },
    requests: service.requests,
    served: (reportId) => servedOf(service, served, reportId.toLowerCase()),
    reports: () => standingReports(service),
    fault: (rule) => service.faults.add(rule),
    restate: (restatement) => {
      service.state.restatements = [...service.state.restatements, restatement]
      service.save()
    },
    keepSecret: (name, value, exp) => void keepSecret(service, name, value, exp),
    secrets: () => service.state.secrets,
    serveFile: (queryId, bytes) => void service.files.set(queryId.toLowerCase(), bytes),
    advance: (milliseconds) => {
      advance(milliseconds)
      callbacks.look()
    },
  }
}

function servedOf(service: Service, served: ServedReports, reportId: string): Served | undefined {
  const report = service.state.reports.find((known) => known.reportId === reportId)
  const execution = service.state.executions.findLast((run) => run.reportId === reportId)
  return report && execution && served.of(report, execution)
}

function createClock(now: () => Date): { now(): Date; advance(milliseconds: number): void } {
  let ahead = 0
  return {
    now: () => new Date(now().getTime() + ahead),
    advance: (milliseconds) => {
      ahead += milliseconds
    },
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** A handler that throws is a bug of the simulator: the answer says so instead of leaving the caller waiting. */
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
