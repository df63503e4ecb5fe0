import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TableClient, TableEntity } from '@azure/data-tables'
import { describe, expect, inject, it } from 'vitest'
import { type Failure, isFailure } from '../../src/core/failures.ts'
import { LEDGER_VERSION } from '../../src/core/ledger/ledger.ts'
import { OVERVIEW_COLUMNS } from '../../src/core/ledger/ledger-row.ts'
import { NEVER } from '../../src/core/ledger/wake.ts'
import { isPacing } from '../../src/core/plan/pacing.ts'
import { MINUTE_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { openLedger } from '../../src/services/storage/ledger-table.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { type RawRow, rawRows } from '../pipeline/raw-rows.ts'
import { freshName, storageOf } from '../setup/storage.ts'
import { openWorld } from '../setup/world.ts'
import { MAY } from './one-window.ts'

/** Nothing of version 1 was released. */
const FIRST_RELEASED = 2

const SAMPLES = join(import.meta.dirname, '../samples')

/** The rows of a ledger as the app of some version left them, with the feeds and the archives that belong to them. */
type Sample = {
  readonly now: string
  readonly feeds: readonly object[]
  readonly archives: Readonly<Record<string, { readonly base64: string; readonly metadata: Record<string, string> }>>
  readonly rows: readonly RawRow[]
}

const VERSIONS = Array.from({ length: LEDGER_VERSION - FIRST_RELEASED + 1 }, (_, nth) => FIRST_RELEASED + nth)

function sampleOf(version: number): Sample {
  return JSON.parse(readFileSync(join(SAMPLES, `v${version}/ledger.json`), 'utf8'))
}

/** Stores the rows with the types that they state. */
async function plant(client: TableClient, rows: readonly RawRow[]): Promise<void> {
  for (const { PartitionKey, RowKey, ...row } of rows) {
    const properties = Object.entries(row).filter(([name]) => !name.includes('@'))
    const typed = properties.map(([name, value]) => [
      name,
      row[`${name}@odata.type`] === 'Edm.DateTime' ? { type: 'DateTime', value } : value,
    ])
    const keys = { partitionKey: String(PartitionKey), rowKey: String(RowKey) }
    await client.createEntity({ ...Object.fromEntries(typed), ...keys } as TableEntity)
  }
}

/** Rows by their keys, without what the service adds, when a timer looks at them, and the order inside a text. */
function comparable(rows: readonly RawRow[]): Readonly<Record<string, object>> {
  const isOwn = ([name]: readonly [string, unknown]) => !/^odata\.|@odata|^Timestamp|^wakeAt/.test(name)
  const plain = (row: RawRow) =>
    Object.fromEntries(
      Object.entries(row)
        .filter(isOwn)
        .map(([n, v]) => [n, parsed(v)]),
    )
  return Object.fromEntries(rows.map((row) => [`${row.PartitionKey} ${row.RowKey}`, plain(row)]))
}

function parsed(value: unknown): unknown {
  return typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value
}

/** What was read. Throws where it cannot be. */
function read<T extends object>(stored: T | Failure | undefined): T {
  if (!stored || isFailure(stored)) throw new Error(stored?.message ?? 'there is no such row')
  return stored
}

/** Reads every row as the steps do, and writes it again. Gives how many were written. */
async function writeAgain(client: TableClient): Promise<number> {
  const ledger = openLedger(client, () => NEVER)
  const app = await ledger.appRows()
  const written: unknown[] = []
  for (const feed of app.feeds.keys()) {
    const { value, etag } = read(await ledger.readFeed(feed))
    written.push(await ledger.writeFeed(value, etag))
    for await (const entry of ledger.scan(feed)) written.push(await ledger.write(read(entry.value), entry.etag))
    const plan = await ledger.readPlan(feed)
    if (plan) written.push(await ledger.writePlan(read(plan.value), plan.etag))
    for (const drop of (await ledger.drops(feed)).map(read)) written.push(await ledger.writeDrop(drop.value, drop.etag))
  }
  for (const { PartitionKey, RowKey } of await rawRows(client)) {
    const key = String(RowKey)
    if (PartitionKey !== '_app' || key.startsWith('feed~')) continue
    const { value, etag } = read(await ledger.readApp<object>(key))
    if (key.startsWith('pacing~')) expect(isPacing(value), key).toBe(true)
    written.push(await ledger.writeApp(key, value, etag))
  }
  expect(written).not.toContain(undefined)
  return written.length
}

describe('rows of earlier versions', () => {
  it('are kept as samples, from the first version that was released on', () => {
    expect(readdirSync(SAMPLES).toSorted()).toEqual(VERSIONS.map((version) => `v${version}`).toSorted())
  })

  it('of the present version have every property of an entry somewhere, and lack what may be absent elsewhere', () => {
    const entries = sampleOf(LEDGER_VERSION).rows.filter(({ state }) => state !== undefined)
    const names = new Set(entries.flatMap(Object.keys))
    expect(
      [...OVERVIEW_COLUMNS, 'progress', 'columns', 'reportName', 'asked'].filter((name) => !names.has(name)),
    ).toEqual([])
    const ofPlain = entries.filter(({ PartitionKey }) => PartitionKey === 'plain').flatMap(Object.keys)
    for (const name of [
      'lastError',
      'acceptEmpty',
      'hinted',
      'lookAfter',
      'columns',
      'archive',
      'progress',
      'refreshAt',
    ])
      expect(ofPlain).not.toContain(name)
  })
})

describe.each(VERSIONS)('the rows of version %i', (version) => {
  const { now, feeds, archives, rows } = sampleOf(version)

  it('are read, and lose nothing when they are written again', async () => {
    const client = storageOf(inject('storage')).table(freshName('samples'))
    await client.createTable()
    await plant(client, rows)
    const before = comparable(await rawRows(client))
    expect(before).toEqual(comparable(rows))
    expect(await writeAgain(client)).toBe(rows.length)
    expect(comparable(await rawRows(client))).toEqual(before)
    expect(new Set((await rawRows(client)).flatMap(({ v }) => v ?? []))).toEqual(new Set([LEDGER_VERSION]))
  })

  it('are carried forward by the steps: what stands stays, and what was under way ends', async () => {
    const world = await openWorld({ feeds, now, simulator: { rows: 12 } })
    const { services, clock, ledgerTable, container } = world
    await Promise.all([services.ledger.create(), services.archive.create()])
    await plant(ledgerTable, rows)
    for (const [name, { base64, metadata }] of Object.entries(archives))
      await container.getBlockBlobClient(name).uploadData(Buffer.from(base64, 'base64'), { metadata })
    for (let tick = 0; tick < 12; tick++) {
      clock.advance(15 * MINUTE_MS)
      await provision(services)
      await world.drain()
      await sweep(services)
      await world.drain()
    }
    const [before, after] = [comparable(rows), comparable(await rawRows(ledgerTable))]
    const entries = await world.entries()
    const outcomes = entries.map((entry) => [
      `${entry.feed} ${windowId(entry.window).slice(0, 6)}`,
      [entry.state, entry.attempt, entry.figures?.rowsLanded ?? 'no rows'],
    ])
    expect(Object.fromEntries(outcomes)).toEqual(CARRIED)
    // A landing that earlier code began is begun anew from its archive: the service is not asked again.
    const { archive } = before[`usage ${MAY}`] as RawRow
    expect(after[`usage ${MAY}`]).toMatchObject({ state: 'landed', figures: { archive } })
    // A feed that has left feeds.json keeps what is known of it.
    const { json, wide } = before['_app feed~everything'] as unknown as Readonly<Record<string, Readonly<RawRow>>>
    const { since, tenant, stretch, acceptedGaps, widerAt, healedAt, drift, filled } = { ...json, ...wide }
    expect(after['_app feed~everything']).toMatchObject({
      json: { since, tenant, stretch, acceptedGaps, widerAt, healedAt, drift, feed: { enabled: false } },
      wide: { filled },
    })
    for (const key of UNCHANGED) expect(after[key], key).toEqual(before[key])
    expect(Object.keys(before).filter((key) => key.includes('~drop_') && after[key])).toEqual([])
    for (const feed of ['usage', 'plain', 'removed'])
      expect(after[`${feed} _plan`], feed).toMatchObject({ plan: { spans: [[20_089, 20_270]], removedAttempt: 0 } })
    expect(world.events.filter(({ event }) => event === 'message.ignored' || event === 'app.settings')).toEqual([])
  })
})

/** What becomes of each entry in three hours: its state, its attempt and its rows. */
const CARRIED: Readonly<Record<string, readonly [state: string, attempt: number, rows: number | 'no rows']>> = {
  'usage 202501': ['landed', 1, 12],
  'usage 202502': ['landed', 3, 12],
  'usage 202503': ['landed', 3, 12],
  'usage 202504': ['landed', 3, 12],
  'usage 202505': ['landed', 3, 12],
  'usage 202506': ['landed', 3, 12],
  'plain 202501': ['landed', 1, 12],
  'plain 202502': ['landed', 3, 12],
  'plain 202503': ['landed', 2, 12],
  'plain 202504': ['landed', 2, 12],
  'plain 202505': ['landed', 2, 12],
  'plain 202506': ['failed', 1, 'no rows'],
  'removed 202501': ['landed', 1, 12],
  'removed 202502': ['landed', 1, 12],
  'removed 202503': ['landed', 1, 12],
  'removed 202504': ['landed', 1, 12],
  'removed 202505': ['landed', 1, 12],
  'removed 202506': ['landed', 1, 12],
}

const JANUARY = '20250101T000000Z_20250201T000000Z'

/** What no step has a reason to touch. */
const UNCHANGED = [
  ...['usage', 'plain', 'removed'].map((feed) => `${feed} ${JANUARY}`),
  ...['erased~removed', 'pacing~emea', 'pacing~plain', 'token~emea', 'started'].map((key) => `_app ${key}`),
  ...['usage', 'plain', 'removed'].map((feed) => `_app table~${feed}`),
]
