import { createHash } from 'node:crypto'
import { openApp } from '../../src/app/app.ts'
import { storageClients } from '../../src/services/storage/clients.ts'
import type { Services } from '../../src/steps/services.ts'
import { createService, type Downloads, type Service, startDownloads } from '../laws/service.ts'
import { type Cut, type Instance, startInstance } from '../memory/instance.ts'
import { createMemoryStore } from '../memory/memory-store.ts'
import type { Pass, Store } from '../memory/store.ts'
import { type TestClock, testClock } from '../setup/clock.ts'
import { CALLBACK_SECRET, testSettings } from '../setup/settings.ts'
import { FEEDS_TEXT, fileOf, START } from './feeds.ts'

/** An instance of the app. */
export type Running = Instance & { readonly services: Services }

/** A fault that is put into an instance on purpose. */
export type Plant = (services: Services) => Services

export type Deployment = {
  readonly clock: TestClock
  readonly store: Store
  readonly service: Service
  start(cut?: Cut): Running
}

/** A deployment whose storage is in memory. */
export type InMemory = Deployment & {
  /** The same deployment once more. No instance is running: what one would have in its memory is in neither. */
  copy(): InMemory
}

/** Where instances download reports from: each of them under its own number, and each request is one of its calls. */
export type Site = Downloads & { linksOf(pass: Pass): string }

export async function startSite(): Promise<Site> {
  const passes: Pass[] = []
  const downloads = await startDownloads(async ({ pathname, searchParams }) => {
    const pass = passes[Number(pathname.split('/')[1])]
    if (!pass) throw new Error(`no instance downloads ${pathname}`)
    const [columns = '', start = '', createdTime = ''] = ['columns', 'start', 'made'].map(
      (name) => searchParams.get(name) ?? '',
    )
    return pass('download', async () => fileOf({ columns, start, createdTime }))
  })
  return { ...downloads, linksOf: (pass) => `${downloads.origin}/${passes.push(pass) - 1}` }
}

type Parts = Omit<Deployment, 'start'> & { readonly site: Site; readonly ids: { next: number }; readonly plant: Plant }

const NO_PLANT: Plant = (services) => services

export function openInMemory(site: Site, plant = NO_PLANT): InMemory {
  const clock = testClock(START)
  const store = createMemoryStore({ clock: clock.now })
  return inMemory(store, { clock, service: createService(clock, site.origin), site, ids: { next: 0 }, plant })
}

/** A deployment on any other store. */
export function openOn(store: (clock: TestClock) => Store, site: Site): Deployment {
  const clock = testClock(START)
  const service = createService(clock, site.origin)
  return deploymentOf({ clock, store: store(clock), service, site, ids: { next: 0 }, plant: NO_PLANT })
}

function inMemory(store: ReturnType<typeof createMemoryStore>, parts: Omit<Parts, 'store'>): InMemory {
  return {
    ...deploymentOf({ ...parts, store }),
    copy() {
      const clock = testClock(parts.clock.now().toISOString())
      const [service, ids] = [parts.service.copy(clock), { ...parts.ids }]
      return inMemory(store.copy(clock.now), { ...parts, clock, service, ids })
    },
  }
}

function deploymentOf({ clock, store, service, site, ids, plant }: Parts): Deployment {
  const settings = testSettings({
    CALLBACK_BASE_URL: 'https://app.test/api/callback',
    CALLBACK_SECRET,
    REPORT_DOWNLOAD_HOSTS: site.origin,
  })
  // Never called: every part that uses it is replaced.
  const storage = storageClients(settings.storage)
  return {
    clock,
    store,
    service,
    start(cut) {
      const instance = startInstance(clock, cut)
      const { pass } = instance
      const client = service.open('default', pass, site.linksOf(pass))
      const app = openApp(settings, '', {
        ...store.open(pass),
        storage,
        clock: clock.now,
        // Random to the eye, and the same in each run.
        newId: () =>
          createHash('sha256')
            .update(String(ids.next++))
            .digest('hex')
            .slice(0, 32),
        packagedFeeds: async () => FEEDS_TEXT,
        readFeeds: () => pass('feeds.read', async () => ({ text: FEEDS_TEXT, source: 'package' })),
        insights: () => client,
      })
      return { ...instance, services: plant(app(() => undefined)) }
    },
  }
}
