import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { proxiedConnectionString, serviceOrigins, startProxy } from '../../local/proxy.ts'
import { pacingRowKey } from '../../src/core/ledger/app-rows.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import type { Pacing } from '../../src/core/plan/pacing.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import { asksForReport } from '../setup/insights.ts'
import type { World } from '../setup/world.ts'
import { askAgain, asked, entryOf, HALF_A_YEAR, HINT, named, watched, worldOf } from './one-window.ts'

const MINUTE = 60_000
const pacingOf = async ({ services }: World) => (await services.ledger.readApp<Pacing>(pacingRowKey('default')))?.value

/** Room for all windows of one feed, which takes half of what may be in flight. */
const ROOMY = { limits: { maxInFlight: 12, maxReportsPerHour: 20 } }

describe('a feed', () => {
  it('is not written again by a tick that finds it as it was', async () => {
    const world = await worldOf()
    await provision(world.services)
    const before = await world.services.ledger.readFeed('usage')
    await provision(world.services)
    expect(await world.services.ledger.readFeed('usage')).toEqual(before)
  })
})

describe('a report', () => {
  it('is asked for after the pacing row and the intent were written, in this order', async () => {
    const wire: string[] = []
    const seen = (text: string) => /pacing~|"state":"request\w+"/.exec(text)?.[0]
    const tables = await startProxy({
      target: serviceOrigins(inject('storage')).table,
      onRequest({ method, path, body = '' }) {
        const what = method === 'GET' ? undefined : seen(path + body)
        if (what) wire.push(what)
        return 'pass'
      },
    })
    onTestFinished(() => tables.close())
    const insights = async ({ baseUrl }: { baseUrl: string }) => {
      const { origin, pathname } = new URL(baseUrl)
      const proxy = await startProxy({
        target: origin,
        onRequest(request) {
          if (asksForReport(request)) wire.push('POST')
          return 'pass'
        },
      })
      onTestFinished(() => proxy.close())
      return proxy.origin + pathname
    }
    const storage = proxiedConnectionString(inject('storage'), { table: tables.origin })
    await provision((await worldOf({ storage, insights })).services)
    expect(wire).toEqual(['pacing~', '"state":"requesting"', 'POST', '"state":"requested"'])
  })

  it('is asked for once, however many instances tick at the same time', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR], settings: ROOMY })
    await Promise.all([1, 2, 3].map(() => provision(world.services)))
    await provision(world.services)
    const names = asked(world).map(({ body }) => JSON.parse(body).ReportName)
    expect(names).toHaveLength(6)
    expect(new Set(names).size).toBe(6)
    expect(world.simulator.reports()).toHaveLength(6)
  })

  it('is not asked for by an instance that finds the pacing row changed', async () => {
    const world = await worldOf()
    const { ledger } = world.services
    let changed = false
    const rival: typeof ledger = {
      ...ledger,
      async writeApp(key, value, etag) {
        if (key === pacingRowKey('default') && !changed) await ledger.writeApp(key, { creations: [], open: [] }, etag)
        changed ||= key === pacingRowKey('default')
        return ledger.writeApp(key, value, etag)
      },
    }
    expect(await provision({ ...world.services, ledger: rival })).toMatchObject({ requested: 0, waiting: 1 })
    expect(asked(world)).toEqual([])
    expect(await world.entries()).toEqual([])
  })

  it('is not asked for by an instance that finds the entry written by another', async () => {
    const world = await worldOf()
    const { ledger } = world.services
    const rival = async (entry: LedgerEntry) =>
      ledger.write({ ...entry, reportName: 'of another' } as LedgerEntry, undefined)
    await provision({ ...world.services, ledger: watched(ledger, rival) })
    expect(asked(world)).toEqual([])
    expect(await entryOf(world)).toMatchObject({ state: 'requesting', reportName: 'of another' })
  })

  it('is deleted again when another instance took the entry in the meantime', async () => {
    const world = await worldOf()
    const { ledger } = world.services
    let etag: string | undefined
    const rival: typeof ledger = {
      ...ledger,
      async write(entry, expected, drops) {
        const other = { reportId: 'of-another', remoteReports: ['of-another'] }
        if (entry.state === 'requested') await ledger.write({ ...entry, ...other }, etag)
        const written = await ledger.write(entry, expected, drops)
        etag = written?.etag
        return written
      },
    }
    await provision({ ...world.services, ledger: rival })
    expect(asked(world)).toHaveLength(1)
    expect(world.simulator.reports()).toEqual([])
  })

  it('is asked for no more often than the hour allows, with one slot kept for new windows', async () => {
    const world = await worldOf({
      feeds: [HALF_A_YEAR],
      settings: { limits: { maxInFlight: 12, maxReportsPerHour: 4 } },
    })
    expect(await provision(world.services)).toMatchObject({ requested: 3, waiting: 3 })
    world.clock.advance(59 * MINUTE)
    expect(await provision(world.services)).toMatchObject({ requested: 0 })
    world.clock.advance(MINUTE)
    expect(await provision(world.services)).toMatchObject({ requested: 3, waiting: 0 })
  })
})

describe('a service that is asked too much', () => {
  it.each([
    ['a 429', { status: 429, headers: { 'retry-after': '120' } }, 2 * MINUTE],
    [
      'a 400 that speaks of a quota',
      { status: 400, message: 'User has exceeded its report creation quota of 10' },
      15 * MINUTE,
    ],
  ])('%s sets a time for the account, halves its allowance and costs no try', async (_, effect, wait) => {
    const world = await worldOf({ feeds: [HALF_A_YEAR], settings: ROOMY })
    world.simulator.fault({ endpoint: 'createReport', effect, nth: 2 })
    expect(await provision(world.services)).toMatchObject({ requested: 1, waiting: 5 })
    const until = new Date(world.clock.now().getTime() + wait)
    expect(await pacingOf(world)).toMatchObject({ notBefore: until.toISOString(), reduced: { allowance: 10 } })
    expect(await entryOf(world)).toMatchObject({
      state: 'planned',
      reason: 'expired',
      notBefore: until,
      attempt: 1,
      tries: 0,
    })
    expect(named(world, 'quota.reduced')).toMatchObject([{ count: 10 }])
    world.clock.advance(wait - 1)
    expect(await provision(world.services)).toMatchObject({ requested: 0 })
    world.clock.advance(1)
    expect(await provision(world.services)).toMatchObject({ requested: 5 })
    expect(await entryOf(world)).toMatchObject({ state: 'requested', attempt: 2, tries: 1 })
  })
})

describe('a window asked for again', () => {
  it('keeps counting its attempts', async () => {
    const world = await worldOf()
    await provision(world.services)
    await ingest({ ingest: HINT }, world.services)
    await askAgain(world)
    expect(await entryOf(world)).toMatchObject({ attempt: 2, tries: 1 })
    expect(asked(world).map(({ body }) => JSON.parse(body).ReportName.slice(-1))).toEqual(['1', '2'])
  })
})
