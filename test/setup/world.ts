import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TableClient } from '@azure/data-tables'
import type { ContainerClient } from '@azure/storage-blob'
import { inject, onTestFinished } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import type { Simulator, SimulatorOptions } from '../../local/simulator/simulator.ts'
import { openApp } from '../../src/app/app.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { isOpen, type LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { storageClients } from '../../src/services/storage/clients.ts'
import { type IngestMessage, openWorkQueue } from '../../src/services/storage/work-queue.ts'
import type { StepSettings } from '../../src/settings/settings.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { callBack } from './callback.ts'
import { forbidLeaks, placesOf } from './canaries.ts'
import { type TestClock, testClock } from './clock.ts'
import { addressesOf, openTestClient, startTrustedSimulator } from './insights.ts'
import { drain, openReceiver } from './queue.ts'
import { CALLBACK_SECRET, testSettings } from './settings.ts'
import { rowsIfAny } from './site-storage.ts'
import { freshName, storageOf, withSuffix } from './storage.ts'
import { everyEntry } from './stored.ts'

export type WorldOptions = {
  /** Entries of `feeds` in feeds.json. */
  readonly feeds: readonly object[]
  /** What the clock shows at first. */
  readonly now?: string
  readonly simulator?: Omit<SimulatorOptions, 'now'>
  readonly settings?: Partial<StepSettings>
  /** A connection string for the app alone, such as one through a proxy. */
  readonly storage?: string
  /** Gives another base address of the service for the app, such as one through a proxy. */
  readonly insights?: (simulator: Simulator) => Promise<string>
}

/** One deployment: a simulator, storage under names of its own, a clock, and the services for the steps. */
export type World = {
  readonly services: Services
  readonly simulator: Simulator
  readonly clock: TestClock
  readonly events: AppEvent[]
  /** What the app put in the queue, with the delay it asked for. */
  readonly sent: { readonly message: IngestMessage; readonly delaySeconds: number }[]
  /** Where callbacks arrive. */
  readonly origin: string
  /** This and the next two lead straight to the storage, past any proxy. */
  readonly ledgerTable: TableClient
  landingTable(name: string): TableClient
  readonly container: ContainerClient
  /** The container of the files that people read. */
  readonly published: ContainerClient
  entries(): Promise<readonly LedgerEntry[]>
  /** Gives every visible message of the queue to `ingest`. */
  drain(): Promise<void>
  /** Runs one tick, then drains the queue until no attempt is open. */
  run(): Promise<void>
  /** Ends the servers. Throws when an event, a message or the ledger holds a secret that the stand-ins received. */
  close(): Promise<void>
}

/** Opens a world that the caller closes. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const clock = testClock(options.now ?? '2025-07-10T12:00:00Z')
  const simulator = await startTrustedSimulator({ generationMilliseconds: 0, ...options.simulator, now: clock.now })
  const baseUrl = options.insights ? await options.insights(simulator) : simulator.baseUrl
  const client = openTestClient(simulator, clock.now, baseUrl)
  const receiver = createServer()
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`

  const suffix = freshName('w')
  const connectionString = options.storage ?? inject('storage')
  const storage = withSuffix(storageClients({ kind: 'connection-string', connectionString }), suffix)
  const workQueue = openWorkQueue(storage.queue('ingest'))
  const events: AppEvent[] = []
  const sent: World['sent'] = []
  const callbacks = { CALLBACK_BASE_URL: `${origin}/api/callback`, CALLBACK_SECRET }
  const settings = { ...testSettings({ ...addressesOf(simulator), ...callbacks }), ...options.settings }
  const app = openApp(settings, '', {
    storage,
    clock: clock.now,
    packagedFeeds: async () => JSON.stringify({ feeds: options.feeds }),
    queue: {
      async send(message, delaySeconds = 0) {
        await workQueue.send(message, delaySeconds)
        sent.push({ message, delaySeconds })
      },
      sendDrop: workQueue.sendDrop,
      look: workQueue.look,
      oldest: workQueue.oldest,
    },
    insights: () => client,
  })
  const services = app((event) => void events.push(event))
  receiver.on('request', async (request, response) => {
    request.resume()
    response.writeHead(await callBack(request.url ?? '', services)).end()
  })

  const direct = storageOf(inject('storage'))
  const queue = direct.queue(`ingest${suffix}`)
  await queue.create()
  const receive = openReceiver(queue)
  const entries = async () => {
    await services.ledger.create()
    return everyEntry(services.ledger)
  }
  return {
    services,
    simulator,
    clock,
    events,
    sent,
    origin,
    ledgerTable: direct.table(`ledger${suffix}`),
    landingTable: (name) => direct.table(name + suffix),
    container: direct.container(`reports${suffix}`),
    published: direct.container(`published${suffix}`),
    entries,
    drain: () => drain(receive, services),
    async run() {
      await provision(services)
      await waitUntil('no attempt is open', async () => {
        await drain(receive, services)
        return !(await entries()).some(isOpen)
      })
    },
    async close() {
      await simulator.close()
      receiver.close()
      receiver.closeAllConnections()
      const rows = await rowsIfAny(direct.table(`ledger${suffix}`))
      forbidLeaks(simulator.requests, placesOf({ events, sent, rows }))
    },
  }
}

/** Opens a world that ends with its test. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const world = await createWorld(options)
  onTestFinished(() => world.close())
  return world
}

/** Opens a world that ends with its test, and without callbacks unless the settings ask for them. */
export const quietWorld = (options: WorldOptions): Promise<World> =>
  openWorld({ ...options, settings: { callback: undefined, ...options.settings } })

/** A list of rejects, one object for each row. */
export async function rejectsOf({ container }: World, name = ''): Promise<readonly unknown[]> {
  const lines = (await container.getBlobClient(name).downloadToBuffer()).toString('utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line))
}
