import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { type Client, createReport, type Envelope, getToken, openSimulator } from '../setup/simulator.ts'

const QUERY = 'SELECT Month, CustomerName FROM AzureUsage'

let simulator: Simulator
let client: Client

beforeEach(async () => {
  ;({ simulator, client } = await openSimulator({ rows: 3 }))
  return () => simulator.close()
})

async function ask(path: string): Promise<Envelope & { readonly nextLink: string | null }> {
  const headers = { authorization: `Bearer ${await getToken(simulator)}` }
  const response = await fetch(path.startsWith('http') ? path : `${simulator.baseUrl}/${path}`, { headers })
  return (await response.json()) as Envelope & { readonly nextLink: string | null }
}

it('a dataset is listed with other ranges, names and interval, or not at all, for one call', async () => {
  const of = async () => (await ask('ScheduledDataset?datasetName=AzureUsage')).value?.[0] as Record<string, unknown>
  const before = await of()
  const renamed = { Month: 'UsageMonth', CustomerName: null }
  const change = { dataset: 'azureusage', ranges: ['LAST_MONTH'], hours: 48, renamed }
  simulator.fault({ endpoint: 'listDatasets', effect: { listsDataset: change } })
  const columns = (before.selectableColumns as string[]).filter((name) => name !== 'CustomerName')
  expect(await of()).toEqual({
    ...before,
    availableDateRanges: ['LAST_MONTH'],
    minimumRecurrenceInterval: 48,
    selectableColumns: columns.map((name) => (name === 'Month' ? 'UsageMonth' : name)),
  })
  expect(await of()).toEqual(before)
  simulator.fault({ endpoint: 'listDatasets', effect: { listsDataset: { dataset: 'AzureUsage', gone: true } } })
  expect((await ask('ScheduledDataset')).value).not.toContainEqual(before)
  expect(() =>
    simulator.fault({ endpoint: 'listDatasets', effect: { listsDataset: { dataset: 'AzureUsage' } } }),
  ).toThrow('does not take')
})

describe('pages', () => {
  async function follow(path: string): Promise<readonly Envelope[]> {
    const envelope = await ask(path)
    if (envelope.nextLink === null) return [envelope]
    return [envelope, ...(await follow(new URL(envelope.nextLink, `${simulator.baseUrl}/`).toString()))]
  }

  it.each(['absolute', 'relative'] as const)(
    'come by %s links, and hold together what one answer holds',
    async (nextLink) => {
      const whole = await ask('ScheduledDataset')
      simulator.fault({ endpoint: 'listDatasets', effect: { nextLink } })
      const pages = await follow('ScheduledDataset')
      expect(pages).toHaveLength(3)
      expect(pages.flatMap(({ value }) => value)).toEqual(whole.value)
    },
  )

  it('keep the filter of the call, and are empty at first where there is one item', async () => {
    simulator.fault({ endpoint: 'listDatasets', nth: 'all', effect: { nextLink: 'absolute' } })
    const pages = await follow('ScheduledDataset?datasetName=Profile')
    expect(pages.map(({ value }) => value?.length)).toEqual([0, 0, 1])
  })

  it('lead in a circle, and to another host', async () => {
    simulator.fault({ endpoint: 'listDatasets', effect: { nextLink: 'loop' } })
    const link = async (path: string) => (await ask(path)).nextLink ?? ''
    const next = await link('ScheduledDataset')
    expect(await link(next)).toBe(next)
    simulator.fault({ endpoint: 'listDatasets', effect: { nextLink: 'otherHost' } })
    expect(new URL(await link('ScheduledDataset')).host).toBe('elsewhere.invalid')
  })
})

describe('a list', () => {
  it('leaves out ExecuteNow reports, whatever the filter', async () => {
    const reportId = await createReport(client, QUERY)
    simulator.fault({ endpoint: 'listReports', nth: 'all', effect: 'unlisted' })
    expect((await client.get('ScheduledReport')).envelope.totalCount).toBe(0)
    expect((await client.get(`ScheduledReport?reportId=${reportId}`)).status).toBe(404)
    expect((await client.get(`ScheduledReport/execution/${reportId}`)).status).toBe(200)
  })

  it('finds by a part of the name', async () => {
    await createReport(client, QUERY, { ReportName: 'usage 2025 1' })
    await createReport(client, QUERY, { ReportName: 'usage 2025 11' })
    expect((await client.get('ScheduledReport?reportName=usage 2025 1')).envelope.totalCount).toBe(1)
    simulator.fault({ endpoint: 'listReports', effect: 'partialNames' })
    simulator.fault({ endpoint: 'listQueries', effect: 'partialNames' })
    expect((await client.get('ScheduledReport?reportName=usage 2025 1')).envelope.totalCount).toBe(2)
    expect((await client.get('ScheduledQueries?queryName=Usage')).envelope.totalCount).toBeGreaterThan(3)
  })
})
