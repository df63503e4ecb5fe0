import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { type Reply, type ScriptedServer, startScripted } from './scripted-server.ts'

// The headers of an answer that say which call it was and how many calls are left.

const ID = 'b7a1c2d4-0000-4000-8000-5e6f7a8b9c0d'

let server: ScriptedServer
let client: InsightsClient
let now: number
let waits: number[]

beforeEach(async () => {
  now = Date.parse('2026-01-02T03:04:05Z')
  waits = []
  server = await startScripted()
  const credentials = { token: async () => 'token', renew: async () => 'renewed', doubt: () => undefined }
  const wait = async (milliseconds: number) => {
    waits.push(milliseconds)
    now += milliseconds
  }
  client = openInsightsClient({
    baseUrl: `${server.origin}/insights/v1/mpn`,
    tokenHeader: 'Authorization',
    credentials,
    clock: () => new Date(now),
    retry: { random: () => 0, wait },
  })
})
afterEach(() => server.close())

const envelope = (value: readonly object[] | null, fields: object = {}) => ({ value, statusCode: 200, ...fields })

/** What every call of the client says when it fails. */
async function messages(): Promise<readonly string[]> {
  const results = [
    await client.listDatasets(),
    await client.queries('n'),
    await client.createQuery({ name: 'n', query: 't' }),
    await client.testQuery({ exportQuery: 't' }),
    await client.deleteQuery('q'),
    await client.reports(),
    await client.createReport({ reportName: 'r', queryId: 'q' }),
    await client.pauseReport('r'),
    await client.deleteReport('r'),
    await client.execution('r'),
  ]
  return results.flatMap((result) => {
    const failure = typeof result === 'object' && 'failure' in result ? result.failure : result
    return isFailure(failure) ? [failure.message] : []
  })
}

describe('the message of a call that fails', () => {
  test.each([
    ['401', { status: 401, body: envelope(null, { statusCode: 401, message: 'Unauthorized' }) }],
    ['403', { status: 403, body: envelope(null, { statusCode: 403 }) }],
    ['400', { status: 400, body: envelope(null, { statusCode: 400, message: 'Incorrect column name' }) }],
    ['429', { status: 429, body: {} }],
    ['500', { status: 500, body: 'no envelope' }],
    ['an error under HTTP 200', { body: envelope(null, { statusCode: 500, message: 'Service unavailable' }) }],
    ['a redirect', { status: 302, headers: { location: 'https://elsewhere.example/' } }],
    ['a page', { body: '<html>sign in</html>' }],
    ['a body that cannot be unpacked', { headers: { 'content-encoding': 'gzip' }, body: '{"value":[]}' }],
  ] as readonly (readonly [string, Exclude<Reply, string>])[])(
    'names the id of %s, whatever was called',
    async (_, reply) => {
      server.script(() => ({ ...reply, headers: { ...reply.headers, 'MS-CorrelationId': ID } }))
      const said = await messages()
      expect(said).toHaveLength(10)
      for (const message of said) expect(message).toContain(`(MS-CorrelationId ${ID})`)
    },
  )

  test('names the id where the answer lacks what was asked for', async () => {
    server.script(() => ({ headers: { 'ms-correlationid': ID }, body: envelope([]) }))
    expect(await client.createQuery({ name: 'n', query: 't' })).toMatchObject({
      message: `create query "n": the answer (MS-CorrelationId ${ID}) contains no id that can be used; the query is looked up and tried again`,
    })
    expect(await messages()).toEqual([0, 1, 2].map(() => expect.stringContaining(ID)))
  })

  test('names the id where the links between pages lead nowhere', async () => {
    for (const nextLink of ['?page=1', 'https://evil.example/insights/v1/mpn/ScheduledReport']) {
      server.script(() => ({ headers: { 'ms-correlationid': ID }, body: envelope([], { nextLink }) }))
      expect(await client.reports()).toMatchObject({ message: expect.stringContaining(ID) })
    }
  })

  test.each(['a b', 'x'.repeat(65), '<script>', 'id"; drop', '', 'https://evil.example'])(
    'leaves out %j, which is no id',
    async (id) => {
      server.script(() => ({ status: 403, headers: { 'ms-correlationid': id }, body: envelope(null) }))
      expect(await client.listDatasets()).toMatchObject({
        message: expect.stringMatching(
          /^datasets: the service answered 403; give the account the Executive Report Viewer role/,
        ),
      })
    },
  )
})

describe('an account that has no calls left', () => {
  const left = (calls: string): Reply => ({ headers: { 'X-RateLimit-Remaining': calls }, body: envelope([]) })

  test('waits a moment before it reads or deletes again, once', async () => {
    server.script((_, nth) => left(nth === 1 ? '0' : '8'))
    await client.listDatasets()
    expect(waits).toEqual([])
    await client.queries('n')
    expect(waits).toEqual([5_000])
    await client.deleteReport('r')
    expect(waits).toEqual([5_000])
    expect(server.requests).toHaveLength(3)
  })

  test('waits in each of its clients, and each time that the service says so', async () => {
    server.script(() => left('0'))
    const cancellable = client.within(new AbortController().signal)
    await client.listDatasets()
    await cancellable.queries('n')
    await client.deleteReport('r')
    expect(waits).toEqual([5_000, 5_000])
  })

  test('waits after a refusal too, and only for the rest of the time', async () => {
    server.script((_, nth) => (nth === 1 ? { status: 403, ...(left('0') as object) } : left('8')))
    await client.listDatasets()
    now += 4_000
    await client.reports()
    expect(waits).toEqual([1_000])
  })

  test('asks for reports all the same, whose number is decided before', async () => {
    server.script(() => ({
      headers: { 'X-RateLimit-Remaining': '0' },
      body: envelope([{ reportId: 'r1', queryId: 'q1' }]),
    }))
    await client.listDatasets()
    await client.createReport({ reportName: 'r', queryId: 'q' })
    await client.createQuery({ name: 'n', query: 't' })
    expect(waits).toEqual([])
  })

  test.each(['', 'none', '-1', '0.5', '99999999999'])('is not one whose header says %j', async (calls) => {
    server.script(() => left(calls))
    await client.listDatasets()
    await client.reports()
    expect(waits).toEqual([])
  })

  test('never waits long, although the clock was set back', async () => {
    server.script(() => left('0'))
    await client.listDatasets()
    now -= 3_600_000
    await client.reports()
    expect(waits).toEqual([5_000])
  })
})
