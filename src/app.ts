import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AppEvent } from './core/events.ts'
import { isFailure } from './core/failures.ts'
import type { Environment } from './environment.ts'
import { openArchive } from './services/archive-blob.ts'
import { openCredentials } from './services/credentials.ts'
import { readFeedsText } from './services/feeds-file.ts'
import { type InsightsClient, openInsightsClient } from './services/insights-client.ts'
import { openLandingTable } from './services/landing-table.ts'
import { openLedger } from './services/ledger-table.ts'
import { openWorkQueue } from './services/work-queue.ts'
import { type Problems, readSettings, type Settings } from './settings.ts'
import { signInOf } from './sign-in.ts'
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
  const base = {
    ...{ settings, clock, packagedFeeds, newId: () => randomUUID() },
    ledger: openLedger(storage.table('ledger')),
    archive: openArchive(storage.container('reports')),
    queue: openWorkQueue(storage.queue('ingest')),
    readFeeds: () => readFeedsText(storage.container('config'), packagedFeeds),
    landingTable: (name: string) => openLandingTable(storage.table(name)),
    insights: insightsByAccount(settings, clock),
  }
  return (emit) => ({ ...base, emit })
}

/** One client, and so one token, for each account. */
function insightsByAccount(settings: Settings, clock: () => Date): Services['insights'] {
  const clients = new Map<string, InsightsClient>()
  return (name, account) => {
    const known = clients.get(`${name} ${JSON.stringify(account)}`)
    if (known) return known
    const signIn = signInOf(name, account, settings.partner, settings.authorityHost)
    if (isFailure(signIn)) return signIn
    const { insightsBaseUrl: baseUrl, tokenHeader } = settings
    const client = openInsightsClient({ baseUrl, tokenHeader, credentials: openCredentials(signIn, clock), clock })
    clients.set(`${name} ${JSON.stringify(account)}`, client)
    return client
  }
}
