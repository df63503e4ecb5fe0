import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueClient } from '@azure/storage-queue'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { waitUntil } from '../../local/processes.ts'
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts'
import { appEnvironment } from '../../local/start/environment.ts'
import { openApp } from '../../src/app/app.ts'
import { isFailure } from '../../src/core/failures.ts'
import { isOpen, type LedgerEntry, type Requested } from '../../src/core/ledger/ledger.ts'
import { windowId } from '../../src/core/time/window.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { forbidLeaks, placesOf } from '../setup/canaries.ts'
import { requireSettings } from '../setup/settings.ts'
import { rowsIfAny } from '../setup/site-storage.ts'
import { storageOf } from '../setup/storage.ts'

const PROGRAM = join(import.meta.dirname, '../../cli/main.ts')
const SECRETS = { callbackSecret: 'a secret of this test, 32 characters long', functionKey: 'a key of this test' }

/** Dozens of processes load the same modules: compiled once, each starts in half the time. */
export const NODE_COMPILE_CACHE = join(tmpdir(), 'partner-insights-sync-compiled')

export type Run = { readonly exit: number | null; readonly out: string; readonly err: string }

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
  /** Takes the messages that are in the queue, until no attempt of the feed is open. */
  settle(feed: string): Promise<void>
  /** One tick, and all that follows from it. */
  run(feed: string): Promise<void>
  /** Runs a command in a process of its own, in the folder. */
  command(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run>
  close(): Promise<void>
}

export async function startDeployment(feeds: readonly object[]): Promise<Deployment> {
  const [azurite, simulator] = await Promise.all([startAzurite(), startSimulator({ generationMilliseconds: 0 })])
  setDefaultCACertificates([...getCACertificates('default'), simulator.certificate])
  const folder = await mkdtemp(join(tmpdir(), 'cli-'))
  const feedsFile = join(folder, 'feeds.json')
  const writeFeeds = (all: readonly object[]) => writeFile(feedsFile, JSON.stringify({ feeds: all }))
  await writeFeeds(feeds)
  const settings = await writeSettings(folder, azurite, simulator)
  const services = openApp(requireSettings(settings), feedsFile)(() => undefined)
  const ledger = storageOf(azurite.connectionString).table('ledger')
  const entries = async (feed: string) =>
    (await services.ledger.entries(feed)).filter((entry): entry is LedgerEntry => !isFailure(entry))
  const settle = (feed: string) =>
    waitUntil('no attempt is open', async () => {
      await drain(azurite, services)
      return !(await entries(feed)).some((entry) => isOpen(entry))
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
      const run = await runCommand(folder, args, env)
      const leaked = secretsOf(settings).find((secret) => (run.out + run.err).includes(secret))
      if (leaked !== undefined) throw new Error(`${args.join(' ')} shows a secret: ${leaked}`)
      forbidLeaks(simulator.requests, placesOf({ [`the output of ${args.join(' ')}`]: [run.out, run.err] }))
      return run
    },
    async close() {
      const rows = await rowsIfAny(ledger)
      await Promise.all([simulator.close(), azurite.stop()])
      await rm(folder, { recursive: true })
      forbidLeaks(simulator.requests, placesOf({ ledger: rows }))
    },
  }
}

async function writeSettings(folder: string, azurite: Azurite, simulator: Simulator): Promise<Record<string, string>> {
  const certificate = join(folder, 'certificate.pem')
  await writeFile(certificate, simulator.certificate)
  const { baseUrl, origin, authority } = simulator
  const address = { baseUrl, origin, authority, certificate }
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

async function drain({ connectionString }: Azurite, services: Services): Promise<void> {
  const queue = new QueueClient(connectionString, 'ingest')
  await queue.createIfNotExists()
  for (const entry of await openEntries(services)) {
    await services.queue.send({ feed: entry.feed, window: entry.window, attempt: entry.attempt })
  }
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 1, visibilityTimeout: 60 })
    const [message] = receivedMessageItems
    if (!message) return
    await ingest(JSON.parse(Buffer.from(message.messageText, 'base64').toString('utf8')), services)
    await queue.deleteMessage(message.messageId, message.popReceipt)
  }
}

/** Only the commands' own message makes ingest take a landing up; what was asked of the service, nobody calls back about. */
async function openEntries({ ledger }: Services): Promise<{ feed: string; window: string; attempt: number }[]> {
  const rows = await ledger.appRows<{ feed: { name: string } }>('feed~')
  const found = (await Promise.all(rows.map(({ feed }) => ledger.entries(feed.name)))).flat()
  const asked = found.filter((entry): entry is Requested => !isFailure(entry) && entry.state === 'requested')
  return asked.map(({ feed, window, attempt }) => ({ feed, window: windowId(window), attempt }))
}

async function runCommand(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE, ...env },
  })
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
  const blobs = BlobServiceClient.fromConnectionString(azurite.connectionString)
  const blob = blobs.getContainerClient('config').getBlobClient('feeds.json')
  return (await blob.exists()) ? (await blob.downloadToBuffer()).toString('utf8') : undefined
}
