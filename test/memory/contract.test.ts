import { describe, expect, inject, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { isFailure } from '../../src/core/failures.ts'
import {
  auditedRowKey,
  erasedRowKey,
  keptRowKey,
  TICK_KEY,
  tableRowKey,
  toldRowKey,
} from '../../src/core/ledger/app-rows.ts'
import type { Drop } from '../../src/core/ledger/drop.ts'
import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry, Requesting } from '../../src/core/ledger/ledger.ts'
import { rebuiltPlan } from '../../src/core/ledger/plan-row.ts'
import { createEntityEncoder, type Entity, isReject } from '../../src/core/report/entities.ts'
import { keyRange, toGeneration } from '../../src/core/report/generation.ts'
import { parseWindowId, windowId } from '../../src/core/time/window.ts'
import { blockId } from '../../src/services/storage/blocks.ts'
import type { Timer } from '../../src/services/storage/ledger.ts'
import { feedOf } from '../core/feed-of.ts'
import { testClock } from '../setup/clock.ts'
import { ASKED } from '../setup/stored.ts'
import { createAzuriteStore } from './azurite-store.ts'
import { createMemoryStore } from './memory-store.ts'
import { type Store, unhindered } from './store.ts'

const MAY = '20250501T000000Z_20250601T000000Z'
const MAY_ROWS = { keyFrom: '20250501_g0123456789ab_', keyTo: '20250501_g0123456789ab_~' }
const never = () => false
const JUNE = '20250601T000000Z_20250701T000000Z'

const NOW = new Date('2025-07-10T12:00:00Z')
const dayOf = (day: number) => `2025050${day}T000000Z_2025050${day + 1}T000000Z`

/** A store, and what makes seconds pass for it; for Azurite time passes by itself. */
type Kind = { readonly store: Store; pass(seconds: number): void }

const KINDS: readonly (readonly [string, () => Kind])[] = [
  [
    'in memory',
    () => {
      const clock = testClock('2025-07-10T12:00:00Z')
      return { store: createMemoryStore({ clock: clock.now }), pass: (seconds) => clock.advance(seconds * 1000) }
    },
  ],
  ['of Azurite', () => ({ store: createAzuriteStore(inject('storage'), () => NOW), pass: () => undefined })],
]

function entryOf(id: string, change: Partial<Requesting> = {}): Requesting {
  const window = parseWindowId(id)
  if (!window) throw new Error(`no window ${id}`)
  return {
    feed: 'usage',
    window,
    lane: 'live',
    attempt: 1,
    tries: 1,
    heals: 0,
    remoteReports: [],
    history: [],
    state: 'requesting',
    reportName: 'pis test',
    queryId: 'q',
    asked: { rowSet: 's', selection: 's' },
    requestedAt: new Date('2025-07-10T12:00:00Z'),
    ...change,
  }
}

/** A drop of rows of May, whose generation is one digit again and again. */
function dropOf(digit: string): Drop {
  const window = parseWindowId(MAY)
  const generation = toGeneration(digit.repeat(12))
  if (!window || !generation) throw new Error(`no generation ${digit}`)
  const wakeAt = new Date('2025-07-10T12:00:00Z')
  return { feed: 'usage', generation, table: 'Usage', ...keyRange(window, generation), wakeAt }
}

type Made = { attempt?: number; shards?: number; prefix?: string }

function entities(count: number, { attempt = 1, shards = 3, prefix = MAY_ROWS.keyFrom }: Made = {}): Entity[] {
  const columns = [{ name: 'Name', type: 'string' }] as const
  const encoder = createEntityEncoder({ columns, prefix, shards, lineage: { attempt, reportId: 'r' } })
  return Array.from({ length: count }, (_, number) => {
    const entity = encoder.encode({ line: number + 2, fields: [`row ${number}`], raw: '' }, number)
    if (isReject(entity)) throw new Error(entity.reason)
    return entity
  })
}

async function* inPieces(all: readonly Entity[]): AsyncGenerator<readonly Entity[]> {
  for (let at = 0; at < all.length; at += 70) yield all.slice(at, at + 70)
}

async function all(source: AsyncIterable<Buffer>): Promise<readonly Buffer[]> {
  const chunks: Buffer[] = []
  for await (const chunk of source) chunks.push(chunk)
  return chunks
}

