import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import type { Finding } from '../../src/core/doctor.ts'
import { dataRoles, distinct, type Need, storageNeeds, vaultNeeds, verdictOn } from '../infra/data-actions.ts'
import { appSettings, NAMES, rolesOf, type SnapshotName, storesTokens } from '../infra/snapshot.ts'
import { forbidLeaks, ledgerPlaces, linesOf } from '../setup/canaries.ts'
import { deployableApp } from '../setup/deployable-app.ts'
import {
  type DeployedApp,
  FIRST_TOKEN,
  instanceMemoryMiB,
  type Production,
  startProduction,
} from '../setup/production.ts'
import { monthsBack } from './landed.ts'

const FEED = {
  name: 'costs',
  dataset: 'AzureUsage',
  from: monthsBack(3),
  to: monthsBack(1),
  columns: ['Month', 'SubscriptionId', 'UsageQuantity'],
  refresh: false,
  publish: ['table', 'parquet'],
}
const WINDOWS = 2

let app: string
let deployment: Production
let host: DeployedApp
let doctor: { readonly findings: readonly Finding[] }

const SECONDS = 1000

beforeAll(async () => {
  ;[app, deployment] = await Promise.all([deployableApp([FEED]), startProduction()])
  host = await deployment.start(app)
  await allLanded(host)
  doctor = (await (await host.ask('run/doctor', 'POST')).json()) as typeof doctor
}, 120 * SECONDS)
afterAll(async () => {
  await deployment.close()
  forbidLeaks(deployment.simulator.requests, linesOf(host))
  await rm(app, { recursive: true })
})

/** Waits until every window has landed and no report is left at the service. */
async function allLanded({ lines }: DeployedApp): Promise<void> {
  const { simulator, entries } = deployment
  const isDone = async () =>
    (await entries()).filter(({ state }) => state === 'landed').length === WINDOWS && simulator.reports().length === 0
  await waitUntil('every window has landed', isDone, 60 * SECONDS).catch((error: Error) => {
    throw new Error([error.message, ...lines].join('\n'))
  })
}

/** The messages that were put into the queue so far. */
function hints(): readonly string[] {
  const puts = deployment
    .calls()
    .filter(({ service, method, path }) => service === 'queue' && method === 'POST' && /ingest/.test(path))
  return puts.map(({ body = '' }) =>
    Buffer.from(/<MessageText>([^<]*)/.exec(body)?.[1] ?? '', 'base64').toString('utf8'),
  )
}

const isOfCallback = (hint: string) => hint.includes('"reportId"')

