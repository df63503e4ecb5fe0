import { describe, expect, it } from 'vitest'
import { HOUR_MS } from '../../src/core/time/durations.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import {
  asked,
  entryOf,
  FEED,
  fileOf,
  hint,
  importFile,
  MAY,
  named,
  names,
  serve,
  WINDOW,
  worldOf,
} from './one-window.ts'

const RUNNING = { ...FEED, delay: 'P4D', refresh: { every: 'P5D', for: 'P30D' } }

/** What was asked for, as `01T00 to 05T23`: day and hour of the query times. */
const spans = (world: World) =>
  asked(world).map(({ body }) => {
    const { QueryStartTime, QueryEndTime } = JSON.parse(body) as { QueryStartTime: string; QueryEndTime: string }
    return `${QueryStartTime.slice(5, 13)} to ${QueryEndTime.slice(5, 13)}`
  })

/** The app works until an instant, every six hours, or once a day where no hour matters: each time costs dozens of requests to the storage. */
async function until(world: World, instant: string, hours = 6): Promise<void> {
  const { services, clock, drain } = world
  while (clock.now() < new Date(instant)) {
    clock.advance(hours * HOUR_MS)
    // The first sweep plans what is due, the second looks for what was asked for.
    await sweep(services)
    await provision(services)
    await sweep(services)
    await drain()
  }
}

describe('a running month', () => {
  it('is asked for up to now under its final key, and is complete once its data has settled', async () => {
    const world = await worldOf({ feeds: [RUNNING], now: '2025-05-05T18:00:00Z' })
    await until(world, '2025-05-06T00:00:00Z')
    expect(spans(world)).toEqual(['05-01T00 to 05-05T23'])
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { running: true, rowsLanded: 40 } })
    const may = { window: MAY, asOf: new Date('2025-05-06T00:00:00Z'), rows: 40 }
    const [feed] = (await status(world.services)).feeds
    expect(feed).toMatchObject({ running: [may], complete: 0, states: { landed: 1 } })
    expect(feed).not.toHaveProperty('completeUntil')
    await until(world, '2025-06-04T18:00:00Z')
    expect(spans(world).slice(1, 3)).toEqual(['05-01T00 to 05-10T23', '05-01T00 to 05-15T23'])
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { running: true } })
    await until(world, '2025-06-05T06:00:00Z')
    expect(spans(world).at(-1)).toBe('05-01T00 to 05-31T23')
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
    expect((await entryOf(world)).figures).not.toHaveProperty('running')
    const [final] = (await status(world.services)).feeds
    expect(final).toMatchObject({ running: [], complete: 1, completeUntil: new Date('2025-06-01T00:00:00Z') })
    // That the rows of a running month change is no restatement.
    expect(named(world, 'window.restated')).toEqual([])
  })

  it('is asked for every delay until it has settled, and never again, where refresh is switched off', async () => {
    const feeds = [{ ...RUNNING, delay: 'P2D', refresh: false }]
    const world = await worldOf({ feeds, now: '2025-05-27T18:00:00Z' })
    await until(world, '2025-05-30T00:00:00Z')
    expect(spans(world)).toEqual(['05-01T00 to 05-27T23', '05-01T00 to 05-29T23'])
    await until(world, '2025-06-03T06:00:00Z')
    expect(spans(world).at(-1)).toBe('05-01T00 to 05-31T23')
    expect((await entryOf(world)).figures).not.toHaveProperty('running')
    const { length } = spans(world)
    await until(world, '2025-06-12T00:00:00Z')
    expect(spans(world)).toHaveLength(length)
  })

  it('takes no file before it is over, and its rows that change afterwards are told', async () => {
    const world = await worldOf({ feeds: [RUNNING], now: '2025-05-05T18:00:00Z' })
    await until(world, '2025-05-06T00:00:00Z')
    expect(await importFile(world.services, fileOf(names(3)))).toEqual({
      problem: expect.stringContaining('wait until it is over'),
    })
    await until(world, '2025-06-05T00:00:00Z', 24)
    await until(world, '2025-06-05T06:00:00Z')
    await serve(world, fileOf(names(41)))
    await until(world, '2025-06-11T00:00:00Z')
    expect(named(world, 'window.restated')).toMatchObject([
      { window: MAY, count: 41, message: expect.stringMatching(/^changed: rows, UsageQuantity$/) },
    ])
    expect(await entryOf(world)).toMatchObject({ figures: { rowsLanded: 41 } })
  })

  it('that a clock asked for which was ahead is not taken for the whole month', async () => {
    const world = await worldOf({ feeds: [RUNNING], now: '2025-05-20T00:00:00Z' })
    const ahead = { ...world.services, clock: () => new Date('2025-06-10T00:00:00Z') }
    await provision(ahead)
    expect(spans(world)).toEqual(['05-01T00 to 05-31T23'])
    await hint(world, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'planned', reason: 'expired' })
    await until(world, '2025-05-20T06:00:00Z')
    expect(spans(world).at(-1)).toBe('05-01T00 to 05-20T05')
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { running: true } })
  })

  it('whose final report is refused for a person is refreshed as its feed says, and no oftener', async () => {
    const world = await worldOf({ feeds: [RUNNING], now: '2025-05-05T18:00:00Z' })
    await until(world, '2025-06-04T18:00:00Z', 24)
    const before = spans(world).length
    world.simulator.fault({ endpoint: 'report', effect: 'headerOnly', nth: 'all' })
    await until(world, '2025-06-05T06:00:00Z')
    expect(await entryOf(world)).toMatchObject({
      state: 'failed',
      kind: 'suspicious-empty',
      figures: { running: true },
    })
    // What is asked for too often shows day by day, too.
    await until(world, '2025-08-01T00:00:00Z', 24)
    // The feed is refreshed every 5 days, until 30 days after the month.
    const [, ...refreshes] = spans(world).slice(before)
    expect(refreshes.length).toBeGreaterThan(2)
    expect(refreshes.length).toBeLessThan(8)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'suspicious-empty' })
  })

  it('whose first report is no report is asked for again while it runs', async () => {
    const world = await worldOf({ feeds: [RUNNING], now: '2025-05-05T18:00:00Z' })
    world.simulator.fault({ endpoint: 'report', effect: 'nothing', nth: 1 })
    await until(world, '2025-05-06T00:00:00Z')
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'no-header' })
    await until(world, '2025-05-10T00:00:00Z')
    expect(spans(world)).toHaveLength(1)
    await until(world, '2025-05-13T00:00:00Z')
    expect(spans(world)).toHaveLength(2)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { running: true } })
  })

  it('is completed although a person replayed it and that failed', async () => {
    const world = await worldOf({ feeds: [RUNNING], now: '2025-05-05T18:00:00Z' })
    await until(world, '2025-05-06T00:00:00Z')
    expect(await replay(world.services, FEED.name, WINDOW)).toHaveProperty('attempt')
    await world.container.deleteBlob((await entryOf(world)).figures?.archive ?? '')
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'failed', byPerson: true, figures: { running: true } })
    await until(world, '2025-05-09T00:00:00Z')
    expect(spans(world)).toHaveLength(1)
    await until(world, '2025-06-05T00:00:00Z', 24)
    await until(world, '2025-06-05T06:00:00Z')
    expect(spans(world)).toContain('05-01T00 to 05-31T23')
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
    expect((await entryOf(world)).figures).not.toHaveProperty('running')
  })
})

