import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { DOCUMENTED_REFUSALS, refusalOf, SISTER_REFUSALS } from '../../src/services/insights/refusals.ts'
import { type Reply, type ScriptedServer, startScripted } from './scripted-server.ts'

const BASE = '/insights/v1/mpn'
const TOKEN = 'planted-token-4711'
const ID = '22222222-2222-4222-8222-222222222222'

let server: ScriptedServer
let client: InsightsClient
let renewals: number

beforeEach(async () => {
  renewals = 0
  server = await startScripted()
  server.script(() => envelope([]))
  const credentials = { token: async () => TOKEN, renew: async () => `renewed-${++renewals}`, doubt: () => undefined }
  const retry = { random: () => 0, wait: async () => undefined }
  const baseUrl = `${server.origin}${BASE}`
  client = openInsightsClient({ baseUrl, tokenHeader: 'Authorization', credentials, clock: () => new Date(), retry })
})
afterEach(() => server.close())

const envelope = (value: readonly object[] | null, fields: object = {}): Reply => ({
  body: { value, nextLink: null, totalCount: 0, message: null, statusCode: 200, dataRedacted: false, ...fields },
})
const refusal = (status: number, message: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers,
  body: { value: null, message, statusCode: status },
})
const sent = () => server.requests.map(({ method, path, query }) => `${method} ${path.slice(BASE.length)}?${query}`)
const bodies = () => server.requests.map(({ body }) => (body ? JSON.parse(body) : undefined))
const report = { reportId: ID, reportName: 'r', queryId: 'q' }
const start = new Date('2026-01-02T03:04:05.678Z')
const schedule = { start, intervalHours: 24, count: 10 }

