import { describe, expect, it } from 'vitest'
import { statusLines } from '../../cli/status/lines.ts'
import { readWindow } from '../../docs/read-window.ts'
import { SWEEP_KEY } from '../../src/core/ledger/app-rows.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { parseWindowId, type Window, windowId } from '../../src/core/time/window.ts'
import { changeFeedRow } from '../../src/steps/ledger/feed-row.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { deathsOf, dying, runUntilDeath } from '../setup/dying.ts'
import { ASKED } from '../setup/stored.ts'
import type { World } from '../setup/world.ts'
import {
  asked,
  dropFormer,
  entryOf,
  FEED,
  feedRowOf,
  fileOf,
  filesIn,
  HALF_A_YEAR,
  importFile,
  landedWorld,
  landFile,
  MAY,
  named,
  names,
  rowsOf,
  WINDOW,
  withReject,
  worldOf,
} from './one-window.ts'

/** At the time of these tests, July 10th, May is kept until August 1st. */
const KEPT = { ...FEED, keep: 'P2M', delay: 'P1D', maxRejects: 0.9 }

/** Past the end of what the feed keeps. */
const PAST = 23 * DAY_MS

/** The next sweep removes: one has looked when the window was past the end already, a day ago. */
async function passKeep({ services, clock }: World): Promise<void> {
  clock.advance(PAST)
  await sweep(services)
  clock.advance(DAY_MS)
}

async function removeOldNow(world: World): Promise<void> {
  await passKeep(world)
  await sweep(world.services)
  await dropFormer(world)
}

const reader = (world: World) =>
  readWindow(world.ledgerTable, (table) => world.landingTable(table), { feed: FEED.name, window: MAY })

const month = (number: number): Window => {
  const window = parseWindowId(`20250${number}01T000000Z_20250${number + 1}01T000000Z`)
  if (!window) throw new Error('no window')
  return window
}

/** A world whose window failed as soon as it was asked for. */
async function neverLanded(): Promise<World> {
  const world = await worldOf({ feeds: [KEPT] })
  await provision(world.services)
  await landFile(world, Buffer.from('{"error":"something else"}'))
  await world.services.landingTable('Usage').create()
  return world
}

