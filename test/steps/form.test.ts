import { describe, expect, it } from 'vitest'
import { adviceOn, adviceText, isFailure } from '../../src/core/failures.ts'
import { askedFor } from '../../src/core/feeds/form.ts'
import { tableRowKey } from '../../src/core/ledger/app-rows.ts'
import { withFeed } from '../../src/core/ledger/feed-block.ts'
import { formNow } from '../../src/core/ledger/feed-row.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { changeFeedRow } from '../../src/steps/ledger/feed-row.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { feedOf } from '../core/feed-of.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import type { World } from '../setup/world.ts'
import {
  askAgain,
  asked,
  entryOf,
  FEED,
  feedRowOf,
  fileOf,
  HINT,
  hint,
  named,
  names,
  rowsOf,
  serve,
  WINDOW,
  withTable,
  worldOf,
} from './one-window.ts'

/** The same feed with a condition that every row meets: another row set all the same. */
const OTHER_ROWS = { ...FEED, where: "CustomerName != 'nobody at all'" }

/** One tick with these feeds in feeds.json. */
async function tickWith({ services }: World, ...feeds: readonly object[]) {
  const readFeeds = async () => ({ text: JSON.stringify({ feeds }), source: 'package' }) as const
  return provision({ ...services, readFeeds })
}

const statusOf = async ({ services }: World) => (await status(services)).feeds.find(({ name }) => name === 'usage')

/** A world whose feed has landed its window. */
async function landed(): Promise<World> {
  const world = await worldOf()
  await provision(world.services)
  await hint(world)
  expect(await statusOf(world)).toMatchObject({ ...COMPLETE, table: 'Usage' })
  return world
}

const COMPLETE = { complete: 1, outdated: 0, earlierForm: 0, rows: 40, completeUntil: WINDOW.to }

describe('a feed that is changed after its window has landed', () => {
  it.each([
    ['where', OTHER_ROWS],
    ['distinct', { ...FEED, distinct: true }],
    ['columns, by a metric', { ...FEED, columns: [...FEED.columns, 'TotalACR'] }],
    ['columns, by leaving them to the app', { ...FEED, columns: undefined }],
    ['query', { ...FEED, columns: undefined, query: 'SELECT Month, CustomerName, UsageQuantity FROM AzureUsage' }],
  ])('in its %s is not complete: its rows stay and are outdated', async (_, changed) => {
    const world = await landed()
    await tickWith(world, changed)
    const now = await statusOf(world)
    expect(now).toMatchObject({ complete: 0, outdated: 1, earlierForm: 0, rows: 0, states: { landed: 1 } })
    expect(now).not.toHaveProperty('completeUntil')
    expect(await rowsOf(world)).toHaveLength(40)
  })

  it('is complete again as soon as its window has landed anew', async () => {
    const world = await landed()
    await tickWith(world, OTHER_ROWS)
    await retry(world.services, FEED.name, WINDOW, false)
    await tickWith(world, OTHER_ROWS)
    await hint(world, world.services, { attempt: 2 })
    expect(await statusOf(world)).toMatchObject({ ...COMPLETE, rows: 40 })
  })

  it.each([
    ['plain column', { ...FEED, columns: [...FEED.columns, 'ServiceLevel1'] }],
    ['type', { ...FEED, types: { UsageQuantity: 'string' } }],
    ['number of shards', { ...FEED, shards: 2 }],
  ])('by a %s is complete under an earlier form', async (_, changed) => {
    const world = await landed()
    await tickWith(world, changed)
    expect(await statusOf(world)).toMatchObject({ ...COMPLETE, earlierForm: 1 })
  })

  it('in nothing that concerns its rows is complete as before', async () => {
    const world = await landed()
    await tickWith(world, { ...FEED, delay: 'P9D', maxRejects: 0.5, columns: FEED.columns.toReversed() })
    expect(await statusOf(world)).toMatchObject(COMPLETE)
  })
})

