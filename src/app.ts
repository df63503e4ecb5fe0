import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AppEvent } from './core/events.ts'
import type { Environment } from './environment.ts'
import { insightsByAccount } from './insights-by-account.ts'
import { openArchive } from './services/archive-blob.ts'
import { readFeedsText } from './services/feeds-file.ts'
import { openLandingTable } from './services/landing-table.ts'
import { openLedger } from './services/ledger-table.ts'
import { retryLimits } from './services/storage-retry.ts'
import { openWorkQueue } from './services/work-queue.ts'
import { type Problems, readSettings } from './settings.ts'
import type { Services } from './steps/step.ts'
import { storageClients } from './storage-clients.ts'

/** The app without what belongs to one invocation: where its events go. */
export type App = (emit: (event: AppEvent) => void) => Services

/** Puts the app together: settings, then clients, then what the steps work with; or every problem of the settings. */
export function createApp(env: Environment, feedsFile: string): App | Problems {
  const settings = readSettings(env)
  if ('problems' in settings) return settings
  const clock = () => new Date()
  const storage = storageClients(settings.storage)
  const packagedFeeds = () => readFile(feedsFile, 'utf8')
  const ledger = openLedger(storage.table('ledger'))
  const newId = () => randomUUID()
  const insights = insightsByAccount(settings, { clock, ledger, newId, random: Math.random })
  const base = {
    ...{ settings, clock, packagedFeeds, newId, ledger },
    archive: openArchive(storage.container('reports')),
    queue: openWorkQueue(storage.queue('ingest')),
    readFeeds: () => readFeedsText(storage.container('config'), packagedFeeds),
    landingTable: (name: string) => openLandingTable(storage.table(name), retryLimits(settings.lease)),
  }
  return (emit) => ({ ...base, insights: insights(emit), emit })
}
