import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findCompiler, lint, NEWEST, snapshots } from '../../infra/compiler.ts'
import { accountFaults, roleFaults, settingFaults } from './judge.ts'
import { ALL_NAMES } from './snapshot.ts'

const compiler = await findCompiler(NEWEST, process.env)

/** A fault: a text of a template, and what stands there instead. */
type Fault = { readonly what: string; readonly file: string; readonly text: string; readonly instead: string }

const STORAGE = 'infra/modules/storage.bicep'
const APP = 'infra/modules/app.bicep'
const VAULT = 'infra/modules/vault.bicep'

/** With the rule that the compiler names. */
const FOUND_BY_LINT: readonly (Fault & { readonly rule: string })[] = [
  {
    what: 'a misspelt property',
    file: STORAGE,
    text: 'allowBlobPublicAccess:',
    instead: 'allowBlobPublicAcces:',
    rule: 'BCP037',
  },
  { what: 'an undeclared name', file: APP, text: 'location: location', instead: 'location: region', rule: 'BCP057' },
  {
    what: 'an unknown version of a type',
    file: APP,
    text: 'Microsoft.Web/serverfarms@2025-03-01',
    instead: 'Microsoft.Web/serverfarms@2025-03-02',
    rule: 'BCP081',
  },
  {
    what: 'a region in a template',
    file: APP,
    text: 'location: location',
    instead: "location: 'westeurope'",
    rule: 'no-hardcoded-location',
  },
  {
    what: 'a secret among the outputs',
    file: VAULT,
    text: '= vault.properties.vaultUri\n',
    instead: '= callbackSecret\n',
    rule: 'outputs-should-not-contain-secrets',
  },
]

/** With what is wrong, once the snapshots are written anew. */
const FOUND_BY_JUDGE: readonly (Fault & { readonly wrong: Readonly<Record<string, readonly string[]>> })[] = [
  {
    what: 'a missing setting',
    file: APP,
    text: "  DataStorage__credential: 'managedidentity'\n",
    instead: '',
    wrong: { settings: ['DataStorage__credential is not set'] },
  },
  {
    what: 'a setting that nobody reads',
    file: APP,
    text: '  DEPLOYMENT_ID: deploymentId\n',
    instead: '  DEPLOYMENT_ID: deploymentId\n  DEPLOYMENT_IT: deploymentId\n',
    wrong: { settings: ['DEPLOYMENT_IT is set, and nobody reads it'] },
  },
  {
    what: 'a role too many',
    file: STORAGE,
    text: '[roles.storageTableDataContributor, ',
    instead: '[roles.storageBlobDataOwner, roles.storageTableDataContributor, ',
    wrong: { roles: ['the page does not list app: storageBlobDataOwner on stdata'] },
  },
  {
    what: 'a role too few',
    file: STORAGE,
    text: '[roles.storageTableDataContributor, ',
    instead: '[',
    wrong: { roles: ['nobody gets app: storageTableDataContributor on stdata'] },
  },
  {
    what: 'a stronger role by the name of another',
    file: 'infra/modules/roles.bicep',
    text: "storageBlobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'",
    instead: "storageBlobDataReader: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'",
    wrong: {
      roles: [
        'the page does not list app: storageBlobDataOwner on stdata/config',
        'nobody gets app: storageBlobDataReader on stdata/config',
      ],
    },
  },
  {
    what: 'a shared key that is switched on',
    file: STORAGE,
    text: 'allowSharedKeyAccess: false',
    instead: 'allowSharedKeyAccess: true',
    wrong: {
      accounts: expect.arrayContaining([
        expect.stringMatching(/^defaults: allowSharedKeyAccess of sthost\w+ is true$/),
        expect.stringMatching(/^smallest: allowSharedKeyAccess of stdata\w+ is true$/),
      ]),
    },
  },
]

/** A copy of the templates, with a fault if one is given. */
async function copyWith(fault?: Fault): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'infra-'))
  onTestFinished(() => rm(project, { recursive: true }))
  await cp('infra', join(project, 'infra'), { recursive: true })
  await cp('bicepconfig.json', join(project, 'bicepconfig.json'))
  if (fault) {
    const { file, text, instead } = fault
    const source = await readFile(join(project, file), 'utf8')
    if (!source.includes(text)) throw new Error(`${file} has no ${text}`)
    await writeFile(
      join(project, file),
      source.replace(text, () => instead),
    )
  }
  return project
}

/** Each start of the compiler takes seconds. */
const LIMIT_MS = 180_000

// Without the compiler these are left out, and the run says so. `.ci/run` brings it.
describe.skipIf(compiler === undefined)('the Bicep compiler', { timeout: LIMIT_MS }, () => {
  const found = compiler ?? ''

  it('says nothing of the templates as they are', async () => {
    const project = await copyWith()
    expect(await lint(found, project)).toEqual([])
    expect(await snapshots(found, project, 'validate')).toEqual([])
  })

  it.each(FOUND_BY_LINT)('tells of $what, and of nothing else', async (fault) => {
    const said = await lint(found, await copyWith(fault))
    // The template that uses a wrong module is told of, too.
    const ownRemarks = said.filter((line) => !/^infra\/main\.bicep:\d+ BCP104: /.test(line))
    expect(ownRemarks.length).toBeGreaterThan(0)
    for (const line of ownRemarks) expect(line).toMatch(new RegExp(`^${fault.file}:\\d+ ${fault.rule}: `))
  })

  it('shows every snapshot that differs', async () => {
    const [fault] = FOUND_BY_JUDGE
    const differences = await snapshots(found, await copyWith(fault), 'validate')
    expect(differences).toHaveLength(ALL_NAMES.length)
    for (const each of differences) expect(stripVTControlCharacters(each)).toContain('DataStorage__credential')
  })

  it.each(FOUND_BY_JUDGE)('judges $what as wrong, also with snapshots that are written anew', async (fault) => {
    const project = await copyWith(fault)
    expect(await snapshots(found, project, 'overwrite')).toEqual([])
    const judged = { settings: settingFaults(project), roles: roleFaults(project), accounts: accountFaults(project) }
    expect(judged).toEqual({ settings: [], roles: [], accounts: [], ...fault.wrong })
  })
})
