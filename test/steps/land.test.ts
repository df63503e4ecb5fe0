import { describe, expect, it } from 'vitest'
import type { FailureKind } from '../../src/core/failures.ts'
import { isConfirmed, isRestated } from '../../src/core/ledger/ledger.ts'
import { windowId } from '../../src/core/time/window.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import {
  askAgain,
  dropFormer,
  entryOf,
  FEED,
  fileOf,
  HINT,
  hint,
  landedWorld,
  landFile,
  MAY,
  named,
  names,
  rowsOf,
  serve,
  WINDOW,
  withTable,
  worldOf,
} from './one-window.ts'

describe('the first landing of a window', () => {
  it('has figures that say what was read, landed and summed', async () => {
    const world = await landedWorld(fileOf(names(250)))
    expect(await entryOf(world)).toMatchObject({
      state: 'landed',
      tries: 0,
      figures: {
        attempt: 2,
        rowsRead: 250,
        rowsLanded: 250,
        rowsRejected: 0,
        totals: { UsageQuantity: '250' },
        table: 'Usage',
        verdict: 'rows',
        landedAt: world.clock.now(),
      },
    })
    expect(await rowsOf(world)).toHaveLength(250)
  })

  it('lands as empty when the report has no rows', async () => {
    const world = await landedWorld(fileOf([]))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 0, verdict: 'empty' } })
  })

  it('is not believed when fewer rows were acknowledged than read', async () => {
    const world = await worldOf()
    await provision(world.services)
    await serve(world, fileOf(names(250)))
    await askAgain(world)
    const forgetful = withTable(world.services, (table) => ({
      async write(entities, options) {
        const written = await table.write(entities, options)
        return 'acknowledged' in written ? { ...written, acknowledged: written.acknowledged - 1 } : written
      },
    }))
    await hint(world, forgetful, { attempt: 2 })
    const entry = await entryOf(world)
    expect(entry.state).not.toBe('landed')
    expect(entry.figures).toBeUndefined()
    expect(entry.lastError).toMatchObject({ kind: 'storage', message: expect.stringMatching(/249 .*250 read/) })
    expect((await status(world.services)).feeds).toMatchObject([{ complete: 0, rows: 0 }])
    expect(await rowsOf(world)).toHaveLength(250)
    await dropFormer(world)
    expect(await rowsOf(world)).toEqual([])
  })
})

describe('a restated report', () => {
  it('with fewer rows leaves those of the landing before until it is published, and then they go', async () => {
    const world = await landedWorld(fileOf(names(250)))
    await landFile(world, fileOf(names(120, 'restated')))
    expect(await rowsOf(world)).toHaveLength(250 + 120)
    await dropFormer(world)
    const rows = await rowsOf(world)
    expect(rows.map(({ CustomerName }) => CustomerName)).toEqual(names(120, 'restated'))
    expect(new Set(rows.map(({ _attempt }) => _attempt))).toEqual(new Set([3]))
    expect(await entryOf(world)).toMatchObject({
      figures: {
        attempt: 3,
        rowsLanded: 120,
        totals: { UsageQuantity: '120' },
        totalsBefore: { UsageQuantity: '250' },
        rowsBefore: 250,
      },
    })
  })

  it('that lands again from its archive is no second answer: it stays restated, and is told once', async () => {
    const world = await landedWorld(fileOf(names(40)))
    const first = (await entryOf(world)).figures?.archive
    world.clock.advance(60_000)
    await landFile(world, fileOf(names(10)))
    expect(await replay(world.services, FEED.name, WINDOW)).toHaveProperty('attempt')
    await world.drain()
    const entry = await entryOf(world)
    expect(entry).toMatchObject({ state: 'landed', attempt: 4, figures: { rowsLanded: 10, rowsBefore: 40 } })
    expect([isRestated(entry), isConfirmed(entry)]).toEqual([true, false])
    expect(named(world, 'window.restated')).toMatchObject([{ attempt: 3 }])
    // An earlier answer is no news either.
    expect(await replay(world.services, FEED.name, WINDOW, first)).toHaveProperty('attempt')
    await world.drain()
    expect((await entryOf(world)).figures).toMatchObject({ rowsLanded: 40 })
    expect((await entryOf(world)).figures).not.toHaveProperty('rowsBefore')
    expect(named(world, 'window.restated')).toHaveLength(1)
  })

  it('is none where a file that a person brought, or another question of the feed, changed the numbers', async () => {
    const world = await landedWorld(fileOf(names(40)))
    async function* bytes() {
      yield fileOf(names(30))
    }
    expect(await importReport(world.services, FEED.name, WINDOW, { name: 'may.csv', bytes })).toHaveProperty('attempt')
    await world.drain()
    expect((await entryOf(world)).figures).toMatchObject({ origin: 'import', rowsLanded: 30 })
    world.clock.advance(60_000)
    await landFile(world, fileOf(names(40)))
    const text = JSON.stringify({ feeds: [{ ...FEED, where: 'UsageQuantity > 1' }] })
    const readFeeds = async () => ({ text, source: 'package' as const })
    const changed = { ...world, services: { ...world.services, readFeeds } }
    await askAgain(changed)
    await landFile(changed, fileOf(names(20)))
    expect((await entryOf(world)).figures).toMatchObject({ origin: 'service', rowsLanded: 20 })
    expect(named(world, 'window.restated')).toEqual([])
    expect((await status(world.services)).feeds[0]).toMatchObject({ restated: [] })
    // What comes to the new question is compared again.
    await landFile(changed, fileOf(names(19)))
    expect((await entryOf(world)).figures).toMatchObject({ rowsBefore: 20 })
  })

  it('lands correctly with another number of shards, too', async () => {
    const world = await landedWorld(fileOf(names(250)), { ...FEED, shards: 3 })
    const text = JSON.stringify({ feeds: [{ ...FEED, shards: 2 }] })
    const readFeeds = async () => ({ text, source: 'package' as const })
    const changed = { ...world, services: { ...world.services, readFeeds } }
    // Another landing of the rows is another query at the service: it is registered by the first request.
    await askAgain(changed)
    await landFile(changed, fileOf(names(300)))
    await dropFormer(world)
    const rows = await rowsOf(world)
    expect(rows).toHaveLength(300)
    const { figures } = await entryOf(world)
    const partitions = ['000', '001'].map((shard) => `20250501_g${figures?.generation}_${shard}`)
    expect(new Set(rows.map(({ PartitionKey }) => PartitionKey))).toEqual(new Set(partitions))
  })

  it('leaves the rows of the windows beside it alone', async () => {
    const world = await worldOf({ feeds: [{ ...FEED, from: '2025-04-01', to: '2025-07-01' }] })
    await provision(world.services)
    for (const { window } of await world.entries()) {
      await ingest({ ingest: { ...HINT, window: windowId(window) } }, world.services)
    }
    const before = (await rowsOf(world)).filter(({ PartitionKey }) => !String(PartitionKey).startsWith('20250501'))
    expect(before).toHaveLength(80)
    await landFile(world, fileOf(names(3)))
    await dropFormer(world)
    const after = await rowsOf(world)
    expect(after.filter(({ PartitionKey }) => !String(PartitionKey).startsWith('20250501'))).toEqual(before)
    expect(after).toHaveLength(83)
  })
})

