import { TableClient } from '@azure/data-tables'
import fc from 'fast-check'
import { describe, expect, inject, it } from 'vitest'
import { windowId } from '../../src/core/windows.ts'
import { openLedger } from '../../src/services/ledger-table.ts'
import { anyEntry } from '../core/any-entry.ts'
import { freshName } from '../setup/storage.ts'

async function freshLedger() {
  const client = TableClient.fromConnectionString(inject('storage'), freshName('ledger'), {
    allowInsecureConnection: true,
  })
  const ledger = openLedger(client)
  await ledger.create()
  return { client, ledger }
}

/** Texts that XML, which tables once spoke, has no way to write are not what this is about. */
const [entry, other] = fc.sample(anyEntry, { numRuns: 2, seed: 7 })
if (!entry || !other) throw new Error('no entries')

describe('the ledger', () => {
  it('gives every entry back as it was written', async () => {
    const { ledger } = await freshLedger()
    await fc.assert(
      fc.asyncProperty(anyEntry, async (any) => {
        const found = await ledger.read(any.feed, windowId(any.window))
        const etag = found && 'etag' in found ? found.etag : undefined
        expect(await ledger.write(any, etag)).not.toBe('conflict')
        expect(await ledger.read(any.feed, windowId(any.window))).toMatchObject({ value: any })
      }),
      { numRuns: 60 },
    )
  })

  it('lists the entries of one feed and of no other', async () => {
    const { ledger } = await freshLedger()
    await ledger.write({ ...entry, feed: 'usage' }, undefined)
    await ledger.write({ ...other, feed: 'usage2' }, undefined)
    expect(await ledger.entries('usage')).toEqual([{ ...entry, feed: 'usage' }])
    expect(await ledger.entries("usage' or 1 eq 1 or ''='")).toEqual([])
  })

  it('lets the first of two writers win and tells the other', async () => {
    const { ledger } = await freshLedger()
    const etags = await Promise.all([1, 2, 3].map(() => ledger.write(entry, undefined)))
    expect(etags.filter((etag) => etag !== 'conflict')).toHaveLength(1)
    const [first] = etags.filter((etag) => etag !== 'conflict')
    const second = await ledger.write({ ...entry, attempt: 5 }, first)
    expect(second).not.toBe('conflict')
    expect(await ledger.write({ ...entry, attempt: 6 }, first)).toBe('conflict')
    expect(await ledger.read(entry.feed, windowId(entry.window))).toMatchObject({ value: { attempt: 5 }, etag: second })
  })

  it('writes no entry that was deleted meanwhile', async () => {
    const { ledger, client } = await freshLedger()
    const etag = await ledger.write(entry, undefined)
    await client.deleteEntity(entry.feed, windowId(entry.window))
    expect(await ledger.write(entry, etag)).toBe('conflict')
    expect(await ledger.read(entry.feed, windowId(entry.window))).toBeUndefined()
  })

  it('replaces an entry whole: no field of a former state stays', async () => {
    const { ledger, client } = await freshLedger()
    const { feed, window } = entry
    const base = { feed, window, lane: 'live', attempt: 1, tries: 0, heals: 0, history: [] } as const
    const at = new Date('2025-01-01T00:00:00Z')
    const etag = await ledger.write(
      { ...base, state: 'requesting', reportName: 'r', queryId: 'q', requestedAt: at },
      undefined,
    )
    await ledger.write({ ...base, state: 'planned', reason: 'retry', notBefore: at }, etag)
    expect(await client.getEntity(feed, windowId(window))).not.toHaveProperty('reportName')
  })

  it('keeps app rows apart from feeds, and by their prefix apart from each other', async () => {
    const { ledger } = await freshLedger()
    await ledger.writeApp('feed~usage', { name: 'usage' }, undefined)
    await ledger.writeApp('feeds~source', { name: 'source' }, undefined)
    await ledger.writeApp('table~usage', { name: 'table' }, undefined)
    expect(await ledger.appRows('feed~')).toEqual([{ name: 'usage' }])
    expect(await ledger.readApp('pacing~default')).toBeUndefined()
    expect(await ledger.writeApp('feed~usage', {}, undefined)).toBe('conflict')
  })
})
