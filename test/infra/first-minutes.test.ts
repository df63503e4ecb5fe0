import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Refused } from '../../infra/azure.ts'
import { type Received, type Reply, type ScriptedServer, startScripted } from '../services/scripted-server.ts'
import { type Changes, FUNCTION_KEY, LIST_KEYS, PERSON_TOKEN, playFirstMinutes, REFRESH } from './play-first-minutes.ts'

const MINUTE = 60_000

const WELL = { check: 'settings', level: 'ok', message: 'they are complete' }
const NO_TOKEN = {
  check: 'sign-in',
  level: 'problem',
  message: 'account default: no refresh token is stored',
  remedy: 'Sign in again.',
  account: { name: 'default', auth: 'refresh-token' },
}
const NO_ROLE = { check: 'role', level: 'problem', message: 'account default: 403', remedy: 'Give the user the role.' }
const NO_STORAGE = { check: 'storage', level: 'problem', message: 'table storage refuses (403)', remedy: 'Give roles.' }

/** Azure Resource Manager and the deployed app in one server: what each path answers, by how often it was asked. */
type Script = Readonly<Record<string, (nth: number) => Reply>>

const ALL_WELL: Script = {
  [REFRESH]: () => ({ status: 200, body: {} }),
  [LIST_KEYS]: () => ({ body: { masterKey: 'master', functionKeys: { default: FUNCTION_KEY } } }),
  '/api/health': () => ({ body: { status: 'ok', version: '1' } }),
  '/api/run/doctor': () => ({ body: { findings: [WELL] } }),
  '/api/run/provision': () => ({ body: { requested: 3 } }),
}

let server: ScriptedServer
beforeEach(async () => {
  server = await startScripted()
})
afterEach(() => server.close())

/** Plays the first minutes with this script, and counts the questions. */
async function play(script: Script, outputs: Record<string, string> = {}, changes: Changes = {}) {
  const counts = new Map<string, number>()
  server.script(({ path }: Received) => {
    const nth = (counts.get(path) ?? 0) + 1
    counts.set(path, nth)
    return { ...ALL_WELL, ...script }[path]?.(nth) ?? { status: 404 }
  })
  const played = await playFirstMinutes(server.origin, { outputs, ...changes })
  const asked = (path: string) => counts.get(path) ?? 0
  return { ...played, asked }
}

describe('the first minutes of an app where all is well', () => {
  it('end with the first provision', async () => {
    const { exitCode, text, asked, minutes } = await play({})
    expect(exitCode).toBe(0)
    expect(text).toContain('has asked for 3 reports')
    expect(minutes).toBe(0)
    expect([asked(REFRESH), asked(LIST_KEYS), asked('/api/run/doctor'), asked('/api/run/provision')]).toEqual([
      1, 1, 1, 1,
    ])
  })

  it('tell of one report as one', async () => {
    const { text } = await play({ '/api/run/provision': () => ({ body: { requested: 1 } }) })
    expect(text).toContain('has asked for 1 report.')
  })

  it('send the token to Azure alone, and the key to the app alone', async () => {
    await play({})
    for (const { path, headers, url } of server.requests) {
      const isAzure = path.startsWith('/subscriptions/')
      expect(headers.authorization, path).toBe(isAzure ? `Bearer ${PERSON_TOKEN}` : undefined)
      expect(headers['x-functions-key'], path).toBe(path.startsWith('/api/run/') ? FUNCTION_KEY : undefined)
      if (isAzure) expect(url).toMatch(/api-version=\d{4}-\d{2}-\d{2}$/)
      else expect(url).toBe(path)
    }
  })
})

