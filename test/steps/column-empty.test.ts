import { describe, expect, it } from 'vitest'
import type { WindowId } from '../../src/core/time/window.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { planRetry, storedEntry } from '../setup/stored.ts'
import type { World } from '../setup/world.ts'
import { entryOf, FEED, feedRowOf, landFile, MAY, named, serve, worldOf } from './one-window.ts'

const DAY = 86_400_000

/** A report of May with two rows, whose customers are these. */
const fileOf = (month: string, customers: readonly string[]) =>
  Buffer.from(['Month,CustomerName,UsageQuantity', ...customers.map((name) => `${month},${name},1`), ''].join('\r\n'))

async function tick(world: World): Promise<void> {
  await provision(world.services)
  await sweep(world.services)
  await world.drain()
}

const told = (world: World) => named(world, 'feed.column-empty')

describe('a column that goes empty', () => {
  it('is in the figures, in one event and in status, until it has values again', async () => {
    const world = await worldOf({ feeds: [{ ...FEED, to: '2025-06-01' }] })
    await provision(world.services)
    await serve(world, fileOf('2025-05-01', ['a', '']))
    await sweep(world.services)
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ figures: { emptyColumns: [] } })
    const feeds = [{ ...FEED, from: '2025-05-01', to: undefined, delay: 'P1D', openWindow: false, refresh: false }]
    const readFeeds = async () => ({ text: JSON.stringify({ feeds }), source: 'package' as const })
    const later = { ...world, services: { ...world.services, readFeeds } }
    await serve(world, fileOf('2025-06-01', ['', '']))
    await tick(later)
    expect((await world.entries()).at(-1)).toMatchObject({
      state: 'landed',
      figures: { emptyColumns: ['CustomerName'] },
    })
    expect(told(world)).toEqual([
      {
        event: 'feed.column-empty',
        feed: 'usage',
        window: '20250601T000000Z_20250701T000000Z',
        message: 'columns that had values before and have none now: CustomerName',
        count: 1,
      },
    ])
    const read = async () => (await status(world.services)).feeds[0]?.emptied
    const from = new Date('2025-06-01')
    expect(await read()).toEqual({ CustomerName: { windows: 1, from, to: new Date('2025-07-01') } })
    await serve(world, fileOf('2025-07-01', ['', '']))
    world.clock.advance(31 * DAY)
    await tick(later)
    expect(told(world)).toHaveLength(1)
    const hole = { CustomerName: { windows: 2, from, to: new Date('2025-08-01') } }
    expect(await read()).toEqual(hole)
    await serve(world, fileOf('2025-08-01', ['b', '']))
    world.clock.advance(31 * DAY)
    await tick(later)
    expect(await read()).toEqual(hole)
    for (const window of ['20250601T000000Z_20250701T000000Z', '20250701T000000Z_20250801T000000Z']) {
      expect(await read()).not.toEqual({})
      await serve(world, fileOf(`${window.slice(0, 4)}-${window.slice(4, 6)}-01`, ['b', '']))
      const entry = await storedEntry(world.services.ledger, FEED.name, window as WindowId)
      await planRetry(world.services.ledger, entry, world.clock.now())
      await tick(later)
    }
    expect(await read()).toEqual({})
    expect((await feedRowOf(world)).emptiedIn).toBeUndefined()
  })

  it('is told of a window that lands again', async () => {
    const world = await worldOf()
    await provision(world.services)
    await serve(world, fileOf('2025-05-01', ['a', 'b']))
    await sweep(world.services)
    await world.drain()
    await landFile(world, fileOf('2025-05-01', ['', '']))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { emptyColumns: ['CustomerName'] } })
    expect(told(world)).toMatchObject([{ window: MAY }])
  })

  it('is not what a person lands', async () => {
    const world = await worldOf()
    await provision(world.services)
    await serve(world, fileOf('2025-05-01', ['', '']))
    await sweep(world.services)
    await world.drain()
    const { services } = world
    const row = await feedRowOf(world)
    const filled = { from: '2025-01-01T00:00:00.000Z', columns: ['CustomerName'] }
    const { filled: _, ...rest } = row
    const stored = await services.ledger.readFeed('usage')
    if (!stored || 'kind' in stored) throw new Error('no row')
    await services.ledger.writeFeed({ ...rest, filled }, stored.etag)
    expect(await replay(services, 'usage', (await entryOf(world)).window)).toMatchObject({ attempt: 2 })
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 2 })
    expect(told(world)).toEqual([])
    expect((await feedRowOf(world)).filled).toEqual(filled)
  })
})