describe('a feed that is changed while its report is on its way', () => {
  it('discards the report, at no cost, also when nothing else has been asked for yet', async () => {
    const world = await worldOf()
    await provision(world.services)
    await tickWith(world, OTHER_ROWS)
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'planned', reason: 'expired', tries: 0 })
    await tickWith(world, OTHER_ROWS)
    await hint(world, world.services, { attempt: 2 })
    expect(await statusOf(world)).toMatchObject(COMPLETE)
  })

  it('discards it also when the feed was changed while its query was registered', async () => {
    const world = await worldOf()
    const newer = feedOf(OTHER_ROWS)
    const insights: Services['insights'] = (name, account) => {
      const client = world.services.insights(name, account)
      if (isFailure(client)) return client
      return {
        ...client,
        async createQuery(query) {
          await changeFeedRow(world.services, FEED.name, (row) => withFeed(row, newer, {}, world.clock.now()))
          return client.createQuery(query)
        },
      }
    }
    await provision({ ...world.services, insights })
    expect(await entryOf(world)).toMatchObject({ state: 'requested', asked: askedFor(feedOf(FEED), FEED.columns) })
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'planned', tries: 0 })
  })

  it('lands it where only the form has changed, under the types of now and the columns that were asked for', async () => {
    const world = await worldOf()
    await provision(world.services)
    const before = formNow(await feedRowOf(world))
    await tickWith(world, { ...FEED, columns: [...FEED.columns, 'ServiceLevel1'], types: { UsageQuantity: 'string' } })
    await hint(world)
    const { rowSet, selection, form } = (await entryOf(world)).figures ?? {}
    expect({ rowSet, selection }).toEqual({ rowSet: before.rowSet, selection: before.selection })
    expect([before.form, formNow(await feedRowOf(world)).form]).not.toContain(form)
    expect(await statusOf(world)).toMatchObject({ ...COMPLETE, earlierForm: 1 })
  })

  it('does not count a landing that began before and goes on after it', async () => {
    const world = await worldOf()
    await provision(world.services)
    const broken = withTable(world.services, () => ({ create: () => Promise.reject(new Error('killed')) }))
    await expect(hint(world, broken)).rejects.toThrow('killed')
    await tickWith(world, OTHER_ROWS)
    world.clock.advance(3_600_000)
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
    expect(await statusOf(world)).toMatchObject({ complete: 0, outdated: 1 })
  })
})

describe('what a person lands', () => {
  it('by replay of what landed for an earlier row set stays outdated', async () => {
    const world = await landed()
    await tickWith(world, OTHER_ROWS)
    expect(await replay(world.services, FEED.name, WINDOW)).toMatchObject({ attempt: 2 })
    await hint(world, world.services, { attempt: 2 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { attempt: 2 } })
    expect(await statusOf(world)).toMatchObject({ complete: 0, outdated: 1 })
  })

  it('by replay of an attempt that failed before the change stays outdated', async () => {
    const world = await worldOf()
    await provision(world.services)
    await serve(world, Buffer.from('Month,CustomerName,UsageQuantity\r\n2025-05-01,Contoso,many\r\n'))
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'too-many-rejects' })
    // Were it enabled, the changed feed would ask for the window again.
    await tickWith(world, { ...OTHER_ROWS, types: { UsageQuantity: 'string' }, enabled: false })
    await replay(world.services, FEED.name, WINDOW)
    await hint(world, world.services, { attempt: 2 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 1 } })
    expect(await statusOf(world)).toMatchObject({ complete: 0, outdated: 1 })
  })

  it.each([
    [true, COMPLETE],
    [false, { complete: 0, outdated: 1 }],
  ])(
    'by replay of an archive that no entry names is complete where that says what it answers (%s)',
    async (saysIt, expected) => {
      const world = await landed()
      const archive = String((await entryOf(world)).figures?.archive)
      const blob = world.container.getBlobClient(archive)
      // As an earlier version left it.
      const { rowset: _, selection: __, ...older } = (await blob.getProperties()).metadata ?? {}
      if (!saysIt) await blob.setMetadata(older)
      await forget(world.services, FEED.name, WINDOW)
      expect(await replay(world.services, FEED.name, WINDOW, archive)).toMatchObject({ attempt: 2 })
      await hint(world, world.services, { attempt: 2 })
      expect(await statusOf(world)).toMatchObject(expected)
    },
  )

  it('by replay after types were corrected is of the form of now', async () => {
    const world = await landed()
    await tickWith(world, { ...FEED, types: { UsageQuantity: 'string' } })
    expect(await statusOf(world)).toMatchObject({ earlierForm: 1 })
    await replay(world.services, FEED.name, WINDOW)
    await hint(world, world.services, { attempt: 2 })
    expect(await statusOf(world)).toMatchObject(COMPLETE)
  })

  it('by import is of the row set of now', async () => {
    const world = await landed()
    await tickWith(world, OTHER_ROWS)
    async function* bytes() {
      yield fileOf(names(3))
    }
    expect(await importReport(world.services, FEED.name, WINDOW, { name: 'may.csv', bytes })).toMatchObject({
      attempt: 2,
    })
    await hint(world, world.services, { attempt: 2 })
    expect(await statusOf(world)).toMatchObject({ ...COMPLETE, rows: 3 })
  })
})

