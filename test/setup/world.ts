import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { TableClient } from '@azure/data-tables'
import type { ContainerClient } from '@azure/storage-blob'
import type { QueueClient } from '@azure/storage-queue'
import { inject } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../local/simulator/simulator.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { isFailure } from '../../src/core/failures.ts'
import { isOpen, type LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { openInsightsClient } from '../../src/services/insights/client.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import { openArchive } from '../../src/services/storage/archive.ts'
import { readFeedsText } from '../../src/services/storage/feeds-file.ts'
import { openLandingTable } from '../../src/services/storage/landing-table.ts'
import { openLedger } from '../../src/services/storage/ledger-table.ts'
import { type IngestMessage, openWorkQueue } from '../../src/services/storage/work-queue.ts'
import { callback } from '../../src/steps/callback.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services, StepSettings } from '../../src/steps/services.ts'
import { forbidLeaks, placesOf } from './canaries.ts'
import { type TestClock, testClock } from './clock.ts'
import { rowsIfAny } from './site-storage.ts'
import { freshName, storageOf } from './storage.ts'

const SECRET = 'a secret of this test, 32 characters long'

export type WorldOptions = {
  /** Entries of `feeds` in feeds.json. */
  readonly feeds: readonly object[]
  /** What the clock shows at first. */
  readonly now?: string
  readonly simulator?: Omit<SimulatorOptions, 'now'>
  readonly settings?: Partial<StepSettings>
  /** Another way to the storage of the run, as through a proxy. */
  readonly storage?: string
  /** Another way to the simulator. */
  readonly insights?: (simulator: Simulator) => Promise<string>
}

/** One deployment of its own: a simulator, storage under names nobody else has, a clock, and the steps to drive. */
export type World = {
  readonly services: Services
  readonly simulator: Simulator
  readonly clock: TestClock
  readonly events: AppEvent[]
  /** What the app put in the queue, with the delay it asked for. */
  readonly sent: { readonly message: IngestMessage; readonly delaySeconds: number }[]
  /** Where callbacks arrive. */
  readonly origin: string
  /** Straight to the storage, past any proxy. */
  readonly ledgerTable: TableClient
  landingTable(name: string): TableClient
  readonly container: ContainerClient
  readonly queue: QueueClient
  entries(): Promise<readonly LedgerEntry[]>
  /** Takes the visible messages off the queue as the host does, and gives each to `ingest`. */
  drain(): Promise<void>
  /** One tick, then drains until no attempt is open. */
  run(): Promise<void>
  /** Throws where an event, a message or the ledger holds a secret that the stand-ins received. */
  close(): Promise<void>
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const clock = testClock(options.now ?? '2025-07-10T12:00:00Z')
  const simulator = await startSimulator({ generationMilliseconds: 0, ...options.simulator, now: clock.now })
  setDefaultCACertificates([...getCACertificates('default'), simulator.certificate])
  const receiver = createServer()
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  const names = { ledger: freshName('ledger'), reports: freshName('reports'), queue: freshName('ingest') }
  const prefix = freshName('rows')
  const direct = storageOf(inject('storage'))
  const record: Pick<World, 'events' | 'sent'> = { events: [], sent: [] }
  const baseUrl = options.insights ? await options.insights(simulator) : simulator.baseUrl
  const parts = { options, clock, simulator, origin, names, prefix, baseUrl, ...record }
  const services = composeServices(parts)
  receiveCallbacks(receiver, services)
  const queue = direct.queue(names.queue)
  await queue.create()
  const entries = () => entriesOf(services)
  const drain = () => drainQueue(queue, services)
  return {
    services,
    simulator,
    clock,
    ...record,
    origin,
    queue,
    entries,
    drain,
    ledgerTable: direct.table(names.ledger),
    landingTable: (name) => direct.table(prefix + name),
    container: direct.container(names.reports),
    async run() {
      await provision(services)
      await waitUntil('no attempt is open', async () => {
        await drain()
        return !(await entries()).some(isOpen)
      })
    },
    async close() {
      await simulator.close()
      receiver.close()
      receiver.closeAllConnections()
      const rows = await rowsIfAny(direct.table(names.ledger))
      forbidLeaks(simulator.requests, placesOf({ ...record, rows }))
    },
  }
}

type Parts = Pick<World, 'clock' | 'simulator' | 'origin' | 'events' | 'sent'> & {
  readonly options: WorldOptions
  readonly names: { readonly ledger: string; readonly reports: string; readonly queue: string }
  readonly prefix: string
  readonly baseUrl: string
}

function composeServices({
  options,
  clock,
  simulator,
  names,
  prefix,
  baseUrl,
  events,
  sent,
  ...parts
}: Parts): Services {
  const storage = storageOf(options.storage ?? inject('storage'))
  const packagedFeeds = async () => JSON.stringify({ feeds: options.feeds })
  const signIn = { name: 'default', authorityHost: simulator.authority, tenantId: 'contoso', clientId: 'app' }
  const refresh = { ...signIn, auth: 'refresh-token', refreshToken: 'first' } as const
  const credentials = openCredentials(refresh, clock.now)
  const insights = openInsightsClient({ baseUrl, tokenHeader: 'Authorization', credentials, clock: clock.now })
  const queue = openWorkQueue(storage.queue(names.queue))
  return {
    settings: { ...stepSettings(parts.origin, simulator), ...options.settings },
    ledger: openLedger(storage.table(names.ledger)),
    archive: openArchive(async () => storage.container(names.reports)),
    queue: {
      async send(message, delaySeconds = 0) {
        await queue.send(message, delaySeconds)
        sent.push({ message, delaySeconds })
      },
    },
    readFeeds: () => readFeedsText(storage.container(`${names.reports}config`), packagedFeeds),
    packagedFeeds,
    landingTable: (name) => openLandingTable(storage.table(prefix + name)),
    insights: () => insights,
    clock: clock.now,
    newId: () => randomUUID(),
    emit: (event) => void events.push(event),
  }
}

function stepSettings(origin: string, simulator: Simulator): StepSettings {
  return {
    limits: { maxInFlight: 10, maxReportsPerHour: 20 },
    reportDeadline: 86_400_000,
    adoptAfter: 300_000,
    maxTries: 3,
    ingestTimeLimit: 300_000,
    lease: 120_000,
    pollEvery: 60_000,
    deleteReports: true,
    deployment: 'test',
    downloadHosts: [simulator.origin],
    callback: { baseUrl: `${origin}/api/callback`, secrets: [SECRET] },
  }
}

/** The route of the callback function, as the host would split it. */
function receiveCallbacks(receiver: Server, services: Services): void {
  receiver.on('request', async (request, response) => {
    request.resume()
    const [, , , feed = '', window = '', attempt = '', token = '', reportId] = (request.url ?? '').split('/')
    response.writeHead(await callback({ feed, window, attempt, token, reportId }, services)).end()
  })
}

async function entriesOf({ ledger }: Services): Promise<readonly LedgerEntry[]> {
  await ledger.create()
  const rows = await ledger.appRows<{ feed: { name: string } }>('feed~')
  const found = await Promise.all(rows.map(({ feed }) => ledger.entries(feed.name)))
  return found.flat().filter((entry): entry is LedgerEntry => !isFailure(entry))
}

async function drainQueue(queue: QueueClient, services: Services): Promise<void> {
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 1, visibilityTimeout: 60 })
    const [message] = receivedMessageItems
    if (!message) return
    await ingest(JSON.parse(Buffer.from(message.messageText, 'base64').toString('utf8')), services)
    await queue.deleteMessage(message.messageId, message.popReceipt)
  }
}