describe('every endpoint with every parameter of the documentation', () => {
  test('datasets, all or one', async () => {
    await client.listDatasets()
    await client.listDatasets('Azure Usage&x')
    expect(sent()).toEqual(['GET /ScheduledDataset?', 'GET /ScheduledDataset?datasetName=Azure+Usage%26x'])
  })

  test('a dataset that is not there is named, with the answer that said so', async () => {
    server.script(() => refusal(404, textOf(404, 0), { 'ms-correlationid': 'c-404' }))
    expect(await client.dataset(['AzureUsage', 'Azure Usage'])).toMatchObject({
      kind: 'query-refused',
      message:
        'dataset AzureUsage or Azure Usage: the service does not offer it (MS-CorrelationId c-404); correct the feed',
    })
  })

  test('queries by every filter', async () => {
    const only = { includeSystemQueries: true, includeOnlySystemQueries: true }
    await client.listQueries({ queryId: 'q1', queryName: 'a b', ...only })
    expect(sent()).toEqual([
      'GET /ScheduledQueries?queryId=q1&queryName=a+b&includeSystemQueries=true&includeOnlySystemQueries=true',
    ])
  })

  test('a query is created and deleted', async () => {
    server.script(() => envelope([{ queryId: 'q1', name: 'n', query: 't' }]))
    expect(await client.createQuery({ name: 'n', query: 't', description: 'd' })).toMatchObject({ queryId: 'q1' })
    expect(await client.deleteQuery('q1')).toBeUndefined()
    expect(sent()).toEqual(['POST /ScheduledQueries?', 'DELETE /ScheduledQueries/q1?'])
    expect(bodies()[0]).toEqual({ Name: 'n', Description: 'd', Query: 't' })
  })

  test('a query is tried by its text and by its id, with times', async () => {
    server.script(() => envelope([{ Month: 'JAN-2024' }]))
    const times = { startTime: '2024-01-01T00:00:00Z', endTime: '2024-02-01T00:00:00Z' }
    expect(await client.testQuery({ exportQuery: 'SELECT Month FROM x', ...times })).toEqual([{ month: 'JAN-2024' }])
    await client.testQuery({ queryId: 'q1' })
    expect(sent()).toEqual([
      'GET /ScheduledQueries/testQueryResult?exportQuery=SELECT+Month+FROM+x&startTime=2024-01-01T00%3A00%3A00Z&endTime=2024-02-01T00%3A00%3A00Z',
      'GET /ScheduledQueries/testQueryResult?queryId=q1',
    ])
  })

  test('reports by every filter', async () => {
    await client.listReports({ reportId: 'r1', reportName: 'a b', queryId: 'q1' })
    expect(sent()).toEqual(['GET /ScheduledReport?reportId=r1&reportName=a+b&queryId=q1'])
  })

  test('a report that runs at once, for query times', async () => {
    server.script(() => envelope([report]))
    const queryTimes = { start: '2024-01-01T00:00:00Z', end: '2024-01-31T23:59:59Z' }
    const asked = { reportName: 'r', queryId: 'q', queryTimes, callbackUrl: 'https://here.example/cb' }
    expect(await client.createReport(asked)).toEqual({ outcome: 'created', reportId: ID })
    expect(bodies()).toEqual([
      {
        ReportName: 'r',
        Description: 'made by partner-insights-sync',
        QueryId: 'q',
        ExecuteNow: true,
        QueryStartTime: queryTimes.start,
        QueryEndTime: queryTimes.end,
        Format: 'CSV',
        CallbackUrl: 'https://here.example/cb',
        CallbackMethod: 'POST',
      },
    ])
  })

  test('a recurring report is created, changed, paused, resumed and deleted', async () => {
    server.script(() => envelope([{ ...report, reportStatus: 'Paused' }]))
    const delivery = {
      description: 'd',
      format: 'TSV',
      callbackUrl: 'https://here.example',
      callbackMethod: 'GET',
    } as const
    await client.createReport({ reportName: 'r', queryId: 'q', schedule, ...delivery })
    await client.updateReport(ID, { reportName: 'r2', schedule, ...delivery })
    expect(await client.pauseReport(ID)).toMatchObject({ reportId: ID, status: 'Paused' })
    await client.resumeReport(ID)
    await client.deleteReport(ID)
    expect(sent()).toEqual([
      'POST /ScheduledReport?',
      `PUT /ScheduledReport/${ID}?`,
      `PUT /ScheduledReport/pause/${ID}?`,
      `PUT /ScheduledReport/resume/${ID}?`,
      `DELETE /ScheduledReport/${ID}?`,
    ])
    const times = { StartTime: '2026-01-02T03:04:05Z', RecurrenceInterval: 24, RecurrenceCount: 10 }
    const delivered = { Description: 'd', Format: 'TSV', CallbackUrl: 'https://here.example', CallbackMethod: 'GET' }
    expect(bodies().slice(0, 2)).toEqual([
      { ReportName: 'r', QueryId: 'q', ExecuteNow: false, ...times, ...delivered },
      { ReportName: 'r2', ...times, ...delivered },
    ])
  })

  test('executions of several reports, by id and state, latest or all', async () => {
    const filter = { executionIds: ['e1', 'e2'], statuses: ['Pending', 'Completed'], latest: false } as const
    await client.listExecutions(['r1', 'r2'], filter)
    expect(sent()).toEqual([
      'GET /ScheduledReport/execution/r1;r2?executionId=e1%3Be2&executionStatus=Pending%3BCompleted&getLatestExecution=false',
    ])
    expect(server.requests[0]?.url).toMatch(/r1;r2\?executionId=e1;e2&executionStatus=Pending;Completed&/)
  })
})

