import { fork } from 'node:child_process'
import { once } from 'node:events'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { TableClient } from '@azure/data-tables'
import { generate } from 'selfsigned'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { makeCertificate } from '../../local/certificate.ts'
import { type Failure, isFailure } from '../../src/core/failures.ts'
import { type Credentials, openCredentials, type SignIn } from '../../src/services/credentials.ts'
import { openKeyVault } from '../../src/services/key-vault.ts'
import { type Ledger, openLedger } from '../../src/services/ledger-table.ts'
import { takeTokenLease } from '../../src/services/token-lease.ts'
import { readSettings } from '../../src/settings.ts'
import { signInOf, signInWarning } from '../../src/sign-in.ts'
import { freshName } from '../setup/storage.ts'
import { type Reply, type ScriptedServer, startScripted } from './scripted-server.ts'
import { createAuthority, type TokenAuthority } from './token-authority.ts'
import { startVault, type VaultStandIn } from './vault-stand-in.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SECRETS = ['planted-secret', 'planted-refresh', 'planted-password', 'PRIVATE KEY']

let authority: ScriptedServer
let now: Date
const clock = () => now

beforeAll(async () => {
  const certificate = await makeCertificate()
  setDefaultCACertificates([...getCACertificates(), certificate.certificate])
  authority = await startScripted(certificate)
})
beforeEach(() => {
  now = new Date()
  authority.requests.length = 0
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => authority.close())

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
        ...{ grant_type: 'client_credentials', client_id: 'client', client_secret: 'planted-secret' },
        scope: expect.stringContaining('https://api.partnercenter.microsoft.com/.default'),
      }),
    ])
  })

  test('certificate, as PEM text, with line breaks written out, or in a file', async () => {
    const { certificate, path } = await applicationCertificate(365)
    for (const value of [certificate, certificate.replaceAll('\n', '\\n'), path]) {
      expect(await openCredentials({ ...common(), auth: 'certificate', certificate: value }, clock).token()).toMatch(
        /^token-/,
      )
    }
    const assertions = tokenRequests().map((form) => form.client_assertion ?? '')
    expect(assertions).toHaveLength(3)
    const claims = JSON.parse(Buffer.from(assertions[0]?.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ iss: 'client', sub: 'client' })
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
    expect(await credentials.token()).toMatchObject({ failure: 'unauthorized' })
  })
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
    for (const { failure, message } of await failures()) {
      expect(failure).toBe('unauthorized')
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
    expect((await failures()).map(({ failure }) => failure)).toEqual(['unavailable', 'unavailable', 'unavailable'])
  })

  test('because of a certificate says which, and no key is shown', async () => {
    const { certificate: expired } = await applicationCertificate(-1)
    const withValue = (certificate: string) =>
      openCredentials({ ...common(), auth: 'certificate', certificate }, clock).token()
    expect(await withValue(expired)).toMatchObject({
      failure: 'unauthorized',
      message: expect.stringContaining('expired on'),
    })
    const unreadable = await withValue('MIIplanted-secret')
    expect(unreadable).toMatchObject({ failure: 'unauthorized', message: expect.stringContaining('neither PEM text') })
    expect(JSON.stringify(unreadable)).not.toContain('planted-secret')
  })

  test('because there is no managed identity is tried again', async () => {
    vi.stubEnv('IDENTITY_ENDPOINT', 'http://127.0.0.1:1/msi/token')
    vi.stubEnv('IDENTITY_HEADER', 'x')
    const signIn: SignIn = { ...common(), auth: 'managed-identity', identityClientId: 'nobody' }
    expect(await openCredentials(signIn, clock).token()).toMatchObject({ failure: 'unavailable' })
  })
})

describe('the settings of an account', () => {
  const partner = { PARTNER_TENANT_ID: 't', PARTNER_CLIENT_ID: 'c' }
  const messageOf = (env: object, means = {}) => {
    const signIn = signInOf('default', {}, { ...partner, ...env }, 'https://a.example', means)
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
      expect(messageOf({ PARTNER_AUTH: auth }, { hasVault: true })).toBe(auth)
    }
    expect(messageOf({ PARTNER_AUTH: 'password' }, { hasVault: true })).toBe(
      'account default: PARTNER_USERNAME missing',
    )
  })

  test('of another account carry its name', () => {
    const env = { PARTNER_AUTH__EMEA: 'client-secret', PARTNER_CLIENT_SECRET__EMEA: 's', PARTNER_TENANT_ID__EMEA: 't' }
    const signIn = signInOf('emea', { clientId: 'own' }, { ...partner, ...env }, 'https://a.example')
    expect(signIn).toMatchObject({ name: 'emea', tenantId: 't', clientId: 'own', clientSecret: 's' })
  })

  test.each(['http://vault.example', 'vault', 'ftp://x'])('a Key Vault at %s is refused', (url) => {
    const settings = readSettings({ KEY_VAULT_URL: url })
    expect('problems' in settings && settings.problems).toContain('KEY_VAULT_URL is not an https address')
  })
})