describe('a report that fails its check', () => {
  const many = fileOf(names(30)).toString()
  const cases: readonly (readonly [string, Buffer, FailureKind])[] = [
    ['holds a row of another month', Buffer.from(`${many}2025-06-01,late,1\r\n`), 'outside-window'],
    ['lacks a column', Buffer.from('Month,CustomerName\r\n2025-05-01,a\r\n'), 'column-missing'],
    ['is empty', Buffer.from(''), 'no-header'],
    ['has a header and no rows where there were some', fileOf([]), 'suspicious-empty'],
    ['has a quote that is never closed', Buffer.from(`${many}2025-05-01,"never closed,1\r\n`), 'malformed'],
    ['has rows that can not land, too many', Buffer.from(`${many}2025-05-01,a,many\r\n`), 'too-many-rejects'],
    ['is not text', Buffer.from([...Buffer.from(many), 0xff, 0xfe, 0x0d, 0x0a]), 'malformed'],
  ]

  it.each(cases)('because it %s leaves rows and figures byte for byte', async (_, file, kind) => {
    const world = await landedWorld(fileOf(names(120)))
    const [rows, { figures }] = [await rowsOf(world), await entryOf(world)]
    await landFile(world, file)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind, attempt: 3 })
    expect((await entryOf(world)).figures).toEqual(figures)
    expect(await rowsOf(world)).toEqual(rows)
    const told = world.events.filter(({ event }) => event === 'window.failed' || event === 'feed.blocked')
    expect(told[0]).toMatchObject({ event: 'window.failed', window: MAY, kind })
    // What blocks the feed has its remedy in the event of the block.
    expect(told.at(-1)).toMatchObject({ kind, remedy: expect.any(String) })
    const [feed] = (await status(world.services)).feeds
    expect(feed).toMatchObject({ complete: 1, rows: 120, problems: [{ kind, landedBefore: true }] })
  })

  it('because the service hides data lands nothing', async () => {
    const world = await worldOf()
    await provision(world.services)
    world.simulator.fault({ endpoint: 'listExecutions', effect: 'redacted' })
    await ingest({ ingest: HINT }, world.services)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'redacted' })
  })

  it('because its link leads to another host is not fetched, and the link is told without its signature', async () => {
    const world = await worldOf()
    await provision(world.services)
    const link = 'https://elsewhere.example/report.csv?sig=SECRET'
    world.simulator.fault({ endpoint: 'listExecutions', effect: { link }, nth: 'all' })
    await ingest({ ingest: HINT }, world.services)
    const entry = await entryOf(world)
    expect(entry.lastError).toMatchObject({
      kind: 'link-refused',
      message: expect.stringContaining('elsewhere.example'),
    })
    expect(JSON.stringify([entry, world.events])).not.toContain('SECRET')
  })
})