describe('what the service answers', () => {
  test('is read whatever the case of its names, with stray blanks, and instants as UTC', async () => {
    const item = {
      'ReportId ': ID,
      REPORTNAME: ' r ',
      ' queryID': 'q',
      CreatedTime: '2024-05-01T08:00:00',
      ExecuteNow: true,
    }
    server.script(() => ({
      body: { Value: [{ ...item, ReportStatus: 'Active', RecurrenceCount: null }], StatusCode: 200 },
    }))
    expect(await client.reports()).toEqual([
      { ...report, createdAt: new Date('2024-05-01T08:00:00Z'), executeNow: true, status: 'Active' },
    ])
  })

  test('an error in the body counts under HTTP 200', async () => {
    server.script(() => ({ body: { value: null, statusCode: 403, message: 'no' } }))
    expect(await client.queries('n')).toMatchObject({ kind: 'forbidden' })
  })

  test.each([
    ['a page of a gateway', { body: '<html>sign in</html>' }],
    ['half a document', { body: '{"value":[{"queryId":"q1"', headers: { 'content-type': 'application/json' } }],
    ['nothing', { body: '' }],
    ['another JSON', { body: { ok: true } }],
    ['a page of a gateway that says 404', { status: 404, body: '<html>no such site</html>' }],
  ])('%s under success is no empty list', async (_, reply: Reply) => {
    server.script(() => reply)
    expect(await client.queries('n')).toMatchObject({ kind: 'unavailable' })
    expect(await client.createQuery({ name: 'n', query: 't' })).toMatchObject({ kind: 'unavailable' })
  })

  test('an empty 404 means none', async () => {
    server.script(() => ({ status: 404 }))
    expect(await client.queries('n')).toEqual([])
    expect(await client.report(ID)).toBeUndefined()
    expect(await client.deleteReport(ID)).toBeUndefined()
    expect(await client.pauseReport(ID)).toBeUndefined()
  })

  test('redaction said on any page counts', async () => {
    const done = {
      executionId: 'e',
      reportId: ID,
      executionStatus: 'completed',
      reportAccessSecureLink: 'https://f.example/r?sig=x',
    }
    server.script((_, nth) =>
      envelope(nth === 1 ? [] : [done], nth === 1 ? { nextLink: '?page=2', dataRedacted: true } : {}),
    )
    expect(await client.execution(ID)).toMatchObject({ status: 'completed', executionId: 'e', dataRedacted: true })
  })
})

describe('the execution of a report', () => {
  const unknown = refusal(404, 'No item found with given filters.')

  test('is pending while the service says that none has occurred', async () => {
    server.script(() => refusal(404, textOf(404, 1)))
    expect(await client.execution(ID)).toEqual({ status: 'pending' })
    expect(sent()).toHaveLength(1)
  })

  test('is pending where only the execution is unknown and the report is listed', async () => {
    server.script(({ path }) =>
      path.includes('execution') ? unknown : envelope([{ ...report, reportId: ID.toUpperCase() }]),
    )
    expect(await client.execution(ID)).toEqual({ status: 'pending' })
  })

  test('fails when the report is gone, and names the report and the answer that said so', async () => {
    server.script(() => refusal(404, 'No item found with given filters.', { 'ms-correlationid': 'c-404' }))
    expect(await client.execution(ID)).toMatchObject({
      kind: 'deadline',
      message: `report ${ID}: the service no longer has it (MS-CorrelationId c-404); it is asked for again at its deadline`,
    })
  })
})

describe('pages of a list', () => {
  const follow = async (link: string) => {
    server.script((_, nth) => envelope([{ ...report, reportId: `r${nth}` }], nth === 1 ? { nextLink: link } : {}))
    const found = await client.reports('n')
    return isFailure(found) ? found.kind : found.map(({ reportId }) => reportId)
  }

  test.each([
    ['?page=2'],
    ['/ScheduledReport?page=2'],
    ['ScheduledReport?page=2'],
    [`${BASE}/ScheduledReport?page=2`],
    [`${BASE.toUpperCase()}/scheduledreport?page=2`],
  ])('are followed by the relative link %s', async (link) => {
    expect(await follow(link)).toEqual(['r1', 'r2'])
    expect(sent()[1]?.toLowerCase()).toBe('get /scheduledreport?page=2')
  })

  test('are followed by an absolute link', async () => {
    expect(await follow(`${server.origin}${BASE}/ScheduledReport?page=2`)).toEqual(['r1', 'r2'])
  })

  test.each([
    'https://evil.example/insights/v1/mpn/ScheduledReport?page=2',
    '//evil.example/insights/v1/mpn/ScheduledReport?page=2',
    'javascript:alert(1)',
    '/ScheduledQueries?page=2',
    '/ScheduledReport/../ScheduledQueries?page=2',
    'http://',
  ])('are not followed to %s', async (link) => {
    expect(await follow(link)).toBe('link-refused')
    expect(sent()).toHaveLength(1)
  })

  test('that run in a circle end the list', async () => {
    server.script((_, nth) => envelope([report], { nextLink: `?page=${nth % 3}` }))
    expect(await client.reports('n')).toMatchObject({ kind: 'unavailable' })
    expect(sent().length).toBeLessThan(6)
  })

  test('that fail half-way give no half list', async () => {
    server.script((_, nth) =>
      nth === 1 ? envelope([report], { nextLink: '?page=2' }) : refusal(400, 'Invalid QueryId'),
    )
    expect(await client.reports('n')).toMatchObject({ kind: 'query-refused' })
  })
})

