import { describe, expect, it } from 'vitest'
import { OUTPUT_OF_SETTING, settingsOfAzd } from '../../cli/azd-env.ts'
import { namesIn, rowsOf, textOf } from '../docs/page.ts'
import { onLaptop, SIGNED_OUT, TOKENS } from './laptop.ts'

const TENANT = '00000000-0000-0000-0000-0000000000dd'

/** As azd writes it: values in quotes, and its own variables among the outputs. */
function envFile(address: string, changes: Readonly<Record<string, string>> = {}): string {
  const values = {
    AZURE_ENV_NAME: 'partner',
    AZURE_TENANT_ID: TENANT,
    DATA_TABLE_URI: `${address}/`,
    DATA_BLOB_URI: `${address}/`,
    DATA_QUEUE_URI: `${address}/`,
    DEPLOYMENT_ID: 'abc123',
    INSIGHTS_BASE_URL: '',
    KEY_VAULT_URL: 'https://kv-partner.vault.azure.net/',
    PARTNER_AUTH: 'refresh-token',
    PARTNER_CLIENT_ID: 'an-application',
    PARTNER_TENANT_ID: 'contoso.onmicrosoft.com',
    EXTRA_APP_SETTINGS: '',
    ...changes,
  }
  return Object.entries(values)
    .map(([name, value]) => `${name}="${value}"\n`)
    .join('')
}

const OF_EMEA = 'PARTNER_TENANT_ID__EMEA=emea.contoso.com;PARTNER_CLIENT_ID__EMEA=another-application'

const DEFAULT = { '.azure/config.json': '{"version":1,"defaultEnvironment":"partner"}' }
const partner = (address: string) => ({ ...DEFAULT, '.azure/partner/.env': envFile(address) })
const changed = (changes: Readonly<Record<string, string>>) => (address: string) => ({
  ...DEFAULT,
  '.azure/partner/.env': envFile(address, changes),
})

