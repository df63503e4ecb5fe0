import type { TableClient } from '@azure/data-tables'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { openApp } from '../../src/app/app.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { storageClients } from '../../src/services/storage/clients.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { addressesOf, reportRequests, startTrustedSimulator } from '../setup/insights.ts'
import { drain, openReceiver } from '../setup/queue.ts'
import { requireSettings } from '../setup/settings.ts'
import { freshName, withSuffix } from '../setup/storage.ts'

const MONTH = { dataset: 'AzureUsage', from: '2025-05-01', to: '2025-06-01' }
const FEEDS = {
  accounts: { emea: { auth: 'client-secret' }, apac2: {} },
  feeds: [
    { name: 'usage-emea', account: 'emea', ...MONTH },
    { name: 'usage-apac', account: 'apac2', ...MONTH },
    { name: 'usage-nobody', account: 'default', ...MONTH },
  ],
}

let simulator: Simulator
let services: Services
let landingTable: (name: string) => TableClient
const events: AppEvent[] = []

beforeAll(async () => {
  simulator = await startTrustedSimulator({ rows: 60, generationMilliseconds: 0 })
  const settings = requireSettings({
    ...addressesOf(simulator),
    DataStorage: inject('storage'),
    DEPLOYMENT_ID: 'accounts',
    CALLBACK_BASE_URL: '',
    PARTNER_TENANT_ID__EMEA: 'contoso-emea',
    PARTNER_CLIENT_ID__EMEA: 'app-emea',
    PARTNER_CLIENT_SECRET__EMEA: 'the secret of emea',
    PARTNER_TENANT_ID__APAC2: 'contoso-apac',
    PARTNER_CLIENT_ID__APAC2: 'app-apac',
    PARTNER_REFRESH_TOKEN__APAC2: 'the first token of apac',
  })
  const storage = withSuffix(storageClients(settings.storage), freshName('a'))
  landingTable = storage.table
  const app = openApp(settings, '', { storage, packagedFeeds: async () => JSON.stringify(FEEDS) })
  services = app((event) => void events.push(event))
  await provision(services)
  await sweep(services)
  await drain(openReceiver(storage.queue('ingest')), services)
})
afterAll(() => simulator.close())

describe('feeds of several accounts', () => {
  it.each(['usage-emea', 'usage-apac'])('%s lands', async (feed) => {
    expect(await services.ledger.entries(feed)).toMatchObject([{ state: 'landed', figures: { rowsLanded: 60 } }])
    const table = feed === 'usage-emea' ? 'UsageEmea' : 'UsageApac'
    expect(await rawRows(landingTable(table))).toHaveLength(60)
  })

  it('each account signs in as itself, in the way its settings say', () => {
    const signIns = simulator.requests.filter(({ path }) => path.endsWith('/oauth2/v2.0/token'))
    const said = signIns.map(({ path, body }) => {
      const form = new URLSearchParams(body)
      return [path.split('/')[1], form.get('client_id'), form.get('grant_type')].join(' ')
    })
    expect(new Set(said)).toEqual(
      new Set(['contoso-emea app-emea client_credentials', 'contoso-apac app-apac refresh_token']),
    )
  })

  it('each account asks for its own report with its own query', () => {
    const posts = reportRequests(simulator)
    expect(posts.map(({ body }) => JSON.parse(body).ReportName.split(' ')[2]).toSorted()).toEqual([
      'usageXapac',
      'usageXemea',
    ])
    expect(new Set(posts.map(({ headers }) => headers.authorization)).size).toBe(2)
    expect(new Set(posts.map(({ body }) => JSON.parse(body).QueryId)).size).toBe(2)
  })

  it('an account without settings is told what it lacks, and holds up no other account', () => {
    expect(events.filter(({ event }) => event === 'feed.stale')).toMatchObject([
      {
        feed: 'usage-nobody',
        kind: 'unauthorized',
        message: expect.stringMatching(/PARTNER_TENANT_ID.*missing/),
        remedy: expect.stringMatching(/^Set what the message says is missing.* Type: .* doctor$/),
      },
    ])
  })
})
