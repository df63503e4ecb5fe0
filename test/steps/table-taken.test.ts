import { describe, expect, it } from 'vitest'
import { allLanded, isSettled, summarise } from '../../local/start/summary.ts'
import { adviceOn, adviceText } from '../../src/core/failures.ts'
import { feedRowKey, tableRowKey } from '../../src/core/ledger/app-rows.ts'
import type { FeedRow } from '../../src/core/ledger/feed-row.ts'
import type { StatusAnswer } from '../../src/core/status/fields.ts'
import { windowId } from '../../src/core/time/window.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import type { World } from '../setup/world.ts'
import { asked, entryOf, FEED, feedRowOf, fileOf, HINT, named, rowsOf, WINDOW, worldOf } from './one-window.ts'

const OWNER = { ...FEED, name: 'owner', table: 'Shared' }
const RIVAL = { ...FEED, name: 'rival', table: 'SHARED' }
const TAKEN = { kind: 'table-taken', message: 'table SHARED belongs to feed owner' } as const
const advice = adviceOn('table-taken', { feed: 'rival' })

/** A feed that has a table of its own may not take another, whoever has that. */
const CHANGED = {
  kind: 'query-refused',
  message: 'feed usage: table changed from Usage to SHARED: give it a new name',
} as const

const APRIL = windowId({ from: new Date('2025-04-01'), to: new Date('2025-05-01') })

const DAY = 24 * 3_600_000

/** One tick with these feeds in feeds.json. */
async function tickWith({ services }: World, ...feeds: readonly object[]) {
  const readFeeds = async () => ({ text: JSON.stringify({ feeds }), source: 'package' }) as const
  return provision({ ...services, readFeeds })
}

const statusOf = async ({ services }: World, name: string) =>
  (await status(services)).feeds.find((feed) => feed.name === name)

/** The status as a reader gets it over HTTP. */
const answered = async (services: Services): Promise<StatusAnswer> => JSON.parse(JSON.stringify(await status(services)))

/** A file of May, given to a feed. */
async function importInto({ services }: World, name: string) {
  async function* bytes() {
    yield fileOf(['x'])
  }
  return importReport(services, name, WINDOW, { name: 'may.csv', bytes })
}

/** The owner has asked for its window and has left feeds.json, where two feeds cannot share a table. Its rows stay. */
async function rivals(): Promise<World> {
  const world = await worldOf({ feeds: [OWNER] })
  await tickWith(world, OWNER)
  expect(await tickWith(world, RIVAL)).toMatchObject({ requested: 0 })
  return world
}

