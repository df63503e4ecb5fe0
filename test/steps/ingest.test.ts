import { describe, expect, it } from 'vitest'
import { failed, isFailure } from '../../src/core/failures.ts'
import { DAY_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import { quietWorld, type World } from '../setup/world.ts'
import {
  askAgain,
  entryOf,
  etagOf,
  FEED,
  feedRowOf,
  fileOf,
  HINT,
  hint,
  importFile,
  MAY,
  polled,
  worldOf,
} from './one-window.ts'

const SECOND = 1000
const NEVER_READY = { generationMilliseconds: 1e12 }

describe('a message that is not for the open attempt', () => {
  it.each([
    ['that is not JSON', 'landed?'],
    ['without a body', undefined],
    ['of another shape', { ingest: { feed: 'usage' } }],
    ['with an attempt that is not a number', { ingest: { ...HINT, attempt: '1' } }],
    ['that names no window', { ingest: { ...HINT, window: 'May' } }],
    ['with an impossible feed name', { ingest: { ...HINT, feed: "u' or 1 eq 1" } }],
    ['of an unknown feed', { ingest: { ...HINT, feed: 'nobody' } }],
    ['of an unknown window', { ingest: { ...HINT, window: '20240501T000000Z_20240601T000000Z' } }],
  ])('%s is completed with one event and no effect', async (_, body) => {
    const world = await worldOf()
    await provision(world.services)
    const [etag, calls] = [await etagOf(world), world.simulator.requests.length]
    world.events.splice(0)
    await ingest(body, world.services)
    expect(world.events).toMatchObject([{ event: 'message.ignored' }])
    expect([await etagOf(world), world.simulator.requests.length, world.sent]).toEqual([etag, calls, []])
  })

  it.each([
    ['of an attempt that is over', { attempt: 1 }],
    ['of one that never was', { attempt: 7 }],
    ['of a window that is landed', { attempt: 2 }],
  ])('%s is completed without any effect', async (_, change) => {
    const world = await worldOf()
    await provision(world.services)
    await askAgain(world)
    await hint(world, world.services, { attempt: 2 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 2 })
    const [etag, calls, events] = [await etagOf(world), world.simulator.requests.length, world.events.length]
    await hint(world, world.services, change)
    expect([await etagOf(world), world.simulator.requests.length, world.events.length]).toEqual([etag, calls, events])
  })
})

describe('a callback that comes before our own write', () => {
  /** The service made the report; its answer never came. */
  async function unanswered(): Promise<World> {
    const world = await worldOf()
    world.simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    await provision(world.services)
    return world
  }

  it('is believed once the service shows our own name under its id', async () => {
    const world = await unanswered()
    const [report] = world.simulator.reports()
    await hint(world, world.services, { reportId: report?.reportId })
    expect(await entryOf(world)).toMatchObject({
      state: 'landed',
      figures: { reportId: report?.reportId, rowsLanded: 40 },
    })
  })

  it('is not believed where the report has another name', async () => {
    const world = await unanswered()
    const insights = world.services.insights('default', {})
    if (isFailure(insights)) throw new Error(insights.message)
    const { query } = await feedRowOf(world)
    const made = await insights.createReport({ reportName: 'of somebody else', queryId: query?.queryId ?? '' })
    const before = await entryOf(world)
    await hint(world, world.services, { reportId: 'reportId' in made ? made.reportId : '' })
    const lookAfter = new Date(world.clock.now().getTime() + 60 * SECOND)
    expect(await entryOf(world)).toEqual({ ...before, lookAfter })
  })

  it('is left to the sweep where the service knows no such report, and another one waits its turn', async () => {
    const world = await unanswered()
    const calls = () => world.simulator.requests.length
    const before = calls()
    await hint(world, world.services, { reportId: '00000000-0000-4000-8000-000000000000' })
    expect(await entryOf(world)).toMatchObject({ state: 'requesting' })
    expect([calls() - before, world.sent]).toEqual([1, []])
    const [report] = world.simulator.reports()
    await hint(world, world.services, { reportId: report?.reportId })
    await hint(world, world.services, { reportId: report?.reportId })
    expect(calls() - before).toBe(1)
    expect(world.sent).toMatchObject([{ message: { reportId: report?.reportId }, delaySeconds: 60 }])
    world.clock.advance(60 * SECOND)
    await hint(world, world.services, { reportId: report?.reportId })
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
  })
})

describe('a report that is not ready', () => {
  it('is asked about once in POLL_EVERY, however many callbacks come', async () => {
    const world = await worldOf({ simulator: NEVER_READY })
    await provision(world.services)
    for (let calls = 0; calls < 5; calls++) await hint(world)
    expect(polled(world)).toBe(1)
    expect(world.sent.map(({ delaySeconds }) => delaySeconds)).toEqual([60])
    world.clock.advance(59 * SECOND)
    await hint(world)
    expect([polled(world), world.sent.length]).toEqual([1, 1])
    world.clock.advance(SECOND)
    await Promise.all([hint(world), hint(world), hint(world)])
    expect(polled(world)).toBe(2)
  })

  it('lands at the poll after it became ready', async () => {
    const world = await worldOf({ simulator: { generationMilliseconds: 90 * SECOND } })
    await provision(world.services)
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'requested' })
    world.clock.advance(90 * SECOND)
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
  })

  it('is dropped where the feed has another query by now, at no try', async () => {
    const world = await worldOf({ simulator: NEVER_READY })
    await provision(world.services)
    const columns = ['Month', 'CustomerName']
    const text = JSON.stringify({ feeds: [{ ...FEED, columns, from: '2025-04-01' }] })
    await provision({ ...world.services, readFeeds: async () => ({ text, source: 'package' }) })
    const before = world.simulator.reports().length
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'planned', reason: 'expired', tries: 0 })
    expect(world.simulator.reports()).toHaveLength(before - 1)
  })
})

