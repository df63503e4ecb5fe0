import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts'
import { API_ENDPOINTS, type Effect } from '../../local/simulator/switches.ts'
import { isFailure } from '../../src/core/failures.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import { identityToken } from '../../src/services/sign-in/identity.ts'
import { openKeyVault, VAULT_SCOPE } from '../../src/services/sign-in/key-vault.ts'
import { DOCUMENTED_ENDPOINTS, type EndpointName } from './documented-endpoints.ts'

const SELECT = 'SELECT Month,CustomerName FROM AzureUsage'

let simulator: Simulator
let client: InsightsClient
let trusted: readonly string[]

beforeAll(() => {
  trusted = getCACertificates()
})
beforeEach(async () => {
  simulator = await startSimulator({ rows: 5, generationMilliseconds: 0 })
  setDefaultCACertificates([...trusted, simulator.certificate])
  client = openClient()
  return () => simulator.close()
})
afterAll(() => vi.unstubAllEnvs())

const retry = { random: () => 0, wait: async () => undefined }
const clock = () => new Date()

function openClient(now = clock): InsightsClient {
  const signIn = { name: 'default', authorityHost: simulator.authority, tenantId: 'tenant', clientId: 'app' }
  const credentials = openCredentials({ ...signIn, auth: 'client-secret', clientSecret: 'planted-secret' }, now)
  return openInsightsClient({
    baseUrl: simulator.baseUrl,
    tokenHeader: 'Authorization',
    credentials,
    clock: now,
    retry,
  })
}

const schedule = () => ({ start: new Date(Date.now() + 5 * 3_600_000), intervalHours: 24, count: 3 })

/** A stored query, a recurring report and one that has run. */
async function prepare() {
  const query = await client.createQuery({ name: 'kept', query: SELECT })
  if (isFailure(query)) throw new Error(query.message)
  const { queryId } = query
  const recurring = await client.createReport({ reportName: 'recurring', queryId, schedule: schedule() })
  const once = await client.createReport({ reportName: 'once', queryId })
  if (recurring.outcome !== 'created' || once.outcome !== 'created') throw new Error('no report')
  return { queryId, recurring: recurring.reportId, once: once.reportId }
}

type Ids = Awaited<ReturnType<typeof prepare>>

/** One good call of each endpoint. */
const CALLS: Readonly<Record<EndpointName, (ids: Ids) => Promise<unknown>>> = {
  listDatasets: () => client.listDatasets(),
  listQueries: () => client.listQueries({}),
  createQuery: () => client.createQuery({ name: 'new', query: SELECT }),
  testQuery: () => client.testQuery({ exportQuery: SELECT }),
  listReports: () => client.listReports({}),
  createReport: ({ queryId }) => client.createReport({ reportName: 'new', queryId }),
  updateReport: ({ recurring }) => client.updateReport(recurring, { reportName: 'renamed', schedule: schedule() }),
  pauseReport: ({ recurring }) => client.pauseReport(recurring),
  resumeReport: ({ recurring }) => client.resumeReport(recurring),
  listExecutions: ({ once }) => client.listExecutions([once], { statuses: ['Completed'], latest: true }),
  deleteReport: ({ once }) => client.deleteReport(once),
  deleteQuery: ({ queryId }) => client.deleteQuery(queryId),
}

const NAMES = Object.keys(CALLS) as EndpointName[]

/** The kind of failure a call ended in, or `done`; that of a creation is one level down. */
function endOf(result: unknown): string {
  const failure = typeof result === 'object' && result !== null && 'failure' in result ? result.failure : result
  return isFailure(failure) ? failure.kind : 'done'
}

