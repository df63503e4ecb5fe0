import type { LoggedRequest } from '../../local/simulator/service.ts'
import type { StorageCall } from '../setup/production.ts'
import type { GivenRole } from './snapshot.ts'

/** What one call needs: an action, and the name of the account, container, queue or vault that it acts on. */
export type Need = { readonly action: string; readonly scope: string }

const ACCOUNT = 'stdata'
const VAULT = 'kv'

const BLOB_READ = ['container/read', 'blob/read']
const BLOB_WRITE = [...BLOB_READ, 'container/write', 'container/delete', 'blob/write', 'blob/delete']

/** What the built-in roles of infra/modules/roles.bicep allow of what a call can need (their definitions in Azure). */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  storageTableDataContributor: [
    ...['table/read', 'table/write', 'table/delete'],
    ...['entity/read', 'entity/add', 'entity/update', 'entity/delete'],
  ],
  storageQueueDataContributor: [
    ...['queue/read', 'queue/write', 'queue/delete'],
    ...['message/read', 'message/add', 'message/update', 'message/delete', 'message/process'],
  ],
  storageBlobDataReader: BLOB_READ,
  storageBlobDataContributor: BLOB_WRITE,
  storageBlobDataOwner: [...BLOB_WRITE, 'blob/own'],
  keyVaultSecretsUser: ['secret/get'],
  keyVaultSecretsOfficer: ['secret/get', 'secret/set', 'secret/list', 'secret/delete'],
  monitoringMetricsPublisher: [],
}

/** A role by its name in roles.bicep, and where it holds. */
export type NamedRole = { readonly role: string; readonly scope: string }

/** The needs of calls, each once. */
export function distinct(needs: readonly Need[]): readonly Need[] {
  return [...new Map(needs.map((need) => [`${need.action} ${need.scope}`, need])).values()]
}

/** What a call to storage needs. Throws for a call that nobody has classified. */
export function storageNeeds(call: StorageCall): readonly Need[] {
  const [path = '', query = ''] = call.path.split('?')
  const [first = '', ...rest] = path.split('/').slice(2).map(decodeURIComponent)
  const found = CLASSIFIERS[call.service](call, { first, inside: rest.join('/'), query: new URLSearchParams(query) })
  if (found.length === 0)
    throw new Error(`${call.service} ${call.method} ${call.path} needs an action that is not known`)
  return found
}

type Target = { readonly first: string; readonly inside: string; readonly query: URLSearchParams }
type Classifier = (call: StorageCall, target: Target) => readonly Need[]

const ENTITY_ACTIONS: Readonly<Record<string, string>> = {
  GET: 'entity/read',
  POST: 'entity/add',
  PUT: 'entity/update',
  PATCH: 'entity/update',
  MERGE: 'entity/update',
  DELETE: 'entity/delete',
}
const TABLE_ACTIONS: Readonly<Record<string, string>> = {
  GET: 'table/read',
  POST: 'table/write',
  DELETE: 'table/delete',
}
const CONTAINER_ACTIONS: Readonly<Record<string, string>> = { GET: 'container/read', HEAD: 'container/read' }
const BLOB_ACTIONS: Readonly<Record<string, string>> = {
  GET: 'blob/read',
  HEAD: 'blob/read',
  PUT: 'blob/write',
  DELETE: 'blob/delete',
}
const QUEUE_ACTIONS: Readonly<Record<string, string>> = {
  GET: 'queue/read',
  HEAD: 'queue/read',
  PUT: 'queue/write',
  DELETE: 'queue/delete',
}
const MESSAGE_ACTIONS: Readonly<Record<string, string>> = {
  POST: 'message/add',
  PUT: 'message/update',
  DELETE: 'message/delete',
}

const need = (action: string | undefined, scope: string): readonly Need[] => (action ? [{ action, scope }] : [])

