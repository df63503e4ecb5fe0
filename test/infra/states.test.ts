import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HttpResponseInit, InvocationContext } from '@azure/functions'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { freePorts } from '../../local/processes.ts'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { createHandlers } from '../../src/handlers.ts'
import type { Environment } from '../../src/settings/environment.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { type Reply, type ScriptedServer, startScripted } from '../services/scripted-server.ts'
import { addressesOf, startTrustedSimulator } from '../setup/insights.ts'
import { emptyStorage } from '../setup/site-storage.ts'
import { FUNCTION_KEY, LIST_KEYS, playFirstMinutes, REFRESH } from './play-first-minutes.ts'

const USAGE = { name: 'usage', dataset: 'AzureUsage', columns: ['Month', 'CustomerName'], from: '2025-04-01' }
const TOKEN = 'partner-default-refresh-token'
const MINUTE = 60_000

type Fault = Parameters<Simulator['fault']>[0]

/** What a person has left, or what has not spread yet. Whatever is not named is as it should be. */
type Left = {
  readonly settings?: Environment
  /** The text of feeds.json; null where it is missing. */
  readonly feeds?: string | null
  readonly faults?: readonly Fault[]
  readonly secrets?: Readonly<Record<string, string>>
  /** What answers in place of the app. */
  readonly inFront?: Reply
}

let azurite: Azurite
let folder: string
/** The state of a service that nobody has asked for anything. */
let untouched: string
let port: number
let simulator: Simulator
let server: ScriptedServer
const service = () => join(folder, 'service.json')

beforeAll(async () => {
  azurite = await startAzurite()
  folder = await mkdtemp(join(tmpdir(), 'states-'))
  await (await startTrustedSimulator({ state: service() })).close()
  ;[port = 0] = await freePorts(1)
  untouched = await readFile(service(), 'utf8')
})
beforeEach(async () => {
  // Its keys and its address stay the same: the library of the identity keeps tokens and address as long as this process lives.
  await writeFile(service(), untouched)
  simulator = await startTrustedSimulator({ state: service(), rows: 1, port })
  server = await startScripted()
  vi.stubEnv('IDENTITY_ENDPOINT', simulator.identity.endpoint)
  vi.stubEnv('IDENTITY_HEADER', simulator.identity.header)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all([simulator.close(), server.close()])
})
afterAll(async () => {
  await azurite.stop()
  await rm(folder, { recursive: true })
})

const quiet = { log: () => undefined, error: () => undefined } as unknown as InvocationContext

/** The app itself answers, and Azure is well. */
async function play({
  settings,
  feeds = JSON.stringify({ feeds: [USAGE] }),
  secrets = { [TOKEN]: 'first' },
  faults = [],
  inFront,
}: Left) {
  const feedsFile = join(folder, 'feeds.json')
  await rm(feedsFile, { force: true })
  if (feeds !== null) await writeFile(feedsFile, feeds)
  for (const [name, value] of Object.entries(secrets)) simulator.keepSecret(name, value)
  for (const fault of faults) simulator.fault(fault)
  const env: Environment = {
    ...addressesOf(simulator),
    DataStorage: azurite.connectionString,
    KEY_VAULT_URL: simulator.keyVault,
    DEPLOYMENT_ID: 'states',
    CALLBACK_BASE_URL: 'off',
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'an-application',
    ...settings,
  }
  const handlers = createHandlers(readSettings(env), feedsFile, '1', '')
  const answers: Readonly<Record<string, () => Promise<Reply>>> = {
    [REFRESH]: async () => ({ body: {} }),
    [LIST_KEYS]: async () => ({ body: { functionKeys: { default: FUNCTION_KEY } } }),
    '/api/health': async () => replyOf(await handlers.health(quiet)),
    '/api/run/doctor': async () => replyOf(await handlers.run('doctor', quiet)),
    '/api/run/provision': async () => replyOf(await handlers.run('provision', quiet)),
  }
  server.script(({ path }) => {
    const isOfApp = path.startsWith('/api/')
    return (isOfApp && inFront) || (answers[path]?.() ?? { status: 404 })
  })
  const { PARTNER_TENANT_ID: tenant = '', PARTNER_CLIENT_ID: client = '' } = env
  const outputs = { PARTNER_TENANT_ID: tenant, PARTNER_CLIENT_ID: client }
  return playFirstMinutes(server.origin, { outputs, version: '1', eachWaitMs: 8 * MINUTE })
}

