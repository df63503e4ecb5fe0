import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { TableClient, TableServiceClient } from '@azure/data-tables'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storageConnectionString } from '../../local/azurite.ts'
import { freePorts } from '../../local/processes.ts'
import { openApp } from '../../src/app/app.ts'
import { doctorMeans } from '../../src/app/doctor-means.ts'
import { clockFinding, expiryFinding, type Finding, isWell, mfaFindings } from '../../src/core/doctor.ts'
import { adviceOn, adviceText, isFailure } from '../../src/core/failures.ts'
import { feedRowKey, tableRowKey } from '../../src/core/ledger/app-rows.ts'
import { newFeedRow } from '../../src/core/ledger/feed-row.ts'
import { type Diagnosis, doctor } from '../../src/steps/doctor/doctor.ts'
import { checkStorage } from '../../src/steps/doctor/storage.ts'
import { feedOf } from '../core/feed-of.ts'
import { requireSettings } from '../setup/settings.ts'
import { type Deployment, startDeployment } from './deployment.ts'

const USAGE = { name: 'usage', dataset: 'AzureUsage', columns: ['Month', 'CustomerName'], from: '2025-04-01' }
const NOW = new Date('2026-01-01T00:00:00Z')

/** The answers of the app that callbacks lead to, as far as the doctor looks at it. */
const answers = { health: 200, callback: 404, clock: 0 }

let deployment: Deployment
let app: Server
let origin: string

beforeAll(async () => {
  deployment = await startDeployment([USAGE])
  app = createServer((request, response) => {
    const date = new Date(Date.now() + answers.clock).toUTCString()
    const status = request.url?.endsWith('/health') ? answers.health : answers.callback
    response.writeHead(status, { date }).end('{}')
  })
  await once(app.listen(0, '127.0.0.1'), 'listening')
  origin = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
})
afterAll(async () => {
  app.close()
  await deployment.close()
})

type Env = Readonly<Record<string, string | undefined>>

function settingsOf(changes: Env): Env {
  return { ...deployment.settings, CALLBACK_BASE_URL: `${origin}/api/callback`, ...changes }
}

async function look(changes: Env = {}, limitMs = 20_000): Promise<Diagnosis> {
  const settings = requireSettings(settingsOf(changes))
  const services = openApp(settings, join(deployment.folder, 'feeds.json'))(() => undefined)
  return doctor({ ...doctorMeans(settings, services), limitMs })
}

const problemsOf = ({ findings }: Diagnosis) => findings.filter(({ level }) => level === 'problem')

async function withFeeds(feeds: readonly object[]): Promise<Diagnosis> {
  await deployment.writeFeeds(feeds)
  const found = await look()
  await deployment.writeFeeds([USAGE])
  return found
}

async function withAnswers(changes: Partial<typeof answers>, env: Env = {}): Promise<Diagnosis> {
  const before = { ...answers }
  Object.assign(answers, changes)
  const found = await look(env)
  Object.assign(answers, before)
  return found
}

type Fault = Parameters<Deployment['simulator']['fault']>[0]

/** Looks once with a fault on as many calls as the look makes, so that none is left for the next look. */
async function withFault(fault: Fault, { calls = 1, limitMs = 20_000, env = {} } = {}): Promise<Diagnosis> {
  for (let nth = 1; nth <= calls; nth++) deployment.simulator.fault({ ...fault, nth })
  return look(env, limitMs)
}

async function closedPort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

type Case = readonly [name: string, run: () => Promise<Diagnosis>, check: string, message: RegExp]

