import { beforeAll, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { type Client, first, openSimulator } from '../setup/simulator.ts'

let simulator: Simulator
let client: Client
let queryId: unknown

beforeAll(async () => {
  ;({ simulator, client } = await openSimulator())
  const made = await client.post('ScheduledQueries', { Name: 'q', Query: 'SELECT Month FROM AzureUsage' })
  queryId = first(made.envelope).queryId
  return () => simulator.close()
})

describe('a query is refused', () => {
  it.each([
    ['a name is missing', { Query: 'SELECT Month FROM AzureUsage' }, 'Null or missing value'],
    ['a text is missing', { Name: 'q', Query: ' ' }, 'Null or missing value'],
    ['its dataset is unknown', { Name: 'q', Query: 'SELECT Month FROM Usage' }, 'Invalid table name'],
    ['a column is unknown', { Name: 'q', Query: 'SELECT Months FROM AzureUsage' }, 'Incorrect column name'],
    [
      'a filter names an unknown column',
      { Name: 'q', Query: "SELECT Month FROM AzureUsage WHERE X = 'a'" },
      'Incorrect column name',
    ],
    [
      'the order names an unknown column',
      { Name: 'q', Query: 'SELECT Month FROM AzureUsage ORDER BY X ASC' },
      'Incorrect column name',
    ],
    ['it is no query', { Name: 'q', Query: 'SELECT * FROM AzureUsage' }, 'Invalid query'],
  ])('when %s', async (_, body, message) => {
    const answer = await client.post('ScheduledQueries', body)
    expect(answer).toMatchObject({ status: 400, envelope: { value: null, message, statusCode: 400 } })
  })
})

describe('a report is refused', () => {
  const scheduled = { StartTime: '2025-05-02T12:00:00Z', RecurrenceInterval: 24 }
  const lead =
    'Invalid report parameters for creation - Start time of report should at least be 4 hours from current UTC time'

  it.each([
    ['without a name', { ReportName: null }, 400, 'Null or missing value'],
    ['without a query', { QueryId: undefined }, 400, 'Null or missing value'],
    ['with a schedule half given', { ExecuteNow: false, StartTime: scheduled.StartTime }, 400, 'Null or missing value'],
    ['with an unknown query', { QueryId: '11111111-1111-4111-8111-111111111111' }, 400, 'Invalid QueryId'],
    [
      'with an interval of 3 hours',
      { ...scheduled, ExecuteNow: false, RecurrenceInterval: 3 },
      400,
      'Recurrence Interval must be between 4 and 2160',
    ],
    [
      'with an interval that is no integer',
      { ...scheduled, ExecuteNow: false, RecurrenceInterval: '24' },
      400,
      'Invalid report parameters',
    ],
    ['with a start too soon', { ...scheduled, ExecuteNow: false, StartTime: '2025-05-01T15:59:59Z' }, 400, lead],
    ['with a placeholder as format', { Format: 'string' }, 400, "Requested value 'string' not found"],
    ['with a method of its own', { CallbackMethod: 'PUT' }, 400, "Requested value 'PUT' not found"],
  ])('%s', async (_, fields, status, message) => {
    const answer = await client.post('ScheduledReport', {
      ReportName: 'r',
      QueryId: queryId,
      ExecuteNow: true,
      ...fields,
    })
    expect(answer).toMatchObject({ status, envelope: { value: null, message, statusCode: status } })
  })

  it.each(['2025-03-01', '2025-03-01 00:00:00', '2025-02-30T00:00:00Z', '2025-03-01T00:00:00.000Z', 5])(
    'with 500 for the date %s',
    async (date) => {
      const answer = await client.post('ScheduledReport', {
        ReportName: 'r',
        QueryId: queryId,
        ExecuteNow: true,
        QueryStartTime: date,
      })
      expect(answer.status).toBe(500)
      expect(answer.envelope.message).toMatch(
        /^Internal error encountered while creating report\. Correlation ID <[0-9a-f-]{36}>$/,
      )
    },
  )

  it('for the first of several faults: missing field, query, interval, start, names, dates', async () => {
    const wrong = {
      ExecuteNow: false,
      StartTime: '2025-05-01T13:00:00Z',
      RecurrenceInterval: 1,
      Format: 'x',
      QueryEndTime: 'x',
    }
    const steps: [object, string | RegExp][] = [
      [{}, 'Null or missing value'],
      [{ ReportName: 'r', QueryId: 'x' }, 'Invalid QueryId'],
      [{ QueryId: queryId }, 'Recurrence Interval must be between 4 and 2160'],
      [{ RecurrenceInterval: 24 }, lead],
      [{ StartTime: scheduled.StartTime }, "Requested value 'x' not found"],
      [{ Format: 'csv' }, /^Internal error encountered/],
    ]
    let body: object = wrong
    for (const [repair, message] of steps) {
      body = { ...body, ...repair }
      expect((await client.post('ScheduledReport', body)).envelope.message).toEqual(expect.stringMatching(message))
    }
  })
})

describe('a profile', () => {
  const columns2023 = 'SELECT ServiceLevel1 FROM AzureUsage'

  it('refuses the columns of the other year and does not list them', async () => {
    const { simulator: old, client: oldClient } = await openSimulator({ profile: '2021' })
    expect((await oldClient.post('ScheduledQueries', { Name: 'q', Query: columns2023 })).envelope.message).toBe(
      'Incorrect column name',
    )
    expect((await client.post('ScheduledQueries', { Name: 'q', Query: columns2023 })).status).toBe(200)
    const [listed2021, listed2023] = await Promise.all(
      [oldClient, client].map(async (asked) =>
        first((await asked.get('ScheduledDataset?datasetname=azureusage')).envelope),
      ),
    )
    expect(listed2021?.selectableColumns).toHaveLength(26)
    expect(listed2023?.selectableColumns).toHaveLength(50)
    expect(listed2023).toMatchObject({ datasetName: 'AzureUsage', minimumRecurrenceInterval: 24 })
    await old.close()
  })

  it.each(['2021', '2023'] as const)('of %s runs each of its own system queries', async (profile) => {
    const { simulator: own, client: asked } = await openSimulator({ profile, rows: 1 })
    const queries = (await asked.get('ScheduledQueries?includeOnlySystemQueries=true')).envelope.value ?? []
    for (const query of queries) {
      const answer = await asked.post('ScheduledReport', { ReportName: 'r', QueryId: query.queryId, ExecuteNow: true })
      expect(answer.envelope.message, String(query.name)).toBe('Report created successfully')
      expect(own.served(String(first(answer.envelope).reportId))?.rows.length).toBeGreaterThan(0)
    }
    expect(queries).toHaveLength(profile === '2021' ? 20 : 19)
    await own.close()
  })
})
