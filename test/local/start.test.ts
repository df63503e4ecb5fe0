import { once } from 'node:events'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { BlobServiceClient } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeFeedsText } from '../../cli/pushed-feeds.ts'
import { freePorts, hasEnded, waitUntil } from '../../local/processes.ts'
import type { StatusAnswer } from '../../src/core/status/fields.ts'
import { makeProject, processesOf, runNpmStart, runStart, type StartRun } from './start-run.ts'

const SEATS = { name: 'seats', dataset: 'AzureUsage', from: '2025-04-01', to: '2025-06-01' }
const COSTS = { name: 'costs', dataset: 'AzureUsage', from: '2025-05-01', to: '2025-06-01' }

/** A report as nobody's catalogue knows it: 120 rows. */
const FILE = `Id,Tags,Cost\n${'1701234567890,"{""a"":1}",0.00012345678\n'.repeat(120)}`

let root: string
let port: string
beforeAll(async () => {
  root = await makeProject({ feeds: [SEATS, COSTS] })
  await writeFile(join(root, 'costs.csv'), FILE)
  port = String((await freePorts(1))[0])
})
afterAll(() => rm(root, { recursive: true }))

const count = (lines: readonly string[], event: string) => lines.filter((line) => line.includes(event)).length

/** The line of a feed in the summary: feed, table, windows, landed, failed, waiting, rows, complete until. */
function summaryOf({ lines }: StartRun, feed: string): readonly string[] {
  return lines.find((line) => line.startsWith(`${feed} `))?.split(/ +/) ?? []
}

/** The connection strings of runs that follow one another. */
const ports: string[] = []

async function said(run: StartRun, text: string): Promise<void> {
  await waitUntil(text, () => count(run.lines, text) > 0 || run.child.exitCode !== null, 120_000)
  expect(count(run.lines, text), run.lines.join('\n')).toBe(1)
}

/** The settings of the run that goes on in a project's folder. */
async function settingsOf(project: string): Promise<Readonly<Record<string, string>>> {
  return JSON.parse(await readFile(join(project, '.local/settings.json'), 'utf8')).Values
}

/** When the app of that run last ended a tick. */
async function tickOf(project: string): Promise<string | undefined> {
  const { CALLBACK_BASE_URL, LOCAL_FUNCTION_KEY = '' } = await settingsOf(project)
  const answer = await fetch(new URL('status', CALLBACK_BASE_URL), {
    headers: { 'x-functions-key': LOCAL_FUNCTION_KEY },
  })
  return ((await answer.json()) as StatusAnswer).timers.provision.finishedAt
}

/** The storage of the run that goes on in a project's folder. */
async function storageOf(project: string) {
  const connectionString = String((await settingsOf(project)).DataStorage)
  return {
    connectionString,
    config: BlobServiceClient.fromConnectionString(connectionString).getContainerClient('config'),
  }
}

