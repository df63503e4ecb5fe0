import { once } from 'node:events'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeFeedsText } from '../../cli/pushed-feeds.ts'
import { startAzurite } from '../../local/azurite.ts'
import { freePorts, hasEnded, waitUntil } from '../../local/processes.ts'
import { openApp } from '../../src/app/app.ts'
import { SWEEP_KEY, TICK_KEY } from '../../src/core/ledger/app-rows.ts'
import type { StatusAnswer } from '../../src/core/status/fields.ts'
import { HOUR_MS } from '../../src/core/time/durations.ts'
import { runCommand } from '../cli/deployment.ts'
import { textOf } from '../docs/page.ts'
import { requireSettings } from '../setup/settings.ts'
import { makeProject, processesOf, runNpm, runStart, type StartRun } from './start-run.ts'

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

/** Where storage, service and sign-in of the runs that follow one another are. */
const addresses: object[] = []

async function said(run: StartRun, text: string): Promise<void> {
  await waitUntil(text, () => count(run.lines, text) > 0 || run.child.exitCode !== null, 120_000)
  expect(count(run.lines, text), run.lines.join('\n')).toBe(1)
}

/** The settings of the run that goes on in a project's folder. */
async function settingsOf(project: string): Promise<Readonly<Record<string, string>>> {
  return JSON.parse(await readFile(join(project, '.local/settings.json'), 'utf8')).Values
}

async function addressesOf(project: string): Promise<object> {
  const { DataStorage, INSIGHTS_BASE_URL, PARTNER_AUTHORITY_HOST } = await settingsOf(project)
  return { DataStorage, INSIGHTS_BASE_URL, PARTNER_AUTHORITY_HOST }
}

/** How that run stands. */
async function statusOf(project: string): Promise<StatusAnswer> {
  const { CALLBACK_BASE_URL, LOCAL_FUNCTION_KEY = '' } = await settingsOf(project)
  const answer = await fetch(new URL('status', CALLBACK_BASE_URL), {
    headers: { 'x-functions-key': LOCAL_FUNCTION_KEY },
  })
  return (await answer.json()) as StatusAnswer
}

/** Where the app of that run looks for feeds that were pushed. */
async function configOf(project: string): Promise<ContainerClient> {
  const { DataStorage = '' } = await settingsOf(project)
  return BlobServiceClient.fromConnectionString(DataStorage).getContainerClient('config')
}

/** Makes the timers of a project whose run has ended look as they do when nothing has run for hours. */
async function ageTimers(project: string): Promise<void> {
  const azurite = await startAzurite({ location: join(project, '.local/azurite') })
  const settings = requireSettings({ ...(await settingsOf(project)), DataStorage: azurite.connectionString })
  const { ledger } = openApp(settings, join(project, 'feeds.json'))(() => undefined)
  for (const key of [TICK_KEY, SWEEP_KEY]) {
    const row = await ledger.readApp<object>(key)
    expect(row, key).toBeDefined()
    await ledger.writeApp(key, { ...row?.value, at: new Date(Date.now() - 3 * HOUR_MS).toISOString() }, row?.etag)
  }
  await azurite.stop()
}

/** What the app of a run that is starting says of itself, from its first answer on. */
async function healthOn(at: string): Promise<unknown> {
  let health: unknown
  await waitUntil('health answers', async () => {
    const answer = await fetch(`http://127.0.0.1:${at}/api/health`).catch(() => undefined)
    health = await answer?.json().catch(() => undefined)
    return health !== undefined
  })
  return health
}

