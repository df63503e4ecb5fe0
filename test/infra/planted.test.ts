import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findCompiler, lint, NEWEST, snapshots } from '../../infra/compiler.ts'

const compiler = await findCompiler(NEWEST, process.env)

/** A fault: a text of a template, what stands there instead, and a word of what the compiler must say about it. */
type Fault = { readonly file: string; readonly text: string; readonly instead: string; readonly said: string }

const STORAGE = 'infra/modules/storage.bicep'
const APP = 'infra/modules/app.bicep'
const VAULT = 'infra/modules/vault.bicep'

const FOUND_BY_LINT: readonly Fault[] = [
  { file: STORAGE, text: 'allowBlobPublicAccess:', instead: 'allowBlobPublicAcces:', said: 'BCP037' },
  { file: APP, text: 'location: location', instead: 'location: region', said: 'BCP057' },
  {
    file: APP,
    text: 'Microsoft.Web/serverfarms@2025-03-01',
    instead: 'Microsoft.Web/serverfarms@2025-03-02',
    said: 'BCP081',
  },
  {
    file: VAULT,
    text: '= vault.properties.vaultUri\n',
    instead: '= callbackSecret\n',
    said: 'outputs-should-not-contain-secrets',
  },
]

const FOUND_BY_SNAPSHOTS: readonly Fault[] = [
  { file: APP, text: "  DataStorage__credential: 'managedidentity'\n", instead: '', said: 'DataStorage__credential' },
  {
    file: STORAGE,
    text: '[roles.storageTableDataContributor, ',
    instead: '[roles.storageBlobDataOwner, roles.storageTableDataContributor, ',
    said: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  },
  {
    file: STORAGE,
    text: 'allowSharedKeyAccess: false',
    instead: 'allowSharedKeyAccess: true',
    said: 'allowSharedKeyAccess',
  },
]

/** A copy of the templates with all these faults. */
async function planted(faults: readonly Fault[]): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'infra-'))
  onTestFinished(() => rm(project, { recursive: true }))
  await cp('infra', join(project, 'infra'), { recursive: true })
  await cp('bicepconfig.json', join(project, 'bicepconfig.json'))
  for (const { file, text, instead } of faults) {
    const source = await readFile(join(project, file), 'utf8')
    if (!source.includes(text)) throw new Error(`${file} has no ${text}`)
    await writeFile(
      join(project, file),
      source.replace(text, () => instead),
    )
  }
  return project
}

// Without the compiler these are left out, and the run says so. `.ci/run` brings it. Each start of it takes seconds.
describe.skipIf(compiler === undefined)('the Bicep compiler', () => {
  const found = compiler ?? ''

  it('tells of a misspelt property, an undeclared name, an unknown version and a secret among the outputs', async () => {
    const said = (await lint(found, await planted(FOUND_BY_LINT))).join('\n')
    for (const fault of FOUND_BY_LINT) expect(said).toContain(fault.said)
  })

  it('shows a missing setting, a role too many and a shared key that is switched on', async () => {
    const differences = await snapshots(found, await planted(FOUND_BY_SNAPSHOTS), 'validate')
    expect(differences).toHaveLength(3)
    const plain = stripVTControlCharacters(differences.join('\n'))
    for (const fault of FOUND_BY_SNAPSHOTS) expect(plain).toContain(fault.said)
  })
})
