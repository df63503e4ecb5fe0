import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../local/simulator/simulator.ts'
import type { SimulatorAddress } from '../../local/start/environment.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import type { Environment } from '../../src/settings/environment.ts'
import { type TestClock, testClock } from './clock.ts'

/** From now on this process accepts the certificate of the simulator's https endpoint, where sign-ins go. */
export function trust({ certificate }: Pick<Simulator, 'certificate'>): void {
  setDefaultCACertificates([...getCACertificates('default'), certificate])
}

/** Starts a simulator that this process can sign in to. */
export async function startTrustedSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator(options)
  trust(simulator)
  return simulator
}

/** The settings by which an app in this process finds the simulator. */
export function addressesOf({ baseUrl, authority, origin }: Simulator): Environment {
  return { INSIGHTS_BASE_URL: baseUrl, PARTNER_AUTHORITY_HOST: authority, REPORT_DOWNLOAD_HOSTS: origin }
}

/** The simulator as a process of its own has to be told of it; writes the certificate into `folder`. */
export async function writeAddress(simulator: Simulator, folder: string): Promise<SimulatorAddress> {
  const { baseUrl, origin, authority } = simulator
  const certificate = join(folder, 'certificate.pem')
  await writeFile(certificate, simulator.certificate)
  return { baseUrl, origin, authority, certificate }
}

/** The app's own client, which repeats no call here: one fault of the simulator is one failure of the app. */
export function openTestClient(
  { authority, ...simulator }: Simulator,
  clock: () => Date,
  baseUrl = simulator.baseUrl,
): InsightsClient {
  const account = { name: 'default', authorityHost: authority, tenantId: 'contoso', clientId: 'app' }
  const credentials = openCredentials({ ...account, auth: 'refresh-token', refreshToken: 'first' }, clock)
  return openInsightsClient({ baseUrl, tokenHeader: 'Authorization', credentials, clock })
}

/** Partner Insights for many deployments one after the other, each with a clock of its own. */
export type SharedInsights = {
  readonly simulator: Simulator
  readonly client: InsightsClient
  /** From now on the service goes by this clock. */
  follow(clock: TestClock): void
}

export async function startSharedInsights(generationMilliseconds: number): Promise<SharedInsights> {
  let clock = testClock('2026-01-10T12:00:00Z')
  const now = () => clock.now()
  const simulator = await startTrustedSimulator({ generationMilliseconds, now })
  return {
    simulator,
    client: openTestClient(simulator, now),
    follow(other) {
      clock = other
    },
  }
}

type Request = { readonly method: string; readonly path: string }

/** Whether this is the call that asks the service for a report. */
export const asksForReport = ({ method, path }: Request) => method === 'POST' && path.endsWith('/ScheduledReport')

/** The calls so far that asked for a report. */
export const reportRequests = ({ requests }: Pick<Simulator, 'requests'>) => requests.filter(asksForReport)

/** The calls so far that asked the service to keep a query. */
export const queryRequests = ({ requests }: Pick<Simulator, 'requests'>) =>
  requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/ScheduledQueries'))