describe('a refresh token in the Key Vault', () => {
  let standIn: VaultStandIn
  let ledger: Ledger
  let entra: TokenAuthority
  let notices: string[]
  const NAME = 'partner-default-refresh-token'

  beforeEach(async () => {
    notices = []
    standIn = await startVault(clock)
    entra = createAuthority(() => now.getTime(), 90 * DAY)
    authority.script((request) => entra.answer(request))
    ledger = openLedger(
      TableClient.fromConnectionString(inject('storage'), freshName('lease'), { allowInsecureConnection: true }),
    )
    await ledger.create()
  })
  afterEach(() => standIn.server.close())

  const open = (wait: () => Promise<void> = async () => undefined, signIn: Partial<SignIn> = {}): Credentials => {
    const patience = { random: () => 0, wait }
    const vault = openKeyVault({ url: standIn.server.origin, token: async () => 'vault-token', clock, patience })
    const keeping = {
      vault,
      ledger,
      newId: () => 'me',
      patience,
      notice: (message: string) => void notices.push(message),
    }
    return openCredentials({ ...common(), auth: 'refresh-token', ...signIn } as SignIn, clock, keeping)
  }
  const keep = (value: string, ageMilliseconds: number) =>
    standIn.secrets.set(NAME, { value, updated: Math.floor((now.getTime() - ageMilliseconds) / 1000) })

  test('is used as it is while it is younger than a day, and nothing is stored', async () => {
    keep(entra.issue(), 23 * HOUR)
    expect(await open().token()).toMatch(/^access-/)
    expect(standIn.stored).toEqual([])
  })

  test('is replaced by its successor when it is older', async () => {
    keep(entra.issue(), 25 * HOUR)
    expect(await open().token()).toMatch(/^access-/)
    expect(standIn.stored).toHaveLength(1)
    expect(entra.isAlive(standIn.secrets.get(NAME)?.value ?? '')).toBe(true)
  })

  test('comes from the settings the first time and is then stored', async () => {
    expect(await open(undefined, { refreshToken: entra.issue() }).token()).toMatch(/^access-/)
    expect(standIn.stored).toHaveLength(1)
  })

  test('goes with the client secret of the vault', async () => {
    keep(entra.issue(), HOUR)
    standIn.secrets.set('partner-default-client-secret', { value: 'kept', updated: 0 })
    await open(undefined, { clientSecret: 'of the settings' }).token()
    expect(tokenRequests()[0]).toMatchObject({ client_secret: 'kept' })
  })

  test('that is refused is read again once: another instance may have stored a better one', async () => {
    keep('dead', HOUR)
    let asked = 0
    authority.script((request) => {
      if (++asked === 1) keep(entra.issue(), 0)
      return entra.answer(request)
    })
    expect(await open().token()).toMatch(/^access-/)
    expect(standIn.stored).toEqual([])
    expect(tokenRequests().map((form) => form.refresh_token)).toEqual(['dead', 'refresh-1'])
  })

  test('that is refused is replaced by the successor this instance still has', async () => {
    keep(entra.issue(), HOUR)
    const credentials = open()
    await credentials.token()
    keep('overwritten', 0)
    now = new Date(now.getTime() + HOUR)
    expect(await credentials.token()).toMatch(/^access-/)
    expect(standIn.stored).toHaveLength(1)
    expect(entra.isAlive(standIn.secrets.get(NAME)?.value ?? '')).toBe(true)
  })

  test('that is refused for good says so, and asks the authority once', async () => {
    keep('dead', HOUR)
    expect(await open().token()).toMatchObject({
      failure: 'unauthorized',
      message: expect.stringContaining('AADSTS700082'),
    })
    expect(tokenRequests()).toHaveLength(1)
  })

  test('of a new consent is not overwritten by the successor of the old one', async () => {
    keep(entra.issue(), 25 * HOUR)
    authority.script((request) => {
      keep('of the new consent', 0)
      return entra.answer(request)
    })
    expect(await open().token()).toMatch(/^access-/)
    expect(standIn.secrets.get(NAME)?.value).toBe('of the new consent')
  })

  test('that cannot be stored still signs in, and somebody is told', async () => {
    keep(entra.issue(), 25 * HOUR)
    standIn.fault = (method) => (method === 'PUT' ? { status: 403, body: {} } : undefined)
    expect(await open().token()).toMatch(/^access-/)
    expect(notices).toEqual([expect.stringMatching(/^account default: its new refresh token was not stored: .*403/)])
    expect(await takeTokenLease({ ledger, account: 'default', clock, owner: 'next' })).toBeDefined()
  })

  test('is only used, not stored, while another instance renews it', async () => {
    keep(entra.issue(), 25 * HOUR)
    const lease = await takeTokenLease({ ledger, account: 'default', clock, owner: 'other' })
    expect(await open().token()).toMatch(/^access-/)
    expect(standIn.stored).toEqual([])
    await lease?.release()
    expect(await open().token()).toMatch(/^access-/)
    expect(standIn.stored).toHaveLength(1)
  })

  test('that is refused while another instance renews it is waited for', async () => {
    keep('dead', HOUR)
    const lease = await takeTokenLease({ ledger, account: 'default', clock, owner: 'other' })
    let waits = 0
    const wait = async () => {
      if (++waits < 3) return
      keep(entra.issue(), 0)
      await lease?.release()
    }
    expect(await open(wait).token()).toMatch(/^access-/)
    expect(waits).toBe(3)
  })

  test('is not stored by one whose lease has ended meanwhile', async () => {
    keep(entra.issue(), 25 * HOUR)
    authority.script(async (request) => {
      now = new Date(now.getTime() + HOUR)
      await takeTokenLease({ ledger, account: 'default', clock, owner: 'other' })
      return entra.answer(request)
    })
    expect(await open().token()).toMatch(/^access-/)
    expect(standIn.stored).toEqual([])
  })

  test('outlives 200 rounds of two processes that renew at once, with a vault that refuses', async () => {
    const life = 40 * HOUR
    const rounds = createAuthority(() => now.getTime(), life)
    const plain = await startScripted()
    plain.script((request) => rounds.answer(request))
    let faults = { GET: 0, PUT: 0 }
    let isOut = false
    // A call is tried three times: two faults of a sort in a round are never too many for it, unless the vault is out.
    standIn.fault = (method) => {
      if (isOut && method === 'PUT') return { status: 409, body: {} }
      const sort = method === 'PUT' ? 'PUT' : 'GET'
      faults[sort] += 1
      if (faults[sort] > 2) return undefined
      return faults[sort] === 1 ? { status: 409, body: {} } : { status: 429, headers: { 'retry-after': '0' }, body: {} }
    }
    keep(rounds.issue(), 0)
    const table = freshName('rounds')
    await openLedger(
      TableClient.fromConnectionString(inject('storage'), table, { allowInsecureConnection: true }),
    ).create()
    const env = {
      ...process.env,
      STORAGE: inject('storage'),
      TABLE: table,
      VAULT: standIn.server.origin,
      AUTHORITY: plain.origin,
    }
    const instances = await Promise.all(['one', 'two'].map((OWNER) => startInstance({ ...env, OWNER })))
    for (let round = 1; round <= 200; round++) {
      now = new Date(now.getTime() + 25 * HOUR)
      isOut = round % 20 === 0
      faults = { GET: 0, PUT: 0 }
      const before = standIn.stored.length
      const answers = await Promise.all(instances.map((instance) => instance.renew(now)))
      expect(answers, `round ${round}`).toEqual([{ token: expect.any(String) }, { token: expect.any(String) }])
      const stored = standIn.stored.length - before
      expect(stored, `stored in round ${round}`).toBe(isOut ? 0 : 1)
      expect(isOut || rounds.isAlive(standIn.secrets.get(NAME)?.value ?? ''), `round ${round}`).toBe(true)
    }
    await Promise.all(instances.map((instance) => instance.stop()))
    await plain.close()
  })
})