describe('the first minutes of an app that needs time', () => {
  it('refresh the references again every two minutes until the settings hold', async () => {
    const health = (nth: number): Reply => (nth <= 30 ? { status: 503, body: { status: 'unavailable' } } : { body: {} })
    const { exitCode, asked, minutes, lines } = await play({ '/api/health': health })
    expect(exitCode).toBe(0)
    expect(minutes).toBe(5)
    expect(asked(REFRESH)).toBe(3)
    // Once, however long it takes.
    expect(lines.filter((line) => line.startsWith('waiting:'))).toHaveLength(1)
  })

  it.each<[string, string, Reply]>([
    ['a storage that does not know the roles yet', '/api/health', { status: 503, body: { status: 'storage' } }],
    ['an app that is not there yet', '/api/health', { status: 404 }],
    ['an app that does not answer', '/api/health', 'drop'],
    ['an answer that is no JSON', '/api/health', { status: 503, body: '<html>' }],
    ['Azure that fails', REFRESH, { status: 500 }],
    ['Azure that does not answer', REFRESH, 'drop'],
    ['a host without keys', LIST_KEYS, { status: 500 }],
    ['a host that has no keys yet', LIST_KEYS, { status: 404, body: {} }],
    ['an empty list of keys', LIST_KEYS, { body: {} }],
    ['a doctor who cannot write yet', '/api/run/doctor', { body: { findings: [NO_STORAGE] } }],
    ['a doctor who fails', '/api/run/doctor', { status: 500 }],
    ['a first provision that fails', '/api/run/provision', { status: 503 }],
  ])('go on after %s', async (_, path, first) => {
    const { exitCode, text } = await play({ [path]: once(first, ALL_WELL[path]) })
    expect(exitCode).toBe(0)
    expect(text).toContain('waiting: ')
    expect(text).toContain('has asked for 3 reports')
  })

  it('is well where only Azure does not refresh', async () => {
    const { exitCode, text } = await play({ [REFRESH]: () => ({ status: 500 }) })
    expect([exitCode, text]).toEqual([0, expect.stringContaining('has asked for 3 reports')])
  })

  it('leave a timer that has died to a person, with what the doctor says of it', async () => {
    const dead = {
      check: 'timer',
      level: 'problem',
      message: 'provision is silent',
      remedy: 'See timers that have stopped.',
    }
    const callback = { check: 'callback', level: 'problem', message: 'health says 503', remedy: 'Read the log.' }
    const { exitCode, text, minutes } = await play({
      '/api/health': () => ({ status: 503, body: { status: 'timer-silent' } }),
      '/api/run/doctor': () => ({ body: { findings: [WELL, callback, dead] } }),
    })
    expect([exitCode, minutes]).toEqual([0, 0])
    expect(text).toContain('provision is silent. See timers that have stopped.')
    expect(text).not.toContain('health says 503')
  })

  it.each<[string, Script, string]>([
    ['settings', { '/api/health': () => ({ status: 503, body: { status: 'unavailable' } }) }, 'app.settings'],
    ['storage', { '/api/health': () => ({ status: 503, body: { status: 'storage' } }) }, 'Roles take minutes'],
    ['an app', { '/api/health': () => ({ status: 404 }) }, 'azd deploy'],
    ['an answer', { '/api/health': () => 'drop' }, 'azd deploy'],
    ['being started', { '/api/health': () => ({ status: 403, body: 'Site Disabled' }) }, 'az functionapp start'],
    ['rights of the app', { '/api/run/doctor': () => ({ body: { findings: [NO_STORAGE] } }) }, 'Give roles.'],
  ])('end with 1 after 15 minutes without %s', async (_, script, said) => {
    const { exitCode, text, minutes, asked } = await play(script)
    expect(exitCode).toBe(1)
    expect(minutes).toBe(15)
    expect(text).toContain(said)
    expect(text).toContain('npm run first-minutes')
    expect(asked('/api/run/provision')).toBe(0)
  })
})

