import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { waitUntil } from '../../local/processes.ts'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { appEnvironment } from '../../local/start/environment.ts'
import { openApp } from '../../src/app/app.ts'
import { isFailure } from '../../src/core/failures.ts'
import { isOpen, type LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { windowId } from '../../src/core/time/window.ts'
import type { IngestMessage } from '../../src/services/storage/work-queue.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { forbidLeaks, placesOf } from '../setup/canaries.ts'
import { startTrustedSimulator, writeAddress } from '../setup/insights.ts'
import { drain, openReceiver } from '../setup/queue.ts'
import { CALLBACK_SECRET, requireSettings } from '../setup/settings.ts'
import { rowsIfAny } from '../setup/site-storage.ts'
import { storageOf } from '../setup/storage.ts'
import { everyEntry } from '../setup/stored.ts'
import { type Run, runInProcess } from './in-process.ts'

export type { Run }

const PROGRAM = join(import.meta.dirname, '../../cli/main.ts')
const SECRETS = { callbackSecret: CALLBACK_SECRET, functionKey: 'a key of this test' }

/** Dozens of processes load the same modules. With the code compiled once, each starts in half the time. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'partner-insights-sync-compiled')

/** A deployment of its own on this machine, with the folder its operator stands in. */
export type Deployment = {
  readonly azurite: Azurite
  readonly simulator: Simulator
  readonly services: Services
  readonly folder: string
  /** As in local.settings.json of the folder. */
  readonly settings: Readonly<Record<string, string>>
  writeFeeds(feeds: readonly object[]): Promise<void>
  entries(feed: string): Promise<readonly LedgerEntry[]>
  /** Hints at every open report and drains the queue, until no attempt of the feed is open. */
  settle(feed: string): Promise<void>
  /** Runs one tick, and all that follows from it. */
  run(feed: string): Promise<void>
  /** Runs a command in the folder, in this process. */
  command(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run>
  close(): Promise<void>
}

export async function startDeployment(feeds: readonly object[]): Promise<Deployment> {
  const [azurite, simulator] = await Promise.all([startAzurite(), startTrustedSimulator({ generationMilliseconds: 0 })])
  const folder = await mkdtemp(join(tmpdir(), 'cli-'))
  const feedsFile = join(folder, 'feeds.json')
  const writeFeeds = (all: readonly object[]) => writeFile(feedsFile, JSON.stringify({ feeds: all }))
  await writeFeeds(feeds)
  const settings = await writeSettings(folder, azurite, simulator)
  const services = openApp(requireSettings(settings), feedsFile)(() => undefined)
  const storage = storageOf(azurite.connectionString)
  const entries = async (feed: string) =>
    (await services.ledger.entries(feed)).filter((entry): entry is LedgerEntry => !isFailure(entry))
  const queue = storage.queue('ingest')
  const receive = openReceiver(queue)
  const unfinishedDrops = async (feed: string) =>
    (await services.ledger.drops(feed)).flatMap((drop) => (isFailure(drop) || drop.value.goneAt ? [] : [drop.value]))
  const settle = (feed: string) =>
    waitUntil('no attempt is open and no replaced row is left', async () => {
      await queue.createIfNotExists()
      for (const message of await missingHints(services)) await services.queue.send(message)
      for (const { generation } of await unfinishedDrops(feed)) await services.queue.sendDrop({ feed, generation })
      await drain(receive, services)
      if ((await entries(feed)).some((entry) => isOpen(entry))) return false
      return (await unfinishedDrops(feed)).length === 0
    })
  return {
    azurite,
    simulator,
    services,
    folder,
    settings,
    writeFeeds,
    entries,
    settle,
    async run(feed) {
      await provision(services)
      await settle(feed)
    },
    async command(args, env) {
      const run = await runInProcess(folder, args, { PATH: process.env.PATH, TMPDIR: tmpdir(), ...env })
      const leaked = secretsOf(settings).find((secret) => (run.out + run.err).includes(secret))
      if (leaked !== undefined) throw new Error(`${args.join(' ')} shows a secret: ${leaked}`)
      const [joined] = /.*[.?!:;][.:;](?=\s)/.exec(run.out + run.err) ?? []
      if (joined !== undefined) throw new Error(`${args.join(' ')} joins sentences with two marks: ${joined}`)
      forbidLeaks(simulator.requests, placesOf({ [`the output of ${args.join(' ')}`]: [run.out, run.err] }))
      return run
    },
    async close() {
      const rows = await rowsIfAny(storage.table('ledger'))
      await Promise.all([simulator.close(), azurite.stop()])
      await rm(folder, { recursive: true })
      forbidLeaks(simulator.requests, placesOf({ ledger: rows }))
    },
  }
}

async function writeSettings(folder: string, azurite: Azurite, simulator: Simulator): Promise<Record<string, string>> {
  const address = await writeAddress(simulator, folder)
  const { PATH: _, ...env } = appEnvironment(1, azurite.connectionString, address, SECRETS)
  const local = { ...env, CALLBACK_BASE_URL: '' }
  const values = Object.fromEntries(Object.entries(local).map(([name, value]) => [name, String(value)]))
  await writeFile(join(folder, 'local.settings.json'), JSON.stringify({ Values: values }))
  return values
}

/** What no command may ever show. */
function secretsOf({ DataStorage = '', PARTNER_REFRESH_TOKEN, ...rest }: Record<string, string>): readonly string[] {
  const [, key] = /AccountKey=([^;]+)/.exec(DataStorage) ?? []
  return [key, PARTNER_REFRESH_TOKEN, rest.CALLBACK_SECRET, rest.LOCAL_FUNCTION_KEY].filter(
    (each) => each !== undefined,
  )
}

/** A hint for every report that was asked for: nobody calls this deployment back. */
async function missingHints({ ledger }: Services): Promise<readonly IngestMessage[]> {
  const asked = (await everyEntry(ledger)).filter(({ state }) => state === 'requested')
  return asked.map(({ feed, window, attempt }) => ({ feed, window: windowId(window), attempt }))
}

/** Starts a command in a process of its own. */
export function spawnCommand(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return spawn(process.execPath, [PROGRAM, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE, ...env },
  })
}

/** Runs a command in a process of its own, to its end. */
export async function runCommand(cwd: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run> {
  const child = spawnCommand(cwd, args, env)
  const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')])
  return { exit: child.exitCode, out, err }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** The feeds.json that `feeds push` would put there. */
export async function pushedFeeds({ azurite }: Deployment): Promise<string | undefined> {
  const blob = storageOf(azurite.connectionString).container('config').getBlobClient('feeds.json')
  return (await blob.exists()) ? (await blob.downloadToBuffer()).toString('utf8') : undefined
}
