import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AppEvent } from '../core/events.ts'
import { openArchive } from '../services/storage/archive.ts'
import { storageClients } from '../services/storage/clients.ts'
import { readFeedsText } from '../services/storage/feeds-file.ts'
import { openLandingTable } from '../services/storage/landing-table.ts'
import { openLedger } from '../services/storage/ledger-table.ts'
import { retryLimits } from '../services/storage/retry-policy.ts'
import { openWorkQueue } from '../services/storage/work-queue.ts'
import type { Settings } from '../settings/settings.ts'
import type { Services } from '../steps/services.ts'
import { insightsByAccount } from './insights-by-account.ts'

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
    landingTable: (name: string) => openLandingTable(storage.table(name), retryLimits(settings.leaseMs)),
  }
  return (emit) => ({ ...base, insights: insights(emit), emit })
}