describe('dist/app alone, with the settings of the template', () => {
  it('has no connection string for data, and stands in a folder of its own', async () => {
    expect(deployment.settings).not.toHaveProperty('DataStorage')
    expect(process.env).not.toHaveProperty('DataStorage')
    expect(await readdir(app)).not.toContain('node_modules')
  })

  it('lands every window with its rows, and removes the reports at the service', async () => {
    expect(await deployment.rows('Costs')).toHaveLength(WINDOWS * 40)
    expect(await deployment.published()).toEqual(
      [2, 3].map((back) => `Costs/${monthsBack(back)}_${monthsBack(back - 1)}.parquet`).toSorted(),
    )
    const landed = host.lines.filter((line) => line.includes('"event":"window.landed"'))
    expect(landed).toHaveLength(WINDOWS)
    expect(host.lines.filter((line) => / (error|warning) /.test(line))).toEqual([])
  })

  it('was called back', () => {
    expect(hints().filter(isOfCallback).length).toBeGreaterThanOrEqual(WINDOWS)
  })

  it('takes the refresh token from the vault, and stores the new one there', () => {
    const { requests } = deployment.simulator
    const redeemed = requests
      .filter(({ path }) => path.includes('/oauth2/'))
      .map(({ body }) => new URLSearchParams(body))
    expect(redeemed[0]?.get('refresh_token')).toBe(FIRST_TOKEN)
    const [stored] = deployment.simulator.secrets().filter(({ name }) => name === 'partner-default-refresh-token')
    expect(stored?.value).toMatch(/^refresh-/)
  })

  it('asks for tokens with the identity that the template names, and with no other', () => {
    const asked = deployment.simulator.requests.filter(({ path }) => path === '/identity/token')
    const resources = new Set(asked.map(({ query }) => query.resource?.replace(/\/$/, '')))
    expect([...resources].toSorted()).toEqual(['https://storage.azure.com', 'https://vault.azure.net'])
    expect(new Set(asked.map(({ query }) => query.client_id))).toEqual(
      new Set([deployment.settings.DataStorage__clientId]),
    )
  })

  it('asks for no path with two slashes, though every address ends with one', () => {
    const calls = deployment.calls()
    const paths = [...calls, ...deployment.simulator.requests].map(({ path }) => path.split('?')[0] ?? '')
    expect(paths.length).toBeGreaterThan(100)
    expect(paths.filter((path) => path.includes('//'))).toEqual([])
    const inBatches = calls.flatMap(({ body = '' }) => body.match(/^(PUT|POST|PATCH|DELETE|MERGE) https?:\S+/gm) ?? [])
    expect(inBatches.length).toBeGreaterThan(0)
    expect(inBatches.filter((line) => /:\/\/[^\s]*\/\//.test(line))).toEqual([])
  })

  it('finds nothing wrong with itself', () => {
    expect(doctor.findings.filter(({ level }) => level === 'problem')).toEqual([])
    expect(doctor.findings.filter(({ check }) => check === 'storage')).toHaveLength(3)
  })

  it('writes no secret to a log or the ledger', async () => {
    forbidLeaks(deployment.simulator.requests, [...linesOf(host), ...(await ledgerPlaces(deployment))])
  })
})

const rolesIn = (name: SnapshotName) => dataRoles(rolesOf(name))

/** What the recorded calls needed, and what the platform needs to resolve the references in the settings of a snapshot. */
function needsOf(name: SnapshotName): readonly Need[] {
  const { calls, simulator } = deployment
  const isReference = Object.values(appSettings(name)).some((value) => value.includes('@Microsoft.KeyVault('))
  const stores = storesTokens(name)
  const ofVault = vaultNeeds(simulator.requests).filter(({ action }) => stores || action !== 'secret/set')
  const ofPlatform = isReference ? [{ action: 'secret/get', scope: 'kv' }] : []
  return distinct([...calls().flatMap(storageNeeds), ...ofVault, ...ofPlatform])
}

describe('the roles of the template, against the calls of the whole run', () => {
  it.each(NAMES)('%s: every call is allowed, every role is needed, and none is stronger than it must be', (name) => {
    const { refused, idle, strong } = verdictOn(rolesIn(name), needsOf(name))
    expect({ refused, idle, strong }).toEqual({ refused: [], idle: [], strong: [] })
  })

  it('the run made calls of every kind', () => {
    const scopes = new Set(needsOf('defaults').map(({ scope }) => scope.replace(/doctor[0-9a-f]+$/, 'doctor…')))
    expect([...scopes].toSorted()).toEqual([
      'kv',
      'stdata',
      'stdata/config',
      'stdata/doctor…',
      'stdata/ingest',
      'stdata/ingest-poison',
      'stdata/published',
      'stdata/reports',
    ])
    const actions = new Set(needsOf('defaults').map(({ action }) => action))
    expect([...actions]).toEqual(
      expect.arrayContaining(['table/write', 'entity/delete', 'blob/write', 'message/process', 'secret/set']),
    )
  })

  it('one role too few is seen, whichever it is', () => {
    const roles = rolesIn('defaults')
    expect(roles).toHaveLength(6)
    for (const missing of roles) {
      const left = roles.filter((role) => role !== missing)
      expect(verdictOn(left, needsOf('defaults')).refused, missing.role).not.toEqual([])
    }
  })

  it.each([
    { role: 'storageBlobDataContributor', scope: 'stdata' },
    { role: 'storageBlobDataOwner', scope: 'stdata/reports' },
    { role: 'storageTableDataContributor', scope: 'stdata/reports' },
    { role: 'keyVaultSecretsUser', scope: 'kv' },
  ])('one role too many is seen: $role on $scope', (added) => {
    const { idle } = verdictOn([...rolesIn('defaults'), added], needsOf('defaults'))
    expect(idle).not.toEqual([])
  })

  it.each([
    { scope: 'stdata/config', role: 'storageBlobDataContributor' },
    { scope: 'stdata/reports', role: 'storageBlobDataOwner' },
  ])('a role that is stronger than it must be is seen: $role on $scope', (stronger) => {
    const roles = rolesIn('defaults').map((role) => (role.scope === stronger.scope ? stronger : role))
    expect(verdictOn(roles, needsOf('defaults')).strong).toEqual([stronger])
  })
})

/** Every HTTP answer of the app carries them; docs/security.md lists them. */
const GUARDS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

async function expectGuarded(response: Response, status: number): Promise<string> {
  expect(response.status).toBe(status)
  expect(Object.fromEntries(response.headers)).toMatchObject(GUARDS)
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  const text = await response.text()
  expect(text).not.toMatch(/(\n|\\n)\s*at |Error:|\.cjs|node_modules/)
  return text
}

describe('every answer', () => {
  const WINDOW = '20250101T000000Z_20250201T000000Z'

  it.each([
    ['health', 'GET', 200],
    ['status', 'GET', 200],
    ['status/costs/nothing', 'GET', 404],
    ['dashboard', 'GET', 200],
    ['run/doctor', 'POST', 200],
    ['run/nothing', 'POST', 404],
    [`callback/costs/${WINDOW}/1/forged`, 'POST', 404],
  ])('of %s (%s, %i) is kept nowhere, guessed at by nobody and sends no referrer', async (route, method, status) => {
    await expectGuarded(await host.ask(route, method), status)
  })

  it.each([
    ['status', 'GET'],
    ['status/costs/nothing', 'GET'],
    ['run/doctor', 'POST'],
    ['run/provision', 'POST'],
  ])('of %s without the key is 401, and says nothing', async (route, method) => {
    for (const headers of [{}, { 'x-functions-key': 'another key' }]) {
      const response = await fetch(`${host.origin}/api/${route}`, { method, headers })
      expect({ status: response.status, body: await response.text() }).toEqual({ status: 401, body: '' })
    }
  })

  it('of a callback that is believed, too', async () => {
    const [asked] = deployment.simulator.requests.flatMap(({ body }) => /"CallbackUrl":"([^"]*)"/.exec(body)?.[1] ?? [])
    expect(await expectGuarded(await fetch(asked ?? '', { method: 'POST' }), 202)).toBe('')
  })

  it('of an error inside says nothing of it, and the log does', async () => {
    const page = join(app, 'dashboard.html')
    await rename(page, `${page}.away`)
    const text = await expectGuarded(await host.ask('dashboard'), 500)
    await rename(`${page}.away`, page)
    expect(text).toBe('')
    await waitUntil('the log has the error', () => host.lines.some((line) => /error dashboard: .*ENOENT/.test(line)))
  })
})

describe('an app that signs in with its identity, as in the snapshot `everything`', () => {
  it('reads the service, and stores nothing in the vault: a role that only reads secrets will do', async () => {
    const { requests } = deployment.simulator
    const earlier = requests.length
    const federated = await deployment.start(app, { PARTNER_AUTH: appSettings('everything').PARTNER_AUTH })
    const { findings } = (await (await federated.ask('run/doctor', 'POST')).json()) as typeof doctor
    expect(findings.filter(({ level }) => level === 'problem')).toEqual([])
    const signedIn = requests.slice(earlier).filter(({ path }) => path.includes('/oauth2/'))
    expect(signedIn.map(({ body }) => new URLSearchParams(body).has('client_assertion'))).toContain(true)
    const { refused } = verdictOn(rolesIn('everything'), vaultNeeds(requests.slice(earlier)))
    expect(refused).toEqual([])
  })
})

describe('an identity that gives no token', () => {
  it('is said in one event, answered with 503, and ends nothing', async () => {
    const unknown = await deployment.start(app, { IDENTITY_HEADER: 'not that of this app' })
    for (const route of ['health', 'status']) {
      expect(JSON.parse(await expectGuarded(await unknown.ask(route), 503))).toMatchObject({ status: 'storage' })
    }
    const events = () => unknown.lines.filter((line) => line.includes('"event":"app.settings"'))
    await waitUntil('it is said', () => events().length > 0)
    expect(JSON.parse(events()[0] ?? '')).toMatchObject({
      kind: 'storage',
      message: "the app's identity gives no token: check DataStorage__clientId and that the app has this identity",
    })
  })
})

/** Starts the app with the settings of another snapshot on a storage as new, and lets it land everything once more. */
async function landWith(name: SnapshotName, changes: NodeJS.ProcessEnv = {}) {
  const { requests, reports } = deployment.simulator
  const [earlierHints, earlierRequests] = [hints().length, requests.length]
  await deployment.renew()
  const other = await deployment.start(app, changes, name)
  await allLanded(other)
  const { findings } = (await (await other.ask('run/doctor', 'POST')).json()) as typeof doctor
  await other.stop()
  expect(findings.filter(({ level }) => level === 'problem')).toEqual([])
  expect(await deployment.rows('Costs')).toHaveLength(WINDOWS * 40)
  expect(reports()).toEqual([])
  expect(other.lines.filter((line) => / (error|warning) /.test(line))).toEqual([])
  return { other, hints: hints().slice(earlierHints), requests: requests.slice(earlierRequests) }
}

const createdReports = (requests: Production['simulator']['requests']) =>
  requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/ScheduledReport')).map(({ body }) => body)

describe('an app with the settings of the snapshot `smallest`', () => {
  const IDS = ['PARTNER_TENANT_ID', 'PARTNER_CLIENT_ID'] as const

  it('is closed until it has its ids, which are empty and so handed on by no host', async () => {
    for (const id of IDS) expect(appSettings('smallest')[id]).toBe('')
    const closed = await deployment.start(app, {}, 'smallest')
    expect(JSON.parse(await expectGuarded(await closed.ask('health'), 503))).toMatchObject({ status: 'unavailable' })
    const event = () => closed.lines.find((line) => line.includes('"event":"app.settings"'))
    await waitUntil('it is said', () => event() !== undefined)
    expect(JSON.parse(event() ?? '').message).toBe(`account default: ${IDS.join(', ')} missing`)
  })

  it('lands everything without callbacks: the service is given no address, and the sweep looks', async () => {
    const ids = Object.fromEntries(IDS.map((id) => [id, appSettings('defaults')[id]]))
    const run = await landWith('smallest', ids)
    const reports = createdReports(run.requests)
    expect(reports).toHaveLength(WINDOWS)
    expect(reports.filter((body) => body.includes('CallbackUrl"'))).toEqual([])
    expect(run.hints.length).toBeGreaterThanOrEqual(WINDOWS)
    expect(run.hints.filter(isOfCallback)).toEqual([])
  })
})

describe('an app with the settings of the snapshot `everything`', () => {
  it('lands everything with the memory and the arguments for Node of a small instance', async () => {
    expect(instanceMemoryMiB('everything')).toBe(512)
    const run = await landWith('everything')
    expect(createdReports(run.requests)).toHaveLength(WINDOWS)
    expect(run.hints.some(isOfCallback)).toBe(true)
    // The rest is for the host itself.
    expect(await run.other.peakMemoryMiB()).toBeLessThan(512 / 2)
  })
})