describe('a command with --azd-env', () => {
  it.each([
    ['the default environment', ['status', '--azd-env'], 'settings of azd environment partner\n'],
    ['the environment of that name', ['status', '--azd-env', 'partner'], ''],
    ['the environment of that name, joined', ['status', '--azd-env=partner'], ''],
  ])('reaches the app of %s as the person, and says which where nobody named it', async (_, args, said) => {
    const { exit, err, tokens, paths } = await onLaptop(args, { programs: TOKENS, files: partner })
    expect({ exit, err, tokens }).toEqual({ exit: 0, err: said, tokens: ['Bearer of azd'] })
    // An address may end with a slash, as Azure gives it.
    expect(paths.filter((path) => path.includes('//'))).toEqual([])
  })

  it('goes by AZURE_ENV_NAME before the default, as azd does', async () => {
    const files = (address: string) => ({
      '.azure/config.json': '{"version":1,"defaultEnvironment":"other"}',
      '.azure/other/.env': envFile('https://127.0.0.1:9/none'),
      '.azure/partner/.env': envFile(address),
    })
    const env = () => ({ AZURE_ENV_NAME: 'partner' })
    const { exit, err } = await onLaptop(['status', '--azd-env'], { programs: TOKENS, files, env })
    expect({ exit, err }).toEqual({ exit: 0, err: 'settings of azd environment partner\n' })
  })

  it.each(['azd', 'az'] as const)(
    'asks %s for tokens of the tenant of the subscription, where a person may be a guest',
    async (by) => {
      // A variable of the shell is about another tenant, maybe.
      const env = () => ({ AZURE_TENANT_ID: 'other' })
      const programs = by === 'azd' ? TOKENS : { az: TOKENS.az }
      const { exit, asked } = await onLaptop(['status', '--azd-env'], { programs, files: partner, env })
      expect(exit).toBe(0)
      expect(asked.length).toBeGreaterThan(0)
      for (const line of asked) expect(line).toMatch(new RegExp(`^${by} .*--tenant(-id)? ${TENANT}\\b`))
    },
  )

  it.each([
    ['retry', '--azd-env', 'azure-usage'],
    ['status', '--azd-env', 'azure-usage'],
    ['status', '--azd-env=azure-usage'],
    ['status', '--azd-env='],
    ['status', '--azd-env', '../plain'],
    ['status', '--azd-env', '..'],
  ])('%s %s %s: what is no environment is not taken for one', async (...args) => {
    const plain = { '.azure/.env': '', 'plain/.env': '', '.env': '' }
    const files = (address: string) => ({ ...partner(address), ...plain })
    const { exit, out, err, asked } = await onLaptop(args, { programs: TOKENS, files })
    expect({ exit, out, asked }).toEqual({ exit: 2, out: '', asked: [''] })
    expect(err).toMatch(/azd has no such environment in this folder.*put --azd-env last.*--azd-env=<name>/)
  })

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['AZURE_ENV_NAME', { AZURE_ENV_NAME: 'nope' }, /^azd has no environment nope in this folder.*AZURE_ENV_NAME/m],
    ['the default', {}, /^azd has no environment gone in this folder.*default.*azd env select/m],
  ])('names the environment that %s names and azd does not keep', async (_, env, said) => {
    const files = () => ({ '.azure/config.json': '{"version":1,"defaultEnvironment":"gone"}' })
    const { exit, err } = await onLaptop(['status', '--azd-env'], { programs: TOKENS, files, env: () => env })
    expect([exit, err]).toEqual([1, expect.stringMatching(said)])
  })

  it.each([['consent', '--local'], ['consent', '--local', '--account', 'emea'], ['consent']])(
    '%s %s %s stores no token here, which the deployed app would not read',
    async (...args) => {
      const files = changed({ KEY_VAULT_URL: '', EXTRA_APP_SETTINGS: OF_EMEA })
      for (const option of ['--azd-env', '--azd-env=partner']) {
        const { exit, err } = await onLaptop([...args, option], { programs: TOKENS, files })
        expect([exit, err]).toEqual([2, expect.stringContaining('the deployed app reads it from its Key Vault alone')])
      }
    },
  )

  it('is refused by validate, which asks no app', async () => {
    const { exit, err } = await onLaptop(['validate', '--azd-env'], { programs: TOKENS, files: partner })
    expect([exit, err]).toEqual([2, expect.stringContaining('feeds push --dry-run --azd-env')])
  })

  it('knows the settings of other accounts, which the app has by extraAppSettings', async () => {
    const consent = ['consent', '--account', 'emea', '--azd-env']
    const without = await onLaptop(consent, { programs: SIGNED_OUT, files: partner })
    expect(without.err).toContain('account emea: PARTNER_TENANT_ID__EMEA, PARTNER_CLIENT_ID__EMEA missing')
    const files = changed({ EXTRA_APP_SETTINGS: OF_EMEA })
    const told = await onLaptop(consent, { programs: SIGNED_OUT, files })
    expect(told.err).toContain('nobody is signed in')
    expect(told.err).not.toContain('missing')
  })

  it('does without the ids of the default account where there is another one', async () => {
    const files = changed({
      PARTNER_TENANT_ID: '',
      PARTNER_CLIENT_ID: '',
      EXTRA_APP_SETTINGS: 'PARTNER_AUTH__EMEA=certificate',
    })
    expect(await onLaptop(['status', '--azd-env'], { programs: TOKENS, files })).toMatchObject({ exit: 0 })
  })

  it('takes nothing about another app from the environment', async () => {
    const env = () => ({
      DataStorage: 'UseDevelopmentStorage=true',
      PARTNER_TENANT_ID: 'other',
      CALLBACK_SECRET: 'short',
    })
    const { exit, tokens } = await onLaptop(['status', '--azd-env'], { programs: TOKENS, files: partner, env })
    expect({ exit, tokens }).toEqual({ exit: 0, tokens: ['Bearer of azd'] })
  })

  it.each<[string, readonly string[], Record<string, string>, string]>([
    ['no environment', ['--azd-env'], {}, 'azd has no default environment'],
    [
      'nothing provisioned',
      ['--azd-env'],
      { ...DEFAULT, '.azure/partner/.env': 'AZURE_ENV_NAME="partner"' },
      'azd provision',
    ],
    [
      'no id of the application',
      ['--azd-env'],
      changed({ PARTNER_CLIENT_ID: '' })('https://127.0.0.1:9'),
      'has no PARTNER_CLIENT_ID: type "azd env set PARTNER_CLIENT_ID <id> -e partner" and "azd provision -e partner"',
    ],
    ['a file of settings too', ['--settings', 'x.json', '--azd-env'], {}, 'not both'],
  ])('says what to do with %s', async (_, options, files, said) => {
    const { exit, err, asked } = await onLaptop(['status', ...options], { programs: TOKENS, files: () => files })
    expect(exit).toBe(1)
    expect(err).toContain(said)
    expect(asked).toEqual([''])
  })
})

