import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { type Client, connect, createReport, first, linkOf, MARCH, openSimulator } from '../setup/simulator.ts'

const QUERY = 'SELECT Month, CustomerName, UsageQuantity FROM AzureUsage'
const NONE_YET =
  "There are no executions that have occurred for the given filter conditions. Double check the reportId or executionId and retry the API after the report's scheduled execution time"

let simulator: Simulator
let client: Client

beforeEach(async () => {
  ;({ simulator, client } = await openSimulator({ generationMilliseconds: 3000 }))
  return () => simulator.close()
})

describe('the flow', () => {
  it('goes from a query over a pending report to a downloaded file', async () => {
    const reportId = await createReport(client, QUERY, MARCH)
    const execution = `ScheduledReport/execution/${reportId}`
    expect(first((await client.get(`${execution}?executionStatus=Pending`)).envelope).reportAccessSecureLink).toBeNull()
    simulator.advance(1500)
    expect(first((await client.get(`${execution}?executionStatus=running`)).envelope).executionStatus).toBe('Running')
    expect(first((await client.get(`ScheduledReport?reportId=${reportId}`)).envelope).reportStatus).toBe('Active')
    simulator.advance(1500)
    const completed = first((await client.get(execution)).envelope)
    expect(completed).toMatchObject({
      reportId,
      executionStatus: 'Completed',
      reportGeneratedTime: '2025-05-01T12:00:03Z',
    })
    expect(first((await client.get(`ScheduledReport?reportId=${reportId}`)).envelope).reportStatus).toBe('Inactive')
    const answer = await fetch(String(completed.reportAccessSecureLink))
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(await answer.text()).toBe(simulator.served(reportId)?.text)
  })

  it('serves rows that read back as the values they were made from', async () => {
    const reportId = await createReport(client, QUERY, MARCH)
    simulator.advance(3000)
    const served = simulator.served(reportId)
    const records: string[][] = parse(gunzipSync(served?.bytes ?? ''))
    expect(records[0]).toEqual(['Month', 'CustomerName', 'UsageQuantity'])
    expect(records.slice(1)).toEqual(served?.rows.map((row) => row.map((value) => (value === null ? '' : value))))
    expect(records.length).toBeGreaterThan(1001)
  })

  it('answers with the fields and the envelope of the documents', async () => {
    const made = await client.post('ScheduledQueries', { name: ' Usage ', QUERY: ` ${QUERY} ` })
    expect(made.envelope).toMatchObject({ totalCount: 1, message: 'Query created successfully', statusCode: 200 })
    expect(made.envelope).toMatchObject({ nextLink: null, dataRedacted: false })
    const query = first(made.envelope)
    expect(query).toMatchObject({
      name: 'Usage',
      query: QUERY,
      type: 'userDefined',
      createdTime: '2025-05-01T12:00:00Z',
    })
    const callback = { CallbackUrl: 'http://127.0.0.1:9/x', CallbackMethod: 'get', Format: 'CSV' }
    const body = { reportname: 'Usage', queryid: query.queryId, executenow: true, StartTime: null, ...callback }
    const report = await client.post('scheduledreport', body)
    expect(report.envelope.message).toBe('Report created successfully')
    expect(first(report.envelope)).toMatchObject({
      executeNow: true,
      reportStatus: 'Active',
      format: 'csv',
      query: QUERY,
    })
    expect(first(report.envelope)).not.toHaveProperty('queryStartTime')
  })
})

describe('executions', () => {
  it('are filtered by Completed when no status is given', async () => {
    const reportId = await createReport(client, QUERY)
    const early = await client.get(`ScheduledReport/execution/${reportId}`)
    expect(early).toMatchObject({ status: 404, envelope: { message: NONE_YET, statusCode: 404 } })
    const both = await client.get(`ScheduledReport/execution/${reportId}?executionStatus=Completed;Pending`)
    expect(first(both.envelope).executionStatus).toBe('Pending')
  })

  it('give the latest of each report, and all of them when that is switched off', async () => {
    const [one, two] = [await createReport(client, QUERY), await createReport(client, QUERY)]
    simulator.advance(3000)
    const latest = await client.get(`ScheduledReport/execution/${one};${two}`)
    expect(latest.envelope.value?.map(({ reportId }) => reportId)).toEqual([one, two])
    simulator.advance(91 * 86_400_000)
    client = await connect(simulator)
    const old = await client.get(`ScheduledReport/execution/${one}?getLatestExecution=false`)
    expect(old).toMatchObject({ status: 404, envelope: { message: NONE_YET } })
  })

  it('of an unknown report are not found', async () => {
    const answer = await client.get('ScheduledReport/execution/11111111-1111-4111-8111-111111111111')
    expect(answer).toMatchObject({
      status: 404,
      envelope: { value: null, message: 'No item found with given filters.' },
    })
  })

  it('cannot be asked for in a status that does not exist', async () => {
    const reportId = await createReport(client, QUERY)
    const answer = await client.get(`ScheduledReport/execution/${reportId}?executionStatus=Failed`)
    expect(answer).toMatchObject({ status: 400, envelope: { message: "Requested value 'Failed' not found" } })
  })
})

