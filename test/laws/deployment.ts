import { createHash } from 'node:crypto'
import { openApp } from '../../src/app/app.ts'
import { wakeAt } from '../../src/core/ledger/wake.ts'
import { storageClients } from '../../src/services/storage/clients.ts'
import type { Settings } from '../../src/settings/settings.ts'
import type { Services } from '../../src/steps/services.ts'
import { createMemoryStore, type MemoryStore } from '../memory/memory-store.ts'
import type { Pass } from '../memory/store.ts'
import { type TestClock, testClock } from '../setup/clock.ts'
import { testSettings } from '../setup/settings.ts'
import { type FeedFile, textOf } from './feeds.ts'
import { createService, type Service } from './service.ts'

/** Several feeds in one deployment, whose instances share a store and a clock. */
export type Deployment<File = FeedFile> = {
  readonly clock: TestClock
  readonly store: MemoryStore
  readonly service: Service
  /** How often in a row each message failed, by its text. */
  readonly failures: Map<string, number>
  /** What feeds.json says now. */
  feeds: File
  /** An instance of the app, whose clock is ahead of the true one by `skew` milliseconds. */
  start(pass: Pass, skew?: number): Services
}

const START = '2026-01-10T12:00:00Z'

/** Limits of these deployments, both low enough to be reached: two ticks in an hour would be too much for the second. */
export const LIMITS = { maxInFlight: 6, maxReportsPerHour: 8 }

function settingsFor(downloads: string): Settings {
  return testSettings({
    REPORT_DOWNLOAD_HOSTS: downloads,
    PARTNER_TENANT_ID__OTHER: 'fabrikam',
    MAX_IN_FLIGHT: String(LIMITS.maxInFlight),
    MAX_REPORTS_PER_HOUR: String(LIMITS.maxReportsPerHour),
  })
}

/** `downloads` is where reports are downloaded from. */
export function openDeployment(feeds: FeedFile, downloads: string): Deployment {
  const clock = testClock(START)
  return deploy({ clock, settings: settingsFor(downloads), service: createService(clock, downloads), feeds, textOf })
}

/** What a deployment is made of. */
type Parts<File> = Pick<Deployment<File>, 'clock' | 'service' | 'feeds'> & {
  readonly settings: Settings
  readonly textOf: (file: File) => string
}

/** A deployment with a store of its own. */
export function deploy<File>({ clock, service, feeds, settings, textOf }: Parts<File>): Deployment<File> {
  const store = createMemoryStore({ clock: clock.now })
  // Never called: every part that uses it is replaced.
  const storage = storageClients(settings.storage)
  let ids = 0
  // Random to the eye, and the same in each run.
  const newId = () => createHash('sha256').update(String(ids++)).digest('hex').slice(0, 32)
  const deployment: Deployment<File> = {
    clock,
    store,
    service,
    failures: new Map(),
    feeds,
    start(pass, skew = 0) {
      const ownClock = () => new Date(clock.now().getTime() + skew)
      const app = openApp(settings, '', {
        ...store.open(pass, (entry) => wakeAt(entry, ownClock(), settings)),
        storage,
        newId,
        clock: ownClock,
        packagedFeeds: async () => textOf(deployment.feeds),
        readFeeds: () => pass('feeds.read', async () => ({ text: textOf(deployment.feeds), source: 'package' })),
        insights: (account) => service.open(account, pass),
      })
      return app(() => undefined)
    },
  }
  return deployment
}
