import { readFileSync } from 'node:fs'

/** The parameter files of infra/test, each with the snapshot of what it makes. */
export const NAMES = ['defaults', 'everything', 'smallest'] as const

export type SnapshotName = (typeof NAMES)[number]

export type Resource = {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly apiVersion: string
  readonly tags?: Readonly<Record<string, string>>
  readonly properties?: Readonly<Record<string, unknown>>
}

/** The text of a committed snapshot. */
export function snapshotText(name: SnapshotName): string {
  return readFileSync(`infra/test/${name}.snapshot.json`, 'utf8')
}

/** Every resource of a snapshot. */
export function resourcesOf(name: SnapshotName): readonly Resource[] {
  const { predictedResources } = JSON.parse(snapshotText(name)) as { predictedResources: readonly Resource[] }
  return predictedResources
}

/** The resources of one type. */
export function ofType(name: SnapshotName, type: string): readonly Resource[] {
  return resourcesOf(name).filter((resource) => resource.type === type)
}

/** The app settings of a snapshot. What only Azure knows is an expression in brackets. */
export function appSettings(name: SnapshotName): Readonly<Record<string, string>> {
  const [settings] = resourcesOf(name).filter(({ id }) => id.endsWith('/config/appsettings'))
  if (!settings) throw new Error(`snapshot ${name} has no app settings`)
  return settings.properties as Readonly<Record<string, string>>
}

/** A role that a snapshot gives, by its name in roles.bicep: to the app or to a person, and what it is for. */
export type GivenRole = { readonly to: 'app' | 'operator'; readonly role: string; readonly scope: string }

/** The names in roles.bicep, by the ids of the roles. */
const ROLE_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from(
    readFileSync('infra/modules/roles.bicep', 'utf8').matchAll(/^ {2}(\w+): '([0-9a-f-]{36})'/gm),
    ([, name, id]) => [id, name],
  ),
)

/** The roles that a snapshot gives. */
export function rolesOf(name: SnapshotName): readonly GivenRole[] {
  return ofType(name, 'Microsoft.Authorization/roleAssignments').map(({ id, properties }) => {
    const { principalId, roleDefinitionId } = properties as { principalId: string; roleDefinitionId: string }
    const to = principalId.includes("'identity-{0}'") ? 'app' : 'operator'
    const roleId = roleDefinitionId.split('/').at(-1) ?? ''
    return { to, role: ROLE_NAMES[roleId] ?? roleId, scope: scopeOf(id) }
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
