import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findCompiler, lint, NEWEST, snapshots } from '../../infra/compiler.ts'

const compiler = await findCompiler(NEWEST, process.env)

/** A copy of the templates with one text replaced in one file. */
async function planted(file: string, text: string, replacement: string): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'infra-'))
  onTestFinished(() => rm(project, { recursive: true }))
  await cp('infra', join(project, 'infra'), { recursive: true })
  await cp('bicepconfig.json', join(project, 'bicepconfig.json'))
  const path = join(project, file)
  const source = await readFile(path, 'utf8')
  if (!source.includes(text)) throw new Error(`${file} has no ${text}`)
  await writeFile(path, source.replace(text, replacement))
  return project
}

const STORAGE = 'infra/modules/storage.bicep'
const APP = 'infra/modules/app.bicep'

// Without the compiler these are left out, and the run says "skipped". `.ci/run` brings it.
describe.skipIf(compiler === undefined)('the Bicep compiler', () => {
  const found = compiler ?? { path: '', version: NEWEST }

  it.each([
    ['a misspelt property', STORAGE, 'allowBlobPublicAccess: false', 'allowBlobPublicAcces: false', 'BCP037'],
    ['an undeclared name', STORAGE, 'principalId: identityPrincipalId', 'principalId: identityPrincipal', 'BCP057'],
    ['an unknown version of a type', APP, 'Microsoft.Web/sites@2025-03-01', 'Microsoft.Web/sites@2025-03-02', 'BCP081'],
    [
      'a secret among the outputs',
      'infra/modules/vault.bicep',
      'vault.properties.vaultUri\n',
      'callbackSecret\n',
      'outputs-should-not-contain-secrets',
    ],
  ])('tells of %s', async (_, file, text, replacement, rule) => {
    const faults = await lint(found, await planted(file, text, replacement))
    expect(faults.join('\n')).toContain(rule)
  })

  it.each([
    ['a setting that is missing', APP, '  KEY_VAULT_URL: vaultUri\n', '', 'KEY_VAULT_URL'],
    [
      'a role too many',
      STORAGE,
      'roles.storageQueueDataContributor]: {',
      'roles.storageQueueDataContributor, roles.storageBlobDataOwner]: {',
      'roleAssignments',
    ],
    [
      'a shared key that is switched on',
      STORAGE,
      'allowSharedKeyAccess: false',
      'allowSharedKeyAccess: true',
      'allowSharedKeyAccess',
    ],
  ])('shows %s in the snapshots', async (_, file, text, replacement, shown) => {
    const differences = await snapshots(found, await planted(file, text, replacement), 'validate')
    expect(differences).toHaveLength(3)
    for (const difference of differences) expect(difference).toContain(shown)
  })
})