it.each(['status', 'consent', 'doctor'])('%s says one thing where nobody is signed in', async (name) => {
  const { exit, out, err, tokens, asked } = await onLaptop([name, '--azd-env'], {
    programs: SIGNED_OUT,
    files: partner,
  })
  expect({ exit, tokens }).toEqual({ exit: 1, tokens: [] })
  const lines = (out + err)
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('settings of'))
  const said = `type "azd auth login --tenant-id ${TENANT}" or "az login --tenant ${TENANT}"`
  expect(lines).toEqual([expect.stringContaining(said)])
  for (const line of asked) expect(line).toContain(TENANT)
})

describe('a command without settings', () => {
  it('takes the app that azd deployed, and says so', async () => {
    const { exit, err } = await onLaptop(['status'], { programs: TOKENS, files: partner })
    expect({ exit, err }).toEqual({ exit: 0, err: 'settings of azd environment partner\n' })
  })

  it('says that it takes neither of both where the settings name a storage', async () => {
    const DataStorage = 'UseDevelopmentStorage=true'
    const files = (address: string) => ({
      ...partner(address),
      '.local/settings.json': '{"Values":{}}',
      'local.settings.json': JSON.stringify({ Values: { DataStorage } }),
    })
    const { exit, err } = await onLaptop(['status'], { programs: TOKENS, files })
    expect(exit).toBe(1)
    const others = '--azd-env for the deployed app, or --settings .local/settings.json for the local run'
    expect(err).toContain(`settings of the environment and local.settings.json: add ${others}\n`)
  })

  it('does not guess between the deployed app and the local run', async () => {
    const files = (address: string) => ({ ...partner(address), '.local/settings.json': '{"Values":{}}' })
    const { exit, err, asked } = await onLaptop(['status'], { programs: TOKENS, files })
    expect(exit).toBe(1)
    expect(err).toContain('two apps are known here')
    expect(asked).toEqual([''])
  })
})

describe('the mapping of outputs to settings', () => {
  it('is that of the page, of outputs that the template has, and without a secret', () => {
    const rows = rowsOf(textOf('docs/deploy.md'), 'setting')
    expect(Object.fromEntries(rows.map(({ setting, output }) => [setting, output]))).toEqual(
      Object.fromEntries(
        Object.entries(OUTPUT_OF_SETTING).map(([setting, output]) => [`\`${setting}\``, `\`${output}\``]),
      ),
    )
    const outputs = Array.from(textOf('infra/main.bicep').matchAll(/^output (\w+)/gm), ([, output]) => output)
    expect(outputs).toEqual(expect.arrayContaining(namesIn(rows, 'output') as string[]))
  })

  it('keeps what is about no app, such as a proxy', () => {
    const addresses = { DATA_TABLE_URI: 'a', DATA_BLOB_URI: 'b', DATA_QUEUE_URI: 'c', DEPLOYMENT_ID: 'd' }
    const outputs = { ...addresses, PARTNER_TENANT_ID: 'contoso', PARTNER_CLIENT_ID: 'app' }
    const read = settingsOfAzd({ name: 'x', outputs }, { HTTPS_PROXY: 'http://proxy', PARTNER_AUTH: 'password' })
    expect(read).toMatchObject({
      values: { HTTPS_PROXY: 'http://proxy', PARTNER_AUTH: undefined, CALLBACK_BASE_URL: '' },
    })
  })
})