describe('documented errors', () => {
  /** Written out from the documents: the kind that each text means to the operator. */
  const kinds: Readonly<Record<string, string>> = {
    Unauthorized: 'unauthorized',
    'Service unavailable': 'unavailable',
    'Internal error encountered while creating report. Correlation ID <>': 'unavailable',
    [textOf(404, 1)]: 'unavailable',
    [SISTER_REFUSALS.at(-1)?.text ?? '']: 'unavailable',
    'User has exceeded its report creation quota of 50 active reports': 'unavailable',
    'User has exceeded its ExecuteNow report creation quota of 5 reports/60 mins': 'unavailable',
  }

  test.each([...DOCUMENTED_REFUSALS, ...SISTER_REFUSALS].map(({ status, text }) => [status, text] as const))(
    '%i %s',
    async (status, text) => {
      const said = text.replace('<>', `<${ID}>`).replace("'string'", "'tomorrow'")
      expect(refusalOf(status, said).kind).toBe(kinds[text] ?? 'query-refused')
      expect(refusalOf(status, said).hint).toBe(refusalOf(status, text).hint)
      server.script(() => refusal(status, said))
      const failure = await client.createQuery({ name: 'n', query: 't' })
      expect(failure).toMatchObject({ kind: kinds[text] ?? 'query-refused' })
    },
  )

  test('are thirteen, and thirteen more of the sister service', () => {
    expect(DOCUMENTED_REFUSALS).toHaveLength(13)
    expect(SISTER_REFUSALS).toHaveLength(13)
  })

  test.each([
    [403, '', 'forbidden'],
    [429, '', 'unavailable'],
    [408, '', 'unavailable'],
    [502, '<html>', 'unavailable'],
    [400, 'User has exceeded some quota', 'unavailable'],
    [400, 'something new', 'query-refused'],
    [418, '', 'query-refused'],
  ])('one without a text of its own counts by its status: %i %s', (status, message, kind) => {
    expect(refusalOf(status, message).kind).toBe(kind)
  })
})

describe('what may be repeated', () => {
  test('reading and deleting are, after passing trouble', async () => {
    server.script((_, nth) => (nth === 1 ? refusal(503, 'Service unavailable') : nth === 2 ? 'drop' : envelope([])))
    expect(await client.queries('n')).toEqual([])
    server.script((_, nth) => (nth === 1 ? refusal(500, 'x') : envelope([])))
    expect(await client.deleteReport(ID)).toBeUndefined()
    expect(sent()).toHaveLength(5)
  })

  test.each([
    ['a lost answer', 'drop' as Reply],
    ['an error', refusal(500, 'Service unavailable')],
    ['a page', { body: '<html>' }],
  ])('a report is asked for once, whatever comes back: %s', async (_, reply) => {
    server.script(() => reply)
    expect(await client.createReport({ reportName: 'r', queryId: 'q' })).toMatchObject({ outcome: 'unknown' })
    expect(await client.createQuery({ name: 'n', query: 't' })).toMatchObject({ kind: 'unavailable' })
    expect(await client.updateReport(ID, { reportName: 'r', schedule })).toMatchObject({ kind: 'unavailable' })
    expect(sent()).toHaveLength(3)
  })

  test('a quota is told apart, with the wait in seconds or as a date', async () => {
    server.script(() => refusal(429, 'slow', { 'retry-after': '120' }))
    expect(await client.createReport({ reportName: 'r', queryId: 'q' })).toMatchObject({
      outcome: 'throttled',
      waitMs: 120_000,
    })
    server.script(() => refusal(400, 'User has exceeded its report creation quota of 50 active reports'))
    expect(await client.createReport({ reportName: 'r', queryId: 'q' })).toMatchObject({ outcome: 'throttled' })
    server.script(() => refusal(429, 'slow', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }))
    const creation = await client.createReport({ reportName: 'r', queryId: 'q' })
    expect(creation.outcome === 'throttled' && creation.waitMs).toBeGreaterThan(50_000)
  })

  test('a refused token is renewed once, for a create too', async () => {
    server.script(({ headers }) =>
      headers.authorization === `Bearer ${TOKEN}` ? refusal(401, 'Unauthorized') : envelope([report]),
    )
    expect(await client.createReport({ reportName: 'r', queryId: 'q' })).toMatchObject({ outcome: 'created' })
    server.script(() => refusal(401, 'Unauthorized'))
    expect(await client.queries('n')).toMatchObject({ kind: 'unauthorized' })
    expect(renewals).toBe(2)
    expect(sent()).toHaveLength(4)
  })
})