type Instance = { renew(now: Date): Promise<unknown>; stop(): Promise<void> }

/** A process of its own that renews the same account's token. */
async function startInstance(env: NodeJS.ProcessEnv): Promise<Instance> {
  const child = fork(new URL('./renewing-process.ts', import.meta.url), {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const waiting: ((answer: unknown) => void)[] = []
  child.on('message', (message: object) => {
    if (!('notice' in message)) waiting.shift()?.(message)
  })
  const next = () => new Promise<unknown>((resolve) => waiting.push(resolve))
  await next()
  return {
    renew(now) {
      const answer = next()
      child.send({ now: now.getTime() })
      return answer
    },
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}

/** A certificate with its key, both PEM, that ends in so many days; also as a file. */
async function applicationCertificate(days: number): Promise<{ certificate: string; path: string }> {
  const { mkdtemp, writeFile } = await import('node:fs/promises')
  const notBeforeDate = new Date(Date.now() - 30 * DAY)
  const notAfterDate = new Date(Date.now() + days * DAY)
  const made = await generate([{ name: 'commonName', value: 'app' }], {
    keyType: 'rsa',
    keySize: 2048,
    notBeforeDate,
    notAfterDate,
  })
  const certificate = `${made.private}\n${made.cert}\n`
  const folder = await mkdtemp(`${(await import('node:os')).tmpdir()}/sign-in-`)
  await writeFile(`${folder}/app.pem`, certificate)
  return { certificate, path: `${folder}/app.pem` }
}
