import { fork } from 'node:child_process'
import { once } from 'node:events'
import { TableClient } from '@azure/data-tables'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { NEVER } from '../../src/core/ledger/wake.ts'
import { type Credentials, openCredentials } from '../../src/services/sign-in/credentials.ts'
import { openKeyVault } from '../../src/services/sign-in/key-vault.ts'
import type { SignIn } from '../../src/services/sign-in/sign-in.ts'
import { takeTokenLease } from '../../src/services/sign-in/token-lease.ts'
import type { Ledger } from '../../src/services/storage/ledger.ts'
import { openLedger } from '../../src/services/storage/ledger-table.ts'
import { freshName } from '../setup/storage.ts'
import { type ScriptedServer, startScripted } from './scripted-server.ts'
import { createAuthority, type TokenAuthority } from './token-authority.ts'
import { startVault, type VaultStandIn } from './vault-stand-in.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NAME = 'partner-default-refresh-token'

let authority: ScriptedServer
let now: Date
const clock = () => now
const tokenRequests = () => authority.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body)))

function openTable(table: string): Ledger {
  return openLedger(
    TableClient.fromConnectionString(inject('storage'), table, { allowInsecureConnection: true }),
    () => NEVER,
  )
}

describe('a refresh token in the Key Vault', () => {
  let standIn: VaultStandIn
  let ledger: Ledger
  let entra: TokenAuthority
  let notices: string[]

  beforeEach(async () => {
    now = new Date()
    notices = []
    authority = await startScripted()
    standIn = await startVault(clock)
    entra = createAuthority(() => now.getTime(), 90 * DAY)
    authority.script((request) => entra.answer(request))
    ledger = openTable(freshName('lease'))
    await ledger.create()
  })
  afterEach(() => Promise.all([standIn.server.close(), authority.close()]))

  const open = (wait: () => Promise<void> = async () => undefined, signIn: Partial<SignIn> = {}): Credentials => {
    const common = { name: 'default', authorityHost: authority.origin, tenantId: 'tenant', clientId: 'client' }
    const retry = { random: () => 0, wait }
    const vault = openKeyVault({ url: standIn.server.origin, token: async () => 'vault-token', clock, retry })
    const keeping = {
      vault,
      ledger,
      newId: () => 'me',
      retry,
      warn: (message: string) => void notices.push(message),
    }
    return openCredentials({ ...common, auth: 'refresh-token', ...signIn } as SignIn, clock, keeping)
  }
  const keep = (value: string, ageMilliseconds: number) =>
    standIn.secrets.set(NAME, { value, updated: Math.floor((now.getTime() - ageMilliseconds) / 1000) })

  test('is used as it is while it is younger than a day, and nothing is stored', async () => {
    keep(entra.issue(), 23 * HOUR)
    expect(await open().token()).toMatch(/^access-/)
    expect(standIn.stored).toEqual([])
    expect(await ledger.readApp('token~default'), 'no lease is taken for it').toBeUndefined()
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
      kind: 'unauthorized',
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

  test.each<readonly [string, unknown]>([
    ['an object', {}],
    ['a flag', true],
    ['a number', 1],
    ['a list', ['x\ny']],
    ['two words', 'two words'],
    ['two lines', 'x\ny'],
    ['nothing', ''],
    ['more than a vault holds', 'x'.repeat(25_001)],
  ])('stays where the answer has %s for its successor', async (_, broken) => {
    const good = entra.issue()
    keep(good, 25 * HOUR)
    authority.script(() => ({ body: { access_token: 'access-1', expires_in: 3599, refresh_token: broken } }))
    expect(await open().token()).toBe('access-1')
    expect(standIn.stored).toEqual([])
    expect(standIn.secrets.get(NAME)?.value).toBe(good)
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
    authority.script((request) => rounds.answer(request))
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
    await openTable(table).create()
    const env = {
      ...process.env,
      STORAGE: inject('storage'),
      TABLE: table,
      VAULT: standIn.server.origin,
      AUTHORITY: authority.origin,
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
  }, 180_000)
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
