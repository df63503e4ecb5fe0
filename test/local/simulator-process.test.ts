import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { type Client, createReport, first, getToken, linkOf, MARCH, openSimulator } from '../setup/simulator.ts'

const QUERY = 'SELECT Month, CustomerName, IsACRDuplicateAtPGALevel FROM AzureUsage'

let folder: string
let simulator: Simulator
let client: Client

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'simulator-test-'))
  ;({ simulator, client } = await openSimulator())
  return async () => {
    await simulator.close()
    rmSync(folder, { recursive: true })
  }
})

describe('a restart', () => {
  it('keeps queries, reports, links, tokens and certificate', async () => {
    const state = join(folder, 'deep', 'state.json')
    const { simulator: one, client: ofOne } = await openSimulator({ state })
    const reportId = await createReport(ofOne, QUERY, MARCH)
    const link = await linkOf(ofOne, reportId)
    const token = await getToken(one)
    const text = one.served(reportId)?.text
    await one.close()
    const { simulator: two } = await openSimulator({ state })
    expect(two.certificate).toBe(one.certificate)
    const headers = { authorization: `Bearer ${token}` }
    const listed = await fetch(`${two.baseUrl}/ScheduledReport?reportId=${reportId}`, { headers })
    expect(first((await listed.json()) as never).reportId).toBe(reportId)
    expect(await (await fetch(link.replace(one.origin, two.origin))).text()).toBe(text)
    expect(two.served(reportId)?.text).toBe(text)
    await two.close()
  })
})

describe('a restart of a simulator that was only asked for a token', () => {
  it('still takes that token', async () => {
    const state = join(folder, 'state.json')
    const { simulator: one } = await openSimulator({ state })
    const headers = { authorization: `Bearer ${await getToken(one)}` }
    await one.close()
    const { simulator: two } = await openSimulator({ state })
    expect((await fetch(`${two.baseUrl}/ScheduledDataset`, { headers })).status).toBe(200)
    await two.close()
  })
})

describe('control over HTTP', () => {
  const control = async (path: string, body?: string) => {
    const answer = await fetch(`${simulator.origin}/_sim/${path}`, body === undefined ? {} : { method: 'POST', body })
    return { status: answer.status, body: (await answer.json()) as never }
  }

  it('shows what the methods show', async () => {
    const reportId = await createReport(client, QUERY, MARCH)
    const served = simulator.served(reportId)
    const { body } = await control(`served/${reportId}`)
    const rows = served?.rows.map((row) => row.map((value) => (typeof value === 'bigint' ? String(value) : value)))
    expect(body).toMatchObject({
      header: served?.header,
      rows,
      text: served?.text,
      bytes: served?.bytes.toString('base64'),
    })
    expect((await control('reports')).body).toEqual(simulator.reports())
    const paths = (await control('requests')).body as readonly { path: string; body: string }[]
    expect(paths.map(({ path }) => path.split('/').at(-1))).toEqual(['token', 'ScheduledQueries', 'ScheduledReport'])
    expect(paths[2]?.body).toContain('"ExecuteNow":true')
  })

  it('does what the methods do', async () => {
    await control('fault', JSON.stringify({ endpoint: 'listDatasets', effect: { status: 500 }, nth: 'all' }))
    expect((await client.get('ScheduledDataset')).status).toBe(500)
    await fetch(`${simulator.origin}/_sim/fault`, { method: 'DELETE' })
    expect((await client.get('ScheduledDataset')).status).toBe(200)
    await control('file/d1a4d75e-5ca8-4847-845f-ee0a9be6f07b', 'a,b\r\n')
    const reportId = await createReport(client, QUERY, { QueryId: 'd1a4d75e-5ca8-4847-845f-ee0a9be6f07b' })
    expect(simulator.served(reportId)?.text).toBe('a,b\r\n')
    await control('advance', '{"milliseconds":3600000}')
    expect((await client.get('ScheduledDataset')).status).toBe(401)
  })

  it.each([
    ['fault', '{"endpoint":"nothing","effect":"lost"}', 400],
    ['fault', '{"endpoint":"callback","effect":{"status":500}}', 400],
    ['fault', '{"endpoint":"token","effect":"lost","nth":0}', 400],
    ['fault', 'no json', 400],
    ['advance', '{}', 400],
    ['served/none', undefined, 404],
    ['nothing', undefined, 404],
  ])('refuses %s with %s', async (path, body, status) => {
    expect(await control(path, body)).toMatchObject({ status, body: { problem: expect.any(String) } })
  })
})

describe('the process', () => {
  const start = (flags: readonly string[]) => spawn(process.execPath, ['local/simulator/main.ts', ...flags])

  it.each(['SIGTERM', 'SIGINT'] as const)('says where it is in one line and leaves cleanly on %s', async (signal) => {
    const child = start(['--state', join(folder, 'state.json'), '--profile', '2021'])
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const ready = JSON.parse(line) as Record<'baseUrl' | 'origin' | 'authority' | 'certificate', string>
    expect(ready.baseUrl).toBe(`${ready.origin}/insights/v1/mpn`)
    expect(readFileSync(ready.certificate, 'utf8')).toContain('BEGIN CERTIFICATE')
    expect((await fetch(`${ready.origin}/_sim/requests`)).status).toBe(200)
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('leaves no file behind when it keeps no state', async () => {
    const child = start([])
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const { certificate } = JSON.parse(line) as { certificate: string }
    expect(existsSync(certificate)).toBe(true)
    child.kill('SIGTERM')
    await once(child, 'exit')
    expect(existsSync(certificate)).toBe(false)
  })

  it.each([
    [['--port', 'x'], 2, 'usage: '],
    [['--profile', '2022'], 2, 'usage: '],
    [['--nothing'], 2, 'usage: '],
  ])('refuses %j', async (flags, code, said) => {
    const child = start(flags)
    const [line] = (await once(createInterface(child.stderr), 'line')) as [string]
    expect(line).toContain(said)
    expect(await once(child, 'exit')).toEqual([code, null])
  })

  it('names a port that is in use and what to do', async () => {
    const { port } = new URL(simulator.origin)
    const child = start(['--port', port])
    const [line] = (await once(createInterface(child.stderr), 'line')) as [string]
    expect(line).toBe(`port ${port} is in use: choose another with --port or --authority-port`)
    expect(await once(child, 'exit')).toEqual([1, null])
  })
})
