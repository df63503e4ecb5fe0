import { randomUUID } from 'node:crypto'
import type { AppEvent } from '../core/events.ts'
import { wakeAt } from '../core/ledger/wake.ts'
import { openArchive } from '../services/storage/archive.ts'
import { type StorageClients, storageClients } from '../services/storage/clients.ts'
import { readFeedsText } from '../services/storage/feeds-file.ts'
import { openLandingTable } from '../services/storage/landing-table.ts'
import { openLedger } from '../services/storage/ledger-table.ts'
import { openPublishedFiles } from '../services/storage/published-files.ts'
import { retryLimits } from '../services/storage/retry-policy.ts'
import { openWorkQueue } from '../services/storage/work-queue.ts'
import { readText } from '../services/text-file.ts'
import type { Settings } from '../settings/settings.ts'
import type { Services } from '../steps/services.ts'
import { openExpiry } from './expiry.ts'
import { insightsByAccount } from './insights-by-account.ts'

/** The app without what belongs to one invocation: where its events go. */
export type App = (emit: (event: AppEvent) => void) => Services

/** What `openApp` puts together: what the steps work with, and what that is made from. */
export type AppParts = Omit<Services, 'settings' | 'emit'> & {
  readonly storage: StorageClients
  /** Gives 0 to 1: how long a call waits before it is repeated. */
  readonly random: () => number
}

/**
 * Puts the app together. `feedsFile` is the one packaged with the app. Each part of `overrides` takes the place of the
 * app's own, also in the parts that are made from it: a test brings its clock, or a store in memory.
 */
export function openApp(settings: Settings, feedsFile: string, overrides: Partial<AppParts> = {}): App {
  const {
    version = 'unreleased',
    clock = () => new Date(),
    newId = () => randomUUID(),
    random = Math.random,
    storage = storageClients(settings.storage),
    packagedName = 'feeds.json',
    packagedFeeds = () => readText(feedsFile),
    readFeeds = async () => readFeedsText(await storage.container('config'), packagedFeeds),
    ledger = openLedger(storage.table('ledger'), (entry) => wakeAt(entry, clock(), settings)),
    archive = openArchive(() => storage.container('reports')),
    publishedFiles = openPublishedFiles(() => storage.container('published')),
    queue = openWorkQueue(storage.queue('ingest'), storage.queue('ingest-poison')),
    landingTable = (name) => openLandingTable(storage.table(name), retryLimits(settings.leaseMs)),
    expiry = openExpiry(settings, { clock, random }),
  } = overrides
  const insightsFor = insightsByAccount(settings, { clock, ledger, newId, random })
  return (emit) => ({
    version,
    settings,
    ledger,
    archive,
    publishedFiles,
    queue,
    readFeeds,
    packagedName,
    packagedFeeds,
    landingTable,
    insights: overrides.insights ?? insightsFor(emit),
    expiry,
    clock,
    newId,
    emit,
  })
}