describe.skipIf(process.platform !== 'linux')('npm start', { timeout: 180_000 }, () => {
  it('--exit --fresh runs until every window is landed, says so, and leaves no process behind', async () => {
    const file = `costs=${join(root, 'costs.csv')}`
    const run = runStart(root, ['--exit', '--fresh', '--port', port, '--report-file', file])
    expect(await run.ended, run.lines.join('\n')).toBe(0)
    expect(count(run.lines, 'window.landed')).toBe(3)
    const [, , ...seats] = summaryOf(run, 'seats')
    expect(seats).toEqual(['2', '2', '0', '0', expect.any(String), '2025-06-01'])
    expect(Number(seats[4])).toBeGreaterThan(2 * 1000)
    expect(summaryOf(run, 'costs')).toEqual(['costs', 'Costs', '1', '1', '0', '0', '120', '2025-06-01'])
    expect(await processesOf(root)).toEqual([])
  })

  it('a second time without --fresh finds all landed and asks for nothing, also where the first was killed', async () => {
    // What a killed run leaves: the number of a process that is gone.
    const gone = runStart(root, ['--help'])
    await gone.ended
    await writeFile(join(root, '.local/running.json'), JSON.stringify({ pid: gone.child.pid, port: 7071 }))
    const file = `costs=${join(root, 'costs.csv')}`
    const run = runStart(root, ['--exit', '--port', port, '--report-file', file])
    expect(await run.ended, run.lines.join('\n')).toBe(0)
    expect(count(run.lines, 'window.requested')).toBe(0)
    expect(summaryOf(run, 'seats').slice(2, 4)).toEqual(['2', '2'])
    expect(await processesOf(root)).toEqual([])
  })

  it('goes on without --exit, says that nothing is due, and ends in order on Ctrl-C', async () => {
    const run = runStart(root, ['--port', port])
    await said(run, 'Nothing more is due')
    expect(run.lines).toContain('Commands, while this runs: npx partner-insights-sync status')
    expect(summaryOf(run, 'seats').slice(2, 4)).toEqual(['2', '2'])
    expect((await processesOf(root)).length).toBeGreaterThan(2)
    const second = runStart(root, ['--exit', '--fresh', '--port', String((await freePorts(1))[0])])
    expect(await second.ended).toBe(1)
    expect(second.lines).toEqual([expect.stringContaining(`process ${run.child.pid}, port ${port}`)])
    const { config, connectionString } = await storageOf(root)
    await writeFeedsText(config, JSON.stringify({ feeds: [SEATS] }))
    run.child.kill('SIGINT')
    expect(await run.ended, run.lines.join('\n')).toBe(0)
    expect(await processesOf(root)).toEqual([])
    expect(await readdir(join(root, '.local'))).not.toContain('running.json')
    ports.push(connectionString)
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'keeps what was pushed, says so, has the same ports, and ends when npm ends by %s',
    async (signal) => {
      const run = runNpmStart(root, ['--port', port])
      await said(run, 'The feeds are those that were pushed')
      expect(run.lines.join('\n')).toMatch(/--fresh, which removes everything that landed on this machine/)
      const { config, connectionString } = await storageOf(root)
      expect(String(await config.getBlobClient('feeds.json').downloadToBuffer())).toBe(
        JSON.stringify({ feeds: [SEATS] }),
      )
      expect(connectionString).toBe(ports[0])
      run.child.kill(signal)
      await run.ended
      await waitUntil('no process is left', async () => (await processesOf(root)).length === 0, 60_000)
    },
  )

  it('refuses feeds of its own where others were pushed, and removes nothing where feeds are wrong', async () => {
    const wrong = join(root, 'gone.json')
    const before = await readdir(join(root, '.local'))
    for (const args of [
      ['--feeds', join(root, 'own.json')],
      ['--fresh', '--feeds', wrong],
    ]) {
      await writeFile(join(root, 'own.json'), JSON.stringify({ feeds: [COSTS] }))
      const run = runStart(root, ['--exit', '--port', port, ...args])
      expect(await run.ended).toBe(1)
      const says = /other feeds were pushed.*--fresh, which removes everything that landed on this machine/
      expect(run.lines.join('\n')).toMatch(args[0] === '--feeds' ? says : /gone\.json/)
    }
    expect(await readdir(join(root, '.local'))).toEqual(before)
  })

  it('--exit says once that the account waits for its quota, until when, and what ends the run', async () => {
    const project = await makeProject({ feeds: [COSTS] })
    const first = runStart(project, ['--port', port])
    await said(first, 'Nothing more is due')
    const [, service] = /simulated service on (http:\/\/[^/]+)/.exec(first.lines.join('\n')) ?? []
    const quota = { endpoint: 'createReport', effect: { quota: 0 }, nth: 'all' }
    await fetch(`${service}/_sim/fault`, { method: 'POST', body: JSON.stringify(quota) })
    await writeFeedsText((await storageOf(project)).config, JSON.stringify({ feeds: [COSTS, SEATS] }))
    await said(first, 'quota.reduced')
    first.child.kill('SIGINT')
    expect(await first.ended).toBe(0)
    const run = runStart(project, ['--exit', '--port', port])
    const waits = /^account default waits until \d{4}-\d\d-\d\dT\d\d:\d\dZ: .* quota; 300 reports an hour$/
    await waitUntil('it says that it waits', () => run.lines.some((line) => waits.test(line)) || hasEnded(run.child))
    // It looks many times between two ticks.
    const ticks = new Set<string | undefined>()
    await waitUntil('three ticks', async () => ticks.add(await tickOf(project)).size > 2)
    run.child.kill('SIGINT')
    expect(await run.ended, run.lines.join('\n')).toBe(1)
    const told = run.lines.flatMap((line, at) => (waits.test(line) ? [run.lines[at + 1]] : []))
    expect(told).toEqual([expect.stringMatching(/Ctrl-C ends.*"npm start -- --fresh".*removes everything that landed/)])
    await rm(project, { recursive: true })
  })

  it('prints how it is called', async () => {
    const run = runStart(root, ['--help'])
    expect(await run.ended).toBe(0)
    expect(run.lines[0]).toContain('usage: npm start')
    expect(run.lines.join('\n')).toMatch(/--fresh +remove first everything that landed on this machine/)
  })

  it('names a port in use and the option for another one, and exits 1', async () => {
    const taken = createServer().listen(Number(port), '127.0.0.1')
    await once(taken, 'listening')
    const run = runStart(root, ['--exit', '--port', port])
    expect(await run.ended).toBe(1)
    expect(run.lines.join('\n')).toMatch(new RegExp(`port ${port} is in use.*--port`))
    taken.close()
  })

  it('names everything that is wrong in feeds.json, and exits 1 instead of waiting for windows', async () => {
    const file = join(root, 'wrong.json')
    const [wrongDataset, wrongName] = [
      { ...SEATS, dataset: 'AzureUsages' },
      { ...COSTS, name: 'X' },
    ]
    await writeFile(file, JSON.stringify({ feeds: [wrongDataset, wrongName] }))
    const run = runStart(root, ['--exit', '--port', port, '--feeds', file])
    expect(await run.ended).toBe(1)
    expect(run.lines).toEqual([expect.stringContaining('"AzureUsage"'), expect.stringContaining('name is "X"')])
  })

  it.each([
    [
      ['--feeds', 'nope.json'],
      "nope.json does not exist: name another file with --feeds, or leave it out for the project's feeds.json",
    ],
    [
      ['--feeds', 'costs.csv'],
      'costs.csv: it is not JSON: an invalid symbol (names and texts go in double quotes) at line 1, column 1',
    ],
    [['--report-file', 'seats=nope.csv'], '--report-file seats: nope.csv does not exist'],
    [['--report-file', 'seat=costs.csv'], '--report-file seat: no feed of that name in feeds.json'],
  ])('%j names the file, and what to type', async (args, line) => {
    const run = runStart(root, ['--exit', '--port', port, ...args])
    expect(await run.ended).toBe(1)
    expect(run.lines).toEqual([line])
  })

  it.each([
    [['--frehs'], /frehs/],
    [['--port', '70000'], /--port 70000/],
    [['--report-file', 'azure-usage'], /--report-file azure-usage/],
  ])('%j is refused with the usage, and exit 2', async (args, message) => {
    const run = runStart(root, args)
    expect(await run.ended).toBe(2)
    expect(run.lines.join('\n')).toMatch(message)
    expect(run.lines.join('\n')).toContain('usage: npm start')
  })
})