describe('an account whose settings are missing', () => {
  const without = ({ services }: World) => ({
    ...services,
    insights: () => failed('unauthorized', 'account default: PARTNER_TENANT_ID is missing'),
  })

  it('lets a file of a person land', async () => {
    const world = await worldOf()
    const services = without(world)
    await provision(services)
    expect(await importFile(services, fileOf(['one', 'two']))).toHaveProperty('attempt')
    await hint(world, services)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 2, origin: 'import' } })
  })

  it('leaves a report that was asked for to the sweep', async () => {
    const world = await worldOf()
    await provision(world.services)
    await hint(world, without(world))
    expect(await entryOf(world)).toMatchObject({ state: 'requested', attempt: 1 })
    world.clock.advance(60 * SECOND)
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 1 })
  })
})

describe('the report of a snapshot', () => {
  it('does not land once its time has passed, however late its message comes', async () => {
    const feed = { name: 'profile', dataset: 'Profile', snapshot: 'P7D' }
    const world = await quietWorld({ feeds: [feed], now: '2025-07-07T01:00:00Z', simulator: { rows: 5 } })
    await provision(world.services)
    const [asked] = await world.entries()
    if (!asked) throw new Error('no entry')
    world.clock.advance(7 * DAY_MS)
    const { window, attempt } = asked
    await ingest({ ingest: { feed: 'profile', window: windowId(window), attempt } }, world.services)
    const [entry] = await world.entries()
    expect(entry).toMatchObject({ window, state: 'failed', kind: 'out-of-range' })
    expect(entry).not.toHaveProperty('figures')
    expect(world.simulator.reports()).toEqual([])
  })
})

describe('a landed report', () => {
  it('is deleted at the service, its archive holds the bytes as they were sent', async () => {
    const world = await worldOf()
    await provision(world.services)
    const [report] = world.simulator.reports()
    await hint(world)
    const { figures } = await entryOf(world)
    expect(world.simulator.reports()).toEqual([])
    const archived = await world.container.getBlobClient(figures?.archive ?? '').downloadToBuffer()
    expect(archived).toEqual(world.simulator.served(report?.reportId ?? '')?.bytes)
    expect(figures?.archive).toMatch(new RegExp(`^usage/${MAY}/1-[0-9a-f-]{36}\\.csv\\.gz$`))
  })

  it('stays at the service with DELETE_REPORTS off', async () => {
    const world = await worldOf({ settings: { deleteReports: false } })
    await provision(world.services)
    await hint(world)
    expect(world.simulator.reports()).toHaveLength(1)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', remoteReports: [expect.any(String)] })
  })
})