describe.each(KINDS)('a store %s', (_, create) => {
  const opened = () => create().store.open(unhindered)

  describe('its ledger', () => {
    it('adds an entry once, changes it only under the ETag last given, and reads back what was written', async () => {
      const { ledger } = opened()
      await ledger.create()
      await ledger.create()
      const first = await ledger.write(entryOf(MAY), undefined)
      expect(await ledger.write(entryOf(MAY, { attempt: 9 }), undefined)).toBeUndefined()
      const changed = entryOf(MAY, { attempt: 2, lastError: { kind: 'storage', message: 'm', at: new Date(0) } })
      const second = await ledger.write(changed, first?.etag)
      expect(second?.value).toEqual(changed)
      expect(second?.etag).not.toBe(first?.etag)
      expect(await ledger.write(entryOf(MAY, { attempt: 9 }), first?.etag)).toBeUndefined()
      expect(await ledger.read('usage', windowId(changed.window))).toEqual(second)
    })

    it('neither gives nor takes an entry before its table is made', async () => {
      const { ledger } = opened()
      expect(await ledger.read('usage', windowId(entryOf(MAY).window))).toBeUndefined()
      expect(await ledger.write(entryOf(MAY), undefined)).toBeUndefined()
      await expect(ledger.entries('usage')).rejects.toThrow()
    })

    it('does not change an entry that is not there', async () => {
      const { ledger } = opened()
      await ledger.create()
      const june = await ledger.write(entryOf(JUNE), undefined)
      expect(await ledger.write(entryOf(MAY), june?.etag)).toBeUndefined()
    })

    it('lists the entries of one feed in the order of their windows', async () => {
      const { ledger } = opened()
      await ledger.create()
      for (const entry of [entryOf(JUNE), entryOf(MAY), entryOf(MAY, { feed: 'seats' })]) {
        await ledger.write(entry, undefined)
      }
      expect(await ledger.entries('usage')).toEqual([entryOf(MAY), entryOf(JUNE)])
      expect(await ledger.entries('nobody')).toEqual([])
    })

    it('lists entries, drops and feeds whole and in order, however many pages they take', async () => {
      const { ledger } = opened()
      await ledger.create()
      const days = Array.from({ length: 8 }, (_, nth) => `2025050${nth + 1}T000000Z_2025050${nth + 2}T000000Z`)
      for (const [nth, id] of days.toReversed().entries()) {
        await ledger.write(entryOf(id), undefined, { drops: [dropOf(String(nth))] })
        await ledger.writeFeed(newFeedRow(feedOf({ name: `usage-${nth}` }), {}, NOW), undefined)
      }
      const entries = await ledger.entries('usage')
      expect(entries.map((entry) => (isFailure(entry) ? '' : windowId(entry.window)))).toEqual(days)
      expect(await ledger.drops('usage')).toHaveLength(8)
      const names = days.map((_, nth) => `usage-${nth}`)
      expect((await ledger.feeds()).map((row) => (isFailure(row) ? '' : row.feed.name))).toEqual(names)
      expect([...(await ledger.appRows()).feeds.keys()]).toEqual(names)
    })

    it('lists the entries of windows that begin on one day', async () => {
      const { ledger } = opened()
      await ledger.create()
      const short = '20250501T000000Z_20250502T000000Z'
      for (const id of ['20250430T000000Z_20250501T000000Z', MAY, short, '20250502T000000Z_20250601T000000Z']) {
        await ledger.write(entryOf(id), undefined, { drops: id === MAY ? [dropOf('a')] : [] })
      }
      await ledger.write(entryOf(MAY, { feed: 'seats', attempt: 2 }), undefined)
      expect(await ledger.entriesOn('usage', '20250501')).toEqual([entryOf(short), entryOf(MAY)])
      expect(await ledger.entriesOn('usage', '20250503')).toEqual([])
    })

    it('writes an entry and its drops together, and on a conflict neither', async () => {
      const { ledger } = opened()
      await ledger.create()
      const first = await ledger.write(entryOf(MAY), undefined, { drops: [dropOf('a')] })
      expect(first?.value).toEqual(entryOf(MAY))
      expect(await ledger.read('usage', windowId(entryOf(MAY).window))).toEqual(first)
      const drops = () => ledger.drops('usage')
      expect(await drops()).toMatchObject([{ value: dropOf('a') }])
      const second = await ledger.write(entryOf(MAY, { attempt: 2 }), first?.etag, {
        drops: [dropOf('c'), dropOf('b')],
      })
      expect(await ledger.read('usage', windowId(entryOf(MAY).window))).toEqual(second)
      expect(await drops()).toMatchObject(['a', 'b', 'c'].map((digit) => ({ value: dropOf(digit) })))
      const before = await drops()
      expect(await ledger.write(entryOf(MAY, { attempt: 9 }), first?.etag, { drops: [dropOf('d')] })).toBeUndefined()
      expect(await ledger.write(entryOf(MAY, { attempt: 9 }), undefined, { drops: [dropOf('d')] })).toBeUndefined()
      expect(await ledger.write(entryOf(JUNE), first?.etag, { drops: [dropOf('d')] })).toBeUndefined()
      expect(
        await ledger.write(entryOf(MAY, { attempt: 9 }), second?.etag, { drops: [dropOf('d'), dropOf('a')] }),
      ).toBeUndefined()
      expect(await ledger.read('usage', windowId(entryOf(MAY).window))).toEqual(second)
      expect(await drops()).toEqual(before)
      expect(await ledger.entries('usage')).toEqual([entryOf(MAY, { attempt: 2 })])
      expect(await ledger.drops('seats')).toEqual([])
    })

    it('changes and ends a drop under the ETag last given, and no other', async () => {
      const { ledger } = opened()
      await ledger.create()
      await ledger.write(entryOf(MAY), undefined, { drops: [dropOf('a'), dropOf('b')] })
      const { generation } = dropOf('a')
      const read = async () => {
        const stored = await ledger.readDrop('usage', generation)
        return stored && !isFailure(stored) ? stored : undefined
      }
      const first = await read()
      expect(first?.value).toEqual(dropOf('a'))
      expect(await ledger.readDrop('usage', dropOf('c').generation)).toBeUndefined()
      const gone = { ...dropOf('a'), goneAt: new Date('2025-07-10T13:00:00Z') }
      const second = await ledger.writeDrop(gone, first?.etag ?? '')
      expect(second?.value).toEqual(gone)
      expect(await read()).toEqual(second)
      expect(await ledger.writeDrop(dropOf('a'), first?.etag ?? '')).toBeUndefined()
      if (first) await ledger.endDrop(first)
      expect(await read()).toEqual(second)
      if (second) await ledger.endDrop(second)
      expect(await read()).toBeUndefined()
      if (second) await ledger.endDrop(second)
      expect(await ledger.writeDrop(gone, second?.etag ?? '')).toBeUndefined()
      expect(await ledger.drops('usage')).toMatchObject([{ value: dropOf('b') }])
    })

    it('adds a drop once', async () => {
      const { ledger } = opened()
      await ledger.create()
      const added = await ledger.writeDrop(dropOf('a'), undefined)
      expect(added?.value).toEqual(dropOf('a'))
      expect(await ledger.writeDrop({ ...dropOf('a'), table: 'Other' }, undefined)).toBeUndefined()
      expect(await ledger.drops('usage')).toEqual([added])
      expect(await ledger.entries('usage')).toEqual([])
    })

    it('writes an entry and the plan of its feed together, and on a conflict of either neither', async () => {
      const { ledger } = opened()
      await ledger.create()
      const empty = await ledger.writePlan(rebuiltPlan('usage', [], undefined, NOW), undefined)
      if (!empty) throw new Error('no plan')
      expect(await ledger.writePlan(empty.value, undefined)).toBeUndefined()
      const withMay = { ...empty.value, spans: [entryOf(MAY).window] }
      const first = await ledger.write(entryOf(MAY), undefined, { plan: { value: withMay, etag: empty.etag } })
      expect(first?.plan?.value).toEqual(withMay)
      expect(await ledger.readPlan('usage')).toEqual(first?.plan)
      const late = { value: { ...withMay, removedAttempt: 9 }, etag: empty.etag }
      expect(await ledger.write(entryOf(JUNE), undefined, { plan: late })).toBeUndefined()
      const current = { value: late.value, etag: first?.plan?.etag ?? '' }
      expect(await ledger.write(entryOf(MAY), undefined, { plan: current })).toBeUndefined()
      expect(await ledger.readPlan('usage')).toEqual(first?.plan)
      expect(await ledger.entries('usage')).toEqual([entryOf(MAY)])
      expect(await ledger.readPlan('seats')).toBeUndefined()
    })

    it('removes an entry under the ETag last given, and no other', async () => {
      const { ledger } = opened()
      await ledger.create()
      const may = await ledger.write(entryOf(MAY), undefined)
      const june = await ledger.write(entryOf(JUNE), undefined)
      if (!may || !june) throw new Error('nothing to remove')
      expect(await ledger.remove(may.value, june.etag)).toBe(false)
      expect(await ledger.entries('usage')).toEqual([entryOf(MAY), entryOf(JUNE)])
      expect(await ledger.remove(may.value, may.etag)).toBe(true)
      expect(await ledger.remove(may.value, may.etag)).toBe(false)
      expect(await ledger.entries('usage')).toEqual([entryOf(JUNE)])
    })

    it('removes the plan of a feed, a row of the app and that of a feed as it does an entry', async () => {
      const { ledger } = opened()
      const removals = [
        ['plan', () => ledger.readPlan('usage'), (etag: string) => ledger.removePlan('usage', etag)],
        ['app row', () => ledger.readApp('tick~a'), (etag: string) => ledger.removeApp('tick~a', etag)],
        ['feed', () => ledger.readFeed('usage'), (etag: string) => ledger.removeApp('feed~usage', etag)],
      ] as const
      await ledger.create()
      const other = await ledger.writePlan(rebuiltPlan('seats', [], undefined, NOW), undefined)
      for (const [what, , remove] of removals) expect(await remove(other?.etag ?? ''), what).toBe(false)
      const feed = newFeedRow(feedOf({ name: 'usage' }), {}, NOW)
      const plan = rebuiltPlan('usage', [], undefined, NOW)
      const first = [
        await ledger.writePlan(plan, undefined),
        await ledger.writeApp('tick~a', { a: 1 }, undefined),
        await ledger.writeFeed(feed, undefined),
      ].map((stored) => stored?.etag ?? '')
      await ledger.writeApp('tick~b', { b: 1 }, undefined)
      const entry = await ledger.write(entryOf(MAY), undefined)
      // Somebody else changes each of them.
      await ledger.writePlan({ ...plan, removedAttempt: 3 }, first[0])
      await ledger.writeApp('tick~a', { a: 2 }, first[1])
      await ledger.writeFeed({ ...feed, chosen: ['A'] }, first[2])
      for (const [nth, [what, read, remove]] of removals.entries()) {
        const stored = await read()
        if (!stored || isFailure(stored)) throw new Error(`no ${what}`)
        expect(await remove(first[nth] ?? ''), what).toBe(false)
        expect(await read(), what).toEqual(stored)
        expect(await remove(stored.etag), what).toBe(true)
        expect(await read(), what).toBeUndefined()
        expect(await remove(stored.etag), what).toBe(false)
      }
      expect([...(await ledger.appRows()).feeds.keys()]).toEqual([])
      expect(await ledger.readPlan('seats')).toBeDefined()
      expect((await ledger.readApp('tick~b'))?.value).toEqual({ b: 1 })
      expect(await ledger.read('usage', windowId(entryOf(MAY).window))).toMatchObject({ etag: entry?.etag })
      // What was removed can be added again.
      expect(await ledger.writePlan(plan, undefined)).toBeDefined()
      expect(await ledger.writeApp('tick~a', { a: 3 }, undefined)).toBeDefined()
    })

    it('shows each timer what is due, and nothing of what rests', async () => {
      const { ledger } = opened()
      await ledger.create()
      await ledger.writePlan(rebuiltPlan('usage', [], undefined, NOW), undefined)
      const planned = (day: number, notBefore: string): LedgerEntry => {
        const { reportName: _, queryId: __, requestedAt: ___, ...shared } = entryOf(dayOf(day))
        return { ...shared, state: 'planned', reason: 'retry', notBefore: new Date(notBefore) }
      }
      const due = [
        entryOf(dayOf(1), { requestedAt: new Date('2025-07-10T11:50:00Z') }),
        planned(2, '2025-07-10T12:00:00Z'),
      ]
      const resting = [
        entryOf(dayOf(3), { requestedAt: new Date('2025-07-10T11:58:00Z') }),
        planned(4, '2025-07-10T12:00:01Z'),
        { ...planned(5, NOW.toISOString()), state: 'failed', kind: 'malformed', message: 'm', since: NOW } as const,
      ]
      for (const entry of [...due, ...resting]) await ledger.write(entry, undefined)
      const drop = { ...dropOf('b'), wakeAt: new Date('2025-07-10T13:00:00Z') }
      await ledger.write(entryOf(dayOf(6), { requestedAt: new Date('2025-07-10T11:59:00Z') }), undefined, {
        drops: [dropOf('a'), drop],
      })
      const seen = async (timer: Timer, now: Date) => {
        const { plan, entries, drops } = await ledger.due('usage', timer, now)
        const of = (rows: typeof entries | typeof drops) =>
          rows.map((row) =>
            isFailure(row)
              ? row.message
              : 'generation' in row.value
                ? row.value.generation[0]
                : row.value.window.from.getUTCDate(),
          )
        return [plan !== undefined, of(entries), of(drops)]
      }
      expect(await seen('provision', NOW)).toEqual([true, [2], []])
      expect(await seen('sweep', NOW)).toEqual([false, [1], ['a']])
      expect(await seen('provision', new Date('2025-07-10T12:00:01Z'))).toEqual([true, [2, 4], []])
      expect(await seen('sweep', new Date('2025-07-10T13:00:00Z'))).toEqual([false, [1, 3, 6], ['a', 'b']])
      // Nine days before, all that is stored lies further ahead than any right clock writes.
      expect(await seen('sweep', new Date('2025-07-01T11:00:00Z'))).toEqual([false, [1, 3, 6], ['a', 'b']])
      expect(await seen('provision', new Date('2025-07-01T11:00:00Z'))).toEqual([true, [2, 4], []])
      expect(await ledger.due('seats', 'provision', NOW)).toEqual({ entries: [], drops: [] })
    })

    it('leaves out planned history of early windows where a feed is paused', async () => {
      const { ledger } = opened()
      await ledger.create()
      const planned = (day: number, reason: 'refresh' | 'retry', lane: 'live' | 'backfill'): LedgerEntry => {
        const { reportName: _, queryId: __, requestedAt: ___, ...shared } = entryOf(dayOf(day))
        return { ...shared, lane, state: 'planned', reason, notBefore: NOW }
      }
      const all = [
        planned(1, 'retry', 'backfill'),
        planned(2, 'refresh', 'backfill'),
        planned(3, 'retry', 'live'),
        planned(4, 'retry', 'backfill'),
        planned(5, 'retry', 'backfill'),
      ]
      for (const entry of all) await ledger.write(entry, undefined)
      const days = async (pausedBefore?: Date) =>
        (await ledger.due('usage', 'provision', NOW, pausedBefore)).entries.map((each) =>
          isFailure(each) ? each.message : each.value.window.from.getUTCDate(),
        )
      expect(await days()).toEqual([1, 2, 3, 4, 5])
      expect(await days(new Date('2025-05-05T00:00:00Z'))).toEqual([2, 3, 5])
    })

    it('keeps app rows apart from entries, and gives all of them at once', async () => {
      const { ledger } = opened()
      await ledger.create()
      await ledger.write(entryOf(MAY), undefined)
      const written = await ledger.writeApp('tick~b', { b: 1 }, undefined)
      await ledger.writeApp('tick~a', { a: 'ä' }, undefined)
      expect(await ledger.writeApp('tick~b', {}, undefined)).toBeUndefined()
      expect(await ledger.readApp('tick~b')).toEqual(written)
      expect(await ledger.readApp('tick~c')).toBeUndefined()
      const rows = await ledger.appRows()
      expect([rows.get('tick~a')?.value, rows.get('tick~b'), rows.get('tick~c')]).toEqual([
        { a: 'ä' },
        written,
        undefined,
      ])
    })

    it('gives a timer no app rows that it has no use for', async () => {
      const { ledger } = opened()
      await ledger.create()
      const of = {
        audited: auditedRowKey('a'),
        kept: keptRowKey('a'),
        erased: erasedRowKey('a'),
        told: toldRowKey('a'),
      }
      const keys = [...Object.values(of), tableRowKey('a'), TICK_KEY]
      for (const key of keys) await ledger.writeApp(key, { key }, undefined)
      const given = async (timer?: Timer) => {
        const rows = await ledger.appRows(timer)
        return keys.filter((key) => rows.get(key) !== undefined)
      }
      expect(await given()).toEqual(keys)
      expect(await given('provision')).toEqual([tableRowKey('a'), TICK_KEY])
      expect(await given('sweep')).toEqual([of.audited, of.kept, TICK_KEY])
    })

    it('keeps the row of a feed whole, and gives its outline with all app rows', async () => {
      const { ledger } = opened()
      await ledger.create()
      const feed = feedOf({ name: 'usage', from: '2025-01-01' })
      const query = { queryId: 'q', hash: feed.hash, columns: ['A', 'B'], ours: true }
      const row: FeedRow = { ...newFeedRow(feed, {}, NOW), query, chosen: ['A'] }
      const written = await ledger.writeFeed(row, undefined)
      expect(await ledger.writeFeed(row, undefined)).toBeUndefined()
      expect(await ledger.readFeed('usage')).toEqual(written)
      expect(await ledger.readFeed('seats')).toBeUndefined()
      expect(await ledger.feeds()).toEqual([row])
      const { name, account, dataset, grain, table, cadence, delay, enabled, hash } = feed
      const outline = { name, account, dataset, grain, table, cadence, delay, enabled, hash }
      const { columns: _, ...registered } = query
      const { feeds } = await ledger.appRows()
      expect([...feeds.keys()]).toEqual(['usage'])
      const { chosen: __, ...rest } = row
      expect(feeds.get('usage')).toEqual({ value: { ...rest, feed: outline, query: registered }, etag: written?.etag })
    })

    it('stops at a row of a feed that something else wrote, and gives the others', async () => {
      const { ledger } = opened()
      await ledger.create()
      const feed = feedOf({ name: 'usage', from: '2025-01-01' })
      await ledger.writeFeed(newFeedRow(feed, {}, NOW), undefined)
      await ledger.writeApp('feed~seats', { feed: 'seats' }, undefined)
      const unreadable = expect.objectContaining({ kind: 'unreadable-entry' })
      expect(await ledger.readFeed('seats')).toEqual(unreadable)
      expect(await ledger.feeds()).toEqual([unreadable, expect.objectContaining({ feed })])
      const { feeds } = await ledger.appRows()
      expect(feeds.get('seats')).toEqual(unreadable)
      expect(feeds.get('usage')).toMatchObject({ value: { since: NOW.toISOString() } })
    })
  })

  describe('its archive', () => {
    const requestedAt = new Date('2025-07-10T12:00:00Z')
    const BYTES = Buffer.alloc(9 * 1024 * 1024, 'a report of nine mebibytes, ')

    it('is committed once: the second writer is given what the first one stored', async () => {
      const { store } = create()
      const { archive } = store.open(unhindered)
      await archive.create()
      const [one, two] = ['one', 'two'].map((nonce) =>
        archive.write('f/w/1-x.csv', { asked: ASKED, reportId: nonce, attempt: 1, requestedAt, nonce }),
      )
      await one?.append(BYTES.subarray(0, 5_000_000))
      await two?.append(Buffer.from('other'))
      await one?.append(BYTES.subarray(5_000_000))
      expect(await archive.find('f/w/1-x.csv')).toBeUndefined()
      const first = await one?.commit()
      expect(first).toMatchObject({ name: 'f/w/1-x.csv', bytes: BYTES.length })
      expect(await two?.commit()).toEqual(first)
      expect(await archive.find('f/w/1-x.csv')).toEqual(first)
      const [blob] = await store.blobs()
      expect(blob).toMatchObject({ contentType: 'text/csv' })
      expect(blob?.metadata).toEqual({
        sha256: first?.sha256,
        reportid: 'one',
        attempt: '1',
        requestedat: requestedAt.toISOString(),
        rowset: ASKED.rowSet,
        selection: ASKED.selection,
      })
      expect(blob?.bytes.equals(BYTES)).toBe(true)
    })

    it('lists the reports of one window, newest attempt first', async () => {
      const { archive } = opened()
      await archive.create()
      for (const name of ['f/w/2-x.csv', 'f/w/10-y.tsv.gz', 'f/w2/3-z.csv']) {
        await archive.write(name, { asked: ASKED, reportId: 'r', attempt: 1, requestedAt, nonce: name }).commit()
      }
      const rejects = archive.rejects('f/w/10-o.rejects.jsonl')
      await rejects.add({ record: 1, line: 2, reason: 'none', raw: '' })
      await rejects.close()
      expect(await archive.list('f', 'w')).toEqual([
        { name: 'f/w/10-y.tsv.gz', attempt: 10, executionId: 'y', reportId: 'r', requestedAt, asked: ASKED },
        { name: 'f/w/2-x.csv', attempt: 2, executionId: 'x', reportId: 'r', requestedAt, asked: ASKED },
      ])
      expect(await archive.list('f', 'nothing')).toEqual([])
    })

    it('names all that was left of a feed or of one window of it, and removes what it is told, once or twice', async () => {
      const { archive } = opened()
      await archive.create()
      for (const name of ['f/w/2-x.csv', 'f/w/10-y.tsv.gz', 'f/w2/3-z.csv', 'f2/w/1-a.csv']) {
        await archive.write(name, { asked: ASKED, reportId: 'r', attempt: 1, requestedAt, nonce: name }).commit()
      }
      const rejects = archive.rejects('f/w/10-o.rejects.jsonl')
      await rejects.add({ record: 1, line: 2, reason: 'none', raw: '' })
      await rejects.close()
      const ofWindow = [
        { name: 'f/w/10-o.rejects.jsonl', window: 'w', attempt: 10, isRejects: true },
        { name: 'f/w/10-y.tsv.gz', window: 'w', attempt: 10, isRejects: false, requestedAt },
        { name: 'f/w/2-x.csv', window: 'w', attempt: 2, isRejects: false, requestedAt },
      ]
      const other = { name: 'f/w2/3-z.csv', window: 'w2', attempt: 3, isRejects: false, requestedAt }
      expect(await Array.fromAsync(archive.names('f'))).toEqual([...ofWindow, other])
      expect(await Array.fromAsync(archive.names('f', 'w'))).toEqual(ofWindow)
      expect(await Array.fromAsync(archive.names('nobody'))).toEqual([])
      // A page may have been read before something went.
      for await (const { name } of archive.names('f', 'w')) await archive.remove(name)
      await archive.remove('f/w/2-x.csv')
      expect(await Array.fromAsync(archive.names('f'))).toEqual([other])
      expect(await archive.find('f/w/2-x.csv')).toBeUndefined()
      expect(await archive.list('f', 'w')).toEqual([])
      expect(await Array.fromAsync(archive.names('f2'))).toHaveLength(1)
      // The same name may be written again.
      await archive.write('f/w/2-x.csv', { asked: ASKED, reportId: 'r', attempt: 2, requestedAt, nonce: 'n' }).commit()
      expect(await archive.find('f/w/2-x.csv')).toMatchObject({ bytes: 0 })
    })

    it('is read in ranges', async () => {
      const { archive } = opened()
      await archive.create()
      const writer = archive.write('f/w/1-x.csv.gz', {
        asked: ASKED,
        reportId: 'r',
        attempt: 1,
        requestedAt,
        nonce: 'n',
      })
      await writer.append(BYTES)
      await writer.commit()
      const read = await all(archive.read('f/w/1-x.csv.gz'))
      expect(read.length).toBeGreaterThan(1)
      expect(Buffer.concat(read).equals(BYTES)).toBe(true)
      await expect(all(archive.read('missing.csv'))).rejects.toThrow()
    })

    it('is read under the ETag it was found with, and under no other', async () => {
      const { archive } = opened()
      await archive.create()
      const writer = archive.write('f/w/1-x.csv', { asked: ASKED, reportId: 'r', attempt: 1, requestedAt, nonce: 'n' })
      await writer.append(Buffer.from('a report'))
      const { etag } = await writer.commit()
      expect(String(Buffer.concat(await all(archive.read('f/w/1-x.csv', etag))))).toBe('a report')
      await expect(all(archive.read('f/w/1-x.csv', '"another"'))).rejects.toThrow()
    })

    it('holds the rejects of each owner, as its last check gave them, or none', async () => {
      const { store } = create()
      const { archive } = store.open(unhindered)
      await archive.create()
      const list = async (owner: string, reasons: readonly string[]) => {
        const rejects = archive.rejects(`f/w/1-${owner}.rejects.jsonl`)
        expect(rejects.name).toBe(`f/w/1-${owner}.rejects.jsonl`)
        for (const reason of reasons) await rejects.add({ record: 1, line: 2, reason, raw: 'ä' })
        await rejects.close()
        return (await store.blobs()).map(({ name, bytes }) => `${name} ${bytes}`)
      }
      const line = (reason: string) => `{"record":1,"line":2,"reason":"${reason}","raw":"ä"}\n`
      const [one, two] = ['one', 'two'].map((owner) => `f/w/1-${owner}.rejects.jsonl`)
      expect(await list('one', ['first', 'second'])).toEqual([`${one} ${line('first')}${line('second')}`])
      expect(await list('two', ['other'])).toEqual([
        `${one} ${line('first')}${line('second')}`,
        `${two} ${line('other')}`,
      ])
      expect(await list('one', ['third'])).toEqual([`${one} ${line('third')}`, `${two} ${line('other')}`])
      expect(await list('three', [])).toHaveLength(2)
    })
  })

  describe('its published files', () => {
    const NAME = 'Usage/2025-05-01_2025-06-01.parquet'
    const metadata = { generation: '0123456789ab', sha256: 'ab' }
    const statusOf = (doing: Promise<unknown>) =>
      doing.then(
        () => 'no error',
        (error: { readonly statusCode?: unknown }) => error.statusCode,
      )

    async function container() {
      const { publishedFiles: files } = opened()
      await files.create()
      await files.create()
      /** Sends blocks with these contents, and gives their ids. */
      const stage = async (owner: string, contents: readonly string[], name = NAME) => {
        const ids = contents.map((_, number) => blockId(owner, number))
        for (const [number, id] of ids.entries()) await files.stage(name, id, Buffer.from(contents[number] ?? ''))
        return ids
      }
      /** Writes a file in one go, over whatever stands, and gives it as it is found. */
      const write = async (owner: string, contents: readonly string[], name = NAME) => {
        const ids = await stage(owner, contents, name)
        expect(await files.commit(name, { ids, metadata }, (await files.find(name))?.etag)).toBe(true)
        return (await files.find(name)) ?? expect.fail(`${name} is not there`)
      }
      const content = async (name = NAME) => {
        const file = await files.find(name)
        return file && String(await files.read(file, 0, file.bytes))
      }
      return { files, stage, write, content }
    }

    it('has no file before blocks are committed, and then all of it in one write', async () => {
      const { files, stage, content } = await container()
      const ids = await stage('a', ['one ', 'two ', 'three'])
      expect(await files.find(NAME)).toBeUndefined()
      expect(await Array.fromAsync(files.list('Usage/'))).toEqual([])
      expect(await statusOf(files.blocks('Usage/2025-06-01_2025-07-01.parquet'))).toBe(404)
      expect(await files.commit(NAME, { ids, metadata }, undefined)).toBe(true)
      const file = await files.find(NAME)
      expect(file).toEqual({ name: NAME, bytes: 13, metadata, etag: file?.etag, changedAt: expect.any(Date) })
      expect(await content()).toBe('one two three')
      expect(await files.blocks(NAME)).toEqual(ids)
    })

    it('gives ranges of a file under the ETag it was found with, and of no other', async () => {
      const { files, write } = await container()
      const first = await write('a', ['one ', 'two'])
      expect(String(await files.read(first, 2, 6))).toBe('e tw')
      const second = await write('b', ['another'])
      expect(second.etag).not.toBe(first.etag)
      expect(await statusOf(files.read(first, 0, 4))).toBe(412)
      await files.remove(NAME)
      // Azurite looks at the condition first.
      expect([404, 412]).toContain(await statusOf(files.read(second, 0, 4)))
    })

    it('commits in place of the file of an ETag, or of none, and else not', async () => {
      const { files, stage, write, content } = await container()
      const ids = await stage('a', ['none'])
      expect(await files.commit(NAME, { ids }, '"0x1"')).toBe(false)
      const first = await write('b', ['first'])
      const later = await stage('c', ['second'])
      expect(await files.commit(NAME, { ids: later }, undefined)).toBe(false)
      expect(await files.commit(NAME, { ids: later }, '"0x1"')).toBe(false)
      expect(await content()).toBe('first')
      // What was refused took nothing away.
      expect(await files.commit(NAME, { ids: later }, first.etag)).toBe(true)
      expect(await files.find(NAME)).toMatchObject({ metadata: {}, bytes: 6 })
      expect(await content()).toBe('second')
    })

    it('takes the blocks of all writers away with a commit, but for those that it names', async () => {
      const { files, stage, write, content } = await container()
      const others = await stage('a', ['of another'])
      const first = await write('b', ['first'])
      expect(await files.commit(NAME, { ids: others }, first.etag)).toBe(false)
      const own = await stage('c', ['second'])
      expect(await files.commit(NAME, { ids: [...own, ...others] }, first.etag)).toBe(false)
      expect(await content()).toBe('first')
      // The same blocks, sent again, are taken.
      await stage('a', ['of another'])
      expect(await files.commit(NAME, { ids: others }, first.etag)).toBe(true)
      expect(await content()).toBe('of another')
    })

    it('goes on with blocks of the commit before, which another order or a shorter list may leave out', async () => {
      const { files, stage, write, content } = await container()
      const first = await write('a', ['rows 1, ', 'footer'])
      const kept = (await files.blocks(NAME)).slice(0, -1)
      const added = await stage('b', ['rows 2, ', 'new footer'])
      expect(await files.commit(NAME, { ids: [...kept, ...added], metadata }, first.etag)).toBe(true)
      expect(await content()).toBe('rows 1, rows 2, new footer')
      const second = await files.find(NAME)
      const dropped = [blockId('a', 1)]
      expect(await files.commit(NAME, { ids: dropped, metadata }, second?.etag)).toBe(false)
      // A block that is sent again under the id of a committed one stands for it from the next commit on.
      await stage('a', ['rows 0, '])
      expect(await content()).toBe('rows 1, rows 2, new footer')
      expect(await files.commit(NAME, { ids: [...kept, ...added], metadata }, second?.etag)).toBe(true)
      expect(await content()).toBe('rows 0, rows 2, new footer')
    })

    it('removes a file, or only that of an ETag, and says whether it is gone', async () => {
      const { files, write, content } = await container()
      expect(await files.remove(NAME)).toBe(true)
      expect(await files.remove(NAME, '"0x1"')).toBe(true)
      const first = await write('a', ['first'])
      const second = await write('b', ['second'])
      expect(await files.remove(NAME, first.etag)).toBe(false)
      expect(await content()).toBe('second')
      expect(await files.remove(NAME, second.etag)).toBe(true)
      expect(await files.find(NAME)).toBeUndefined()
      const third = await write('c', ['third'])
      expect(third.etag).not.toBe(first.etag)
      expect(await files.remove(NAME)).toBe(true)
      expect(await files.find(NAME)).toBeUndefined()
    })

    it('lists the files of a folder as they are found, under ETags that hold', async () => {
      const { files, stage, write } = await container()
      const staged = '_staging/0123456789ab.parquet'
      const june = 'Usage/2025-06-01_2025-07-01.parquet'
      const found = [await write('b', ['June'], june), await write('a', ['May']), await write('c', ['x'], staged)]
      await write('d', ['other'], 'UsageOfOthers/2025-05-01_2025-06-01.parquet')
      await stage('e', ['not yet'], 'Usage/2025-07-01_2025-08-01.parquet')
      const listed = await Array.fromAsync(files.list('Usage/'))
      expect(listed.map(({ name, bytes }) => [name, bytes])).toEqual([
        [NAME, 3],
        [june, 4],
      ])
      expect(listed.map((file) => file.metadata)).toEqual([metadata, metadata])
      expect(listed.map((file) => file.changedAt)).toEqual([found[1]?.changedAt, found[0]?.changedAt])
      expect(await Array.fromAsync(files.list('_staging/'))).toMatchObject([{ name: staged }])
      expect(await Array.fromAsync(files.list('Nothing/'))).toEqual([])
      await write('f', ['changed'])
      const [may, other] = listed
      expect(may && (await files.remove(may.name, may.etag))).toBe(false)
      expect(other && (await files.remove(other.name, other.etag))).toBe(true)
      expect((await Array.fromAsync(files.list('Usage/'))).map(({ name }) => name)).toEqual([NAME])
    })
  })

  describe('its landing table', () => {
    const keys = async (store: Store) =>
      (await store.rows('Usage')).map(({ PartitionKey, RowKey, _attempt }) => `${PartitionKey} ${RowKey} ${_attempt}`)

    async function landed() {
      const { store } = create()
      const table = store.open(unhindered).landingTable('Usage')
      await table.create()
      await table.create()
      return { store, table }
    }

    it('holds what was written, whole, over what stood under the same keys', async () => {
      const { store, table } = await landed()
      const whole = { acknowledged: 250, operations: 3, refused: [] }
      expect(await table.write(inPieces(entities(250)), { inFlight: 2 })).toEqual(whole)
      expect(await table.write(inPieces(entities(250, { attempt: 2 })), { inFlight: 2 })).toEqual(whole)
      const expected = entities(250, { attempt: 2 }).map(({ partitionKey, rowKey }) => `${partitionKey} ${rowKey} 2`)
      expect(new Set(await keys(store))).toEqual(new Set(expected))
      expect((await store.rows('Usage'))[7]).toMatchObject({ RowKey: '000000007', Name: 'row 7', _line: 9 })
    })

    it('leaves out the row it refuses, and says which', async () => {
      const { store, table } = await landed()
      const rows = entities(10).map((entity, index) =>
        index === 6 ? { ...entity, json: entity.json.replace('row 6', 'x'.repeat(40_000)) } : entity,
      )
      expect(await table.write(inPieces(rows), { inFlight: 2 })).toEqual({
        acknowledged: 9,
        operations: 2,
        refused: [{ rowKey: '000000006', code: 'PropertyValueTooLarge' }],
      })
      expect(await keys(store)).toHaveLength(9)
    })

    it('gives a failure when rows are written before it is made, and has nothing to remove then', async () => {
      const table = opened().landingTable('Usage')
      const written = await table.write(inPieces(entities(1)), { inFlight: 2 })
      expect(isFailure(written) && written.kind).toBe('storage')
      expect(await table.remove(MAY_ROWS, never)).toEqual({ isDone: true, operations: 1 })
      expect(await table.count(MAY_ROWS, never)).toEqual({ rows: 0, operations: 1 })
    })

    it('counts and removes the rows of a generation, and no others', async () => {
      const { store, table } = await landed()
      await table.write(inPieces(entities(1250, { shards: 5 })), { inFlight: 8 })
      await table.write(inPieces(entities(350, { prefix: '20250501_g0123456789ac_' })), { inFlight: 8 })
      await table.write(inPieces(entities(20, { prefix: '20250501_g0123456789aa_' })), { inFlight: 8 })
      expect(await table.count(MAY_ROWS, never)).toMatchObject({ rows: 1250 })
      expect(await table.remove(MAY_ROWS, never)).toMatchObject({ isDone: true })
      expect(await table.count(MAY_ROWS, never)).toMatchObject({ rows: 0 })
      expect(await keys(store)).toHaveLength(370)
    })

    it('leads from partition to partition, whatever is in them', async () => {
      const { table } = await landed()
      const others = ["It's mine", 'ours too'].flatMap((prefix) => entities(1, { prefix, shards: 1 }))
      await table.write(inPieces(others), { inFlight: 8 })
      await table.write(inPieces(entities(250, { shards: 2 })), { inFlight: 8 })
      const walked: unknown[] = []
      for (let key: unknown = ''; typeof key === 'string' && walked.length < 9; walked.push(key))
        key = await table.partitionAfter(key)
      const own = ['000', '001'].map((shard) => MAY_ROWS.keyFrom + shard)
      expect(walked).toEqual([...own, "It's mine000", 'ours too000', undefined])
      expect(await table.partitionAfter(MAY_ROWS.keyTo)).toBe("It's mine000")
      expect(await opened().landingTable('Usage').partitionAfter('')).toBeUndefined()
    })

    it('counts part by part: each part goes on where the one before ended, and all are the whole', async () => {
      const { table } = await landed()
      await table.write(inPieces(entities(2250, { shards: 2 })), { inFlight: 8 })
      const starts: string[] = []
      let rows = 0
      for (let keyFrom: string | undefined = MAY_ROWS.keyFrom; keyFrom !== undefined; ) {
        const part = await table.count({ ...MAY_ROWS, keyFrom }, () => true)
        if (isFailure(part)) throw new Error(part.message)
        starts.push(keyFrom)
        rows += part.rows
        keyFrom = part.next
      }
      expect([rows, starts]).toEqual([2250, [MAY_ROWS.keyFrom, `${MAY_ROWS.keyFrom}001`]])
    })

    it('removes part by part, until it says that no row is left', async () => {
      const { store, table } = await landed()
      await table.write(inPieces(entities(1250, { shards: 5 })), { inFlight: 8 })
      const left: number[] = []
      for (let isDone = false; !isDone; left.push((await keys(store)).length)) {
        const part = await table.remove(MAY_ROWS, () => true)
        if (isFailure(part)) throw new Error(part.message)
        isDone = part.isDone
      }
      expect(left).toEqual([250, 0, 0])
    })
  })

  it('shows a message at once or after its delay, and hides it while somebody has taken it', async () => {
    const { store, pass } = create()
    const { queue } = store.open(unhindered)
    const message = { feed: 'usage', window: MAY, attempt: 1 }
    await queue.send({ ...message, attempt: 2 }, 1)
    await queue.send(message)
    const taken = await store.receive()
    expect(taken?.body).toEqual({ ingest: message })
    expect(await store.receive()).toBeUndefined()
    pass(1)
    await waitUntil('the delay is over', async () => {
      const late = await store.receive()
      await late?.complete()
      return late !== undefined
    })
    await taken?.complete()
    pass(61)
    expect(await store.receive()).toBeUndefined()
  })
})
