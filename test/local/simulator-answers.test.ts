import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import {
  type Client,
  connect,
  createReport,
  first,
  getToken,
  linkOf,
  openSimulator,
  postForm,
} from '../setup/simulator.ts'

const QUERY = 'SELECT Month, CustomerName FROM AzureUsage'

let simulator: Simulator
let client: Client

beforeEach(async () => {
  ;({ simulator, client } = await openSimulator({ rows: 3 }))
  return () => simulator.close()
})

async function ask(path: string, signal = AbortSignal.timeout(10_000)) {
  const headers = { authorization: `Bearer ${await getToken(simulator)}` }
  const url = path.startsWith('http') ? path : `${simulator.baseUrl}/${path}`
  const response = await fetch(url, { headers, signal })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

describe('an answer', () => {
  it('is a gateway page under any status', async () => {
    simulator.fault({ endpoint: 'listReports', effect: { page: 502 } })
    simulator.fault({ endpoint: 'listReports', nth: 2, effect: { page: 200 } })
    expect(await ask('ScheduledReport')).toMatchObject({ status: 502, type: 'text/html' })
    expect(await ask('ScheduledReport')).toMatchObject({ status: 200, text: expect.stringMatching(/^<html>/) })
  })

  it('is an error envelope under 200', async () => {
    simulator.fault({ endpoint: 'listDatasets', effect: { envelope: 503 } })
    expect(await client.get('ScheduledDataset')).toMatchObject({
      status: 200,
      envelope: { value: null, statusCode: 503 },
    })
  })

  it('has names in PascalCase, without nextLink and dataRedacted', async () => {
    simulator.fault({ endpoint: 'listDatasets', effect: 'pascalCase' })
    const envelope = JSON.parse((await ask('ScheduledDataset?datasetName=Profile')).text)
    expect(Object.keys(envelope)).toEqual(['Value', 'TotalCount', 'Message', 'StatusCode'])
    expect(envelope.Value[0].DatasetName).toBe('Profile')
  })

  it('names the call and says how many calls are left, unless it is told otherwise', async () => {
    const authorization = `Bearer ${await getToken(simulator)}`
    const headersOf = async () => {
      const { headers } = await fetch(`${simulator.baseUrl}/ScheduledReport`, { headers: { authorization } })
      return ['ms-correlationid', 'x-ratelimit-limit', 'x-ratelimit-remaining'].map((name) => headers.get(name))
    }
    expect(await headersOf()).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), '10', '8'])
    simulator.fault({ endpoint: 'listReports', effect: { callsLeft: 0 } })
    expect(await headersOf()).toEqual([expect.anything(), '10', '0'])
    simulator.fault({ endpoint: 'listReports', effect: 'bareHeaders' })
    expect(await headersOf()).toEqual([null, null, null])
  })

  it('says that data is redacted', async () => {
    const reportId = await createReport(client, QUERY)
    simulator.fault({ endpoint: 'listExecutions', effect: 'redacted' })
    expect((await client.get(`ScheduledReport/execution/${reportId}`)).envelope).toMatchObject({ dataRedacted: true })
    expect((await client.get(`ScheduledReport/execution/${reportId}`)).envelope).toMatchObject({ dataRedacted: false })
  })

  it('breaks off in the middle of its JSON', async () => {
    simulator.fault({ endpoint: 'listDatasets', effect: 'truncated' })
    const [half, whole] = [await ask('ScheduledDataset'), await ask('ScheduledDataset')]
    expect(half).toMatchObject({ status: 200, text: whole.text.slice(0, whole.text.length / 2) })
  })

  it('fails although the thing was done', async () => {
    simulator.fault({ endpoint: 'createReport', effect: { doneThen: 500 } })
    const { envelope } = await client.post('ScheduledQueries', { Name: 'q', Query: QUERY })
    const body = { ReportName: 'r', QueryId: first(envelope).queryId, ExecuteNow: true }
    expect(await client.post('ScheduledReport', body)).toMatchObject({ status: 500 })
    expect(simulator.reports()).toHaveLength(1)
  })

  it('never comes', async () => {
    simulator.fault({ endpoint: 'createQuery', effect: 'hang' })
    const headers = { authorization: `Bearer ${await getToken(simulator)}` }
    const body = JSON.stringify({ Name: 'q', Query: QUERY })
    const seen = simulator.requests.length
    const stop = new AbortController()
    const answer = fetch(`${simulator.baseUrl}/ScheduledQueries`, {
      method: 'POST',
      headers,
      body,
      signal: stop.signal,
    })
    const outcome = answer.then(
      () => 'answered',
      () => 'none',
    )
    await expect.poll(() => simulator.requests.length).toBe(seen + 1)
    expect((await client.get('ScheduledQueries?includeSystemQueries=false')).envelope.totalCount).toBe(0)
    stop.abort()
    expect(await outcome).toBe('none')
  })

  it('gives another link than the file has', async () => {
    const reportId = await createReport(client, QUERY)
    simulator.fault({ endpoint: 'listExecutions', effect: { link: 'http://10.0.0.1/report.csv?sig=x' } })
    expect(await linkOf(client, reportId)).toBe('http://10.0.0.1/report.csv?sig=x')
    expect(await linkOf(client, reportId)).toContain(simulator.origin)
  })
})

describe('limits and rights', () => {
  it('a quota of reports is spent and comes back within the hour', async () => {
    simulator.fault({ endpoint: 'createReport', nth: 'all', effect: { quota: 2 } })
    await createReport(client, QUERY)
    await createReport(client, QUERY)
    const { envelope } = await client.get('ScheduledQueries?includeSystemQueries=false')
    const body = { ReportName: 'r', QueryId: first(envelope).queryId, ExecuteNow: true }
    expect(await client.post('ScheduledReport', body)).toMatchObject({
      status: 400,
      envelope: { message: 'User has exceeded its ExecuteNow report creation quota of 2 reports/60 mins' },
    })
    simulator.advance(3_600_000)
    client = await connect(simulator)
    expect((await client.post('ScheduledReport', body)).status).toBe(200)
  })

  it('a token without the role is refused everywhere', async () => {
    simulator.fault({ endpoint: 'token', effect: 'noRole' })
    const without = await connect(simulator)
    const answers = await Promise.all(['ScheduledDataset', 'ScheduledQueries', 'ScheduledReport'].map(without.get))
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403])
    expect((await (await connect(simulator)).get('ScheduledDataset')).status).toBe(200)
  })

  it.each([
    ['invalid_grant', 400, 70000],
    ['invalid_client', 401, 7000215],
  ] as const)('the token endpoint answers %s as Entra does', async (refuse, status, code) => {
    simulator.fault({ endpoint: 'token', effect: { refuse } })
    const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token: 'old' }
    const { body, ...answer } = await postForm(simulator, '/tenant/oauth2/v2.0/token', form)
    expect(answer.status).toBe(status)
    expect(body).toMatchObject({ error: refuse, error_codes: [code] })
    expect(body.error_description).toContain(`AADSTS${code}: `)
  })
})

describe('a rule that can have no effect is refused', () => {
  it.each([
    ['report', 'hang', 'acts on'],
    ['download', { nextLink: 'loop' }, 'acts on'],
    ['listDatasets', { nextLink: 'sideways' }, 'does not take'],
    ['listDatasets', 'nextLink', 'does not take'],
    ['report', { bom: true }, 'takes no value'],
    ['report', 'toString', 'no switch'],
    ['nowhere', 'drop', 'acts on'],
  ])('%s with %j', (endpoint, effect, said) => {
    expect(() => simulator.fault({ endpoint, effect } as never)).toThrow(said)
  })
})
