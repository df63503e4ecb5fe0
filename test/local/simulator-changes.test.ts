import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { API_ENDPOINTS } from '../../local/simulator/switches.ts'
import { type Client, createReport, first, openSimulator } from '../setup/simulator.ts'

const QUERY = 'SELECT Month, SubscriptionId, UsageQuantity FROM AzureUsage'
const START = '2025-05-02T12:00:00Z'

let simulator: Simulator
let client: Client

beforeEach(async () => {
  ;({ simulator, client } = await openSimulator())
  return () => simulator.close()
})

describe('the endpoints', () => {
  it('are those of the documents, and each is answered and can be made to fail', async () => {
    const calls = {
      listDatasets: () => client.get('ScheduledDataset'),
      listQueries: () => client.get('ScheduledQueries'),
      createQuery: () => client.post('ScheduledQueries', {}),
      deleteQuery: () => client.delete('ScheduledQueries/x'),
      testQuery: () => client.get('ScheduledQueries/testQueryResult'),
      listReports: () => client.get('ScheduledReport'),
      createReport: () => client.post('ScheduledReport', {}),
      updateReport: () => client.put('ScheduledReport/x', {}),
      deleteReport: () => client.delete('ScheduledReport/x'),
      pauseReport: () => client.put('ScheduledReport/pause/x'),
      resumeReport: () => client.put('ScheduledReport/resume/x'),
      listExecutions: () => client.get('ScheduledReport/execution/x'),
    }
    expect(API_ENDPOINTS.toSorted()).toEqual(Object.keys(calls).toSorted())
    for (const endpoint of API_ENDPOINTS) {
      simulator.fault({ endpoint, effect: { status: 418 } })
      expect((await calls[endpoint]()).status, endpoint).toBe(418)
    }
  })
})

describe('a query is tested', () => {
  const ask = (parameters: Record<string, string>) =>
    client.get(`ScheduledQueries/testQueryResult?${new URLSearchParams(parameters)}`)

  it('by its text, and gives at most 100 rows by column name', async () => {
    const { envelope } = await ask({ exportQuery: `${QUERY} TIMESPAN LAST_MONTH` })
    expect(envelope).toMatchObject({ totalCount: 100, message: null, statusCode: 200 })
    expect(Object.keys(first(envelope))).toEqual(['Month', 'SubscriptionId', 'UsageQuantity'])
    expect(first(envelope)).toMatchObject({ Month: '2025-05-01', UsageQuantity: expect.any(Number) })
  })

  it('by its id, between two times that replace the TIMESPAN', async () => {
    const made = await client.post('ScheduledQueries', { Name: 'q', Query: `${QUERY} TIMESPAN LAST_MONTH` })
    const queryId = String(first(made.envelope).queryId)
    const march = { startTime: '2025-03-01T00:00:00Z', endTime: '2025-03-31T23:59:59Z' }
    const months = (await ask({ queryId, ...march })).envelope.value?.map(({ Month }) => Month)
    expect(new Set(months)).toEqual(new Set(['2025-03-01']))
  })

  it.each([
    [{}, 'Null or missing value'],
    [{ exportQuery: QUERY, queryId: 'x' }, 'Invalid report parameters'],
    [{ queryId: '11111111-1111-4111-8111-111111111111' }, 'Invalid QueryId'],
    [{ exportQuery: 'SELECT X FROM AzureUsage' }, 'Incorrect column name'],
    [{ exportQuery: QUERY, startTime: 'May' }, 'Invalid report parameters'],
  ])('and refused with %j', async (parameters, message) => {
    expect(await ask(parameters as Record<string, string>)).toMatchObject({ status: 400, envelope: { message } })
  })
})

describe('a recurring report', () => {
  const schedule = { ExecuteNow: false, StartTime: START, RecurrenceInterval: 24, RecurrenceCount: 3 }

  it('is taken and listed, and has no executions', async () => {
    const reportId = await createReport(client, QUERY, schedule)
    const recurrence = { startTime: START, recurrenceInterval: 24, recurrenceCount: 3 }
    const listed = first((await client.get(`ScheduledReport?reportId=${reportId}`)).envelope)
    expect(listed).toMatchObject({ executeNow: false, reportStatus: 'Active', ...recurrence })
    simulator.fault({ endpoint: 'listReports', effect: 'unlisted' })
    expect((await client.get('ScheduledReport')).envelope.totalCount).toBe(1)
    expect((await client.get(`ScheduledReport/execution/${reportId}`)).status).toBe(404)
  })

  it('is paused and resumed', async () => {
    const reportId = await createReport(client, QUERY, schedule)
    const paused = await client.put(`ScheduledReport/pause/${reportId}`)
    expect(first(paused.envelope)).toMatchObject({ reportId, reportStatus: 'Paused' })
    expect(first((await client.get('ScheduledReport')).envelope).reportStatus).toBe('Paused')
    const resumed = await client.put(`ScheduledReport/resume/${reportId}`)
    expect(first(resumed.envelope)).toMatchObject({ reportId, reportStatus: 'Active' })
    const unknown = await client.put('ScheduledReport/pause/11111111-1111-4111-8111-111111111111')
    expect(unknown).toMatchObject({ status: 404, envelope: { message: 'No item found with given filters.' } })
  })

  it('is updated, and keeps what the change leaves out', async () => {
    const reportId = await createReport(client, QUERY, { ...schedule, Description: 'first' })
    const change = { ReportName: 'renamed', StartTime: '2025-05-03T00:00:00Z', CallbackURL: 'https://hooks.example/x' }
    const updated = first((await client.put(`ScheduledReport/${reportId}`, { ...change, Format: 'TSV' })).envelope)
    const kept = { recurrenceInterval: 24, recurrenceCount: 3, description: 'first', query: QUERY }
    const changed = { reportName: 'renamed', startTime: '2025-05-03T00:00:00Z', callbackUrl: 'https://hooks.example/x' }
    expect(updated).toMatchObject({ ...kept, ...changed, format: 'tsv', modifiedTime: '2025-05-01T12:00:00Z' })
    expect(first((await client.get('ScheduledReport?reportName=renamed')).envelope)).toEqual(updated)
  })

  it.each([
    [{ StartTime: START }, 400, 'Null or missing value'],
    [{ ReportName: 'r' }, 400, 'Null or missing value'],
    [
      { ReportName: 'r', StartTime: START, RecurrenceInterval: 3 },
      400,
      'Recurrence Interval must be between 4 and 2160',
    ],
    [{ ReportName: 'r', StartTime: START, Format: 'XML' }, 400, "Requested value 'XML' not found"],
  ])('is not updated with %j', async (change, status, message) => {
    const reportId = await createReport(client, QUERY, schedule)
    expect(await client.put(`ScheduledReport/${reportId}`, change)).toMatchObject({ status, envelope: { message } })
    expect(first((await client.get('ScheduledReport')).envelope).modifiedTime).toBeNull()
  })
})