describe('the first minutes of an app or an Azure that hangs', () => {
  const SOON = { azureMs: 300, appMs: 300 }

  it.each([
    ['Azure while references are refreshed', REFRESH],
    ['Azure while it is asked for the key', LIST_KEYS],
    ['health', '/api/health'],
    ['the doctor', '/api/run/doctor'],
    ['the first provision', '/api/run/provision'],
  ])('go on after %s answered late', async (_, path) => {
    const { exitCode, text, asked } = await play(
      { [path]: once('hang', ALL_WELL[path]) },
      {},
      { limits: SOON, eachWaitMs: 3 * MINUTE },
    )
    expect([exitCode, asked(path) > 0]).toEqual([0, true])
    expect(text).toMatch(/waiting: .*TimeoutError/)
    expect(text).toContain('has asked for 3 reports')
  })

  it.each([[LIST_KEYS], ['/api/health'], ['/api/run/doctor'], ['/api/run/provision']])(
    'end with 1 after 15 minutes where %s never answers',
    async (path) => {
      const { exitCode, text, minutes } = await play(
        { [path]: () => 'hang' },
        {},
        { limits: SOON, eachWaitMs: 5 * MINUTE },
      )
      expect([exitCode, minutes]).toEqual([1, 15])
      expect(text).toMatch(/does not work yet: .*TimeoutError/)
    },
  )
})

describe('the first minutes after an update', () => {
  const old = (status: string, code: number): Reply => ({ status: code, body: { status, version: '1' } })
  const fresh: Reply = { body: { status: 'ok', version: '2' } }

  it.each<[string, Reply]>([
    ['well', old('ok', 200)],
    ['silent', old('timer-silent', 503)],
    ['closed', old('unavailable', 503)],
  ])('do not take an old instance for the new one that says it is %s', async (_, answer) => {
    const { exitCode, text, minutes } = await play(
      { '/api/health': once(answer, () => fresh) },
      { PARTNER_TENANT_ID: '' },
      { version: '2' },
    )
    expect([exitCode, minutes]).toEqual([0, 1 / 6])
    expect(text).toContain('waiting: version 1 still answers, and 2 was deployed')
    expect(text).toContain('has asked for 3 reports')
  })

  it('end with 1 where the old version stays', async () => {
    const { exitCode, text } = await play({}, {}, { version: '2' })
    expect([exitCode, text]).toEqual([1, expect.stringContaining('version 1 still answers')])
  })

  it('take any version where nobody knows what was deployed', async () => {
    expect((await play({ '/api/health': () => fresh })).exitCode).toBe(0)
  })
})

