import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { hashOfSources, NEWEST, OLDEST } from '../../infra/compiler.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { rowsOf, section, textOf } from '../docs/page.ts'
import { accountFaults, EXTRA, roleFaults, settingFaults } from './judge.ts'
import {
  ALL_NAMES,
  appSettings,
  NAMES,
  ofType,
  outputsOf,
  PARAMETER_VARIABLES,
  PARAMETERS,
  resourcesOf,
  rolesOf,
  type SnapshotName,
  snapshotText,
  storesTokens,
} from './snapshot.ts'

/** The parameters that a person sets, by the names that azd knows them by. */
const SET_BY_PERSON = PARAMETER_VARIABLES.filter((name) => !name.startsWith('AZURE_')).toSorted()

/** The defaults of the template's parameters, as they stand there. */
const DEFAULTS: Readonly<Record<string, string | undefined>> = Object.fromEntries(
  Array.from(textOf('infra/main.bicep').matchAll(/^param (\w+) \w+ = '?([^'\n]*)'?$/gm), ([, name = '', value]) => [
    name,
    value,
  ]),
)

/** One of the rules for mails, by the start of its name. */
function alarmRule(start: 'events-' | 'silence-') {
  return ofType('everything', 'Microsoft.Insights/scheduledQueryRules').find(({ name }) => name.startsWith(start))
}

/** What Azure puts in the place of an expression. */
function filledIn(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const fill = ([name, value]: [string, string]): [string, string] => {
    if (!value.startsWith('[')) return [name, value]
    if (name.endsWith('ServiceUri'))
      return [name, `https://account.${/(\w+)ServiceUri/.exec(name)?.[1]}.core.windows.net/`]
    if (name === 'CALLBACK_SECRET') return [name, 'what Key Vault gives for the reference, 72 letters']
    return [name, name.endsWith('URL') ? 'https://name.azure.net/' : 'an-id']
  }
  return Object.fromEntries(Object.entries(settings).map(fill))
}