it('a month that an instance landed whose clock was days ahead is incomplete until it has settled', async () => {
  const feed = { ...FEED, delay: 'P4D', openWindow: false, refresh: false }
  const world = await worldOf({ feeds: [feed], now: '2025-05-26T00:00:00Z' })
  const aheadMs = 10 * 24 * HOUR_MS
  world.clock.advance(aheadMs)
  await provision(world.services)
  await sweep(world.services)
  await world.drain()
  world.clock.advance(-aheadMs)
  expect(await entryOf(world)).toMatchObject({ state: 'landed' })
  await until(world, '2025-05-28T00:00:00Z')
  const [early] = (await status(world.services)).feeds
  expect(early).toMatchObject({ complete: 0, running: [{ window: MAY }] })
  await until(world, '2025-06-12T00:00:00Z')
  expect(spans(world)).toHaveLength(2)
  const { figures } = await entryOf(world)
  expect(figures).not.toHaveProperty('running')
  expect(figures?.requestedAt.toISOString().slice(0, 10)).toBe('2025-06-05')
})

it('a window that landed while it was to be refreshed is not asked for again once refresh is switched off', async () => {
  const feed = { ...FEED, openWindow: false, refresh: { every: 'P5D', for: 'P70D' } }
  const world = await worldOf({ feeds: [feed], now: '2025-06-06T00:00:00Z' })
  await until(world, '2025-06-08T00:00:00Z')
  expect(await entryOf(world)).toMatchObject({ state: 'landed', refreshAt: expect.any(Date) })
  const { length } = spans(world)
  const text = JSON.stringify({ feeds: [{ ...feed, refresh: false }] })
  const services = { ...world.services, readFeeds: async () => ({ text, source: 'container' as const }) }
  await until({ ...world, services }, '2025-06-14T00:00:00Z')
  expect(spans(world)).toHaveLength(length)
  expect(await entryOf(world)).not.toHaveProperty('refreshAt')
})