describe('what a person still has to do', () => {
  const UNAVAILABLE: Reply = { status: 503, body: { status: 'unavailable', version: '1' } }
  const WITHOUT_IDS: Script = { '/api/health': () => UNAVAILABLE }

  /** The default account cannot sign in, in the way it is told to. */
  function signInMissing(auth: string): Script {
    const finding = { ...NO_TOKEN, account: { name: 'default', auth } }
    return { '/api/run/doctor': () => ({ body: { findings: [WELL, finding] } }) }
  }

  it.each([['PARTNER_TENANT_ID'], ['PARTNER_CLIENT_ID']])('is said at once without %s', async (missing) => {
    const { exitCode, text, minutes, asked } = await play(WITHOUT_IDS, { [missing]: '' })
    expect([exitCode, minutes]).toEqual([0, 0])
    expect(text).toContain('azd env set PARTNER_CLIENT_ID')
    expect([asked('/api/health'), asked(LIST_KEYS)]).toEqual([1, 0])
  })

  it('is not the ids of the default account, where the app does without', async () => {
    const { exitCode, text } = await play({}, { PARTNER_TENANT_ID: '', PARTNER_CLIENT_ID: '' })
    expect([exitCode, text]).toEqual([0, expect.stringContaining('has asked for 3 reports')])
  })

  it('is nothing as long as a reference is not resolved, where only other accounts are set', async () => {
    const health = (nth: number): Reply => (nth <= 2 ? UNAVAILABLE : { body: { status: 'ok', version: '1' } })
    const extra = { EXTRA_APP_SETTINGS: 'PARTNER_TENANT_ID__EMEA=a;PARTNER_CLIENT_ID__EMEA=b' }
    const outputs = { PARTNER_TENANT_ID: '', PARTNER_CLIENT_ID: '', ...extra }
    const soon = await play({ '/api/health': health }, outputs)
    expect([soon.exitCode, soon.minutes]).toEqual([0, 1 / 3])
    expect(soon.text).toContain('has asked for 3 reports')
    const never = await play(WITHOUT_IDS, outputs)
    expect([never.exitCode, never.minutes]).toEqual([1, 15])
    for (const { text } of [soon, never]) expect(text).not.toContain('Register')
  })

  it.each<[string, Reply, string]>([
    ['is not there', { status: 404 }, 'azd deploy'],
    ['gives no answer', 'drop', 'azd deploy'],
    ['is stopped', { status: 403, body: 'Site Disabled' }, 'az functionapp start'],
    ['ends with an error', { status: 500 }, '500'],
  ])('is nothing as long as the app %s, also without ids', async (_, answer, said) => {
    const { exitCode, text, minutes } = await play({ '/api/health': () => answer }, { PARTNER_TENANT_ID: '' })
    expect([exitCode, minutes]).toEqual([1, 15])
    expect(text).toContain(said)
    expect(text).not.toContain('azd env set')
  })

  it.each([
    ['refresh-token', 'npx partner-insights-sync consent --azd-env'],
    ['client-secret', 'az keyvault secret set --vault-name kv-partner --name partner-default-client-secret'],
    ['certificate', 'az keyvault secret set --vault-name kv-partner --name partner-default-certificate'],
    ['managed-identity', 'az ad app federated-credential create --id an-application'],
  ])('comes with its command for a sign-in by "%s"', async (auth, command) => {
    const { exitCode, text, asked } = await play(signInMissing(auth))
    expect(exitCode).toBe(0)
    expect(text).toContain('no refresh token is stored')
    expect(text).toContain(command)
    expect(asked('/api/run/provision')).toBe(0)
  })

  it('holds the federated credential of the identity', async () => {
    const outputs = { FEDERATED_ISSUER: 'https://login.example/t/v2.0', IDENTITY_PRINCIPAL_ID: 'a-principal' }
    const { text } = await play(signInMissing('managed-identity'), outputs)
    expect(text).toContain('"issuer":"https://login.example/t/v2.0","subject":"a-principal"')
  })

  it('is another way to sign in where a managed identity is of another tenant than the application', async () => {
    const script = signInMissing('managed-identity')
    const tenant = (digit: string) => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`
    const [partner, own] = [tenant('a'), tenant('b')] as const
    const two = await play(script, { PARTNER_TENANT_ID: partner, AZURE_TENANT_ID: own })
    expect(two.text).toMatch(/AADSTS700236.*\n +azd env set PARTNER_AUTH refresh-token/)
    expect(two.text).not.toContain('federated-credential')
    const one = await play(script, { PARTNER_TENANT_ID: partner, AZURE_TENANT_ID: partner.toUpperCase() })
    expect(one.text).toContain('federated-credential create')
  })

  it.each([
    ['refresh-token', 'npx partner-insights-sync consent --account emea --azd-env'],
    ['client-secret', 'az keyvault secret set --vault-name kv-partner --name partner-emea-client-secret'],
    ['certificate', 'az keyvault secret set --vault-name kv-partner --name partner-emea-certificate'],
    ['password', 'az keyvault secret set --vault-name kv-partner --name partner-emea-password'],
    ['managed-identity', 'az ad app federated-credential create --id <application id of account emea>'],
  ])('comes with the command for the account that it is about, by "%s"', async (auth, command) => {
    const missing = { ...NO_TOKEN, account: { name: 'emea', auth } }
    const findings = [WELL, NO_TOKEN, missing]
    const { text } = await play({ '/api/run/doctor': () => ({ body: { findings } }) }, { PARTNER_AUTH: 'certificate' })
    expect(text.split('\n').map((line) => line.trim())).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^npx partner-insights-sync consent --azd-env$/),
        expect.stringContaining(command),
      ]),
    )
    expect(text).not.toContain('an-application')
  })

  it('comes without a command where the settings of an account do not say how it signs in', async () => {
    const incomplete = { ...NO_TOKEN, message: 'PARTNER_TENANT_ID__EMEA missing', account: { name: 'emea' } }
    const { text } = await play({ '/api/run/doctor': () => ({ body: { findings: [incomplete] } }) })
    expect(text).toContain('PARTNER_TENANT_ID__EMEA missing')
    expect(text).not.toMatch(/consent|federated|secret set/)
  })

  it('names the environment of azd, and says what the service says without its control characters', async () => {
    const quoting = { ...NO_TOKEN, message: 'the service says \u001b[31mno' }
    const script = { '/api/run/doctor': () => ({ body: { findings: [quoting] } }) }
    const { text } = await play(script, { AZURE_ENV_NAME: 'two' })
    expect(text).toContain('npx partner-insights-sync consent --azd-env two')
    expect(text).not.toContain('\u001b')
  })

  it('is in the order in which it is done: the sign-in comes before what hangs on it', async () => {
    const { text, exitCode } = await play({
      '/api/run/doctor': () => ({ body: { findings: [NO_ROLE, WELL, NO_TOKEN] } }),
    })
    expect(exitCode).toBe(0)
    expect(text).toMatch(
      /1\. account default: no refresh token[\s\S]*2\. account default: 403\. Give the user the role/,
    )
  })

  it('does not hold a warning against the app', async () => {
    const warning = { ...NO_ROLE, level: 'warning' }
    const { asked } = await play({ '/api/run/doctor': () => ({ body: { findings: [warning] } }) })
    expect(asked('/api/run/provision')).toBe(1)
  })
})

describe('what only whoever deploys can mend', () => {
  it.each<[string, Script, string]>([
    ['a sign-in that Azure refuses', { [REFRESH]: () => ({ status: 401 }) }, 'azd auth login'],
    ['a person without the right', { [LIST_KEYS]: () => ({ status: 403 }) }, 'Contributor'],
    [
      'an app that Azure does not know',
      { [REFRESH]: () => ({ status: 404, body: { error: { code: 'ResourceNotFound' } } }) },
      'azd provision',
    ],
  ])('ends at once: %s', async (_, script, said) => {
    const { exitCode, text, minutes } = await play(script)
    expect(exitCode).toBe(1)
    expect(text).toContain(said)
    expect(minutes).toBe(0)
  })

  it('ends at once: nobody is signed in', async () => {
    const nobody = async () => {
      throw new Refused('nobody is signed in: type "azd auth login"')
    }
    const { exitCode, text } = await play({}, {}, { token: nobody })
    expect([exitCode, text]).toEqual([1, expect.stringContaining('nobody is signed in')])
  })

  it('ends at once: feeds that the app cannot use', async () => {
    const unusable = { '/api/run/provision': () => ({ body: { problem: 'feeds.json cannot be used' } }) }
    const { exitCode, text } = await play(unusable)
    expect([exitCode, text]).toEqual([1, expect.stringContaining('feeds push')])
  })

  it('ends at once: nothing is provisioned', async () => {
    const { exitCode, text } = await play({}, { APP_ID: '' })
    expect([exitCode, text]).toEqual([1, expect.stringContaining('azd provision')])
  })
})

/** One answer for the first question; all later ones are answered by `later`. */
function once(first: Reply, later?: Script[string]): Script[string] {
  return (nth) => (nth === 1 ? first : (later?.(nth) ?? 'drop'))
}
