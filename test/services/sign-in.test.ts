import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { generate } from 'selfsigned'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { makeCertificate } from '../../local/certificate.ts'
import { type Failure, isFailure } from '../../src/core/failures.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import { credentialExpiry } from '../../src/services/sign-in/expiry.ts'
import { openKeyVault } from '../../src/services/sign-in/key-vault.ts'
import type { SignIn } from '../../src/services/sign-in/sign-in.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { signInOf, signInWarning } from '../../src/settings/sign-in.ts'
import { type Reply, type ScriptedServer, startScripted } from './scripted-server.ts'
import { startVault } from './vault-stand-in.ts'

const DAY = 86_400_000
const SECRETS = ['planted-secret', 'planted-refresh', 'planted-password', 'PRIVATE KEY']

let authority: ScriptedServer
let folder: string
let now: Date
const clock = () => now

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sign-in-test-'))
  const certificate = await makeCertificate()
  setDefaultCACertificates([...getCACertificates(), certificate.certificate])
  authority = await startScripted(certificate)
})
beforeEach(() => {
  now = new Date()
  authority.requests.length = 0
})
afterEach(() => vi.unstubAllEnvs())
afterAll(async () => {
  await authority.close()
  await rm(folder, { recursive: true })
})

/** What @azure/identity reads before it asks for a token. */
const discovery = (): Reply => {
  const base = `${authority.origin}/tenant`
  const endpoints = {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
  }
  return { body: { issuer: `${base}/v2.0`, jwks_uri: `${base}/keys`, ...endpoints } }
}

function answerTokens(answer: (form: URLSearchParams, nth: number) => Reply): void {
  let count = 0
  authority.script(({ path, body }) =>
    path.endsWith('openid-configuration') ? discovery() : answer(new URLSearchParams(body), ++count),
  )
}

const tokenRequests = () =>
  authority.requests
    .filter(({ path }) => path.endsWith('/token'))
    .map(({ body }) => Object.fromEntries(new URLSearchParams(body)))

const granted = (nth: number): Reply => ({
  body: { token_type: 'Bearer', access_token: `token-${nth}`, expires_in: 3599 },
})
const refused = (code: string, number: number): Reply => ({
  status: 401,
  body: { error: code, error_description: `AADSTS${number}: planted-secret is wrong`, error_codes: [number] },
})

function common() {
  return { name: 'default', authorityHost: authority.origin, tenantId: 'tenant', clientId: 'client' }
}

const secretSignIn = (): SignIn => ({ ...common(), auth: 'client-secret', clientSecret: 'planted-secret' })

describe('each way to sign in fetches a token from a real HTTPS endpoint', () => {
  beforeEach(() => answerTokens((_, nth) => granted(nth)))

  test('client-secret', async () => {
    expect(await openCredentials(secretSignIn(), clock).token()).toBe('token-1')
    expect(tokenRequests()).toEqual([
      expect.objectContaining({
        grant_type: 'client_credentials',
        client_id: 'client',
        client_secret: 'planted-secret',
        scope: expect.stringContaining('https://api.partnercenter.microsoft.com/.default'),
      }),
    ])
  })

  test('certificate, as PEM text, with line ends written out or lost, or in a file', async () => {
    const { certificate, path } = await applicationCertificate(365)
    const marked = join(folder, 'marked.pem')
    await writeFile(marked, `\uFEFF${certificate.replaceAll('\n', '\r\n')}`)
    const ends = ['\\n', '\\r\\n', ' ', '\r\n', '\r', '  '].map((end) => certificate.replaceAll(/[\r\n]+/g, end))
    const joined = certificate.replaceAll(/(?<!-)\n(?!-)/g, '')
    const values = [certificate, ...ends, joined, path, marked]
    for (const value of values) {
      expect(await openCredentials({ ...common(), auth: 'certificate', certificate: value }, clock).token()).toMatch(
        /^token-/,
      )
    }
    const assertions = tokenRequests().map((form) => form.client_assertion ?? '')
    expect(assertions).toHaveLength(values.length)
    const claims = JSON.parse(Buffer.from(assertions[0]?.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ iss: 'client', sub: 'client' })
  })

  test('certificate of more than 100 KB is none', async () => {
    const { certificate } = await applicationCertificate(365)
    const long = `${certificate}${'\n'.repeat(100 * 1024)}`
    expect(await openCredentials({ ...common(), auth: 'certificate', certificate: long }, clock).token()).toMatchObject(
      {
        kind: 'unauthorized',
      },
    )
    expect(tokenRequests()).toEqual([])
  })

  test('managed-identity, whose token stands for the app registration', async () => {
    const identity = await startScripted()
    identity.script(() => ({
      body: {
        access_token: 'identity-token',
        token_type: 'Bearer',
        expires_on: String(Math.floor(Date.now() / 1000) + 3600),
      },
    }))
    vi.stubEnv('IDENTITY_ENDPOINT', `${identity.origin}/msi/token`)
    vi.stubEnv('IDENTITY_HEADER', 'identity-header')
    const signIn: SignIn = { ...common(), auth: 'managed-identity', identityClientId: 'identity-id' }
    expect(await openCredentials(signIn, clock).token()).toBe('token-1')
    expect(tokenRequests()[0]).toMatchObject({ client_assertion: 'identity-token', client_id: 'client' })
    const [asked] = identity.requests
    expect(asked?.headers['x-identity-header']).toBe('identity-header')
    expect(Object.fromEntries(asked?.query ?? [])).toMatchObject({
      client_id: 'identity-id',
      resource: 'api://AzureADTokenExchange',
    })
    await identity.close()
  })

  test('password, with a warning', async () => {
    const signIn: SignIn = { ...common(), auth: 'password', username: 'ops@example.org', password: 'planted-password' }
    expect(await openCredentials(signIn, clock).token()).toBe('token-1')
    expect(tokenRequests()[0]).toMatchObject({
      grant_type: 'password',
      username: 'ops@example.org',
      password: 'planted-password',
    })
    expect(signInWarning(signIn)).toMatch(/multi-factor/)
    expect(signInWarning(secretSignIn())).toBeUndefined()
  })

  test('refresh-token, with and without a client secret', async () => {
    const signIn = { ...common(), auth: 'refresh-token', refreshToken: 'planted-refresh' } as const
    expect(await openCredentials(signIn, clock).token()).toBe('token-1')
    expect(await openCredentials({ ...signIn, clientSecret: 'planted-secret' }, clock).token()).toBe('token-2')
    const form = { grant_type: 'refresh_token', client_id: 'client', refresh_token: 'planted-refresh' }
    const scope = 'https://api.partnercenter.microsoft.com/.default offline_access'
    expect(tokenRequests()).toEqual([
      { ...form, scope },
      { ...form, scope, client_secret: 'planted-secret' },
    ])
  })
})

