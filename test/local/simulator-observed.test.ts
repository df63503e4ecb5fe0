import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { type Client, openSimulator } from '../setup/simulator.ts'
import observed from './observed-datasets.json' with { type: 'json' }

// observed-datasets.json is a real answer to GET ScheduledDataset, of 27 February 2023, as a partner published it
// (github.com/joris68/AzureConsumption-Analytics-From-Partnercenter). The simulator makes its answer from the catalogue.

let simulator: Simulator
let client: Client

beforeAll(async () => {
  ;({ simulator, client } = await openSimulator({ profile: 'observed', rows: 1 }))
})
afterAll(() => simulator.close())

describe('the profile observed', () => {
  it('answers the list of datasets as the service did, field for field, in its order and spelling', async () => {
    const { status, envelope } = await client.get('ScheduledDataset')
    expect(status).toBe(200)
    expect(envelope).toEqual(observed)
    expect(JSON.stringify(envelope.value)).toBe(JSON.stringify(observed.value))
  })

  it.each(observed.value)('answers $datasetName alone as the service lists it', async (dataset) => {
    const { envelope } = await client.get(`ScheduledDataset?datasetName=${dataset.datasetName}`)
    expect(envelope.value).toEqual([dataset])
  })

  it.each([
    ['SELECT Month FROM CompetencySummaryHistory', 'Invalid table name'],
    ['SELECT Month, TotalACR FROM AzureUsage', 'Incorrect column name'],
    ['SELECT Month, PartnerLocationID FROM AzureUsage', 'Incorrect column name'],
    ['SELECT MonthKey, BilledRevenueUSD FROM CSPRevenueDetails TIMESPAN LAST_2_YEARS', 'Query created successfully'],
  ])('takes what the service lists and nothing else: %s', async (Query, message) => {
    expect((await client.post('ScheduledQueries', { Name: 'q', Query })).envelope.message).toBe(message)
  })
})
