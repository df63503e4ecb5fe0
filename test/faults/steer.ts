import { expect } from 'vitest'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { windowId } from '../../src/core/time/window.ts'
import type { Stored } from '../../src/services/storage/ledger.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { findFeedRow, planRetry, storedEntry } from '../setup/stored.ts'
import { quietWorld, type World, type WorldOptions } from '../setup/world.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** A feed of one month and few columns, one of each type that a cell can be wrong in. */
export const COLUMNS = ['Month', 'CustomerName', 'SubscriptionStartDate', 'IsDuplicateAtMpnLevel', 'ACR_USD'] as const
export const FEED = {
  name: 'costs',
  dataset: 'AzureUsage',
  columns: COLUMNS,
  from: '2025-05-01',
  to: '2025-06-01',
  maxRejects: 0,
}

/** A quiet world of that feed, unless the test says otherwise. */
export const costsWorld = (options: Partial<WorldOptions> = {}) =>
  quietWorld({ feeds: [FEED], simulator: { rows: 120 }, ...options })

/** One turn of both timers, and what they put in the queue. */
export async function turn(world: World, later = 0): Promise<void> {
  world.clock.advance(later)
  await provision(world.services)
  await sweep(world.services)
  await world.drain()
}

/** The rows of former generations go: a sweep finds them, ingest deletes them, and looks again an hour later. */
export async function dropFormer(world: World): Promise<void> {
  for (const later of [0, HOUR]) {
    world.clock.advance(later)
    await sweep(world.services)
    await world.drain()
  }
  expect(await world.services.ledger.drops(FEED.name)).toEqual([])
}

/** The only entry of the ledger. */
export async function onlyEntry(world: World): Promise<LedgerEntry> {
  const [entry, ...others] = await world.entries()
  if (!entry || others.length > 0) throw new Error(`the ledger has ${others.length + (entry ? 1 : 0)} entries, not one`)
  return entry
}

/** The only entry of the ledger with its ETag. */
export async function storedOnly(world: World): Promise<Stored<LedgerEntry>> {
  const { feed, window } = await onlyEntry(world)
  return storedEntry(world.services.ledger, feed, windowId(window))
}

/** Lets the next turn ask for the only window again. */
export async function planAgain(world: World): Promise<void> {
  const { ledger } = world.services
  await planRetry(ledger, await storedOnly(world), world.clock.now())
}

/** One turn with this file as the report of the feed. Asks for the report first if that has not happened yet. */
export async function deliver(world: World, file: string | Buffer): Promise<LedgerEntry> {
  await provisionWith(world, file)
  await sweep(world.services)
  await world.drain()
  return onlyEntry(world)
}

/** The simulator keeps the file that a report had when it was asked for; before the first one there is no query yet. */
async function provisionWith({ services, simulator }: World, file: string | Buffer): Promise<void> {
  const serve = async () => {
    const queryId = (await findFeedRow(services.ledger, FEED.name))?.query?.queryId
    if (queryId !== undefined) simulator.serveFile(queryId, Buffer.from(file))
  }
  await services.ledger.create()
  await serve()
  await provision(services)
  await serve()
}