describe('what is older than a feed keeps', () => {
  it('is not asked for, and history is complete without it', async () => {
    const world = await worldOf({ feeds: [{ ...HALF_A_YEAR, keep: 'P3M' }] })
    await provision(world.services)
    await sweep(world.services)
    await world.drain()
    const windows = (await world.entries()).map(({ window }) => window)
    expect(windows).toEqual([month(4), month(5), month(6)])
    expect((await status(world.services)).feeds[0]).toMatchObject({ completeUntil: month(6).to, waiting: 0 })
  })

  it('goes with its archives and rejects; the window stays landed, counts as complete and is not asked for again', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    await landFile(world, withReject(30))
    expect((await filesIn(world)).filter((name) => name.endsWith('.rejects.jsonl'))).toHaveLength(2)
    const { figures } = await entryOf(world)
    const before = asked(world).length
    await removeOldNow(world)
    expect(await rowsOf(world)).toEqual([])
    expect(await filesIn(world)).toEqual([])
    const entry = await entryOf(world)
    expect(entry).toMatchObject({ state: 'landed', figures: { totals: figures?.totals, verdict: 'removed' } })
    expect(entry.figures?.removedAt).toBeInstanceOf(Date)
    expect(entry).not.toHaveProperty('refreshAt')
    expect(await reader(world)).toBeUndefined()
    expect(named(world, 'window.removed')).toMatchObject([{ window: MAY, count: 30 }])
    for (let day = 0; day < 3; day += 1) {
      world.clock.advance(DAY_MS)
      await provision(world.services)
      await dropFormer(world)
    }
    expect(asked(world)).toHaveLength(before)
    expect(named(world, 'window.removed')).toHaveLength(1)
    const [feed] = (await status(world.services)).feeds
    expect(feed).toMatchObject({ complete: 1, removed: 1, outdated: 0, rows: 0, waiting: 0, problems: [] })
    expect(statusLines(await status(world.services))).toContain(
      'usage: 1 window has no rows any more: removed by "keep", and complete all the same',
    )
  })

  it('is unpublished before any of it is removed', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    await passKeep(world)
    await sweep(world.services)
    expect(await reader(world)).toBeUndefined()
    expect(await rowsOf(world)).toHaveLength(40)
    expect(await filesIn(world)).not.toEqual([])
  })

  it('cannot be replayed, imported or asked for by a person, who is told what to change', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    await removeOldNow(world)
    const { services } = world
    const told = { problem: expect.stringMatching(/older than what the feed keeps: make "keep" longer/) }
    expect(await replay(services, FEED.name, WINDOW)).toEqual(told)
    expect(await importFile(services, fileOf(names(3)))).toEqual(told)
    expect(await retry(services, FEED.name, WINDOW, false)).toEqual(told)
  })

  it('can be asked for again once the feed keeps more', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    await removeOldNow(world)
    const text = JSON.stringify({ feeds: [{ ...KEPT, keep: 'P2Y' }] })
    const services = { ...world.services, readFeeds: async () => ({ text, source: 'package' as const }) }
    await provision(services)
    expect(await retry(services, FEED.name, WINDOW, false)).toEqual({ state: 'planned' })
    await provision(services)
    await sweep(services)
    await world.drain()
    const { state, figures } = await entryOf(world)
    expect({ state, verdict: figures?.verdict, removedAt: figures?.removedAt }).toEqual({
      state: 'landed',
      verdict: 'rows',
      removedAt: undefined,
    })
    expect(await reader(world)).toBeDefined()
  })

  it('of a window that never landed is forgotten, with what its failed attempt left in the archive', async () => {
    const world = await neverLanded()
    expect(await entryOf(world)).toMatchObject({ state: 'failed' })
    expect(await filesIn(world)).toHaveLength(1)
    const before = asked(world).length
    await removeOldNow(world)
    expect(await world.entries()).toEqual([])
    expect(await filesIn(world)).toEqual([])
    world.clock.advance(DAY_MS)
    await provision(world.services)
    expect(asked(world)).toHaveLength(before)
    expect((await status(world.services)).feeds[0]).toMatchObject({ waiting: 0, problems: [] })
  })

  it('of a feed that left feeds.json goes too', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    const readFeeds = async () => ({ text: '{"feeds":[]}', source: 'package' as const })
    await provision({ ...world.services, readFeeds })
    expect((await feedRowOf(world)).feed.enabled).toBe(false)
    await removeOldNow(world)
    expect(await rowsOf(world)).toEqual([])
  })

  it('goes with the files of windows that were forgotten, and with those that no entry and no drop knows; others stay', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    const { archive, ledger } = world.services
    await forget(world.services, FEED.name, WINDOW)
    const [june, april] = [windowId(month(6)), windowId(month(4))]
    const late = (window: string, attempt: number) => `${FEED.name}/${window}/${attempt}-late.csv`
    const write = (name: string) => world.container.getBlockBlobClient(name).upload('late', 4)
    await write(late(april, 1))
    await write(late(june, 1))
    await write(`other/${april}/1-late.csv`)
    await write(`${FEED.name}/no-window/1-late.csv`)
    expect(await ledger.entries(FEED.name)).toEqual([])
    expect((await Array.fromAsync(archive.names(FEED.name, MAY))).length).toBeGreaterThan(1)
    const stays = [late(june, 1), `${FEED.name}/no-window/1-late.csv`, `other/${april}/1-late.csv`].toSorted()
    await removeOldNow(world)
    expect(await filesIn(world)).toEqual(stays)
  })

  it('goes with a file above the attempt of its window, a day after it came, but not while its entry cannot be read', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    await removeOldNow(world)
    const name = `${FEED.name}/${MAY}/99-late.csv`
    await world.container.getBlockBlobClient(name).upload('late', 4)
    const stored = await world.ledgerTable.getEntity(FEED.name, MAY)
    await world.ledgerTable.updateEntity({ ...stored, partitionKey: FEED.name, rowKey: MAY, state: 'odd' }, 'Replace')
    world.clock.advance(DAY_MS)
    await sweep(world.services)
    expect(await filesIn(world)).toEqual([name])
    await world.ledgerTable.updateEntity({ ...stored, partitionKey: FEED.name, rowKey: MAY }, 'Replace')
    world.clock.advance(DAY_MS)
    await sweep(world.services)
    expect(await filesIn(world)).toEqual([])
  })

  it('but for a file that the storage refuses to remove, which is told once a day and holds up nothing else', async () => {
    const other = { ...KEPT, name: 'zother', table: 'Other' }
    const world = await worldOf({ feeds: [KEPT, other] })
    const { services, clock, container } = world
    await provision(services)
    await sweep(services)
    await world.drain()
    await forget(services, FEED.name, WINDOW)
    const [held = '', ...others] = (await filesIn(world)).filter((name) => name.startsWith(`${FEED.name}/`))
    expect(others).toEqual([])
    const beside = held.replace(/[^/]*$/, '99-late.csv')
    await container.getBlockBlobClient(beside).upload('late', 4)
    const lease = container.getBlockBlobClient(held).getBlobLeaseClient()
    await lease.acquireLease(-1)
    await removeOldNow(world)
    await sweep(services)
    expect(await filesIn(world)).toEqual([held])
    expect(named(world, 'window.removed')).toMatchObject([{ feed: other.name }])
    const told = { feed: FEED.name, kind: 'storage', message: expect.stringContaining(held) }
    expect(named(world, 'cleanup.failing')).toMatchObject([told])
    expect(await services.ledger.readApp(SWEEP_KEY)).toMatchObject({ value: { at: clock.now().toISOString() } })
    clock.advance(DAY_MS)
    await sweep(services)
    await sweep(services)
    expect(named(world, 'cleanup.failing')).toMatchObject([told, told])
    await lease.releaseLease()
    clock.advance(DAY_MS)
    await sweep(services)
    expect(await filesIn(world)).toEqual([])
  })

  it('of a landed window goes but for a file that the storage refuses to remove, until it may be', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    const lease = world.container.getBlockBlobClient((await filesIn(world))[0] ?? '').getBlobLeaseClient()
    await lease.acquireLease(-1)
    await passKeep(world)
    await sweep(world.services)
    await sweep(world.services)
    await world.drain()
    expect(await rowsOf(world)).toEqual([])
    expect(await filesIn(world)).toHaveLength(1)
    expect(named(world, 'cleanup.failing')).toMatchObject([{ feed: FEED.name, kind: 'storage' }])
    await lease.releaseLease()
    world.clock.advance(HOUR_MS)
    await dropFormer(world)
    expect(await filesIn(world)).toEqual([])
  })

  it('gets a second look, too, once the feed keeps less: two in a row with the shorter time', async () => {
    for (const before of ['P2Y', undefined]) {
      const world = await landedWorld(withReject(40), KEPT)
      const { services, clock } = world
      const keeping = async (keep: string | undefined) => {
        const text = JSON.stringify({ feeds: [{ ...KEPT, keep }] })
        await provision({ ...services, readFeeds: async () => ({ text, source: 'package' }) })
        await sweep(services)
        await world.drain()
      }
      clock.advance(PAST)
      await sweep(services)
      await keeping(before)
      clock.advance(30 * DAY_MS)
      await keeping(before)
      await keeping('P2M')
      expect(named(world, 'window.removed'), String(before)).toEqual([])
      clock.advance(DAY_MS)
      await sweep(services)
      expect(named(world, 'window.removed'), String(before)).toHaveLength(before === undefined ? 1 : 0)
      clock.advance(DAY_MS)
      await sweep(services)
      expect(named(world, 'window.removed')).toHaveLength(1)
    }
  })

  it.each(['appRows', 'scan'] as const)(
    'stays once the feed keeps more, also while a sweep runs that has read %s',
    async (call) => {
      const world = await landedWorld(withReject(40), KEPT)
      const { services } = world
      const keep = { months: 24, days: 0, seconds: 0 }
      const keepMore = () => changeFeedRow(services, FEED.name, (row) => ({ ...row, feed: { ...row.feed, keep } }))
      await passKeep(world)
      const { ledger } = services
      const changed = {
        async appRows() {
          const rows = await ledger.appRows()
          await keepMore()
          return rows
        },
        async *scan(feed: string) {
          const found = await Array.fromAsync(ledger.scan(feed))
          await keepMore()
          yield* found
        },
      }
      await sweep({ ...services, ledger: { ...ledger, [call]: changed[call] } })
      expect(named(world, 'window.removed')).toEqual([])
      expect((await feedRowOf(world)).feed.keep).toEqual(keep)
      expect(await reader(world)).toBeDefined()
    },
  )

  it('spares a file for a day that somebody brought and no entry names yet', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    const { archive, newId } = world.services
    await removeOldNow(world)
    const requestedAt = world.clock.now()
    const name = `${FEED.name}/${MAY}/9-import-0.csv`
    await archive.write(name, { asked: ASKED, reportId: 'import', attempt: 9, requestedAt, nonce: newId() }).commit()
    world.clock.advance(DAY_MS - HOUR_MS)
    await sweep(world.services)
    expect(await filesIn(world)).toEqual([name])
    world.clock.advance(DAY_MS)
    await sweep(world.services)
    expect(await filesIn(world)).toEqual([])
  })

  it('goes of every feed, also while one has more files than a sweep can remove, and of that one its windows too', async () => {
    const feeds = [KEPT, { ...KEPT, name: 'zother', table: 'Other' }]
    const world = await worldOf({ feeds })
    const { services, clock, container } = world
    await provision(services)
    await sweep(services)
    await world.drain()
    const late = (attempt: number) => `${FEED.name}/${windowId(month(3))}/${attempt}-late.csv`
    await passKeep(world)
    for (const attempt of [1, 2, 3, 4, 5, 6, 7, 8]) await container.getBlockBlobClient(late(attempt)).upload('late', 4)
    const remove = async (name: string) => {
      clock.advance(MINUTE_MS / 3)
      return services.archive.remove(name)
    }
    const slow = { ...services, archive: { ...services.archive, remove } }
    await sweep(slow)
    const removed = named(world, 'window.removed').map(({ feed, window }) => [feed, window])
    expect(removed).toEqual([
      [FEED.name, MAY],
      ['zother', MAY],
    ])
    expect(await filesIn(world)).toContain(late(8))
    for (let nth = 0; nth < 4; nth += 1) await sweep(slow)
    expect((await filesIn(world)).filter((name) => name.includes('late'))).toEqual([])
  })

  it('is judged by two looks: a clock that is ahead for less than a day removes nothing, and does not stop the right one', async () => {
    for (const looksBefore of [true, false]) {
      const world = await landedWorld(withReject(40), KEPT)
      const { services, clock } = world
      if (looksBefore) await sweep(services)
      clock.advance(180 * DAY_MS)
      await sweep(services)
      clock.advance(20 * HOUR_MS)
      await dropFormer(world)
      clock.advance(-180 * DAY_MS)
      await dropFormer(world)
      expect(await rowsOf(world)).toHaveLength(40)
      expect(named(world, 'window.removed')).toEqual([])
      await removeOldNow(world)
      expect(await rowsOf(world)).toEqual([])
    }
  })

  it('goes in time, and nothing before, where one instance of two has a clock that is months ahead', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    const { services, clock } = world
    const bothSweep = async () => {
      await sweep(services)
      clock.advance(180 * DAY_MS)
      await sweep(services)
      clock.advance(-180 * DAY_MS)
    }
    // May is kept until August 1st.
    for (; clock.now() < new Date('2025-08-01T00:00:00Z'); clock.advance(12 * HOUR_MS)) await bothSweep()
    expect(named(world, 'window.removed')).toEqual([])
    for (; clock.now() < new Date('2025-08-03T00:00:00Z'); clock.advance(12 * HOUR_MS)) await bothSweep()
    expect(named(world, 'window.removed')).toHaveLength(1)
  })

  it('that a frozen owner brings back is looked for once more, an hour later', async () => {
    const world = await landedWorld(withReject(40), KEPT)
    const archive = (await entryOf(world)).figures?.archive ?? ''
    await passKeep(world)
    await sweep(world.services)
    await sweep(world.services)
    await world.drain()
    expect(await filesIn(world)).toEqual([])
    await world.container.getBlockBlobClient(archive).upload('late', 4)
    world.clock.advance(HOUR_MS)
    await sweep(world.services)
    await world.drain()
    expect(await filesIn(world)).toEqual([])
    expect(await world.services.ledger.drops(FEED.name)).toEqual([])
  })

  it.each([
    ['a window that landed', (file: Buffer) => landedWorld(file, KEPT), 1],
    ['one that never did', neverLanded, 0],
  ])(
    'goes wholly of %s, whichever call the app dies before or after',
    async (_, open, left) => {
      const opened = async () => {
        const world = await open(withReject(5))
        await passKeep(world)
        return world
      }
      const alive = dying((await opened()).services)
      await sweep(alive.services)
      const points = deathsOf(alive.calls)
      expect(points.length).toBeGreaterThan(4)
      for (const death of points) {
        const world = await opened()
        await runUntilDeath(dying(world.services, death), sweep)
        for (let day = 0; day < 2; day += 1) {
          world.clock.advance(DAY_MS)
          await provision(world.services)
          await sweep(world.services)
          await dropFormer(world)
        }
        const where = `${death.side} call ${death.at}, ${alive.calls[death.at - 1]}`
        expect([await rowsOf(world), await filesIn(world), (await world.entries()).length], where).toEqual([
          [],
          [],
          left,
        ])
      }
    },
    120_000,
  )
})
