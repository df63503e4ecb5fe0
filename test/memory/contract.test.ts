import { describe, expect, inject, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { isFailure } from '../../src/core/failures.ts'
import type { Requesting } from '../../src/core/ledger/ledger.ts'
import { createEntityEncoder, type Entity, isReject } from '../../src/core/report/entities.ts'
import { parseWindowId, windowId } from '../../src/core/time/window.ts'
import { testClock } from '../setup/clock.ts'
import { createAzuriteStore } from './azurite-store.ts'
import { createMemoryStore } from './memory-store.ts'
import { type Store, unhindered } from './store.ts'

const MAY = '20250501T000000Z_20250601T000000Z'
const JUNE = '20250601T000000Z_20250701T000000Z'

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
  ['of Azurite', () => ({ store: createAzuriteStore(inject('storage')), pass: () => undefined })],
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
    history: [],
    state: 'requesting',
    reportName: 'pis test',
    queryId: 'q',
    requestedAt: new Date('2025-07-10T12:00:00Z'),
    ...change,
  }
}

type Made = { attempt?: number; shards?: number; prefix?: string }

function entities(count: number, { attempt = 1, shards = 3, prefix = '20250501_' }: Made = {}): Entity[] {
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

    it('keeps app rows apart from entries, and lists those of a prefix', async () => {
      const { ledger } = opened()
      await ledger.create()
      await ledger.write(entryOf(MAY), undefined)
      const written = await ledger.writeApp('feed~b', { b: 1 }, undefined)
      await ledger.writeApp('feed~a', { a: 'ä' }, undefined)
      await ledger.writeApp('feedless', {}, undefined)
      expect(await ledger.writeApp('feed~b', {}, undefined)).toBeUndefined()
      expect(await ledger.readApp('feed~b')).toEqual(written)
      expect(await ledger.readApp('feed~c')).toBeUndefined()
      expect(await ledger.appRows('feed~')).toEqual([{ a: 'ä' }, { b: 1 }])
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
        archive.write('f/w/1-x.csv', { reportId: nonce, attempt: 1, requestedAt, nonce }),
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
      })
      expect(blob?.bytes.equals(BYTES)).toBe(true)
    })

    it('lists the reports of one window, newest attempt first', async () => {
      const { archive } = opened()
      await archive.create()
      for (const name of ['f/w/2-x.csv', 'f/w/10-y.tsv.gz', 'f/w2/3-z.csv']) {
        await archive.write(name, { reportId: 'r', attempt: 1, requestedAt, nonce: name }).commit()
      }
      const rejects = archive.rejects('f/w/10-y.tsv.gz')
      await rejects.add({ record: 1, line: 2, reason: 'none', raw: '' })
      await rejects.close()
      expect(await archive.list('f', 'w')).toEqual([
        { name: 'f/w/10-y.tsv.gz', attempt: 10, executionId: 'y', reportId: 'r', requestedAt },
        { name: 'f/w/2-x.csv', attempt: 2, executionId: 'x', reportId: 'r', requestedAt },
      ])
      expect(await archive.list('f', 'nothing')).toEqual([])
    })

    it('is read in ranges', async () => {
      const { archive } = opened()
      await archive.create()
      const writer = archive.write('f/w/1-x.csv.gz', { reportId: 'r', attempt: 1, requestedAt, nonce: 'n' })
      await writer.append(BYTES)
      await writer.commit()
      const read = await all(archive.read('f/w/1-x.csv.gz'))
      expect(read.length).toBeGreaterThan(1)
      expect(Buffer.concat(read).equals(BYTES)).toBe(true)
      await expect(all(archive.read('missing.csv'))).rejects.toThrow()
    })

    it('holds the rejects of the last check, or none', async () => {
      const { store } = create()
      const { archive } = store.open(unhindered)
      await archive.create()
      const lists: string[] = []
      for (const reasons of [['first', 'second'], ['third'], [], []]) {
        const rejects = archive.rejects('f/w/1-x.csv')
        for (const reason of reasons) await rejects.add({ record: 1, line: 2, reason, raw: 'ä' })
        await rejects.close()
        lists.push((await store.blobs()).map(({ name, bytes }) => `${name} ${bytes}`).join())
      }
      const line = (reason: string) => `{"record":1,"line":2,"reason":"${reason}","raw":"ä"}\n`
      const name = 'f/w/1-x.rejects.jsonl'
      expect(lists).toEqual([`${name} ${line('first')}${line('second')}`, `${name} ${line('third')}`, '', ''])
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
      expect(await table.remove('20250501_', 1)).toEqual({ kept: 0, removed: 0, operations: 1 })
    })

    it('loses the rows of other attempts under the prefix, and counts those of this one', async () => {
      const { store, table } = await landed()
      await table.write(inPieces(entities(1250, { shards: 5 })), { inFlight: 8 })
      await table.write(inPieces(entities(20, { prefix: '20250601_' })), { inFlight: 8 })
      await table.write(inPieces(entities(350, { attempt: 2 })), { inFlight: 8 })
      expect(await table.remove('20250501_', 2)).toMatchObject({ kept: 350, removed: 900 + 50 })
      expect(await keys(store)).toHaveLength(350 + 20)
    })

    it('removes in parts: each part goes on where the last one ended, and together they remove everything', async () => {
      const { store, table } = await landed()
      await table.write(inPieces(entities(1250, { shards: 5 })), { inFlight: 8 })
      await table.write(inPieces(entities(350, { attempt: 2 })), { inFlight: 8 })
      const parts: string[] = ['']
      let kept = 0
      for (let from: string | undefined = '20250501_'; from !== undefined; ) {
        const part = await table.remove('20250501_', 2, { from, shouldPause: () => true })
        if (isFailure(part)) throw new Error(part.message)
        kept += part.kept
        from = part.next
        if (from) parts.push(from)
      }
      expect([kept, (await keys(store)).length]).toEqual([350, 350])
      expect(parts).toEqual(parts.toSorted())
      expect(new Set(parts).size).toBe(parts.length)
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