const CASES: readonly Case[] = [
  [
    'storage that nobody serves',
    async () => {
      const [blob = 0, queue = 0, table = 0] = await freePorts(3)
      return look({ DataStorage: storageConnectionString({ blob, queue, table }) }, 2_000)
    },
    'storage',
    /table storage fails an operation that the app needs/,
  ],
  [
    'a storage key that is wrong',
    () => look({ DataStorage: deployment.settings.DataStorage?.replace(/AccountKey=..../, 'AccountKey=AAAA') }),
    'storage',
    /(blob|queue) storage refuses an operation that the app needs \(403\)/,
  ],
  [
    'feeds.json that is no JSON',
    async () => {
      await writeFile(join(deployment.folder, 'feeds.json'), '{')
      const found = await look()
      await deployment.writeFeeds([USAGE])
      return found
    },
    'feeds',
    /not JSON/,
  ],
  ['a feed of a dataset nobody knows', () => withFeeds([{ name: 'x1', dataset: 'AzureUsge' }]), 'feeds', /AzureUsge/],
  [
    'a feed with a problem beside one whose dataset the service does not offer: both are told',
    () =>
      withFeeds([
        { ...USAGE, shards: 0 },
        { name: 'other', dataset: 'Other', snapshot: 'P7D' },
      ]),
    'dataset',
    /feed other: the service does not offer dataset Other/,
  ],
  [
    'a service that misses multi-factor',
    () => withFault({ endpoint: 'listDatasets', effect: { noMfa: 'always' } }, { calls: 4 }),
    'sign-in',
    /the token lacks multi-factor \(900421\)/,
  ],
  [
    'a query with a column that is none',
    () => withFeeds([{ name: 'own', dataset: 'MSLearn', query: 'SELECT Nothing FROM MSLearn' }]),
    'query',
    /feed own: its query cannot be registered: query: Nothing at character 8 is not a column/,
  ],
  [
    'a query of another dataset',
    () => withFeeds([{ name: 'own', dataset: 'MSLearn', query: 'SELECT Month FROM AzureUsage' }]),
    'feeds',
    /feed "own": query: FROM names AzureUsage at character 19; it must be MSLearn/,
  ],
  [
    'a refresh token that is refused',
    () => withFault({ endpoint: 'token', effect: { refuse: 'invalid_grant' } }),
    'sign-in',
    /refresh-token was refused \(400 invalid_grant/,
  ],
  [
    'a client secret that is refused',
    () =>
      withFault(
        { endpoint: 'token', effect: { refuse: 'invalid_client' } },
        { env: { PARTNER_AUTH: 'client-secret', PARTNER_CLIENT_SECRET: 'a secret that is wrong' } },
      ),
    'sign-in',
    /client-secret was refused/,
  ],
  [
    'a token endpoint that answers with HTML',
    () => withFault({ endpoint: 'token', effect: { page: 502 } }, { calls: 3 }),
    'service',
    /the authority answered 502/,
  ],
  [
    'a token endpoint that answers too slowly',
    () => withFault({ endpoint: 'token', effect: 'hang' }, { limitMs: 1_000 }),
    'service',
    /no answer within 1 s/,
  ],
  [
    'a token endpoint that nobody serves',
    async () => look({ PARTNER_AUTHORITY_HOST: `https://localhost:${await closedPort()}` }),
    'service',
    /no answer from the authority/,
  ],
  [
    'a service that answers with a gateway page',
    () => withFault({ endpoint: 'listDatasets', effect: { page: 502 } }, { calls: 3 }),
    'service',
    /502/,
  ],
  ['an account without the role', () => withFault({ endpoint: 'token', effect: 'noRole' }), 'role', /datasets/],
  [
    'an account that needs settings nobody made',
    () => withFeeds([{ ...USAGE, account: 'emea' }]),
    'sign-in|feeds',
    /emea/,
  ],
  [
    'a certificate that is none',
    () => look({ PARTNER_AUTH: 'certificate', PARTNER_CERTIFICATE: 'no such file' }),
    'sign-in',
    /its certificate is neither PEM text/,
  ],
  [
    'a dataset the account is not offered',
    () => withFault({ endpoint: 'listDatasets', effect: { status: 200, body: { value: [], statusCode: 200 } } }),
    'dataset',
    /feed usage: the service does not offer dataset AzureUsage/,
  ],
  [
    'a column the service does not list',
    () =>
      withFault({
        endpoint: 'listDatasets',
        effect: {
          status: 200,
          body: { value: [{ datasetName: 'AzureUsage', selectableColumns: ['Month'] }], statusCode: 200 },
        },
      }),
    'columns',
    /AzureUsage does not list CustomerName/,
  ],
  [
    'a condition on a column the service does not list',
    () => {
      const value = [{ datasetName: 'AzureUsage', selectableColumns: USAGE.columns }]
      deployment.simulator.fault({
        endpoint: 'listDatasets',
        effect: { status: 200, body: { value, statusCode: 200 } },
      })
      return withFeeds([{ ...USAGE, where: "CustomerMarket='Norway'" }])
    },
    'query',
    /feed usage: its query cannot be registered: where: CustomerMarket at character 1 is not a column/,
  ],
  [
    'a query the service refuses',
    async () => {
      const query = { name: 'own', dataset: 'MSLearn', queryId: '11111111-2222-3333-4444-555555555555' }
      return withFeeds([query])
    },
    'query',
    /feed own: /,
  ],
  [
    'a table that belongs to another feed',
    async () => {
      const { ledger } = deployment.services
      await ledger.create()
      await ledger.writeApp(tableRowKey('Taken'), { feed: 'earlier' }, undefined)
      return withFeeds([{ ...USAGE, table: 'taken' }])
    },
    'table',
    /feed usage: table taken belongs to feed earlier/,
  ],
  [
    'a feed that the app has blocked',
    async () => {
      const { ledger } = deployment.services
      await ledger.create()
      const feed = feedOf({ ...USAGE, name: 'stuck' })
      const blocked = { kind: 'redacted', message: 'the service hides data', at: NOW.toISOString() } as const
      const row = newFeedRow(feed, {}, NOW)
      await ledger.writeFeed({ ...row, blocked }, undefined)
      const found = await look()
      const stored = await ledger.readApp(feedRowKey('stuck'))
      await ledger.writeFeed(row, stored?.etag)
      return found
    },
    'feed',
    /feed stuck is blocked: the service hides data/,
  ],
  [
    'a callback address that nobody serves',
    async () => look({ CALLBACK_BASE_URL: `http://127.0.0.1:${await closedPort()}/api/callback` }),
    'callback',
    /nothing answers at 127\.0\.0\.1:\d+ of this machine, as in CALLBACK_BASE_URL \(.*ECONNREFUSED\)/,
  ],
  [
    'an app whose settings are wrong',
    () => withAnswers({ health: 503 }),
    'callback',
    /settings are wrong or a timer is silent \(503\)/,
  ],
  ['a callback address of something else', () => withAnswers({ health: 404 }), 'callback', /answered 404, not 200/],
  ['a callback that anybody can make', () => withAnswers({ callback: 202 }), 'callback', /answered with 202, not 404/],
  ['a sign-in before the callback', () => withAnswers({ callback: 401 }), 'callback', /refuses callbacks \(401\)/],
  [
    'a clock that is ten minutes behind',
    () => withAnswers({ clock: 600_000 }, { INSIGHTS_BASE_URL: origin }),
    'clock',
    /this clock is (599|600) s behind the service's/,
  ],
]

describe('the doctor', () => {
  it('finds nothing where all is well', async () => {
    const found = await look()
    expect(problemsOf(found)).toEqual([])
    expect(found.well).toBe(true)
    const checks = new Set(found.findings.map(({ check }) => check))
    const app = ['callback', 'clock', 'timer', 'queue', 'quota']
    expect([...checks]).toEqual(['settings', 'storage', 'feeds', 'sign-in', 'role', 'dataset', ...app])
  })

  it.each(CASES)('names %s, with a remedy', async (_, run, check, message) => {
    const found = await run()
    const named = problemsOf(found).filter((finding) => message.test(finding.message))
    expect(problemsOf(found)).not.toEqual([])
    expect(named.map((finding) => finding.check)[0] ?? JSON.stringify(found.findings)).toMatch(
      new RegExp(`^(${check})$`),
    )
    for (const { remedy } of problemsOf(found))
      expect(remedy).toMatch(/^[A-Z].*(\.|\. Type: npx partner-insights-sync [a-z][^<]*)$/)
    expect(found.well).toBe(false)
    expect(JSON.stringify(found)).not.toMatch(
      /local-refresh-token|a secret that is wrong|AccountKey|secret of this test/,
    )
  })

  it('names the address of this machine at which no storage runs, and what starts it', async () => {
    const [table = 0] = await freePorts(1)
    const connection = storageConnectionString({ blob: table, queue: table, table })
    const tryOnce = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } }
    const client = TableClient.fromConnectionString(connection, 'Any', tryOnce)
    const run = (abortSignal: AbortSignal) => client.createTable({ abortSignal })
    expect(await checkStorage([{ service: 'table', run }], 20_000)).toMatchObject([
      { remedy: `Nothing runs at 127.0.0.1:${table} of this machine: "npm start" starts it, with the app.` },
    ])
  })

  it.each([
    ['http://127.0.0.1', 'Start the app on this machine: "npm start"'],
    ['https://0.0.0.0', 'Set CALLBACK_BASE_URL to an address of the app that the internet can reach'],
  ])('where nothing answers callbacks at %s, it says: %s', async (origin, remedy) => {
    const found = await look({ CALLBACK_BASE_URL: `${origin}:${await closedPort()}/api/callback` })
    expect(problemsOf(found)).toMatchObject([{ check: 'callback', remedy: expect.stringContaining(remedy) }])
  })

  it('names hidden data by the executions of a report', async () => {
    deployment.simulator.fault({ endpoint: 'listExecutions', effect: 'redacted' })
    const insights = deployment.services.insights('default', {})
    if (isFailure(insights)) throw new Error(insights.message)
    const query = await insights.createQuery({ name: 'any', query: 'SELECT Month FROM AzureUsage' })
    if (isFailure(query)) throw new Error(query.message)
    await insights.createReport({ reportName: 'any', queryId: query.queryId })
    const found = await look()
    expect(problemsOf(found)).toMatchObject([{ check: 'role', message: expect.stringMatching(/hides data/) }])
  })

  const BY_USER = { PARTNER_AUTH: 'refresh-token', PARTNER_REFRESH_TOKEN: 'first' }
  const ofSignIn = ({ findings }: Diagnosis) => findings.filter(({ check }) => check === 'sign-in')

  it('asks whether the sign-in has multi-factor', async () => {
    const before = deployment.simulator.requests.length
    const found = await look(BY_USER)
    const asked = deployment.simulator.requests.slice(before).filter(({ headers }) => headers.validatemfa === 'true')
    expect(asked).toHaveLength(1)
    expect(ofSignIn(found)).toContainEqual({
      check: 'sign-in',
      level: 'ok',
      message: 'account default signs in with multi-factor',
      account: { name: 'default', auth: 'refresh-token' },
    })
  })

  it('warns of a sign-in without multi-factor, which still works, before a run fails', async () => {
    const found = await withFault({ endpoint: 'token', effect: 'passwordOnly' }, { env: BY_USER })
    expect(problemsOf(found)).toEqual([])
    expect(ofSignIn(found)).toContainEqual({
      check: 'sign-in',
      level: 'warning',
      message: 'account default signs in without multi-factor (the service says so), which the service will refuse',
      remedy: adviceText(adviceOn('mfa-required', { account: 'default' })),
      account: { name: 'default', auth: 'refresh-token' },
    })
  })

  it('says nothing of multi-factor for an application alone', async () => {
    const found = await look({ PARTNER_AUTH: 'client-secret', PARTNER_CLIENT_SECRET: 'secret' })
    expect(JSON.stringify(ofSignIn(found))).not.toContain('multi-factor')
  })

  it('has the service try out the query that the app would register', async () => {
    const before = deployment.simulator.requests.length
    const found = await withFeeds([{ ...USAGE, where: "CustomerMarket = 'Norway'" }])
    const account = { name: 'default', auth: 'refresh-token' }
    const message = 'feed usage: the service accepts its query'
    const well = { check: 'query', level: 'ok', message, account, feed: 'usage' }
    expect(found.findings).toContainEqual(well)
    const calls = deployment.simulator.requests.slice(before)
    const tried = calls.filter(({ path }) => path.endsWith('/testQueryResult')).map(({ query }) => query.exportQuery)
    expect(tried).toEqual(["SELECT Month,CustomerName FROM AzureUsage WHERE CustomerMarket = 'Norway'"])
  })

  it('knows a dataset by the other name that the service lists it by', async () => {
    const name = 'CompetencyPerformanceRequirement'
    const value = [{ datasetName: name, selectableColumns: ['Month'], availableMetrics: [] }]
    deployment.simulator.fault({ endpoint: 'listDatasets', effect: { status: 200, body: { value, statusCode: 200 } } })
    const feed = { name: 'own', dataset: 'CompetencyPeformanceRequirement', query: `SELECT Month FROM ${name}` }
    const found = await withFeeds([feed])
    expect(problemsOf(found)).toEqual([])
    expect(found.findings).toContainEqual(expect.objectContaining({ check: 'dataset', level: 'ok' }))
    expect(found.findings).toContainEqual(expect.objectContaining({ check: 'query', level: 'ok' }))
  })

  it('warns of a from before what the service is known to offer', async () => {
    const found = await withFeeds([
      { name: 'old', dataset: 'OfficeUsage', columns: ['Month', 'CustomerName'], from: 'P36M' },
    ])
    expect(found.findings).toContainEqual({
      check: 'feed',
      level: 'warning',
      message: expect.stringMatching(
        /^feed "old": Microsoft documents OfficeUsage from \d{4}-\d\d-\d\d on: history starts there/,
      ),
      remedy: expect.any(String),
    })
    expect(problemsOf(found)).toEqual([])
  })

  it('says of a column that only the service knows that it is well, and nothing of the catalogue', async () => {
    const value = [{ datasetName: 'MSLearn', selectableColumns: ['Newest'], availableMetrics: [] }]
    deployment.simulator.fault({ endpoint: 'listDatasets', effect: { status: 200, body: { value, statusCode: 200 } } })
    const taken = { value: [{ newest: 1 }], statusCode: 200 }
    deployment.simulator.fault({ endpoint: 'testQuery', effect: { status: 200, body: taken } })
    const found = await withFeeds([{ name: 'own', dataset: 'MSLearn', query: 'SELECT Newest FROM MSLearn' }])
    const said = found.findings.filter(({ check }) => check === 'feeds' || check === 'query')
    expect(said).toMatchObject([
      { level: 'ok', message: '1 feed can be read' },
      { level: 'ok', message: 'feed own: the service accepts its query' },
    ])
    expect(problemsOf(found)).toEqual([])
  })

  it('tells once of a table that belongs to another feed, for which the app has blocked the feed', async () => {
    const { ledger } = deployment.services
    await ledger.create()
    await ledger.writeApp(tableRowKey('Taken2'), { feed: 'earlier' }, undefined)
    const feed = feedOf({ ...USAGE, name: 'late', table: 'Taken2' })
    const message = 'table Taken2 belongs to feed earlier'
    const blocked = { kind: 'table-taken', message, at: NOW.toISOString() } as const
    const row = newFeedRow(feed, {}, NOW)
    await ledger.writeFeed({ ...row, blocked, refused: true }, undefined)
    const [named, unnamed] = [await withFeeds([{ ...USAGE, name: 'late', table: 'Taken2' }]), await look()]
    const stored = await ledger.readApp(feedRowKey('late'))
    await ledger.writeFeed(row, stored?.etag)
    expect(problemsOf(named)).toMatchObject([{ check: 'table', message: expect.stringMatching(/^feed late: table/) }])
    expect(problemsOf(unnamed)).toMatchObject([
      { check: 'feed', message: expect.stringMatching(/^feed late is block/) },
    ])
  })

  it('tells once of a feed whose name stands for another table, before and after the app has refused it', async () => {
    const { ledger } = deployment.services
    await ledger.create()
    const moved = [{ ...USAGE, name: 'moved', table: 'Elsewhere' }]
    const row = newFeedRow(feedOf({ ...USAGE, name: 'moved', table: 'Moved' }), {}, NOW)
    await ledger.writeApp(tableRowKey('Moved'), { feed: 'moved' }, undefined)
    const written = await ledger.writeFeed(row, undefined)
    const message = 'feed moved: table changed from Moved to Elsewhere: give it a new name'
    const before = await withFeeds(moved)
    const blocked = { kind: 'query-refused', message, at: NOW.toISOString() } as const
    const refused = await ledger.writeFeed({ ...row, blocked, refused: true }, written?.etag)
    const after = await withFeeds(moved)
    await ledger.writeFeed(row, refused?.etag)
    for (const found of [before, after]) expect(problemsOf(found)).toMatchObject([{ check: 'feed', message }])
  })

  it('leaves a feed that is switched off alone, whoever has its table', async () => {
    const { ledger } = deployment.services
    await ledger.create()
    await ledger.writeApp(tableRowKey('Taken3'), { feed: 'earlier' }, undefined)
    const off = { ...USAGE, name: 'off', table: 'Taken3' }
    expect(problemsOf(await withFeeds([{ ...off, enabled: false }]))).toEqual([])
    expect(problemsOf(await withFeeds([off]))).toMatchObject([{ check: 'table' }])
  })

  it('leaves nothing of its own in the storage account', async () => {
    await look()
    const tables = TableServiceClient.fromConnectionString(deployment.azurite.connectionString, {
      allowInsecureConnection: true,
    })
    const names: string[] = []
    for await (const { name } of tables.listTables()) names.push(name ?? '')
    expect(names.filter((name) => name.startsWith('doctor'))).toEqual([])
  })
})