describe.skipIf(process.platform !== 'linux')('npm start', { timeout: 180_000 }, () => {
  it('--exit --fresh runs until every window is landed, says so, and leaves no process behind', async () => {
    const file = `costs=${join(root, 'costs.csv')}`
    const run = runStart(root, ['--exit', '--fresh', '--port', port, '--report-file', file])
    expect(await run.ended, run.lines.join('\n')).toBe(0)
    expect(run.lines).toContain(
      `Every window of costs gets the whole of ${join(root, 'costs.csv')}, whatever time its rows are of: they land once per window.`,
    )
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

  it('starts again where nothing ran for hours, although its timers count as silent until they have run', async () => {
    await ageTimers(root)
    const run = runStart(root, ['--exit', '--port', port, '--report-file', `costs=${join(root, 'costs.csv')}`])
    expect(await healthOn(port)).toMatchObject({ status: 'timer-silent' })
    expect(await run.ended, run.lines.join('\n')).toBe(0)
    expect(summaryOf(run, 'seats').slice(2, 4)).toEqual(['2', '2'])
  })

  it('goes on without --exit, says that nothing is due, and ends in order on Ctrl-C', async () => {
    const run = runStart(root, ['--port', port])
    await said(run, 'Nothing more is due')
    expect(run.lines).toContain('Commands, while this runs: npx partner-insights-sync status')
    // Without its report file, this feed is another one.
    expect(run.lines.join('\n')).toContain(
      '! costs asks for other rows now: 1 window is outdated; the rows stay (120), but do not count',
    )
    expect(summaryOf(run, 'seats').slice(2, 4)).toEqual(['2', '2'])
    expect((await processesOf(root)).length).toBeGreaterThan(2)
    const second = runStart(root, ['--exit', '--fresh', '--port', String((await freePorts(1))[0])])
    expect(await second.ended).toBe(1)
    expect(second.lines).toEqual([expect.stringContaining(`process ${run.child.pid}, port ${port}`)])
    const where = await addressesOf(root)
    await writeFeedsText(await configOf(root), JSON.stringify({ feeds: [SEATS] }))
    run.child.kill('SIGINT')
    expect(await run.ended, run.lines.join('\n')).toBe(0)
    expect(await processesOf(root)).toEqual([])
    expect(await readdir(join(root, '.local'))).not.toContain('running.json')
    addresses.push(where)
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'keeps what was pushed, says so, has the same ports, and ends when npm ends by %s, for which the next one waits',
    async (signal) => {
      const run = runNpm(root, ['start', '--', '--port', port])
      await said(run, 'The feeds are those that were pushed')
      expect(run.lines.join('\n')).toMatch(/--fresh, which removes everything that landed on this machine/)
      const config = await configOf(root)
      expect(String(await config.getBlobClient('feeds.json').downloadToBuffer())).toBe(
        JSON.stringify({ feeds: [SEATS] }),
      )
      expect(await addressesOf(root)).toEqual(addresses[0])
      run.child.kill(signal)
      // Typed at once, while the first one still ends.
      const next = runStart(root, ['--exit', '--port', port])
      await said(next, 'The app listens on')
      await Promise.all([run.ended, next.ended])
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
    await writeFeedsText(await configOf(project), JSON.stringify({ feeds: [COSTS, SEATS] }))
    await said(first, 'quota.reduced')
    first.child.kill('SIGINT')
    expect(await first.ended).toBe(0)
    // The service then has another port.
    const taken = createServer().listen(Number(new URL(String(service)).port), '127.0.0.1')
    await once(taken, 'listening')
    const run = runStart(project, ['--exit', '--port', port])
    const waits = /^account default waits until \d{4}-\d\d-\d\dT\d\d:\d\dZ: .* quota; 300 reports an hour$/
    await waitUntil('it says that it waits', () => run.lines.some((line) => waits.test(line)) || hasEnded(run.child))
    // It looks many times between two ticks.
    const ticks = new Set<string | undefined>()
    await waitUntil(
      'three ticks',
      async () => ticks.add((await statusOf(project)).timers.provision.finishedAt).size > 2,
    )
    run.child.kill('SIGINT')
    expect(await run.ended, run.lines.join('\n')).toBe(1)
    taken.close()
    const told = run.lines.flatMap((line, at) => (waits.test(line) ? [run.lines[at + 1]] : []))
    expect(told).toEqual([expect.stringMatching(/Ctrl-C ends.*"npm start -- --fresh".*removes everything that landed/)])
    await rm(project, { recursive: true })
  })

  it('the refused sign-in of the docs, as typed, hits a run that has signed in', async () => {
    const project = await makeProject({ feeds: [COSTS] })
    const run = runStart(project, ['--port', port])
    await said(run, 'Nothing more is due')
    const [, service] = /simulated service on (http:\/\/[^/]+)/.exec(run.lines.join('\n')) ?? []
    const [, path, body] =
      /curl -X POST http:\/\/[^/]+(\S+) -d '(.*"refuse".*)'/.exec(textOf('docs/run-locally.md')) ?? []
    await fetch(`${service}${path}`, { method: 'POST', body: String(body) })
    expect(await runCommand(project, ['retry', 'costs', '--month', '2025-05'])).toMatchObject({ exit: 0 })
    await waitUntil('the sign-in is refused', async () => {
      const { accounts } = await statusOf(project)
      return accounts[0]?.refused?.kind === 'unauthorized'
    })
    await fetch(`${service}/_sim/fault`, { method: 'DELETE' })
    await waitUntil('it works again', async () => (await statusOf(project)).accounts[0]?.refused === undefined)
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(0)
    await rm(project, { recursive: true })
  })

  it('does not say that nothing is due where the service refuses a feed, but which and why', async () => {
    const typo = { ...SEATS, where: "CustomerNam = 'a'" }
    const project = await makeProject({ feeds: [COSTS, typo] })
    const run = runStart(project, ['--port', port])
    await said(run, 'Due windows are held back: 2 of seats (query-refused). What to do stands above; Ctrl-C ends it.')
    expect(count(run.lines, 'Nothing more is due')).toBe(0)
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(0)
    await rm(project, { recursive: true })
  })

  it('prints how it is called', async () => {
    const run = runStart(root, ['--help'])
    expect(await run.ended).toBe(0)
    expect(run.lines[0]).toContain('usage: npm start')
    expect(run.lines.join('\n')).toMatch(/--fresh +remove first everything that landed on this machine/)
    expect(run.lines.join('\n')).toMatch(/--report-file .*the\n +whole of it for each window/)
  })

  it('names a port in use and the option for another one, and exits 1', async () => {
    const taken = createServer().listen(Number(port), '127.0.0.1')
    await once(taken, 'listening')
    const run = runStart(root, ['--exit', '--port', port])
    expect(await run.ended).toBe(1)
    expect(run.lines.join('\n')).toMatch(new RegExp(`port ${port} is in use.*--port`))
    taken.close()
  })

  it('refuses a port that no browser opens, at once and by its number', async () => {
    // That of X11: below 1024, some machines let nobody listen.
    const run = runStart(root, ['--exit', '--port', '6000'])
    expect(await run.ended).toBe(1)
    expect(run.lines).toEqual(['port 6000 is one that browsers do not open: choose another with --port'])
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

  it.each([
    ['--exit --fresh', '--exit, --fresh', '--exit --fresh'],
    ['--fresh --port 7171', '--port, --fresh', '--fresh --port 7171'],
    ['--feeds=my.json', '--feeds', '--feeds my.json'],
    ['--report-file a=b.csv --report-file c=d.csv', '--report-file', '--report-file a=b.csv --report-file c=d.csv'],
    ['--feeds=my.json -- --exit', '--feeds', '--feeds my.json --exit'],
    ['--port 7171 --feeds my.json', '--port, --feeds', '--port n --feeds file'],
  ])('npm start %s, without the two hyphens before it, is refused with what to type', async (typed, names, right) => {
    const run = runNpm(root, ['start', ...typed.split(' ')])
    expect(await run.ended).toBe(2)
    expect(run.lines.at(-1)).toBe(`npm kept ${names} for itself: type npm start -- ${right}`)
  })
})
