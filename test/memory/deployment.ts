import { openApp } from '../../src/app/app.ts'
import { isFailure } from '../../src/core/failures.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { parseWindowId, windowId } from '../../src/core/time/window.ts'
import type { Stored } from '../../src/services/storage/ledger.ts'
import type { StepSettings } from '../../src/settings/settings.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { type TestClock, testClock } from '../setup/clock.ts'
import { addressesOf } from '../setup/insights.ts'
import { drain } from '../setup/queue.ts'
import { testSettings } from '../setup/settings.ts'
import { findFeedRow, planRetry } from '../setup/stored.ts'
import { type Cut, type Instance, startInstance } from './instance.ts'
import type { Service } from './service.ts'
import { type Pass, type Store, unhindered } from './store.ts'

/** The feed of every deployment here. It has one window, May 2025, whose data has settled long ago. */
export const FEED = {
  name: 'usage',
  dataset: 'AzureUsage',
  columns: ['Month', 'CustomerName', 'UsageQuantity'],
  from: '2025-05-01',
  to: '2025-06-01',
  maxRejects: 0.5,
  shards: 8,
}

const MAY = parseWindowId('20250501T000000Z_20250601T000000Z')

/** Longer than every lease, wait and limit of these deployments except the deadline of a report, in milliseconds. */
const LONG = 301_000

/** Late rows are looked for an hour after the others have gone. */
const SECOND_LOOK = 3_600_000

/** Looks after which a drop that is not over never will be. */
const LOOKS = 8

/** Rounds after which a window that has not landed never will. */
const ROUNDS = 12

export type DeploymentOptions = {
  readonly service: Service
  /** Opens a store that goes by the deployment's clock. */
  readonly store: (clock: TestClock) => Store
  /** What the service answers for the window. */
  readonly file: Buffer
  readonly feed?: object
  readonly settings?: Partial<StepSettings>
  /** Hears of each call of every instance before its effect. */
  readonly onCall?: () => void
}

/** An instance of the app at work on a deployment. */
export type Running = Instance & {
  readonly services: Services
  /** Runs both timers once, then drains the queue. */
  tick(): Promise<void>
}

export type Deployment = {
  readonly clock: TestClock
  readonly store: Store
  /** `onCall` hears of each call before its effect. */
  start(cut?: Cut, onCall?: (n: number) => void): Running
  /** Plans the window again as `retry` does. From now on the service answers with this file. */
  askAgain(file: Buffer): Promise<void>
  entry(): Promise<Stored<LedgerEntry> | undefined>
  /** Whether rows are left that no entry names. */
  hasDrops(): Promise<boolean>
  /** Lets an instance work until no drop is left, each look an hour after the one before. */
  drop(running: Running): Promise<void>
  /**
   * Lets a new instance work, time passing, until the window has landed as another attempt than `before` and the rows of
   * every other generation are gone, late ones too.
   */
  finish(before?: number): Promise<void>
}

let deployments = 0

export function createDeployment(options: DeploymentOptions): Deployment {
  const { service } = options
  const clock = testClock('2026-01-10T12:00:00Z')
  service.follow(clock)
  const name = `d${++deployments}`
  const store = options.store(clock)
  const served = { file: options.file }
  const { ledger } = store.open(unhindered)
  const entry = async () => {
    const stored = await ledger.read(FEED.name, windowId(MAY ?? failed('no window')))
    return stored && isFailure(stored) ? failed(stored.message) : stored
  }
  const hasDrops = async () => (await ledger.drops(FEED.name)).length > 0
  const drop = async ({ tick }: Running) => {
    for (let look = 0; await hasDrops(); look += 1) {
      if (look > LOOKS) failed('rows that no entry names are never dropped')
      await tick()
      clock.advance(SECOND_LOOK)
    }
  }
  const start: Deployment['start'] = (cut, onCall) => {
    const instance = startInstance(clock, cut, (n) => {
      options.onCall?.()
      onCall?.(n)
    })
    const services = servicesOf({ ...options, name, clock, served, shared: store, pass: instance.pass })
    return { ...instance, services, tick: () => tick(services, store) }
  }
  return {
    clock,
    store,
    start,
    entry,
    hasDrops,
    drop,
    async askAgain(file) {
      served.file = file
      const row = await findFeedRow(ledger, FEED.name)
      service.simulator.serveFile(row?.query?.queryId ?? failed('no query'), file)
      await planRetry(ledger, (await entry()) ?? failed('nothing to ask for again'), clock.now())
    },
    async finish(before = 0) {
      const running = start()
      for (let round = 0; round < ROUNDS; round += 1) {
        clock.advance(LONG)
        await running.tick()
        if (isSettled((await entry())?.value, before)) return drop(running)
      }
      failed(`the window is not settled: ${JSON.stringify((await entry())?.value)}`)
    },
  }
}

function failed(message: string): never {
  throw new Error(message)
}

function isSettled(entry: LedgerEntry | undefined, before: number): boolean {
  if (entry?.state !== 'landed' || entry.owed) return false
  return entry.figures.attempt > before && entry.remoteReports.length === 0
}

type Parts = Omit<DeploymentOptions, 'store' | 'file'> & {
  readonly name: string
  readonly clock: TestClock
  readonly served: { file: Buffer }
  readonly shared: Store
  readonly pass: Pass
}

function servicesOf({ service, feed, settings, name, clock, served, shared, pass }: Parts): Services {
  const { simulator, gate } = service
  const packagedFeeds = async () => JSON.stringify({ feeds: [{ ...FEED, ...feed }] })
  const client = service.open(pass, (queryId) => simulator.serveFile(queryId, served.file))
  const addresses = { ...addressesOf(simulator), REPORT_DOWNLOAD_HOSTS: gate }
  const app = openApp({ ...testSettings({ ...addresses, DEPLOYMENT_ID: name }), ...settings }, '', {
    ...shared.open(pass),
    clock: clock.now,
    packagedFeeds,
    readFeeds: () => pass('config.read', async () => ({ text: await packagedFeeds(), source: 'package' })),
    insights: () => client,
  })
  return app(() => undefined)
}

async function tick(services: Services, { receive }: Store): Promise<void> {
  await provision(services)
  await sweep(services)
  await drain(receive, services)
}