describe('a call that is cancelled', () => {
  test('ends at once, though the service never answers', async () => {
    const controller = new AbortController()
    server.script(() => {
      controller.abort()
      return 'hang'
    })
    const found = await client.within(controller.signal).queries('n')
    expect(found).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('cancelled') })
    expect(sent()).toHaveLength(1)
  })

  test('does not wait for a token that never comes, and sends nothing', async () => {
    const controller = new AbortController()
    const never = () => new Promise<string>(() => undefined)
    const credentials = { token: never, renew: never, doubt: () => undefined }
    const clock = () => new Date()
    const slow = openInsightsClient(
      { baseUrl: server.origin, tokenHeader: 'Authorization', credentials, clock },
      controller.signal,
    )
    const asked = slow.createReport({ reportName: 'r', queryId: 'q' })
    controller.abort()
    expect(await asked).toMatchObject({ outcome: 'unknown' })
    expect(sent()).toEqual([])
  })
})

describe('what never gets out', () => {
  test('a token does not follow a redirect', async () => {
    const other = await startScripted()
    server.script(() => ({ status: 307, headers: { location: `${other.origin}/steal?x=1` } }))
    const found = await client.queries('n')
    expect(found).toMatchObject({ kind: 'link-refused', message: expect.stringContaining('INSIGHTS_BASE_URL') })
    expect(other.requests).toEqual([])
    await other.close()
  })

  test('no message holds a token, a callback address, a signature or the text of a query', async () => {
    const callbackUrl = 'https://site.example/api/callback/f/w/1/callback-secret'
    const leaks = `Requested value '${callbackUrl}' not found at https://u:pw@f.example/r.csv?sig=signature Bearer ${'t'.repeat(60)}`
    server.script(() => refusal(400, leaks))
    const said = JSON.stringify([
      await client.createReport({ reportName: 'r', queryId: 'q', callbackUrl }),
      await client.testQuery({ exportQuery: "SELECT Secret FROM x WHERE Name='planted'" }),
      await client.queries('n'),
    ])
    expect(server.requests[0]?.headers.authorization).toContain(TOKEN)
    for (const secret of [TOKEN, 'callback-secret', 'signature', 'pw', 't'.repeat(41), 'planted']) {
      expect(said).not.toContain(secret)
    }
    expect(said).toContain('https://site.example/…')
  })

  test('an answer larger than any the service gives is not read to its end', async () => {
    server.script(() => ({ body: { value: [], statusCode: 200, filler: 'x'.repeat(17 * 1024 * 1024) } }))
    expect(await client.listDatasets()).toMatchObject({ kind: 'unavailable' })
  })
})

function textOf(status: number, index: number): string {
  return DOCUMENTED_REFUSALS.filter((each) => each.status === status)[index]?.text ?? ''
}
