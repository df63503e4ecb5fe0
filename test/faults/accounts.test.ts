import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { TableClient } from '@azure/data-tables'
import { QueueServiceClient } from '@azure/storage-queue'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts'
import { openApp } from '../../src/app/app.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { requireSettings } from '../setup/settings.ts'

const MONTH = { dataset: 'AzureUsage', from: '2025-05-01', to: '2025-06-01' }
const FEEDS = {
  accounts: { emea: { auth: 'client-secret' }, apac2: {} },
  feeds: [
    { name: 'usage-emea', account: 'emea', ...MONTH },
    { name: 'usage-apac', account: 'apac2', ...MONTH },
    { name: 'usage-nobody', account: 'default', ...MONTH },
  ],
}

let azurite: Azurite
let simulator: Simulator
let folder: string
let services: Services
const events: AppEvent[] = []

beforeAll(async () => {
  azurite = await startAzurite()
  simulator = await startSimulator({ rows: 60, generationMilliseconds: 0 })
  setDefaultCACertificates([...getCACertificates('default'), simulator.certificate])
  folder = await mkdtemp(join(tmpdir(), 'accounts-'))
  await writeFile(join(folder, 'feeds.json'), JSON.stringify(FEEDS))
  const app = openApp(
    requireSettings({
      DataStorage: azurite.connectionString,
      INSIGHTS_BASE_URL: simulator.baseUrl,
      DEPLOYMENT_ID: 'accounts',
      PARTNER_AUTHORITY_HOST: simulator.authority,
      REPORT_DOWNLOAD_HOSTS: simulator.origin,
      CALLBACK_BASE_URL: '',
      PARTNER_TENANT_ID__EMEA: 'contoso-emea',
      PARTNER_CLIENT_ID__EMEA: 'app-emea',
      PARTNER_CLIENT_SECRET__EMEA: 'the secret of emea',
      PARTNER_TENANT_ID__APAC2: 'contoso-apac',
      PARTNER_CLIENT_ID__APAC2: 'app-apac',
      PARTNER_REFRESH_TOKEN__APAC2: 'the first token of apac',
    }),
    join(folder, 'feeds.json'),
  )
  services = app((event) => void events.push(event))
  await provision(services)
  await sweep(services)
  await drain()
})
afterAll(async () => {
  await simulator.close()
  await azurite.stop()
  await rm(folder, { recursive: true })
})

async function drain(): Promise<void> {
  const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient('ingest')
  for (;;) {
    const [message] = (await queue.receiveMessages()).receivedMessageItems
    if (!message) return
    await ingest(JSON.parse(Buffer.from(message.messageText, 'base64').toString('utf8')), services)
    await queue.deleteMessage(message.messageId, message.popReceipt)
  }
}

describe('feeds of several accounts', () => {
  it.each(['usage-emea', 'usage-apac'])('%s lands', async (feed) => {
    expect(await services.ledger.entries(feed)).toMatchObject([{ state: 'landed', figures: { rowsLanded: 60 } }])
    const table = feed === 'usage-emea' ? 'UsageEmea' : 'UsageApac'
    const client = TableClient.fromConnectionString(azurite.connectionString, table, { allowInsecureConnection: true })
    expect(await rawRows(client)).toHaveLength(60)
  })

  it('each signs in as itself, in the way its settings say', () => {
    const signIns = simulator.requests.filter(({ path }) => path.endsWith('/oauth2/v2.0/token'))
    const said = signIns.map(({ path, body }) => {
      const form = new URLSearchParams(body)
      return [path.split('/')[1], form.get('client_id'), form.get('grant_type')].join(' ')
    })
    expect(new Set(said)).toEqual(
      new Set(['contoso-emea app-emea client_credentials', 'contoso-apac app-apac refresh_token']),
    )
  })

  it('each asks for its own report with its own query', () => {
    const posts = simulator.requests.filter(
      ({ method, path }) => method === 'POST' && path.endsWith('/ScheduledReport'),
    )
    expect(posts.map(({ body }) => JSON.parse(body).ReportName.split(' ')[2]).toSorted()).toEqual([
      'usageXapac',
      'usageXemea',
    ])
    expect(new Set(posts.map(({ headers }) => headers.authorization)).size).toBe(2)
    expect(new Set(posts.map(({ body }) => JSON.parse(body).QueryId)).size).toBe(2)
  })

  it('an account without settings names what it lacks, and holds up nobody else', () => {
    expect(events.filter(({ event }) => event === 'feed.stale')).toMatchObject([
      { feed: 'usage-nobody', kind: 'unauthorized', message: expect.stringMatching(/PARTNER_TENANT_ID.*missing/) },
    ])
  })
})
