import { expect } from 'vitest'
import type { FeedRow } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { type Window, type WindowId, windowId } from '../../src/core/time/window.ts'
import type { LandingTable } from '../../src/services/storage/landing-table.ts'
import type { Ledger } from '../../src/services/storage/ledger.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { reportRequests } from '../setup/insights.ts'
import { findFeedRow, planRetry, storedEntry } from '../setup/stored.ts'
import { quietWorld, type World, type WorldOptions } from '../setup/world.ts'

/** A feed of one window, May 2025, and three columns. */
export const FEED = {
  name: 'usage',
  dataset: 'AzureUsage',
  columns: ['Month', 'CustomerName', 'UsageQuantity'],
  from: '2025-05-01',
  to: '2025-06-01',
}

export const WINDOW = { from: new Date('2025-05-01'), to: new Date('2025-06-01') }

/** Its id. */
export const MAY = windowId(WINDOW)

/** The same feed with six windows. */
export const HALF_A_YEAR = { ...FEED, from: '2025-01-01', to: '2025-07-01' }

/** A hint for the first attempt of that window. */
export const HINT = { feed: 'usage', window: MAY, attempt: 1 } as const

/** A quiet world of that feed, unless the test says otherwise. */
export const worldOf = (options: Partial<WorldOptions> = {}) =>
  quietWorld({ feeds: [FEED], ...options, simulator: { rows: 40, ...options.simulator } })

/** Handles a hint for the first attempt of May, unless `change` says another. */
export const hint = (world: World, services: Services = world.services, change: object = {}) =>
  ingest({ ingest: { ...HINT, ...change } }, services)

/** The report of May as a file: one line for each name, of one unit each. */
export function fileOf(names: readonly string[]): Buffer {
  const lines = names.map((name) => `2025-05-01,${name},1`)
  return Buffer.from(['Month,CustomerName,UsageQuantity', ...lines, ''].join('\r\n'))
}

/** Such a file whose last line cannot land. */
export const withReject = (count: number) => Buffer.from(`${fileOf(names(count))}2025-05-01,x,many\r\n`)

/** The names of all archives and lists of rejects. */
export async function filesIn({ container }: World): Promise<readonly string[]> {
  return Array.fromAsync(container.listBlobsFlat(), ({ name }) => name)
}

/** A person gives the app a file for a window. */
export function importFile(services: Services, file: Buffer, window: Window = WINDOW) {
  async function* bytes() {
    yield file
  }
  return importReport(services, FEED.name, window, { name: 'may.csv', bytes })
}

/** A person gives the app a file of May, and it lands. */
export async function landImport({ services, drain }: World, file: Buffer): Promise<void> {
  expect(await importFile(services, file)).toHaveProperty('attempt')
  await drain()
}

/** The entry of a window of the feed. */
export async function entryOf({ services }: Pick<World, 'services'>, window: WindowId = MAY): Promise<LedgerEntry> {
  return (await storedEntry(services.ledger, FEED.name, window)).value
}

/** The ETag of the entry of May: a new one means that the entry was written. */
export async function etagOf({ services }: Pick<World, 'services'>): Promise<string> {
  return (await storedEntry(services.ledger, FEED.name, MAY)).etag
}

/** The reports that the service was asked for. */
export const asked = ({ simulator }: World) => reportRequests(simulator)

/** How often the service was asked whether a report is ready. */
export const polled = ({ simulator }: World) =>
  simulator.requests.filter(({ path }) => path.includes('/ScheduledReport/execution/')).length

/** The events of one name. */
export const named = ({ events }: World, name: string) => events.filter(({ event }) => event === name)

export async function feedRowOf({ services }: World, name = FEED.name): Promise<FeedRow> {
  const row = await findFeedRow(services.ledger, name)
  if (!row) throw new Error(`no row of feed ${name}`)
  return row
}

/** From now on the service answers the reports of the feed with this file. */
export async function serve(world: World, file: Buffer, feed = FEED.name): Promise<void> {
  world.simulator.serveFile((await feedRowOf(world, feed)).query?.queryId ?? '', file)
}

/** Plans the window again, as `retry` does, and asks for its report. */
export async function askAgain({ services, clock }: Pick<World, 'services' | 'clock'>): Promise<void> {
  await planRetry(services.ledger, await storedEntry(services.ledger, FEED.name, MAY), clock.now())
  await provision(services)
}

/** A ledger that lets the test act before an entry is written. */
export function watched(ledger: Ledger, before: (entry: LedgerEntry) => Promise<unknown>): Ledger {
  return {
    ...ledger,
    async write(entry, etag, drops) {
      await before(entry)
      return ledger.write(entry, etag, drops)
    },
  }
}

/** Services with landing tables that differ from the app's in what `change` gives. */
export function withTable(services: Services, change: (table: LandingTable) => Partial<LandingTable>): Services {
  const landingTable = (name: string) => {
    const table = services.landingTable(name)
    return { ...table, ...change(table) }
  }
  return { ...services, landingTable }
}

/** Names of customers, all different. */
export const names = (count: number, prefix = 'customer') =>
  Array.from({ length: count }, (_, index) => `${prefix} ${index}`)

/** The rows of the feed's table. */
export const rowsOf = (world: World) => rawRows(world.landingTable('Usage'))

/** Lets the rows that no entry names go: a sweep finds them, ingest deletes them, and looks again an hour later. */
export async function dropFormer({ services, clock, drain }: World): Promise<void> {
  await sweep(services)
  await drain()
  clock.advance(3_600_000)
  await sweep(services)
  await drain()
  expect(await services.ledger.drops(FEED.name)).toEqual([])
}

/** Lands a file as the given attempt; the first one registers the query that the file is served for. */
export async function landFile(world: World, file: Buffer): Promise<void> {
  await serve(world, file)
  await askAgain(world)
  await hint(world, world.services, { attempt: (await entryOf(world)).attempt })
}

/** A world with a window that landed from a file, as its second attempt. */
export async function landedWorld(file: Buffer, feed: object = FEED): Promise<World> {
  const world = await worldOf({ feeds: [feed] })
  await provision(world.services)
  await landFile(world, file)
  return world
}