describe('lists', () => {
  it('find reports by name, by id and by query, without regard to case, and answer 404 when nothing fits', async () => {
    const reportId = await createReport(client, QUERY, { ReportName: 'Azure Usage' })
    await createReport(client, QUERY, { ReportName: 'Azure Usage 2' })
    const { queryId } = first((await client.get(`ScheduledReport?REPORTID=${reportId}`)).envelope)
    const byName = await client.get('ScheduledReport?reportName=azure%20usage')
    expect(byName.envelope.value?.map((report) => report.reportId)).toEqual([reportId])
    expect((await client.get(`ScheduledReport?queryId=${queryId}`)).envelope.totalCount).toBe(1)
    expect((await client.get('ScheduledReport')).envelope.totalCount).toBe(2)
    expect(await client.get('ScheduledReport?reportName=Azure')).toMatchObject({ status: 404 })
  })

  it('find queries by name and id, with the system queries unless they are left out', async () => {
    const made = first((await client.post('ScheduledQueries', { Name: 'Mine', Query: QUERY })).envelope)
    expect((await client.get('ScheduledQueries')).envelope.totalCount).toBe(20)
    expect((await client.get('ScheduledQueries?includeSystemQueries=false')).envelope.value).toEqual([made])
    expect((await client.get('ScheduledQueries?IncludeOnlySystemQueries=true')).envelope.totalCount).toBe(19)
    expect((await client.get('ScheduledQueries?queryName=MINE')).envelope.value).toEqual([made])
    const system = await client.get('ScheduledQueries?queryId=d1a4d75e-5ca8-4847-845f-ee0a9be6f07b')
    expect(first(system.envelope).name).toBe('Azure Usage')
  })

  it('show a user the own queries and reports only', async () => {
    const reportId = await createReport(client, QUERY)
    const other = await connect(simulator, 'other')
    expect(await other.get(`ScheduledReport?reportId=${reportId}`)).toMatchObject({ status: 404 })
    expect((await other.get('ScheduledQueries?includeSystemQueries=false')).envelope.totalCount).toBe(0)
  })
})

describe('deletion', () => {
  it('takes a report and its executions away, and what it served can still be looked at', async () => {
    const reportId = await createReport(client, QUERY, MARCH)
    simulator.advance(3000)
    const link = await linkOf(client, reportId)
    expect(first((await client.delete(`ScheduledReport/${reportId}`)).envelope).reportId).toBe(reportId)
    expect(await client.get(`ScheduledReport/execution/${reportId}`)).toMatchObject({ status: 404 })
    expect(await client.delete(`ScheduledReport/${reportId}`)).toMatchObject({ status: 404 })
    expect((await fetch(link)).status).toBe(404)
    expect(simulator.reports()).toEqual([])
    expect(simulator.served(reportId)?.rows.length).toBeGreaterThan(1000)
  })

  it('takes a query away, and leaves system queries and reports made from it', async () => {
    const reportId = await createReport(client, QUERY, MARCH)
    const { queryId } = first((await client.get(`ScheduledReport?reportId=${reportId}`)).envelope)
    expect(first((await client.delete(`ScheduledQueries/${queryId}`)).envelope).queryId).toBe(queryId)
    expect(await client.delete(`ScheduledQueries/${queryId}`)).toMatchObject({ status: 404 })
    expect(await client.delete('ScheduledQueries/d1a4d75e-5ca8-4847-845f-ee0a9be6f07b')).toMatchObject({ status: 400 })
    expect(await client.get(`ScheduledReport?reportId=${reportId}`)).toMatchObject({ status: 200 })
  })
})