describe('a new feed whose table belongs to another', () => {
  it('is shown as blocked in status, with kind, message and remedy, and is told once', async () => {
    const world = await rivals()
    await tickWith(world, RIVAL)
    expect(await statusOf(world, 'rival')).toMatchObject({ blocked: { ...TAKEN, ...advice }, waiting: 1, problems: [] })
    expect(await statusOf(world, 'owner')).not.toHaveProperty('blocked')
    expect(named(world, 'feed.blocked')).toEqual([
      { event: 'feed.blocked', feed: 'rival', ...TAKEN, remedy: adviceText(advice) },
    ])
  })

  it('is never asked for, not even once a day', async () => {
    const world = await rivals()
    for (let day = 0; day < 3; day++) {
      world.clock.advance(DAY + 1)
      await tickWith(world, RIVAL)
      await sweep(world.services)
    }
    expect(asked(world)).toHaveLength(1)
    expect(await world.services.ledger.entries('rival')).toEqual([])
  })

  it('changes nothing in the ledger at the next tick', async () => {
    const world = await rivals()
    const row = async () => (await world.services.ledger.readApp<FeedRow>(feedRowKey('rival')))?.etag
    const before = await row()
    world.clock.advance(DAY)
    await tickWith(world, RIVAL)
    expect(await row()).toBe(before)
  })

  it.each([RIVAL, OWNER])('takes no file either, also after $name is the feed in the file again', async (feed) => {
    const world = await rivals()
    await tickWith(world, feed)
    expect(await importInto(world, 'rival')).toEqual({ problem: TAKEN.message })
    expect(await world.services.ledger.entries('rival')).toEqual([])
  })

  it('ends a local run, which then says what to do and does not count as landed', async () => {
    const world = await rivals()
    await ingest({ ingest: { ...HINT, feed: 'owner' } }, world.services)
    const now = await answered(world.services)
    expect([isSettled(now), allLanded(now)]).toEqual([true, false])
    expect(summarise(now)).toContain(`! rival asks for nothing new: ${TAKEN.message}\n  ${advice.remedy}`)
  })

  it('is asked for as soon as it names a table of its own', async () => {
    const world = await rivals()
    expect(await tickWith(world, { ...RIVAL, table: 'Own' })).toMatchObject({ requested: 1, waiting: 0 })
    expect(await statusOf(world, 'rival')).not.toHaveProperty('blocked')
    await ingest({ ingest: { ...HINT, feed: 'rival' } }, world.services)
    expect(await rawRows(world.landingTable('Own'))).toHaveLength(40)
  })

  it('is no longer blocked once it has left feeds.json: nobody asks for its table any more', async () => {
    const world = await rivals()
    await tickWith(world, OWNER)
    expect(await statusOf(world, 'rival')).toMatchObject({ enabled: false, waiting: 0 })
    expect(await statusOf(world, 'rival')).not.toHaveProperty('blocked')
    expect(await statusOf(world, 'owner')).toMatchObject({ enabled: true })
  })

  it('takes no file either once it has left feeds.json, although nobody owns the table any more', async () => {
    const world = await rivals()
    await world.ledgerTable.deleteEntity('_app', tableRowKey('Shared'))
    await tickWith(world, FEED)
    expect(await importInto(world, 'rival')).toEqual({
      problem: 'table SHARED belongs to no feed yet: put feed rival in feeds.json and wait for a tick',
    })
    expect(await world.services.ledger.entries('rival')).toEqual([])
  })

  it('is asked for as soon as the table has no owner', async () => {
    const world = await rivals()
    await world.ledgerTable.deleteEntity('_app', tableRowKey('Shared'))
    await tickWith(world, RIVAL)
    expect(await feedRowOf(world, 'rival')).not.toHaveProperty('blocked')
    expect(asked(world)).toHaveLength(2)
  })
})

describe('a disabled feed whose table belongs to another', () => {
  const DISABLED = { ...RIVAL, enabled: false }

  it('is not blocked: it asks for nothing', async () => {
    const world = await worldOf({ feeds: [OWNER] })
    await tickWith(world, OWNER)
    expect(await tickWith(world, DISABLED)).toMatchObject({ requested: 0, waiting: 0 })
    expect(await statusOf(world, 'rival')).toMatchObject({ enabled: false, waiting: 0 })
    expect(await statusOf(world, 'rival')).not.toHaveProperty('blocked')
    expect(named(world, 'feed.blocked')).toEqual([])
    expect(await importInto(world, 'rival')).toEqual({ problem: TAKEN.message })
  })

  it('is no longer blocked once it is disabled, and a local run counts as landed', async () => {
    const world = await rivals()
    await ingest({ ingest: { ...HINT, feed: 'owner' } }, world.services)
    await tickWith(world, DISABLED)
    const now = await answered(world.services)
    expect([isSettled(now), allLanded(now)]).toEqual([true, true])
  })

  it('is blocked as soon as it is enabled, and told once', async () => {
    const world = await worldOf({ feeds: [OWNER] })
    await tickWith(world, OWNER)
    for (const feed of [DISABLED, RIVAL, RIVAL]) await tickWith(world, feed)
    expect(await feedRowOf(world, 'rival')).toMatchObject({ blocked: TAKEN })
    expect(named(world, 'feed.blocked')).toHaveLength(1)
  })

  it('lands what is open of it in its former table, and asks for nothing more', async () => {
    const world = await worldOf({ feeds: [FEED, OWNER] })
    await tickWith(world, FEED, OWNER)
    await tickWith(world, { ...FEED, table: 'SHARED', enabled: false })
    expect(await statusOf(world, 'usage')).toMatchObject({ table: 'Usage', enabled: false })
    await ingest({ ingest: HINT }, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { table: 'Usage' } })
    expect(await rawRows(world.landingTable('Shared')).catch(() => [])).toEqual([])
  })

  it('that came back enabled, was refused and left feeds.json again, is no longer blocked', async () => {
    const world = await worldOf({ feeds: [FEED, OWNER] })
    await tickWith(world, FEED, OWNER)
    await tickWith(world, OWNER)
    await tickWith(world, { ...FEED, table: 'SHARED' })
    expect(await feedRowOf(world)).toMatchObject({ blocked: CHANGED, feed: { enabled: false } })
    await tickWith(world, OWNER)
    expect(await feedRowOf(world)).not.toHaveProperty('blocked')
  })
})