function replyOf({ status = 200, jsonBody = '' }: HttpResponseInit): Reply {
  return { status, body: jsonBody }
}

type State = readonly [name: string, left: Left, said: RegExp]

const ALWAYS = { nth: 'all' } as const
const FOR_EMEA = JSON.stringify({
  accounts: { emea: { tenantId: 'contoso-emea', clientId: 'app-emea' } },
  feeds: [{ ...USAGE, account: 'emea' }],
})

const OF_A_PERSON: readonly State[] = [
  [
    'nothing is done',
    { settings: { PARTNER_TENANT_ID: '', PARTNER_CLIENT_ID: '' }, secrets: {} },
    /azd env set PARTNER_TENANT_ID/,
  ],
  ['only the tenant is set', { settings: { PARTNER_CLIENT_ID: '' } }, /azd env set PARTNER_CLIENT_ID/],
  ['the ids are set, and nobody has given consent', { secrets: {} }, /refresh-token is missing.*\n +npx \S+ consent/],
  [
    'consent was withdrawn',
    { faults: [{ ...ALWAYS, endpoint: 'token', effect: { refuse: 'invalid_grant' } }] },
    /invalid_grant.*\n +npx \S+ consent/,
  ],
  [
    'consent came without multi-factor',
    { faults: [{ ...ALWAYS, endpoint: 'listDatasets', effect: { noMfa: 'always' } }] },
    /900421.*\n +npx \S+ consent/,
  ],
  [
    'consent came from a user without the role',
    { faults: [{ ...ALWAYS, endpoint: 'token', effect: 'noRole' }] },
    /1\. .*Executive Report Viewer/,
  ],
  [
    'the client secret is not in the vault',
    { settings: { PARTNER_AUTH: 'client-secret' } },
    /client-secret is missing.*\n +az keyvault secret set .*--name partner-default-client-secret /,
  ],
  [
    'the client secret is another one',
    {
      settings: { PARTNER_AUTH: 'client-secret' },
      secrets: { 'partner-default-client-secret': 'wrong' },
      faults: [{ ...ALWAYS, endpoint: 'token', effect: { refuse: 'invalid_client' } }],
    },
    /invalid_client.*\n +az keyvault secret set .*--name partner-default-client-secret /,
  ],
  [
    'the certificate is not in the vault',
    { settings: { PARTNER_AUTH: 'certificate' } },
    /certificate is missing.*\n +az keyvault secret set .*--name partner-default-certificate /,
  ],
  [
    'the certificate is none',
    { settings: { PARTNER_AUTH: 'certificate' }, secrets: { 'partner-default-certificate': 'a text' } },
    /neither PEM text.*\n +az keyvault secret set .*--name partner-default-certificate /,
  ],
  [
    'the federated credential is missing',
    {
      settings: { PARTNER_AUTH: 'managed-identity' },
      faults: [{ ...ALWAYS, endpoint: 'token', effect: { refuse: 'invalid_client' } }],
    },
    /invalid_client.*\n +az ad app federated-credential create --id an-application /,
  ],
  ['another account has no consent', { feeds: FOR_EMEA }, /account emea.*\n +npx \S+ consent --account emea /],
  [
    'another account has no client secret',
    { feeds: FOR_EMEA.replace('"clientId"', '"auth":"client-secret","clientId"') },
    /account emea.*\n +az keyvault secret set .*--name partner-emea-client-secret /,
  ],
  [
    'another account has no ids',
    { feeds: JSON.stringify({ accounts: { emea: {} }, feeds: [{ ...USAGE, account: 'emea' }] }) },
    /1\. account emea: PARTNER_TENANT_ID__EMEA, PARTNER_CLIENT_ID__EMEA missing/,
  ],
  ['feeds.json is missing', { feeds: null }, /1\. feeds\.json does not exist/],
  ['feeds.json is no JSON', { feeds: '{' }, /1\. .*not JSON/],
  ['a feed is wrong', { feeds: JSON.stringify({ feeds: [{ ...USAGE, dataset: 'Usge' }] }) }, /1\. .*Usge/],
]

