import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AppEvent } from './core/events.ts'
import { insightsByAccount } from './insights-by-account.ts'
import { openArchive } from './services/archive-blob.ts'
import { readFeedsText } from './services/feeds-file.ts'
import { openLandingTable } from './services/landing-table.ts'
import { openLedger } from './services/ledger-table.ts'
import { retryLimits } from './services/storage-retry.ts'
import { openWorkQueue } from './services/work-queue.ts'
import type { Settings } from './settings.ts'
import type { Services } from './steps/step.ts'
import { storageClients } from './storage-clients.ts'

/** The app without what belongs to one invocation: where its events go. */
export type App = (emit: (event: AppEvent) => void) => Services

/** Puts the app together: the clients, then what the steps work with. `feedsFile` is the one packaged with the app. */
export function openApp(settings: Settings, feedsFile: string): App {
  const clock = () => new Date()
  const storage = storageClients(settings.storage)
  const packagedFeeds = () => readFile(feedsFile, 'utf8')
  const ledger = openLedger(storage.table('ledger'))
  const newId = () => randomUUID()
  const insights = insightsByAccount(settings, { clock, ledger, newId, random: Math.random })
  const base = {
    ...{ settings, clock, packagedFeeds, newId, ledger },
    archive: openArchive(() => storage.container('reports')),
    queue: openWorkQueue(storage.queue('ingest')),
    readFeeds: async () => readFeedsText(await storage.container('config'), packagedFeeds),
    landingTable: (name: string) => openLandingTable(storage.table(name), retryLimits(settings.lease)),
  }
  return (emit) => ({ ...base, insights: insights(emit), emit })
}