describe('the documents, the client and the simulator', () => {
  test('know the same endpoints', () => {
    expect(Object.keys(DOCUMENTED_ENDPOINTS).toSorted()).toEqual(NAMES.toSorted())
    expect(Object.keys(DOCUMENTED_ENDPOINTS).toSorted()).toEqual([...API_ENDPOINTS].toSorted())
  })

  test.each(NAMES)('%s goes where the documents say, and the simulator answers', async (name) => {
    const ids = await prepare()
    const before = simulator.requests.length
    const result = await CALLS[name](ids)
    expect(endOf(result)).toBe('done')
    const [asked] = simulator.requests.slice(before)
    const template = DOCUMENTED_ENDPOINTS[name].replace(/\{\w+\}/, '[0-9a-f-]{36}')
    expect(`${asked?.method} ${asked?.path.replace('/insights/v1/mpn', '')}`).toMatch(new RegExp(`^${template}$`))
  })

  test('agree on what is there after each change', async () => {
    const { queryId, recurring, once } = await prepare()
    expect(await client.report(recurring)).toMatchObject({
      reportName: 'recurring',
      executeNow: false,
      status: 'Active',
    })
    expect(await client.pauseReport(recurring)).toMatchObject({ status: 'Paused' })
    expect(await client.resumeReport(recurring)).toMatchObject({ status: 'Active' })
    expect(await client.execution(once)).toMatchObject({ status: 'completed', dataRedacted: false })
    expect(await client.execution(recurring)).toEqual({ status: 'pending' })
    await client.deleteReport(recurring)
    expect(await client.report(recurring)).toBeUndefined()
    expect(await client.execution(recurring)).toMatchObject({ kind: 'deadline' })
    await client.deleteQuery(queryId)
    expect(await client.queries('kept')).toEqual([])
  })
})

/** A switch of the simulator at every endpoint, and the kind of failure each call then ends in. */
const EVERYWHERE: readonly (readonly [Effect, string])[] = [
  [{ status: 401, message: 'Unauthorized' }, 'unauthorized'],
  [{ status: 403, message: 'Forbidden' }, 'forbidden'],
  [{ status: 400, message: 'Incorrect column name' }, 'query-refused'],
  [{ status: 429, message: 'slow down', headers: { 'retry-after': '3600' } }, 'unavailable'],
  [{ status: 500, message: 'Service unavailable' }, 'unavailable'],
  [{ page: 200 }, 'unavailable'],
  [{ page: 404 }, 'unavailable'],
  [{ page: 502 }, 'unavailable'],
  [{ page: 403 }, 'forbidden'],
  [{ envelope: 403 }, 'forbidden'],
  [{ envelope: 500 }, 'unavailable'],
  ['drop', 'unavailable'],
  ['lost', 'unavailable'],
  ['truncated', 'unavailable'],
  [{ doneThen: 500 }, 'unavailable'],
  ['pascalCase', 'done'],
  ['redacted', 'done'],
]