describe('the cache of an account', () => {
  beforeEach(() => answerTokens((_, nth) => granted(nth)))

  test('a hundred callers at once cause one request, and so do a hundred whose token was refused', async () => {
    const credentials = openCredentials(secretSignIn(), clock)
    const first = await Promise.all(Array.from({ length: 100 }, () => credentials.token()))
    expect(new Set(first)).toEqual(new Set(['token-1']))
    const second = await Promise.all(Array.from({ length: 100 }, () => credentials.renew('token-1')))
    expect(new Set(second)).toEqual(new Set(['token-2']))
    expect(await credentials.renew('token-1')).toBe('token-2')
    expect(tokenRequests()).toHaveLength(2)
  })

  test('a token is renewed five minutes before it ends, and until then kept', async () => {
    const credentials = openCredentials(secretSignIn(), clock)
    await credentials.token()
    now = new Date(now.getTime() + 54 * 60_000)
    expect(await credentials.token()).toBe('token-1')
    now = new Date(now.getTime() + 2 * 60_000)
    expect(await credentials.token()).toBe('token-2')
  })

  test('where early renewal fails, the old token serves to its end', async () => {
    const credentials = openCredentials(secretSignIn(), clock)
    await credentials.token()
    answerTokens(() => refused('invalid_client', 7000222))
    now = new Date(now.getTime() + 57 * 60_000)
    expect(await credentials.token()).toBe('token-1')
    now = new Date(now.getTime() + 4 * 60_000)
    expect(await credentials.token()).toMatchObject({ kind: 'unauthorized' })
  })
})

test('where a token that lacked a right cannot be replaced, it serves on', async () => {
  answerTokens((_, nth) => (nth === 2 ? refused('temporarily_unavailable', 90033) : granted(nth)))
  const credentials = openCredentials(secretSignIn(), clock)
  expect(await credentials.token()).toBe('token-1')
  credentials.doubt('token-1')
  expect([await credentials.token(), await credentials.token()]).toEqual(['token-1', 'token-1'])
  expect(tokenRequests()).toHaveLength(2)
  now = new Date(now.getTime() + 60_000)
  credentials.doubt('token-1')
  expect(await credentials.token()).toBe('token-3')
  credentials.doubt('token-3')
  expect(await credentials.token()).toBe('token-3')
})

