import { describe, expect, it } from 'vitest'
import type { AppEvent } from '../../src/core/events.ts'
import { status } from '../../src/steps/status.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { reportRequests } from '../setup/insights.ts'
import type { World } from '../setup/world.ts'
import { costsWorld, DAY, FEED, HOUR, onlyEntry, turn } from './steer.ts'

const MINUTE = 60_000
const THREE_MONTHS = { ...FEED, from: '2025-04-01', to: '2025-07-01' }

let world: World

const posted = () => reportRequests(world.simulator).length

const told = (...names: readonly AppEvent['event'][]) => world.events.filter(({ event }) => names.includes(event))

const states = async () => (await world.entries()).map(({ state }) => state)

const landedAttempts = async () =>
  new Set((await rawRows(world.landingTable('Costs'))).map(({ _attempt }) => Number(_attempt)))

describe('a create call whose answer is lost', () => {
  it('is found by its name and landed, with one report', async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requesting', attempt: 1 })
    await turn(world, 5 * MINUTE)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested' })
    await turn(world, MINUTE)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
    expect([posted(), world.simulator.reports()]).toEqual([1, []])
  })

  it('costs a second report, never a second landing, while the service does not list the first, which is deleted later', async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    world.simulator.fault({ endpoint: 'listReports', effect: 'unlisted', nth: 2 })
    await turn(world)
    for (let minutes = 0; minutes < 3; minutes++) await turn(world, 5 * MINUTE)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 2, tries: 0 })
    expect(posted()).toBe(2)
    expect(await landedAttempts()).toEqual(new Set([2]))
    expect(told('window.landed')).toHaveLength(1)
    expect(world.simulator.reports()).toHaveLength(1)
    await turn(world, 2 * DAY + 1)
    expect(world.simulator.reports()).toEqual([])
  })

  it('is found although the service compares names in part and gives empty pages first', async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    world.simulator.fault({ endpoint: 'listReports', effect: { nextLink: 'absolute' }, nth: 'all' })
    world.simulator.fault({ endpoint: 'listReports', effect: 'partialNames', nth: 'all' })
    await turn(world)
    for (let minutes = 0; minutes < 2; minutes++) await turn(world, 5 * MINUTE)
    expect([await states(), posted()]).toEqual([['landed'], 1])
  })
})

describe('a report that is never ready', () => {
  it('is deleted and asked for again, three times in all; then it rests for 6 hours', async () => {
    world = await costsWorld()
    for (const nth of [1, 2, 3]) world.simulator.fault({ endpoint: 'report', effect: 'stuck', nth })
    for (const attempt of [1, 2, 3]) {
      await turn(world)
      expect(await onlyEntry(world)).toMatchObject({ state: 'requested', attempt, tries: attempt })
      expect(world.simulator.reports().map(({ reportName }) => reportName.split(' ').at(-1))).toEqual([String(attempt)])
      await turn(world, DAY + 1)
    }
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'deadline', attempt: 3 })
    await turn(world, 5 * HOUR)
    expect(await states()).toEqual(['failed'])
    await turn(world, HOUR + 1)
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 4, tries: 0, heals: 0 })
    expect(world.simulator.reports()).toEqual([])
  })
})

describe('what heals with time', () => {
  it('is tried again after 6 hours, then after twice as long each time, up to a week, until it lands', async () => {
    world = await costsWorld()
    const broken = { endpoint: 'listExecutions', effect: { link: 'https://elsewhere.example/' } } as const
    for (let nth = 1; nth <= 8; nth++) world.simulator.fault({ ...broken, nth })
    await turn(world)
    for (const [reopened, hours] of [6, 12, 24, 48, 96, 168, 168, 168].entries()) {
      await turn(world, (hours - 1) * HOUR)
      expect([await states(), told('window.reopened').length]).toEqual([['failed'], reopened])
      await turn(world, HOUR)
      expect([await states(), told('window.reopened').length]).toEqual([['planned'], reopened + 1])
      await turn(world)
    }
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', heals: 0, tries: 0, attempt: 9 })
  })
})

describe('a feed that only a change outside can heal', () => {
  it('is tried with its newest window a day later; when that lands, the others follow', async () => {
    world = await costsWorld({ feeds: [THREE_MONTHS] })
    for (const nth of [1, 2, 3])
      world.simulator.fault({ endpoint: 'report', effect: { missingColumn: 'ACR_USD' }, nth })
    await turn(world)
    expect(await states()).toEqual(['failed', 'failed', 'failed'])
    await turn(world, DAY - HOUR)
    expect(told('feed.blocked')).toHaveLength(1)
    expect(posted()).toBe(3)
    await turn(world, HOUR)
    expect(await states()).toEqual(['failed', 'failed', 'landed'])
    await turn(world, MINUTE)
    expect(await states()).toEqual(['landed', 'landed', 'landed'])
    expect(told('feed.unblocked')).toMatchObject([{ feed: 'costs' }])
    expect(posted()).toBe(6)
  })

  it('stays blocked while the daily try fails', async () => {
    world = await costsWorld({ feeds: [THREE_MONTHS] })
    world.simulator.fault({ endpoint: 'report', effect: { missingColumn: 'ACR_USD' }, nth: 'all' })
    for (let day = 0; day < 4; day++) {
      await turn(world, DAY)
      await turn(world)
    }
    expect(posted()).toBe(3 + 3)
    expect(told('feed.blocked')).toHaveLength(1)
    expect((await status(world.services)).feeds).toMatchObject([{ blocked: { kind: 'column-missing' } }])
  })

  it('is asked for with all its windows as soon as the feed is changed', async () => {
    const feed = { ...THREE_MONTHS, newColumns: 'fail' }
    world = await costsWorld({ feeds: [feed] })
    world.simulator.fault({ endpoint: 'report', effect: { newColumn: 'Surprise' }, nth: 'all' })
    await turn(world)
    expect(await states()).toEqual(['failed', 'failed', 'failed'])
    feed.newColumns = 'land'
    await turn(world, MINUTE)
    await turn(world, MINUTE)
    expect(await states()).toEqual(['landed', 'landed', 'landed'])
    expect(told('feed.drift')).toHaveLength(1)
  })
})

describe('what is left at the service', () => {
  it('a report whose deletion failed is deleted by a later sweep', async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'deleteReport', effect: { status: 500 } })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', remoteReports: [expect.any(String)] })
    await turn(world, MINUTE)
    expect(await onlyEntry(world)).toHaveProperty('remoteReports', [])
    expect(world.simulator.reports()).toEqual([])
  })

  it("a failed window's report is deleted", async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'report', effect: 'badLastRow' })
    await turn(world)
    await turn(world, MINUTE)
    expect([await states(), world.simulator.reports()]).toEqual([['failed'], []])
  })
})

describe('a quota', () => {
  it('halves what is asked for in an hour, costs no try, and is told', async () => {
    world = await costsWorld({ feeds: [THREE_MONTHS] })
    const effect = { status: 429, headers: { 'retry-after': '600' } }
    world.simulator.fault({ endpoint: 'createReport', effect })
    await turn(world)
    expect(told('quota.reduced')).toMatchObject([
      { count: 10, message: expect.stringMatching(/^account default waits until \d{4}-\S+Z: /) },
    ])
    await turn(world, 9 * MINUTE)
    expect(posted()).toBe(1)
    await turn(world, MINUTE)
    expect((await world.entries()).map(({ state, attempt }) => [state, attempt])).toEqual([
      ['landed', 1],
      ['landed', 1],
      ['landed', 2],
    ])
  })
})