const CLASSIFIERS: Readonly<Record<StorageCall['service'], Classifier>> = {
  table({ method, body = '' }, { first }) {
    if (first === '$batch') {
      const methods = Array.from(body.matchAll(/^(POST|PUT|PATCH|MERGE|DELETE|GET) http/gm), ([, each = '']) => each)
      return methods.flatMap((each) => need(ENTITY_ACTIONS[each], ACCOUNT))
    }
    return need((/^Tables\b/.test(first) ? TABLE_ACTIONS : ENTITY_ACTIONS)[method], ACCOUNT)
  },
  blob({ method }, { first, inside, query }) {
    const scope = `${ACCOUNT}/${first}`
    if (query.get('comp') === 'list') return first === '' ? need('container/read', ACCOUNT) : need('blob/read', scope)
    if (query.get('restype') !== 'container') return inside === '' ? [] : need(BLOB_ACTIONS[method], scope)
    // A role on a container that is not there cannot be counted on.
    return need(CONTAINER_ACTIONS[method], scope).concat(
      need(method === 'PUT' ? 'container/write' : undefined, ACCOUNT),
    )
  },
  queue({ method }, { first, inside, query }) {
    const scope = `${ACCOUNT}/${first}`
    if (inside === '') return need(QUEUE_ACTIONS[method], method === 'PUT' || method === 'DELETE' ? ACCOUNT : scope)
    const taken = query.has('peekonly') ? 'message/read' : 'message/process'
    return need(method === 'GET' ? taken : MESSAGE_ACTIONS[method], scope)
  },
}

/** What the calls to a vault need. */
export function vaultNeeds(requests: readonly LoggedRequest[]): readonly Need[] {
  return requests
    .filter(({ path }) => path.startsWith('/secrets'))
    .map(({ method, path }) => {
      const isNamed = /^\/secrets\/[^/]+$/.test(path)
      const action = method === 'PUT' ? 'secret/set' : 'secret/get'
      return { action: isNamed ? action : 'secret/list', scope: VAULT }
    })
}

/** What is wrong with roles, for what was needed in a whole run. */
export type Verdict = {
  /** Needs that no role allows. */
  readonly refused: readonly Need[]
  /** Roles without which nothing would be refused. */
  readonly idle: readonly NamedRole[]
  /** Roles in whose place a weaker one would do. */
  readonly strong: readonly NamedRole[]
}

export function verdictOn(roles: readonly NamedRole[], needs: readonly Need[]): Verdict {
  const refused = (given: readonly NamedRole[]) => needs.filter((each) => !given.some((role) => allows(role, each)))
  const before = refused(roles).length
  const without = (at: number) => roles.filter((_, index) => index !== at)
  const idle = roles.filter((_, at) => refused(without(at)).length === before)
  const strong = roles.filter((role, at) => {
    if (idle.includes(role)) return false
    const weaker = Object.keys(ALLOWED).filter((other) => isWeaker(other, role.role))
    return weaker.some((other) => refused([...without(at), { ...role, role: other }]).length === before)
  })
  return { refused: refused(roles), idle, strong }
}

function allows({ role, scope }: NamedRole, { action, scope: wanted }: Need): boolean {
  const holds = wanted === scope || wanted.startsWith(`${scope}/`)
  return holds && actionsOf(role).includes(action)
}

function isWeaker(role: string, than: string): boolean {
  const [own, others] = [actionsOf(role), actionsOf(than)]
  return own.length < others.length && own.every((action) => others.includes(action))
}

function actionsOf(role: string): readonly string[] {
  const actions = ALLOWED[role]
  if (!actions) throw new Error(`nobody has said what the role ${role} allows`)
  return actions
}

/** The roles of the app on what holds its data: the account and the vault. */
export function dataRoles(given: readonly GivenRole[]): readonly NamedRole[] {
  const ofData = given.filter(({ to, scope }) => to === 'app' && /^(stdata|kv)(\/|$)/.test(scope))
  return ofData.map(({ role, scope }) => ({ role, scope }))
}