describe('a sign-in that fails', () => {
  const all = (): readonly SignIn[] => [
    secretSignIn(),
    { ...common(), auth: 'password', username: 'ops@example.org', password: 'planted-password' },
    { ...common(), auth: 'refresh-token', refreshToken: 'planted-refresh' },
  ]
  const failures = async () => {
    const tokens = await Promise.all(all().map((signIn) => openCredentials(signIn, clock).token()))
    expect(tokens.every(isFailure)).toBe(true)
    for (const secret of SECRETS) expect(JSON.stringify(tokens)).not.toContain(secret)
    return tokens as readonly Failure[]
  }

  test('because of its settings says so, with the number of the authority and without a secret', async () => {
    answerTokens(() => refused('invalid_client', 7000222))
    for (const { kind, message } of await failures()) {
      expect(kind).toBe('unauthorized')
      expect(message).toMatch(/refused \((401 )?invalid_client AADSTS7000222\)/)
    }
  })

  test.each([
    ['is busy', { status: 503, body: 'busy' }],
    ['limits', { status: 429, headers: { 'retry-after': '0' }, body: {} }],
    ['answers a page', { body: '<html>sign in</html>' }],
    ['answers without a token', { body: {} }],
    ['answers half a document', { body: '{"access_token":"t', headers: { 'content-type': 'application/json' } }],
    ['drops the connection', 'drop'],
  ] as [string, Reply][])('because the authority %s is tried again', async (_, reply) => {
    answerTokens(() => reply)
    expect((await failures()).map(({ kind }) => kind)).toEqual(['unavailable', 'unavailable', 'unavailable'])
  })

  const passing = (error: string, number: number, status = 400): Reply => ({
    status,
    body: { error, error_description: `AADSTS${number}: Try again, planted-secret.`, error_codes: [number] },
  })
  const PASSING: readonly (readonly [string, number])[] = [
    ['temporarily_unavailable', 1],
    ['server_error', 50000],
    ...[50033, 50087, 80002, 80005, 90006, 90012, 90024, 90033, 90055, 90090].flatMap((number) => [
      ['invalid_grant', number] as const,
      ['invalid_request', number] as const,
    ]),
  ]
  const waits: number[] = []
  const retry = { random: () => 0, wait: async (milliseconds: number) => void waits.push(milliseconds) }

  test.each(PASSING)('for a moment (400 %s AADSTS%i) is tried again, and succeeds then', async (error, number) => {
    for (const status of [400, 401]) {
      for (const signIn of all()) {
        const credentials = openCredentials(signIn, clock, undefined, retry)
        answerTokens((_, nth) => (nth < 3 ? passing(error, number, status) : granted(nth)))
        expect(await credentials.token()).toBe('token-3')
        answerTokens(() => passing(error, number, status))
        const failure = await openCredentials(signIn, clock, undefined, retry).token()
        expect(failure).toMatchObject({
          kind: 'unavailable',
          message: expect.stringMatching(`${error} AADSTS${number}`),
        })
        expect(JSON.stringify(failure)).not.toContain('planted')
      }
    }
    expect(waits.length).toBeGreaterThan(0)
  })

  test.each([
    ['invalid_grant', 700082],
    ['invalid_client', 7000222],
    ['invalid_grant', 50076],
    ['invalid_request', 90036],
    ['invalid_grant', 900330],
  ])('for good (400 %s AADSTS%i) is not tried again', async (error, number) => {
    for (const signIn of all()) {
      answerTokens((_, nth) => (nth === 1 ? passing(error, number) : granted(nth)))
      expect(await openCredentials(signIn, clock, undefined, retry).token()).toMatchObject({ kind: 'unauthorized' })
    }
  })

  test('because of a certificate says which, and no key is shown', async () => {
    const { certificate: expired } = await applicationCertificate(-1)
    const withValue = (certificate: string) =>
      openCredentials({ ...common(), auth: 'certificate', certificate }, clock).token()
    expect(await withValue(expired)).toMatchObject({
      kind: 'unauthorized',
      message: expect.stringContaining('expired on'),
    })
    const unreadable = await withValue('MIIplanted-secret')
    expect(unreadable).toMatchObject({ kind: 'unauthorized', message: expect.stringContaining('neither PEM text') })
    expect(JSON.stringify(unreadable)).not.toContain('planted-secret')
  })

  test('because there is no managed identity is tried again', async () => {
    vi.stubEnv('IDENTITY_ENDPOINT', 'http://127.0.0.1:1/msi/token')
    vi.stubEnv('IDENTITY_HEADER', 'x')
    const signIn: SignIn = { ...common(), auth: 'managed-identity', identityClientId: 'nobody' }
    expect(await openCredentials(signIn, clock).token()).toMatchObject({ kind: 'unavailable' })
  })
})