describe('its verdicts', () => {
  it.each([
    [0, 'ok'],
    [59_000, 'ok'],
    [-61_000, 'warning'],
    [301_000, 'problem'],
    [-301_000, 'problem'],
  ])('a clock %i ms off is %s', (behind, level) => {
    expect(clockFinding(behind).level).toBe(level)
  })

  it.each([
    [-1, 'problem'],
    [29, 'warning'],
    [31, 'ok'],
  ])('a secret with %i days left is %s', (days, level) => {
    const expiresAt = new Date(NOW.getTime() + days * 86_400_000)
    expect(expiryFinding('default', 'client-secret', expiresAt, NOW).level).toBe(level)
  })

  it('of multi-factor goes by the service, and by the token where the service says nothing', () => {
    const verdict = (isCompliant: boolean | undefined, methods: readonly string[] | undefined) =>
      mfaFindings('default', isCompliant, methods).map(({ level, message }) => `${level}: ${message}`)
    const without = (why: string) => [
      `warning: account default signs in without multi-factor (${why}), which the service will refuse`,
    ]
    const fine = ['ok: account default signs in with multi-factor']
    expect(verdict(true, ['pwd'])).toEqual(fine)
    expect(verdict(undefined, ['pwd', 'mfa'])).toEqual(fine)
    expect(verdict(false, ['pwd', 'mfa'])).toEqual(without('the service says so'))
    expect(verdict(undefined, ['pwd', 'rsa'])).toEqual(without('its token names pwd, rsa'))
    expect(verdict(undefined, [])).toEqual(without('its token names nothing'))
    expect(verdict(undefined, undefined)).toEqual([])
  })

  it('a warning is no problem', () => {
    const warned: Finding = { check: 'clock', level: 'warning', message: '' }
    expect([isWell([warned]), isWell([{ ...warned, level: 'problem' }])]).toEqual([true, false])
  })
})