describe('the snapshots of infra', () => {
  it('are of the sources as they are', async () => {
    const sources = JSON.parse(readFileSync('infra/test/sources.json', 'utf8'))
    // Where this is red: dotnet restore infra/compiler.csproj, then npm run infra -- --write
    expect(sources).toEqual({ compiler: NEWEST, sha256: await hashOfSources('.') })
  })

  it('have their outputs in order, so that a difference is seen', () => {
    for (const name of ALL_NAMES) expect(Object.keys(outputsOf(name))).toEqual(Object.keys(outputsOf(name)).toSorted())
  })

  it('are made by compilers that the project file brings and the page names', () => {
    expect(textOf('infra/compiler.csproj')).toContain(`Version="[${NEWEST}];[${OLDEST}]"`)
    expect(textOf('docs/deploy.md')).toContain(`Bicep ${NEWEST} and ${OLDEST} `)
  })

  it('set what the app reads, and nothing that nobody reads', () => {
    expect(settingFaults()).toEqual([])
  })

  it('set everything that the app needs, where a person gave tenant and application', () => {
    for (const name of ['accounts', 'defaults', 'everything'] as const) {
      const settings = readSettings(filledIn(appSettings(name)))
      expect('problems' in settings ? settings.problems : []).toEqual([])
    }
  })

  it('make an app that says what a person still has to give', () => {
    const settings = readSettings(filledIn(appSettings('smallest')))
    expect(settings).toEqual({ problems: ['account default: PARTNER_TENANT_ID, PARTNER_CLIENT_ID missing'] })
  })

  it('open no storage account to a key, to everybody or without TLS', () => {
    expect(accountFaults()).toEqual([])
  })

  it.each(NAMES)('%s: nothing else takes a key or a password', (name) => {
    expect(ofType(name, 'Microsoft.Insights/components')[0]?.properties).toMatchObject({ DisableLocalAuth: true })
    const features = { disableLocalAuth: true }
    expect(ofType(name, 'Microsoft.OperationalInsights/workspaces')[0]?.properties).toMatchObject({ features })
    expect(ofType(name, 'Microsoft.KeyVault/vaults')[0]?.properties).toMatchObject({ enableRbacAuthorization: true })
    const publishing = ofType(name, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies')
    expect(publishing.map(({ properties }) => properties)).toEqual([{ allow: false }, { allow: false }])
  })

  it.each(NAMES)('%s: no key is listed, and no secret stands in it', (name) => {
    const text = snapshotText(name)
    expect(text).not.toMatch(
      /list(Account)?Keys|listKeys|AccountKey=|SharedAccessSignature|listSecrets|listCredentials/i,
    )
    // The parameter of the snapshot is the one value that would be a secret.
    expect(text).not.toContain('a secret of the snapshot')
  })

  it('no template output is a secret', () => {
    const outputs = Array.from(textOf('infra/main.bicep').matchAll(/^output (\w+)/gm), ([, output]) => output)
    expect(outputs.filter((output) => /SECRET|_KEY$|PASSWORD|CONNECTION/.test(output ?? ''))).toEqual([])
    for (const name of ALL_NAMES) expect(JSON.stringify(outputsOf(name))).not.toContain('a secret')
  })

  it('tell the commands the settings of other accounts, and what else they need of extraAppSettings', () => {
    expect(outputsOf('accounts').EXTRA_APP_SETTINGS?.split(';').toSorted()).toEqual([
      'PARTNER_CLIENT_ID__EMEA=00000000-0000-0000-0000-0000000000cc',
      'PARTNER_TENANT_ID__EMEA=emea.contoso.com',
    ])
    expect(outputsOf('everything').EXTRA_APP_SETTINGS).toBe('MAX_REPORTS_PER_HOUR=10')
    const [, list = ''] = /^var told = \[\n([^\]]*)/m.exec(textOf('infra/main.bicep')) ?? []
    const told = Array.from(list.matchAll(/'(\w+)'/g), ([, name]) => name)
    const set = ['MAX_REPORTS_PER_HOUR', 'PARTNER_AUTH', 'PARTNER_CLIENT_ID', 'PARTNER_TENANT_ID']
    expect(told.toSorted()).toEqual([...EXTRA, ...set].toSorted())
  })

  it('let the app write to the vault where an account renews a refresh token, whichever it is', () => {
    expect(ALL_NAMES.map((name) => storesTokens(name))).toEqual([true, false, true, true])
    for (const name of ALL_NAMES) {
      const [ofVault] = rolesOf(name).filter(({ to, scope }) => to === 'app' && scope === 'kv')
      expect(ofVault?.role, name).toBe(storesTokens(name) ? 'keyVaultSecretsOfficer' : 'keyVaultSecretsUser')
    }
  })

  it('read the parameters of azd by name, each of the template', () => {
    const declared = Array.from(textOf('infra/main.bicep').matchAll(/^param (\w+)/gm), ([, name = '']) => name)
    const byChance = ['callbackSecret', 'budgetStart']
    expect(Object.keys(PARAMETERS).toSorted()).toEqual(declared.filter((each) => !byChance.includes(each)).toSorted())
  })

  it('have the defaults that azd is told where a variable is not set', () => {
    for (const [parameter, value] of Object.entries(PARAMETERS)) {
      const [, told = ''] = /^\$\{\w+=(.*)\}$/.exec(value) ?? []
      if (told !== '') expect(told, parameter).toBe(DEFAULTS[parameter])
    }
  })

  it('take the parameters that the page lists, with their defaults', () => {
    const rows = rowsOf(section(textOf('docs/deploy.md'), '## Parameters'), 'name')
    const codes = (text = '') => Array.from(text.matchAll(/`([^`]+)`/g), ([, code = '']) => code)
    expect(rows.flatMap(({ name }) => codes(name)).toSorted()).toEqual(SET_BY_PERSON)
    for (const row of rows) {
      for (const [index, name] of codes(row.name).entries()) {
        const [parameter = ''] = Object.entries(PARAMETERS).find(([, value]) => value.startsWith(`\${${name}`)) ?? []
        const told = codes(row.default)[index]
        if (told !== undefined) expect(told, name).toBe(DEFAULTS[parameter])
        else expect(['', '0'], name).toContain(DEFAULTS[parameter])
      }
    }
  })

  it('reach the pipeline, too: each parameter that a person sets is a variable of the repository', () => {
    const listed = Array.from(textOf('azure.yaml').matchAll(/^ {4}- ([A-Z_]+)$/gm), ([, name = '']) => name)
    expect(listed.toSorted()).toEqual(SET_BY_PERSON)
    const handed = Array.from(
      textOf('.github/workflows/deploy.yml').matchAll(/^ {6}([A-Z_]+): \$\{\{ vars\.(\w+)/gm),
      ([, name = '', variable]) => (name === variable ? name : `${name} is not ${variable}`),
    )
    expect(handed.filter((name) => !name.startsWith('AZURE_')).toSorted()).toEqual(SET_BY_PERSON)
  })

  it('alarm on events that the app raises, and the page lists', () => {
    const events = [...textOf('src/core/events.ts').matchAll(/^ {2}\| '([a-z.-]+)'$/gm)].map(([, event]) => event)
    const rule = alarmRule('events-')
    const used = /event in \(([^)]*)\)/.exec(JSON.stringify(rule))?.[1]?.match(/[a-z]+\.[a-z-]+/g) ?? []
    expect(used.length).toBeGreaterThan(5)
    expect(used.filter((event) => !events.includes(event))).toEqual([])
    const listed = section(textOf('docs/deploy.md'), '## Alarms').matchAll(/`([a-z]+\.[a-z-]+)`/g)
    expect(Array.from(listed, ([, event]) => event)).toEqual(used)
    expect(JSON.stringify(rule)).toContain('AppTraces')
  })

  it('are of templates that make the callback secret and the budget once, and never again', () => {
    for (const [file, resource] of [
      ['vault', 'callback'],
      ['alerts', 'budget'],
    ] as const) {
      expect(textOf(`infra/modules/${file}.bicep`)).toMatch(
        new RegExp(`^@onlyIfNotExists\\(\\)\nresource ${resource} `, 'm'),
      )
    }
  })

  it('tell Azure of each role what gets it: a new identity is not known everywhere yet', () => {
    const types = (name: SnapshotName, to: string) =>
      new Set(rolesOf(name).flatMap((role) => (role.to === to ? [role.principalType] : [])))
    for (const name of ALL_NAMES) expect([...types(name, 'app')], name).toEqual(['ServicePrincipal'])
    expect([...types('defaults', 'operator')]).toEqual(['User'])
    expect([...types('everything', 'operator')]).toEqual(['Group'])
  })

  it('give no role to a pipeline, nor to nobody', () => {
    for (const name of ['accounts', 'smallest'] as const)
      expect(rolesOf(name).filter(({ to }) => to === 'operator')).toEqual([])
    const given = readFileSync('infra/test/accounts.bicepparam', 'utf8')
    expect(given).toMatch(/^param operatorPrincipalId = '.+'\nparam operatorPrincipalType = 'ServicePrincipal'$/m)
  })

  it('ask alarms of a workspace without data, too: a union wants one part that is always there', () => {
    const rules = ofType('everything', 'Microsoft.Insights/scheduledQueryRules').map((rule) => JSON.stringify(rule))
    expect(rules).toHaveLength(2)
    for (const rule of rules)
      expect(rule).toMatch(/union isfuzzy=true \(datatable\(TimeGenerated: datetime, [^)]+\)\[\]\), App/)
  })

  it('alarm where provision is silent, by the name that the trigger has', () => {
    expect(JSON.stringify(alarmRule('silence-'))).toContain("OperationName == 'provision'")
    expect(textOf('src/functions.ts')).toContain("app.timer('provision'")
  })

  it('cost nothing for alarms where nobody gave an address', () => {
    const types = new Set(resourcesOf('defaults').map(({ type }) => type))
    expect([...types].filter((type) => /actionGroups|scheduledQueryRules|budgets/.test(type))).toEqual([])
  })

  it.each(NAMES)('%s: everything carries the name of the environment, so that azd finds it', (name) => {
    const top = resourcesOf(name).filter(
      ({ type }) => type.split('/').length === 2 && !/Authorization|budgets/.test(type),
    )
    for (const { id, tags } of top) expect(tags?.['azd-env-name'], id).toBeDefined()
    expect(ofType(name, 'Microsoft.Web/sites')[0]?.tags).toMatchObject({ 'azd-service-name': 'app' })
  })

  it.each(NAMES)('%s: names have the lengths that Azure takes', (name) => {
    for (const { name: account } of ofType(name, 'Microsoft.Storage/storageAccounts')) {
      expect(account).toMatch(/^[a-z0-9]{3,24}$/)
    }
    expect(ofType(name, 'Microsoft.KeyVault/vaults')[0]?.name).toMatch(/^[a-z][a-z0-9-]{2,23}$/)
    expect(ofType(name, 'Microsoft.Web/sites')[0]?.name).toMatch(/^[a-z][a-z0-9-]{1,59}$/)
  })

  it('give the roles that the page lists, each with its scope, and no other', () => {
    expect(roleFaults()).toEqual([])
  })
})