describe('a feed whose name would stand for other rows', () => {
  const NEW_TABLE = { ...FEED, table: 'Elsewhere' }
  const NEW_DATASET = { ...FEED, dataset: 'OfficeUsage', columns: ['Month', 'CustomerName'] }

  const refusalOf = (change: string) => ({
    kind: 'query-refused',
    message: `feed usage: ${change}: give it a new name`,
    ...adviceOn('query-refused'),
  })

  it.each([
    ['table', NEW_TABLE, 'table changed from Usage to Elsewhere'],
    ['dataset', NEW_DATASET, 'dataset changed from AzureUsage to OfficeUsage'],
  ])(
    'because of its %s is refused: status says so, one event says so, and what has landed is still its own',
    async (_, changed, change) => {
      const world = await landed()
      for (let tick = 0; tick < 2; tick++) await tickWith(world, changed)
      expect(await statusOf(world)).toMatchObject({
        ...COMPLETE,
        dataset: 'AzureUsage',
        table: 'Usage',
        blocked: refusalOf(change),
      })
      const { kind, message, ...advice } = refusalOf(change)
      const remedy = adviceText(advice)
      expect(named(world, 'feed.blocked')).toEqual([{ event: 'feed.blocked', feed: 'usage', kind, message, remedy }])
    },
  )

  it('asks for nothing new, not even once a day, and claims no table', async () => {
    const world = await landed()
    const wider = { ...NEW_TABLE, from: '2025-01-01' }
    for (let day = 0; day < 3; day++) {
      expect(await tickWith(world, wider)).toMatchObject({ requested: 0 })
      await sweep(world.services)
      world.clock.advance(86_400_001)
    }
    expect(asked(world)).toHaveLength(1)
    expect(await world.services.ledger.readApp(tableRowKey('Elsewhere'))).toBeUndefined()
  })

  it('lands what is on its way as it was asked for, and stays refused', async () => {
    const world = await worldOf()
    await provision(world.services)
    await tickWith(world, NEW_TABLE)
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { table: 'Usage' } })
    expect(await statusOf(world)).toMatchObject({ blocked: refusalOf('table changed from Usage to Elsewhere') })
    expect(named(world, 'feed.unblocked')).toEqual([])
  })

  it('is free as soon as feeds.json is put right, and asks for nothing anew', async () => {
    const world = await landed()
    await tickWith(world, NEW_DATASET)
    expect(await tickWith(world, FEED)).toMatchObject({ requested: 0, waiting: 0 })
    expect(await statusOf(world)).toMatchObject(COMPLETE)
    expect(await statusOf(world)).not.toHaveProperty('blocked')
    expect(await feedRowOf(world)).not.toHaveProperty('refused')
  })

  it('is refused also when it comes back after it had left feeds.json', async () => {
    const world = await landed()
    await tickWith(world)
    await tickWith(world, NEW_DATASET)
    expect(await feedRowOf(world)).toMatchObject({ blocked: { kind: 'query-refused' }, feed: { enabled: false } })
  })

  it('takes a new name instead: its table is then its own', async () => {
    const world = await landed()
    await tickWith(world, NEW_TABLE)
    expect(await tickWith(world, { ...NEW_TABLE, name: 'usage-2' })).toMatchObject({ requested: 1 })
    await ingest({ ingest: { ...HINT, feed: 'usage-2' } }, world.services)
    expect(await rawRows(world.landingTable('Elsewhere'))).toHaveLength(40)
  })
})

it('an attempt names what it asked for from its request on', async () => {
  const world = await landed()
  await askAgain(world)
  const { rowSet, selection } = formNow(await feedRowOf(world))
  expect(await entryOf(world)).toMatchObject({ state: 'requested', asked: { rowSet, selection } })
})