const ASKS_FOR_A_SIGN_IN = /in front of the app asks for a sign-in.*disable "Authentication"/

const OF_THE_APP: readonly State[] = [
  [
    'a role on the vault that has not spread',
    { faults: [{ ...ALWAYS, endpoint: 'getSecret', effect: { status: 403 } }] },
    /vault: secret partner-default-client-secret: the Key Vault answered 403; .*takes minutes to spread/,
  ],
  [
    'a sign-in service that does not answer',
    { faults: [{ ...ALWAYS, endpoint: 'token', effect: 'drop' }] },
    /service: .*no answer from the authority.*Try again/,
  ],
  [
    'a Partner Center that fails',
    { faults: [{ ...ALWAYS, endpoint: 'listDatasets', effect: { page: 502 } }] },
    /service: .*502.*Try again/,
  ],
  [
    'a reference that is not resolved',
    { settings: { CALLBACK_SECRET: '@Microsoft.KeyVault(x)' } },
    /settings are wrong/,
  ],
  ['an authentication that somebody put in front', { inFront: { status: 401 } }, ASKS_FOR_A_SIGN_IN],
  [
    'an authentication with a page to sign in at',
    { inFront: { status: 302, headers: { location: 'https://login.windows.net/' } } },
    ASKS_FOR_A_SIGN_IN,
  ],
]

describe('the first minutes of the app itself', () => {
  it.each(OF_A_PERSON)('where %s: the person is told, and it ends well', async (_, left, said) => {
    const { exitCode, text, minutes } = await play(left)
    expect(text).toMatch(said)
    expect([exitCode, minutes]).toEqual([0, 0])
  })

  it.each(OF_THE_APP)('wait for %s, and no person is asked for anything else', async (_, left, said) => {
    const { exitCode, text, minutes } = await play(left)
    expect(text).toMatch(said)
    expect([exitCode, minutes]).toEqual([1, 16])
    expect(text).not.toMatch(/consent|azd deploy|^1\. /m)
  })

  it('wait for a role on the storage that has not spread', async () => {
    const DataStorage = azurite.connectionString.replace(/AccountKey=..../, 'AccountKey=AAAA')
    const { exitCode, text, minutes } = await play({ settings: { DataStorage } })
    expect(text).toContain('its storage refuses it or does not answer. Roles take minutes to spread')
    expect([exitCode, minutes]).toEqual([1, 16])
  })

  it('go on as soon as the role on the vault has spread', async () => {
    const { exitCode, text, minutes } = await play({ faults: [{ endpoint: 'getSecret', effect: { status: 403 } }] })
    expect(text).toMatch(/waiting: vault: [\s\S]*has asked for [1-9]\d* reports/)
    expect([exitCode, minutes]).toEqual([0, 8])
  })

  it('ask for the first reports where nothing is left to do, and for none when they are gone through again', async () => {
    await emptyStorage(azurite)
    const [first, again] = [await play({}), await play({})]
    expect(first.text).toMatch(/has asked for [1-9]\d* reports/)
    expect(again.text).toContain('has asked for 0 reports')
    expect([first, again].map(({ exitCode, minutes }) => [exitCode, minutes])).toEqual([
      [0, 0],
      [0, 0],
    ])
  })
})
