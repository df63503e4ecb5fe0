import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { storageConnectionString } from '../../local/azurite.ts'
import { type Host, startHost } from '../../local/host/host.ts'
import { freePorts, waitUntil } from '../../local/processes.ts'
import { textOf } from '../docs/page.ts'
import { appSettings, NAMES, ofType } from '../infra/snapshot.ts'
import { deployableApp } from '../setup/deployable-app.ts'
import { LEAP_DAY } from '../setup/settings.ts'
import { namesRead } from '../setup/settings-read.ts'

const REFERENCE = '@Microsoft.KeyVault(SecretUri=https://kv-partner.vault.azure.net/secrets/callback-secret)'
const CALLBACK = 'callback/costs/20250101T000000Z_20250201T000000Z/1/forged'
const KEY = 'the key of this test'

/** A setting of the template as it must not be, and what the app says of it. Without `says` it has a default. */
type Case = { readonly setting: string; readonly value: string | undefined; readonly says?: string }

const missing = (setting: string, says?: string): Case => ({ setting, value: undefined, ...(says && { says }) })
const wrong = (setting: string, value: string, says: string): Case => ({ setting, value, says: `${setting} ${says}` })

const CASES: readonly Case[] = [
  missing('DataStorage__tableServiceUri', 'DataStorage__tableServiceUri is missing'),
  missing('DataStorage__blobServiceUri', 'DataStorage__blobServiceUri is missing'),
  missing('DataStorage__queueServiceUri', 'DataStorage__queueServiceUri is missing'),
  missing('DataStorage__clientId'),
  missing('KEY_VAULT_URL', 'account default: PARTNER_REFRESH_TOKEN missing'),
  missing('DEPLOYMENT_ID'),
  missing('PARTNER_AUTH'),
  missing('PARTNER_TENANT_ID', 'account default: PARTNER_TENANT_ID missing'),
  missing('PARTNER_CLIENT_ID', 'account default: PARTNER_CLIENT_ID missing'),
  missing('INSIGHTS_BASE_URL'),
  missing('MAX_REPORTS_PER_HOUR'),
  missing('CALLBACK_BASE_URL'),
  missing('CALLBACK_SECRET', 'CALLBACK_SECRET is missing'),
  wrong('DataStorage__tableServiceUri', 'http://account.table.core.windows.net/', 'is not an https address'),
  wrong('DataStorage__blobServiceUri', 'account', 'is not an address'),
  wrong('DataStorage__queueServiceUri', 'https://account.queue.core.windows.net/?sig=x', 'has a user name, a query'),
  {
    setting: 'DataStorage__queueServiceUri',
    value: 'https://127.0.0.1/',
    says: 'DataStorage: no client of Azure takes',
  },
  wrong('KEY_VAULT_URL', 'kv-partner', 'is not an address'),
  wrong('DEPLOYMENT_ID', 'Prod-1', 'is missing, or is not 1 to 12 lower-case letters and digits'),
  { setting: 'PARTNER_AUTH', value: 'secret', says: 'account default: PARTNER_AUTH is "secret"' },
  wrong('PARTNER_TENANT_ID', REFERENCE, 'is a Key Vault reference that was not resolved'),
  wrong('PARTNER_CLIENT_ID', REFERENCE, 'is a Key Vault reference that was not resolved'),
  wrong('INSIGHTS_BASE_URL', 'ftp://api.contoso.com', 'is not an https address'),
  wrong('MAX_REPORTS_PER_HOUR', 'many', 'is "many"'),
  wrong('CALLBACK_BASE_URL', 'nowhere', 'is not an address'),
  wrong('CALLBACK_SECRET', 'short', 'takes at least 32 characters'),
  wrong('CALLBACK_SECRET', REFERENCE, 'is a Key Vault reference that was not resolved'),
]

/** What the app names where nothing is set but the address of the tables. */
const ALL_MISSING = [
  'DataStorage__blobServiceUri',
  'DataStorage__queueServiceUri',
  'DEPLOYMENT_ID',
  'PARTNER_TENANT_ID',
  'PARTNER_CLIENT_ID',
  'PARTNER_REFRESH_TOKEN',
  'CALLBACK_BASE_URL',
  'CALLBACK_SECRET',
]

/** What nobody can tell from its value: the identity and the sign-in tell, when they are used. */
const NO_WRONG_VALUE = ['DataStorage__clientId']

