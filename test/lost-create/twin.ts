import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts'
import { isFailure } from '../../src/core/failures.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import { type TestClock, testClock } from '../setup/clock.ts'
import { GENERATION } from './history.ts'

/** The stand-in for the service with the app's own client, for histories one after the other. */
export type Twin = {
  readonly simulator: Simulator
  readonly client: InsightsClient
  /** One query for each feed, and one that no feed uses. */
  readonly queries: Readonly<Record<'usage' | 'spend' | 'foreign', string>>
  /** From now on the service goes by this clock. */
  follow(clock: TestClock): void
}

export async function startTwin(): Promise<Twin> {
  let clock = testClock('2026-01-10T12:00:00Z')
  const now = () => clock.now()
  const simulator = await startSimulator({ generationMilliseconds: GENERATION, now })
  setDefaultCACertificates([...getCACertificates('default'), simulator.certificate])
  const signIn = { name: 'default', authorityHost: simulator.authority, tenantId: 'contoso', clientId: 'app' }
  const credentials = openCredentials({ ...signIn, auth: 'refresh-token', refreshToken: 'first' }, now)
  const { baseUrl } = simulator
  const client = openInsightsClient({ baseUrl, tokenHeader: 'Authorization', credentials, clock: now })
  const queries = {
    usage: await register(client, 'usage'),
    spend: await register(client, 'spend'),
    foreign: await register(client, 'foreign'),
  }
  return {
    simulator,
    client,
    queries,
    follow(other) {
      clock = other
    },
  }
}

async function register(client: InsightsClient, name: string): Promise<string> {
  const query = await client.createQuery({ name, query: 'SELECT Month, CustomerName, UsageQuantity FROM AzureUsage' })
  if (isFailure(query)) throw new Error(query.message)
  return query.queryId
}