describe('the settings of an account', () => {
  const partner = { PARTNER_TENANT_ID: 't', PARTNER_CLIENT_ID: 'c' }
  const messageOf = (env: object, hasVault = false) => {
    const settings = { partner: { ...partner, ...env }, authorityHost: 'https://a.example', hasVault }
    const signIn = signInOf('default', {}, settings)
    return isFailure(signIn) ? signIn.message : signIn.auth
  }

  test.each([
    [{}, 'account default: PARTNER_REFRESH_TOKEN missing'],
    [{ PARTNER_AUTH: 'client-secret' }, 'account default: PARTNER_CLIENT_SECRET missing'],
    [{ PARTNER_AUTH: 'certificate' }, 'account default: PARTNER_CERTIFICATE missing'],
    [{ PARTNER_AUTH: 'password' }, 'account default: PARTNER_USERNAME, PARTNER_PASSWORD missing'],
    [{ PARTNER_AUTH: 'managed-identity' }, 'managed-identity'],
    [{ PARTNER_AUTH: 'magic' }, 'account default: PARTNER_AUTH is "magic", not one this version knows'],
  ])('%j: %s', (env, expected) => expect(messageOf(env)).toBe(expected))

  test('secrets may be missing where there is a Key Vault, a user name may not', () => {
    for (const auth of ['refresh-token', 'client-secret', 'certificate']) {
      expect(messageOf({ PARTNER_AUTH: auth }, true)).toBe(auth)
    }
    expect(messageOf({ PARTNER_AUTH: 'password' }, true)).toBe('account default: PARTNER_USERNAME missing')
  })

  test('of another account carry its name', () => {
    const env = { PARTNER_AUTH__EMEA: 'client-secret', PARTNER_CLIENT_SECRET__EMEA: 's', PARTNER_TENANT_ID__EMEA: 't' }
    const settings = { partner: { ...partner, ...env }, authorityHost: 'https://a.example', hasVault: false }
    const signIn = signInOf('emea', { clientId: 'own' }, settings)
    expect(signIn).toMatchObject({ name: 'emea', tenantId: 't', clientId: 'own', clientSecret: 's' })
  })

  test.each([
    ['http://vault.example', 'KEY_VAULT_URL is not an https address; plain http is only for this machine (loopback)'],
    ['ftp://x', 'KEY_VAULT_URL is not an https address; plain http is only for this machine (loopback)'],
    ['vault', 'KEY_VAULT_URL is not an address'],
  ])('a Key Vault at %s is refused', (url, problem) => {
    const settings = readSettings({ KEY_VAULT_URL: url })
    expect('problems' in settings && settings.problems).toContain(problem)
  })
})

describe('when a sign-in ends', () => {
  test('is known of secret, certificate and consent', async () => {
    const standIn = await startVault(clock)
    const retry = { random: () => 0, wait: async () => undefined }
    const vault = openKeyVault({ url: standIn.server.origin, token: async () => 'vault-token', clock, retry })
    const seconds = Math.floor(now.getTime() / 1000)
    const kept = { value: 'x', updated: seconds }
    standIn.secrets.set('partner-default-client-secret', { ...kept, exp: seconds + 100 })
    standIn.secrets.set('partner-default-refresh-token', kept)
    const consent = { what: 'consent', expiresAt: new Date(seconds * 1000 + 90 * DAY) }
    const secret = { what: 'client-secret', expiresAt: new Date((seconds + 100) * 1000) }
    expect(await credentialExpiry({ ...common(), auth: 'refresh-token' }, vault)).toEqual([secret, consent])
    expect(await credentialExpiry({ ...common(), auth: 'client-secret' }, vault)).toEqual([secret])
    const { certificate } = await applicationCertificate(10)
    const [own] = await ends({ ...common(), auth: 'certificate', certificate })
    expect(Math.round(((own?.expiresAt.getTime() ?? 0) - now.getTime()) / DAY)).toBe(10)
    expect(await ends(secretSignIn())).toEqual([])
    expect(await ends({ ...common(), auth: 'managed-identity' })).toEqual([])
    await standIn.server.close()
    expect(await credentialExpiry(secretSignIn(), vault)).toMatchObject({ kind: 'unavailable' })
  })

  async function ends(signIn: SignIn) {
    const found = await credentialExpiry(signIn, undefined)
    if (isFailure(found)) throw new Error(found.message)
    return found
  }
})

/** A certificate with its key, both PEM, that ends in so many days; also as a file. */
async function applicationCertificate(days: number): Promise<{ certificate: string; path: string }> {
  const notBeforeDate = new Date(Date.now() - 30 * DAY)
  const notAfterDate = new Date(Date.now() + days * DAY)
  const options = { keyType: 'rsa', keySize: 2048, notBeforeDate, notAfterDate } as const
  const made = await generate([{ name: 'commonName', value: 'app' }], options)
  const certificate = `${made.private}\n${made.cert}\n`
  const path = join(folder, `app-${days}.pem`)
  await writeFile(path, certificate)
  return { certificate, path }
}