describe('a known feed that changes to the table of another', () => {
  /** A window of `usage` is on its way to the table Usage when the feed changes to the table of a former feed. */
  async function changed(): Promise<World> {
    const world = await worldOf({ feeds: [FEED, OWNER] })
    await tickWith(world, FEED, OWNER)
    await tickWith(world, { ...FEED, table: 'SHARED' })
    return world
  }

  it('is blocked, and what is open of it lands in its former table', async () => {
    const world = await changed()
    expect(await statusOf(world, 'usage')).toMatchObject({ table: 'Usage', blocked: CHANGED })
    await ingest({ ingest: HINT }, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { table: 'Usage' } })
    expect(await rowsOf(world)).toHaveLength(40)
  })

  it('stays blocked when that has landed', async () => {
    const world = await changed()
    await ingest({ ingest: HINT }, world.services)
    await tickWith(world, { ...FEED, table: 'SHARED' })
    expect(await feedRowOf(world)).toMatchObject({ blocked: CHANGED })
    expect([named(world, 'feed.blocked').length, named(world, 'feed.unblocked')]).toEqual([1, []])
  })

  it('stays blocked, and is told no more, when one of its windows fails and another lands', async () => {
    const two = { ...FEED, from: '2025-04-01' }
    const world = await worldOf({ feeds: [two, OWNER] })
    await tickWith(world, two, OWNER)
    await tickWith(world, { ...two, table: 'SHARED' })
    world.simulator.fault({ endpoint: 'listExecutions', effect: 'redacted' })
    await ingest({ ingest: { ...HINT, window: APRIL } }, world.services)
    expect(await entryOf(world, APRIL)).toMatchObject({ state: 'failed', kind: 'redacted' })
    expect(await feedRowOf(world)).toMatchObject({ blocked: CHANGED })
    await ingest({ ingest: HINT }, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
    await tickWith(world, { ...two, table: 'SHARED' })
    expect(await feedRowOf(world)).toMatchObject({ blocked: CHANGED })
    expect([named(world, 'feed.blocked').length, named(world, 'feed.unblocked')]).toEqual([1, []])
  })

  it('is blocked anew at the first refusal after it went back, if it was blocked for that before', async () => {
    const world = await worldOf({ feeds: [FEED, OWNER] })
    await tickWith(world, OWNER)
    world.simulator.fault({ endpoint: 'createQuery', effect: { status: 403 }, nth: 'all' })
    for (const feed of [FEED, { ...FEED, table: 'SHARED' }, FEED]) await tickWith(world, feed)
    expect(await feedRowOf(world)).toMatchObject({ blocked: { kind: 'forbidden' } })
    expect(named(world, 'feed.blocked').map(({ kind }) => kind)).toEqual(['forbidden', 'query-refused', 'forbidden'])
  })

  it('is free again when it goes back, and nothing of it is asked for anew', async () => {
    const world = await changed()
    await ingest({ ingest: HINT }, world.services)
    expect(await tickWith(world, FEED)).toMatchObject({ requested: 0, waiting: 0 })
    expect(await feedRowOf(world)).not.toHaveProperty('blocked')
    expect(await feedRowOf(world)).not.toHaveProperty('reopenBefore')
  })
})

it('of two feeds that name a table at the same moment, the first to write owns it', async () => {
  const world = await worldOf({ feeds: [RIVAL] })
  const { ledger } = world.services
  const overtaken: typeof ledger = {
    ...ledger,
    async writeApp(key, value, etag) {
      if (key === tableRowKey('Shared')) await ledger.writeApp(key, { feed: 'owner' }, undefined)
      return ledger.writeApp(key, value, etag)
    },
  }
  await provision({ ...world.services, ledger: overtaken })
  expect(await feedRowOf(world, 'rival')).toMatchObject({ blocked: TAKEN })
  expect(asked(world)).toEqual([])
})