describe('every switch of the simulator', () => {
  test.each(EVERYWHERE)('%j at every endpoint ends in %s', async (effect, kind) => {
    const ids = await prepare()
    for (const endpoint of NAMES) simulator.fault({ endpoint, effect, nth: 'all' })
    const ends = []
    for (const name of NAMES) ends.push([name, endOf(await CALLS[name](ids))])
    expect(ends).toEqual(NAMES.map((name) => [name, kind]))
  })

  test('hang at every endpoint ends when the call is cancelled', async () => {
    const ids = await prepare()
    const controller = new AbortController()
    client = client.within(controller.signal)
    for (const endpoint of NAMES) simulator.fault({ endpoint, effect: 'hang', nth: 'all' })
    const before = simulator.requests.length
    const calls = NAMES.map((name) => CALLS[name](ids))
    await vi.waitUntil(() => simulator.requests.length >= before + NAMES.length)
    controller.abort()
    expect((await Promise.all(calls)).map(endOf)).toEqual(NAMES.map(() => 'unavailable'))
  })

  test.each(['listDatasets', 'listQueries', 'listReports', 'listExecutions'] as const)(
    'links from page to page of %s are followed, in a circle not for ever, and to no other host',
    async (endpoint) => {
      const ids = await prepare()
      const whole = await CALLS[endpoint](ids)
      for (const nextLink of ['absolute', 'relative'] as const) {
        for (const nth of [1, 2, 3]) simulator.fault({ endpoint, nth, effect: { nextLink } })
        expect(sizeOf(await CALLS[endpoint](ids))).toBe(sizeOf(whole))
      }
      simulator.fault({ endpoint, nth: 'all', effect: { nextLink: 'loop' } })
      expect(endOf(await CALLS[endpoint](ids))).toBe('unavailable')
    },
  )

  test('a link to another host is refused, and no token goes there', async () => {
    const ids = await prepare()
    for (const endpoint of ['listDatasets', 'listQueries', 'listReports', 'listExecutions'] as const) {
      simulator.fault({ endpoint, effect: { nextLink: 'otherHost' } })
      expect(endOf(await CALLS[endpoint](ids))).toBe('link-refused')
    }
  })

  test('a quota throttles and names no failed query', async () => {
    const { queryId } = await prepare()
    simulator.fault({ endpoint: 'createReport', effect: { quota: 1 } })
    expect(await client.createReport({ reportName: 'more', queryId })).toMatchObject({ outcome: 'throttled' })
  })

  test('a name filter that finds parts of names gives queries of exactly the name', async () => {
    await prepare()
    await client.createQuery({ name: 'kept too', query: SELECT })
    simulator.fault({ endpoint: 'listQueries', effect: 'partialNames', nth: 'all' })
    expect(await client.queries('kept')).toEqual([expect.objectContaining({ name: 'kept' })])
  })

  test('a report that is not listed is found by its execution all the same', async () => {
    const { once } = await prepare()
    simulator.fault({ endpoint: 'listReports', effect: 'unlisted', nth: 'all' })
    expect(await client.report(once)).toBeUndefined()
    expect(await client.execution(once)).toMatchObject({ status: 'completed' })
  })

  test('a deletion whose answer was lost is repeated, and finds nothing left to delete', async () => {
    const { once } = await prepare()
    simulator.fault({ endpoint: 'deleteReport', effect: 'lost' })
    expect(await client.deleteReport(once)).toBeUndefined()
    expect(simulator.reports().map(({ reportId }) => reportId)).not.toContain(once)
  })

  test('a created report whose answer was lost is not asked for again', async () => {
    const { queryId } = await prepare()
    simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    expect(await client.createReport({ reportName: 'lost', queryId })).toMatchObject({ outcome: 'unknown' })
    expect(simulator.reports().filter(({ reportName }) => reportName === 'lost')).toHaveLength(1)
  })

  test.each([
    ['noRole', 'forbidden'],
    [{ refuse: 'invalid_client' }, 'unauthorized'],
    [{ refuse: 'invalid_grant' }, 'unauthorized'],
    [{ page: 200 }, 'unavailable'],
    [{ page: 502 }, 'unavailable'],
    ['drop', 'unavailable'],
    ['truncated', 'unavailable'],
  ] as const)('%j where tokens come from ends in %s', async (effect, kind) => {
    simulator.fault({ endpoint: 'token', effect, nth: 'all' })
    expect(endOf(await openClient().listDatasets())).toBe(kind)
  })
})

test('a role that is given counts with a fresh token, which refusals bring once a minute at most', async () => {
  let minutes = 0
  const own = openClient(() => new Date(Date.now() + minutes * 60_000))
  const tokens = () => simulator.requests.filter(({ path }) => path.endsWith('/token')).length
  const called = async () => [endOf(await own.listDatasets()), tokens()]
  for (const nth of [1, 2]) simulator.fault({ endpoint: 'token', effect: 'noRole', nth })
  expect([await called(), await called(), await called()]).toEqual([
    ['forbidden', 1],
    ['forbidden', 2],
    ['forbidden', 2],
  ])
  minutes = 1
  expect([await called(), await called(), await called()]).toEqual([
    ['forbidden', 2],
    ['done', 3],
    ['done', 3],
  ])
})

test('a secret goes to a Key Vault and back with the identity of the app', async () => {
  vi.stubEnv('IDENTITY_ENDPOINT', simulator.identity.endpoint)
  vi.stubEnv('IDENTITY_HEADER', simulator.identity.header)
  const vault = openKeyVault({
    url: simulator.keyVault,
    token: () => identityToken(VAULT_SCOPE, 'own'),
    clock,
    retry,
  })
  expect(await vault.get('partner-default-refresh-token')).toBeUndefined()
  expect(await vault.set('partner-default-refresh-token', 'planted-refresh')).toBeUndefined()
  expect(await vault.get('partner-default-refresh-token')).toMatchObject({ value: 'planted-refresh' })
  for (const status of [409, 429]) simulator.fault({ endpoint: 'setSecret', effect: { status } })
  expect(await vault.set('partner-default-refresh-token', 'second')).toBeUndefined()
  expect(simulator.secrets().map(({ value }) => value)).toEqual(['second'])
})

function sizeOf(result: unknown): number {
  if (Array.isArray(result)) return result.length
  const executions = typeof result === 'object' && result !== null && 'executions' in result ? result.executions : []
  return Array.isArray(executions) ? executions.length : -1
}