describe('the command', () => {
  it('exits 0 where all is well, and 1 where something is not; each finding is a line', async () => {
    const env = { CALLBACK_BASE_URL: '' }
    const [fine, wrong] = await Promise.all([
      deployment.command(['doctor', '--feeds', 'feeds.json'], {
        ...env,
        INSIGHTS_BASE_URL: deployment.simulator.baseUrl,
      }),
      deployment.command(['doctor'], { POLL_EVERY: 'soon', DEPLOYMENT_ID: 'No Name' }),
    ])
    expect(fine.out).not.toMatch(/^problem/m)
    expect(wrong.out).toMatch(
      /^problem {2}settings: POLL_EVERY is "soon".*\nproblem {2}settings: DEPLOYMENT_ID .*\.\n$/,
    )
    expect(wrong.exit).toBe(1)
    expect(fine.exit).toBe(0)
  })

  it('asks the deployed app with its key, and says what it answered', async () => {
    const asked: string[] = []
    const findings = [{ check: 'clock', level: 'problem', message: 'it is late', remedy: 'Set it.' }]
    const deployed = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['x-functions-key']}`)
      response.writeHead(request.headers['x-functions-key'] === 'right' ? 200 : 401).end(JSON.stringify({ findings }))
    })
    await once(deployed.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(deployed.address() as AddressInfo).port}`
    const [right, wrong, none] = await Promise.all([
      deployment.command(['doctor', '--app', url, '--key', 'right']),
      deployment.command(['doctor', '--app', url, '--key', 'wrong', '--json']),
      deployment.command(['doctor', '--app', url]),
    ])
    deployed.close()
    expect(right).toMatchObject({ exit: 1, out: 'problem  clock: it is late. Set it.\n' })
    expect(JSON.parse(wrong.out)).toMatchObject({
      well: false,
      findings: [{ check: 'app', message: 'the app answered 401' }],
    })
    expect(none.exit).toBe(2)
    expect(asked).toContain('POST /api/run/doctor right')
  })
})
