import { afterEach, expect, it } from 'vitest'
import { type FeedRow, feedRowKey } from '../../src/core/app-rows.ts'
import { isFailure } from '../../src/core/failures.ts'
import { provision } from '../../src/steps/provision.ts'
import { registerQuery } from '../../src/steps/register-query.ts'
import { createWorld, type World } from '../setup/world.ts'

const COSTS = { name: 'costs', dataset: 'AzureUsage', from: '2025-06-01', columns: ['Month', 'CustomerName'] }

let world: World | undefined
afterEach(() => world?.close())

it('two instances that register a query at once end with one query, the same for both', async () => {
  world = await createWorld({ feeds: [COSTS] })
  const { services } = world
  await provision(services)
  const stored = await services.ledger.readApp<FeedRow>(feedRowKey(COSTS.name))
  if (!stored) throw new Error('the feed was not remembered')
  const { query: _, ...row } = stored.value
  const insights = services.insights('default', {})
  if (isFailure(insights)) throw new Error(insights.message)
  // The other instance looked the query up before ours was there, and so made one of its own.
  const late = { ...insights, queries: async () => [] }
  expect(await registerQuery(services, late, row)).toEqual(stored.value)
  const left = await insights.listQueries({ includeSystemQueries: false })
  expect(isFailure(left) ? left : left.map(({ queryId }) => queryId)).toEqual([stored.value.query?.queryId])
})
