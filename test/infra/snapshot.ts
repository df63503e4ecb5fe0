import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFailure } from '../../src/core/failures.ts'
import { signInOf } from '../../src/settings/sign-in.ts'

/** Parameter files of infra/test, each with the snapshot of what it makes: one account, with all sizes of a deployment. */
export const NAMES = ['defaults', 'everything', 'smallest'] as const

/** All parameter files: the last one is about two partner accounts alone. */
export const ALL_NAMES = [...NAMES, 'accounts'] as const

export type SnapshotName = (typeof ALL_NAMES)[number]

export type Resource = {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly apiVersion: string
  readonly kind?: string
  readonly sku?: unknown
  readonly identity?: unknown
  readonly tags?: Readonly<Record<string, string>>
  readonly properties?: Readonly<Record<string, unknown>>
}

/** The text of a snapshot: the committed one, else that of a copy of the project. */
export function snapshotText(name: SnapshotName, project = '.'): string {
  return readFileSync(join(project, `infra/test/${name}.snapshot.json`), 'utf8')
}

/** Every resource of a snapshot. */
export function resourcesOf(name: SnapshotName, project = '.'): readonly Resource[] {
  const { predictedResources } = JSON.parse(snapshotText(name, project)) as { predictedResources: readonly Resource[] }
  return predictedResources
}

/** The resources of one type. */
export function ofType(name: SnapshotName, type: string, project = '.'): readonly Resource[] {
  return resourcesOf(name, project).filter((resource) => resource.type === type)
}

/** The app settings of a snapshot. What only Azure knows is an expression in brackets. */
export function appSettings(name: SnapshotName, project = '.'): Readonly<Record<string, string>> {
  const [settings] = resourcesOf(name, project).filter(({ id }) => id.endsWith('/config/appsettings'))
  if (!settings) throw new Error(`snapshot ${name} has no app settings`)
  return settings.properties as Readonly<Record<string, string>>
}

/** The outputs of a snapshot, which azd keeps in clear. What only Azure knows is an expression in brackets. */
export function outputsOf(name: SnapshotName): Readonly<Record<string, string>> {
  return (JSON.parse(snapshotText(name)) as { outputs: Readonly<Record<string, string>> }).outputs
}

/** Whether the app of a snapshot renews a refresh token in the vault, whichever account it is of. */
export function storesTokens(name: SnapshotName): boolean {
  const partner = appSettings(name)
  const others = Object.keys(partner).flatMap(
    (setting) => /^PARTNER_.*?__(.+)$/.exec(setting)?.[1]?.toLowerCase() ?? [],
  )
  const settings = { partner, authorityHost: 'https://login.example', hasVault: true }
  const ids = { tenantId: 'contoso', clientId: 'app' }
  const ways = ['default', ...others].map((account) => signInOf(account, ids, settings))
  return ways.some((way) => !isFailure(way) && way.auth === 'refresh-token')
}

type Snapshot = {
  readonly predictedResources: readonly Resource[]
  readonly outputs: Readonly<Record<string, string>>
}

/** What a module gives, as the compiler writes it. */
const MODULE_OUTPUT =
  /reference\(resourceId\('[^']*', '[^']*', 'Microsoft\.Resources\/deployments', format\('(\w+)-\{0\}', uniqueString\('\w+', deployment\(\)\.name\)\)\), '[\d-]+'\)\.outputs\.(\w+)\.value/g

/**
 * A snapshot for a reader: what a module gives is `module.output`, an id is short, and the part of the names that comes from
 * the environment is `suffix`.
 */
export function readable(name: SnapshotName): Snapshot {
  const text = snapshotText(name)
  const suffix = /"func-(\w{13})"/.exec(text)?.[1] ?? ''
  const short = text
    .replaceAll(MODULE_OUTPUT, '$1.$2')
    .replaceAll(/\/subscriptions\/[0-9-]+\/resourceGroups\/[\w-]+\/providers\//g, '')
    .replaceAll(/(reference\('[^']+'), '[\d-]+'\)/g, '$1)')
    .replaceAll(suffix, 'suffix')
    .replaceAll(suffix.slice(0, 12), 'suffix of 12')
  return JSON.parse(short) as Snapshot
}

type Parameters = { readonly parameters: Readonly<Record<string, { readonly value: unknown }>> }

/** The parameters that azd hands to the templates, each as the text that stands in infra/main.parameters.json. */
export const PARAMETERS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries((JSON.parse(readFileSync('infra/main.parameters.json', 'utf8')) as Parameters).parameters).map(
    ([name, { value }]) => [name, typeof value === 'string' ? value : JSON.stringify(value)],
  ),
)

/** The names that azd knows parameters by. */
export const PARAMETER_VARIABLES: readonly string[] = Object.values(PARAMETERS).flatMap(
  (value) => /^\$\{(\w+)/.exec(value)?.[1] ?? [],
)

/** A role that a snapshot gives, by its name in roles.bicep: to the app or to a person, and what it is for. */
export type GivenRole = {
  readonly to: 'app' | 'operator'
  readonly role: string
  readonly scope: string
  /** What Azure is told of whoever gets the role. */
  readonly principalType: string | undefined
}

/**
 * The names in roles.bicep, by the ids of the built-in roles as Azure lists them. They stand here once more: a template that
 * names a stronger role by a weaker one's name would else be judged by its own word.
 */
const ROLE_NAMES: Readonly<Record<string, string>> = {
  'b86a8fe4-44ce-4948-aee5-eccb2c155cd7': 'keyVaultSecretsOfficer',
  '4633458b-17de-408a-b874-0445c86b69e6': 'keyVaultSecretsUser',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'monitoringMetricsPublisher',
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe': 'storageBlobDataContributor',
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'storageBlobDataOwner',
  '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1': 'storageBlobDataReader',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'storageQueueDataContributor',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'storageTableDataContributor',
}

/** The roles that a snapshot gives. */
export function rolesOf(name: SnapshotName, project = '.'): readonly GivenRole[] {
  return ofType(name, 'Microsoft.Authorization/roleAssignments', project).map(({ id, properties }) => {
    const { principalId, roleDefinitionId, principalType } = properties as Readonly<Record<string, string>> & {
      readonly principalId: string
      readonly roleDefinitionId: string
    }
    const to = principalId.includes("'identity-{0}'") ? 'app' : 'operator'
    const roleId = roleDefinitionId.split('/').at(-1) ?? ''
    return { to, role: ROLE_NAMES[roleId] ?? roleId, scope: scopeOf(id), principalType }
  })
}

/** The scope's own name, without the part of chance: `stdata`, `stdata/reports`, `kv`. */
function scopeOf(id: string): string {
  const scope =
    /^\[extensionResourceId\('([^']+)'/.exec(id)?.[1] ?? id.split('/providers/Microsoft.Authorization')[0] ?? ''
  const [, type = '', account = '', rest = ''] = /\/providers\/([^/]+\/[^/]+)\/([^/]+)(.*)$/.exec(scope) ?? []
  if (type === '') throw new Error(`a role on ${scope}`)
  const kind = account.replace(/-?[a-z0-9]{13}$/, '')
  const inside = rest === '' ? '' : `/${rest.split('/').at(-1)}`
  return `${kind}${inside}`
}
