import { isFailure } from '../../src/core/failures.ts'
import type { InsightsClient } from '../../src/services/insights/client.ts'
import { type SharedInsights, startSharedInsights } from '../setup/insights.ts'
import { GENERATION } from './history.ts'

/** The simulator for histories that are played one after the other. */
export type Twin = SharedInsights & {
  /** One query for each feed, and one that no feed uses. */
  readonly queries: Readonly<Record<'usage' | 'spend' | 'foreign', string>>
}

export async function startTwin(): Promise<Twin> {
  const shared = await startSharedInsights(GENERATION)
  const { client } = shared
  const queries = {
    usage: await register(client, 'usage'),
    spend: await register(client, 'spend'),
    foreign: await register(client, 'foreign'),
  }
  return { ...shared, queries }
}

async function register(client: InsightsClient, name: string): Promise<string> {
  const query = await client.createQuery({ name, query: 'SELECT Month, CustomerName, UsageQuantity FROM AzureUsage' })
  if (isFailure(query)) throw new Error(query.message)
  return query.queryId
}