const TEMPLATE = Object.assign({}, ...NAMES.map((name) => appSettings(name))) as Readonly<Record<string, string>>
const TRIGGERS = Array.from(textOf('src/functions.ts').matchAll(/^app\.\w+\('([\w-]+)'/gm), ([, name = '']) => name)

let app: string
let elsewhere: Server
let connections = 0
let good: NodeJS.ProcessEnv
let host: Host | undefined
const before = { ...process.env }

beforeAll(async () => {
  elsewhere = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await once(elsewhere.listen(0, '127.0.0.1'), 'listening')
  const address = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`
  // On a bare address, the account is the first part of the path.
  const account = `${address}/account/`
  const [blob = 0, queue = 0, table = 0] = await freePorts(3)
  app = await deployableApp()
  good = {
    ...TEMPLATE,
    DataStorage__tableServiceUri: account,
    DataStorage__blobServiceUri: account,
    DataStorage__queueServiceUri: account,
    KEY_VAULT_URL: `${address}/`,
    INSIGHTS_BASE_URL: `${address}/`,
    PARTNER_AUTHORITY_HOST: address,
    PARTNER_AUTH: 'refresh-token',
    PARTNER_TENANT_ID: 'contoso.onmicrosoft.com',
    PARTNER_CLIENT_ID: 'an-application',
    CALLBACK_BASE_URL: 'https://func-partner.azurewebsites.net/api/callback',
    CALLBACK_SECRET: 'what the platform reads from the vault, 72 characters',
    IDENTITY_ENDPOINT: `${address}/identity/token`,
    IDENTITY_HEADER: 'of this app',
    WEBSITE_SITE_NAME: 'func-partner',
    WEBSITE_HOSTNAME: 'func-partner.azurewebsites.net',
    AZURE_FUNCTIONS_ENVIRONMENT: 'Production',
    PROVISION_SCHEDULE: LEAP_DAY,
    SWEEP_SCHEDULE: LEAP_DAY,
    LOCAL_FUNCTION_KEY: KEY,
    // The host's own connection, where nobody listens: what reaches `elsewhere` comes from the app.
    AzureWebJobsDataStorage: storageConnectionString({ blob, queue, table }),
  }
})
afterEach(async () => {
  await host?.close()
  host = undefined
  connections = 0
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, before)
})
afterAll(async () => {
  elsewhere.close()
  await rm(app, { recursive: true })
})

/** Starts the built app in this process: it reads its settings when it is loaded. */
async function start(changes: NodeJS.ProcessEnv): Promise<readonly string[]> {
  for (const [name, value] of Object.entries({ ...good, ...changes })) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  const lines: string[] = []
  host = await startHost({ root: app, port: 0, log: (line) => void lines.push(line) })
  return lines
}

async function ask(route: string, method = 'GET'): Promise<Response> {
  return fetch(`${host?.origin}/api/${route}`, { method, headers: { 'x-functions-key': KEY } })
}

const events = (lines: readonly string[]) =>
  lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))

describe('the built app, with a setting of the template that is missing or wrong', () => {
  it.each(CASES.filter(({ says }) => says !== undefined))('$setting: $value', async ({ setting, value, says = '' }) => {
    const lines = await start({ [setting]: value })
    for (const trigger of TRIGGERS)
      expect(lines.filter((line) => line.startsWith(`Function ${trigger}: `))).toHaveLength(1)
    const health = await ask('health')
    expect({ status: health.status, body: await health.json() }).toEqual({
      status: 503,
      body: { status: 'unavailable', version: expect.any(String) },
    })
    expect(health.headers.get('x-content-type-options')).toBe('nosniff')
    expect((await ask('run/provision', 'POST')).status).toBe(503)
    expect((await ask(CALLBACK)).status).toBe(503)
    const told = events(lines)
    expect(told).toEqual(Array.from({ length: 3 }, () => ({ event: 'app.settings', message: expect.any(String) })))
    for (const { message } of told) {
      expect(message).toContain(says)
      const others = Object.keys(TEMPLATE).filter((name) => name !== setting && message.includes(name))
      expect(others).toEqual([])
    }
    expect(connections).toBe(0)
  })

  it.each(CASES.filter(({ says }) => says === undefined))('$setting, which has a default', async ({ setting }) => {
    const lines = await start({ [setting]: undefined })
    // The app is open: it tells a forged callback from a true one.
    expect((await ask(CALLBACK)).status).toBe(404)
    expect(events(lines)).toEqual([])
    expect(connections).toBe(0)
  })

  it('all of them at once: each trigger names everything, timers included, and does nothing', async () => {
    const none = Object.fromEntries(Object.keys(TEMPLATE).map((name) => [name, undefined]))
    const platform = { WEBSITE_SITE_NAME: undefined, WEBSITE_HOSTNAME: undefined }
    const often = { PROVISION_SCHEDULE: '* * * * * *', SWEEP_SCHEDULE: '* * * * * *' }
    const lines = await start({ ...none, ...platform, ...often, DataStorage__tableServiceUri: 'https://a.net' })
    for (const route of ['status', 'status/costs/window', 'health', CALLBACK])
      expect((await ask(route)).status).toBe(503)
    for (const step of ['provision', 'sweep', 'doctor']) expect((await ask(`run/${step}`, 'POST')).status).toBe(503)
    expect((await ask('dashboard')).status).toBe(200)
    await waitUntil('both timers have told it', () => events(lines).length >= 9)
    const messages = new Set(events(lines).map(({ message }) => message))
    expect(messages.size).toBe(1)
    const [message] = messages
    for (const name of ALL_MISSING) expect(message).toContain(name)
    expect(connections).toBe(0)
  })

  it('writes its events as the alarm of the template looks for them', async () => {
    const [rule] = ofType('everything', 'Microsoft.Insights/scheduledQueryRules')
    const { query } = (rule?.properties as { criteria?: { allOf: readonly { query: string }[] } } | undefined)?.criteria
      ?.allOf[0] ?? { query: '' }
    const beginning = /Message startswith '([^']+)'/.exec(query)?.[1] ?? 'nothing'
    const lines = await start({ DEPLOYMENT_ID: 'Prod-1' })
    await ask('health')
    const told = lines.filter((line) => line.includes('app.settings'))
    expect(told.map((line) => line.slice(0, beginning.length))).toEqual([beginning])
    expect(query).toContain(`'${JSON.parse(told[0] ?? '').event}'`)
  })

  it('the table has each setting that the template sets and the app reads', () => {
    const read = namesRead()
    const set = Object.keys(TEMPLATE).filter((name) => read.has(name))
    const of = (isMissing: boolean) =>
      new Set(CASES.filter(({ value }) => (value === undefined) === isMissing).map(({ setting }) => setting))
    expect([...of(true)].toSorted()).toEqual(set.toSorted())
    expect([...of(false), ...NO_WRONG_VALUE].toSorted()).toEqual(set.toSorted())
  })
})
