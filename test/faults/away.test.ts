import { describe, expect, it } from 'vitest'
import { openLandingTable } from '../../src/services/storage/landing-table.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { costsWorld, DAY, HOUR, onlyEntry, turn } from './steer.ts'

describe('a service that is away', () => {
  it('leaves the attempt as it is until it is back', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'listExecutions', effect: { status: 503 } })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', attempt: 1 })
    await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1, figures: { attempt: 1 } })
  })

  it('ends the window as unavailable after three tries that made no report', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: { status: 500 }, nth: 'all' })
    for (let tries = 0; tries < 6; tries++) await turn(world, HOUR / 4)
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'unavailable', attempt: 3, tries: 3 })
    expect(world.simulator.reports()).toEqual([])
  })

  it('ends the window as deadline once every try has had its day', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'listExecutions', effect: { page: 502 }, nth: 'all' })
    // A day for the report, and half of one until somebody asks anew.
    for (let half = 0; half < 9; half++) await turn(world, DAY / 2 + 1)
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'deadline', attempt: 3, tries: 3 })
  })

  it('a file that cannot be fetched is fetched later, from the same report', async () => {
    const world = await costsWorld()
    // As many as the download tries in a row.
    for (let nth = 1; nth <= 5; nth++) world.simulator.fault({ endpoint: 'download', effect: 'drop', nth })
    await turn(world)
    const entry = await onlyEntry(world)
    expect(entry).toMatchObject({ state: 'requested', lastError: { kind: 'unavailable' } })
    expect(entry).toMatchObject({ pollAfter: new Date(world.clock.now().getTime() + 5 * 60_000) })
    await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
  })
})

describe('a sign-in that is refused', () => {
  it('is told once, keeps the feed waiting, and is over as soon as it works again', async () => {
    const world = await costsWorld()
    // The daily sweep of strays signs in, too.
    for (const nth of [1, 2, 3]) world.simulator.fault({ endpoint: 'token', effect: { refuse: 'invalid_grant' }, nth })
    await turn(world)
    await turn(world, HOUR)
    expect(await world.entries()).toEqual([])
    await turn(world, HOUR)
    await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed' })
    const told = world.events.filter(({ event }) => event === 'feed.stale' || event === 'feed.fresh')
    expect(told).toMatchObject([{ event: 'feed.stale', kind: 'unauthorized' }, { event: 'feed.fresh' }])
  })

  it('for a missing role blocks the feed', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'token', effect: 'noRole' })
    await turn(world)
    expect(world.events).toContainEqual(expect.objectContaining({ event: 'feed.blocked', kind: 'forbidden' }))
  })
})

describe('trouble on our own side', () => {
  it('an entry that somebody else changed is named in status, and its window is not asked for again', async () => {
    const world = await costsWorld()
    await turn(world)
    for await (const row of world.ledgerTable.listEntities<{ v?: number }>()) {
      const { partitionKey = '', rowKey = '' } = row
      if (partitionKey === 'costs') await world.ledgerTable.updateEntity({ partitionKey, rowKey, v: 3 }, 'Merge')
    }
    await turn(world, 40 * DAY)
    const [feedStatus] = (await status(world.services)).feeds
    expect(feedStatus?.problems).toMatchObject([
      { kind: 'unreadable-entry', message: expect.stringMatching(/version 3/) },
    ])
    expect(world.events.filter(({ event }) => event === 'window.requested')).toHaveLength(1)
  })

  it('a message that fails again and again gives its window back for an hour, and the second time ends it', async () => {
    const world = await costsWorld()
    await provision(world.services)
    await sweep(world.services)
    const ofWindow = { ingest: world.sent[0]?.message }
    await poison(ofWindow, world.services)
    const back = new Date(world.clock.now().getTime() + HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', pollAfter: back, lastError: { kind: 'poison' } })
    await poison(ofWindow, world.services)
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'poison' })
    await poison(ofWindow, world.services)
    for (const strange of [undefined, 'text', { ingest: { feed: '../x' } }]) await poison(strange, world.services)
    const told = world.events.map(({ event }) => event).filter((event) => event !== 'window.requested')
    expect(told).toEqual(['window.failed', 'message.ignored', 'message.ignored', 'message.ignored', 'message.ignored'])
  })

  it('storage that refuses the rows is told as storage, and heals by itself', async () => {
    const world = await costsWorld()
    await provision(world.services)
    await sweep(world.services)
    const limits = { callMs: 300, tryMs: 200, waitMs: 10 }
    // A table that is taken away between its creation and the first row.
    const gone = (name: string) => ({ ...openLandingTable(landingTableOf(name), limits), create: async () => {} })
    const landingTableOf = world.landingTable
    await ingest({ ingest: world.sent[0]?.message }, { ...world.services, landingTable: gone })
    const message = expect.stringMatching(/refused with TableNotFound \(404\)/)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landing', lastError: { kind: 'storage', message } })
    expect(world.events.at(-1)).toMatchObject({ event: 'window.rests', kind: 'storage', message })
    await turn(world, HOUR / 12)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
  })
})
