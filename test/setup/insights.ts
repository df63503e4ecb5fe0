import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../local/simulator/simulator.ts'
import type { SimulatorAddress } from '../../local/start/environment.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import type { Environment } from '../../src/settings/environment.ts'
import { type TestClock, testClock } from './clock.ts'

/** Makes this process trust the certificate of the simulator's https endpoint, which serves sign-ins. */
export function trust({ certificate }: Pick<Simulator, 'certificate'>): void {
  setDefaultCACertificates([...getCACertificates('default'), certificate])
}

/** Starts a simulator that this process can sign in to. */
export async function startTrustedSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator(options)
  trust(simulator)
  return simulator
}

/** The settings that lead an app to the simulator. */
export function addressesOf({ baseUrl, authority, origin }: Simulator): Environment {
  return { INSIGHTS_BASE_URL: baseUrl, PARTNER_AUTHORITY_HOST: authority, REPORT_DOWNLOAD_HOSTS: origin }
}

/** Describes the simulator for the environment of another process, and writes its certificate into `folder`. */
export async function writeAddress(simulator: Simulator, folder: string): Promise<SimulatorAddress> {
  const { baseUrl, origin, authority } = simulator
  const certificate = join(folder, 'certificate.pem')
  await writeFile(certificate, simulator.certificate)
  return { baseUrl, origin, authority, certificate }
}

/** The app's client of the simulator, without retries: one fault of the simulator is one failure for the app. */
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
  /** Makes the service go by this clock. */
  follow(clock: TestClock): void
}

/** Starts a simulator that takes `generationMilliseconds` for a report, and opens the app's client of it. */
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

/** Whether a request asks the service for a report. */
export const asksForReport = ({ method, path }: Request) => method === 'POST' && path.endsWith('/ScheduledReport')

/** The requests so far that asked for a report. */
export const reportRequests = ({ requests }: Pick<Simulator, 'requests'>) => requests.filter(asksForReport)

/** The requests so far that registered a query. */
export const queryRequests = ({ requests }: Pick<Simulator, 'requests'>) =>
  requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/ScheduledQueries'))
