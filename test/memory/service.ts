import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts'
import { isFailure } from '../../src/core/failures.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import { type TestClock, testClock } from '../setup/clock.ts'
import type { Pass } from './store.ts'

/** Partner Insights for many deployments one after the other. */
export type Service = {
  readonly simulator: Simulator
  /** Where reports are downloaded from. */
  readonly gate: string
  /** From now on the service goes by this clock. */
  follow(clock: TestClock): void
  /** The service as one instance sees it; `onQuery` is told which queries it registers. */
  open(pass: Pass, onQuery: (queryId: string) => void): InsightsClient
  close(): Promise<void>
}

export async function startService(): Promise<Service> {
  let clock = testClock('2026-01-10T12:00:00Z')
  const now = () => clock.now()
  const simulator = await startSimulator({ generationMilliseconds: 0, now })
  setDefaultCACertificates([...getCACertificates('default'), simulator.certificate])
  const passes: Pass[] = []
  const gate = await startGate(simulator.origin, passes)
  const client = openClient(simulator, now)
  return {
    simulator,
    gate: gate.origin,
    follow(other) {
      clock = other
    },
    open(pass, onQuery) {
      const number = passes.push(pass) - 1
      return gated(client, pass, (link) => new URL(`/${number}${link.pathname}${link.search}`, gate.origin), onQuery)
    },
    async close() {
      await Promise.all([simulator.close(), gate.close()])
    },
  }
}

function openClient(simulator: Simulator, now: () => Date): InsightsClient {
  const place = { name: 'default', authorityHost: simulator.authority, tenantId: 'contoso', clientId: 'app' }
  const credentials = openCredentials({ ...place, auth: 'refresh-token', refreshToken: 'first' }, now)
  return openInsightsClient({ baseUrl: simulator.baseUrl, tokenHeader: 'Authorization', credentials, clock: now })
}

type Method = (...parameters: never[]) => Promise<unknown>

/** Each method is a call; links lead to the gate, where each download is one. */
function gated(
  client: InsightsClient,
  pass: Pass,
  redirect: (link: URL) => URL,
  onQuery: (queryId: string) => void,
): InsightsClient {
  const watched: InsightsClient = {
    ...client,
    async createQuery(query) {
      const made = await client.createQuery(query)
      if (!isFailure(made)) onQuery(made.queryId)
      return made
    },
    async execution(reportId) {
      const found = await client.execution(reportId)
      if (isFailure(found) || found.status === 'pending') return found
      return { ...found, link: redirect(found.link) }
    },
  }
  const methods = Object.entries(watched).map(([name, method]) => {
    const call = method as Method
    return [name, (...parameters: never[]) => pass(`insights.${name}`, () => call(...parameters))]
  })
  return Object.fromEntries(methods) as InsightsClient
}

/** Forwards `/<instance>/<path>` as a call of that instance. */
async function startGate(target: string, passes: readonly Pass[]) {
  const server = createServer(async ({ url = '' }, response) => {
    const [, number, path = ''] = /^\/(\d+)(\/.*)$/.exec(url) ?? []
    const pass = passes[Number(number)]
    if (!pass) return response.writeHead(404).end()
    await pass('download', () => forward(new URL(path, target), response))
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

async function forward(url: URL, response: ServerResponse): Promise<void> {
  const [answer] = (await once(get(url), 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  response.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks))
}
