import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import { cleanUpRowKey } from '../../src/core/ledger/app-rows.ts'
import type { LedgerEntry, Requested } from '../../src/core/ledger/ledger.ts'
import { provision } from '../../src/steps/provision.ts'
import { cleanUp } from '../../src/steps/requesting/clean-up.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { openDeployment } from '../laws/deployment.ts'
import { tick } from '../laws/play.ts'
import { type Downloads, HEALTHY, type Health, startDownloads } from '../laws/service.ts'
import { unhindered } from '../memory/store.ts'
import { reportRequests } from '../setup/insights.ts'
import { findFeedRow } from '../setup/stored.ts'
import type { World } from '../setup/world.ts'
import { costsWorld, DAY, FEED, HOUR, onlyEntry, storedOnly, turn } from './steer.ts'

// The cases of states without an exit, and of one trouble that holds up everything else. `test/laws` holds the laws: every
// window has its exit within 8 days, no endpoint is called without a bound, and one feed in trouble holds up no other.
// `test/steps/by-person.test.ts` holds the case of a second replay and poison.

const MINUTE = 60_000
const HALF_A_YEAR = { ...FEED, from: '2025-01-01', to: '2025-07-01' }

const lookUps = ({ simulator }: World) =>
  simulator.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('/ScheduledReport')).length

const deletions = ({ simulator }: World) =>
  simulator.requests.filter(({ method, path }) => method === 'DELETE' && path.includes('/ScheduledReport/')).length

const told = ({ events }: World, name: string) => events.filter(({ event }) => event === name)

const states = async (world: World) => (await world.entries()).map(({ state }) => state)

describe('the case of a create call whose answer is lost', () => {
  it('and whose look-up is refused: the attempt ends with the refusal, and the feed waits for a change', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    world.simulator.fault({ endpoint: 'listReports', effect: { status: 403 }, nth: 'all' })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requesting' })
    await turn(world, 5 * MINUTE)
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'forbidden' })
    expect(told(world, 'window.failed')).toMatchObject([{ kind: 'forbidden' }])
    for (let hours = 0; hours < 20; hours += 1) await turn(world, HOUR)
    // One more is the daily search for reports that nobody names.
    expect(lookUps(world)).toBe(2)
  })

  it('and whose look-up fails: it is looked for until the deadline of the report, a few times, then asked for again', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    world.simulator.fault({ endpoint: 'listReports', effect: { status: 500 }, nth: 'all' })
    await turn(world)
    for (let hours = 0; hours < 23; hours += 1) await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requesting', attempt: 1 })
    await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'planned', tries: 1, lastError: { kind: 'unavailable' } })
    expect(lookUps(world)).toBeLessThanOrEqual(6)
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 2 })
  })
})

describe('the case of a report that is completed and has no link', () => {
  const withoutLink = async (looks: number) => {
    const world = await costsWorld()
    const effect = { link: '' }
    for (let nth = 1; nth <= looks; nth += 1) world.simulator.fault({ endpoint: 'listExecutions', effect, nth })
    await turn(world)
    for (let minutes = 10; minutes < 60; minutes += 10) await turn(world, 10 * MINUTE)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', attempt: 1, lastError: { kind: 'deadline' } })
    return world
  }

  it('ends the attempt after an hour with that reason, and not at its deadline, and asks again', async () => {
    const world = await withoutLink(7)
    await turn(world, 10 * MINUTE)
    const lastError = { kind: 'deadline', message: expect.stringMatching(/report \S+ is completed, without a link/) }
    expect(await onlyEntry(world)).toMatchObject({ state: 'planned', tries: 1, lastError })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 2 })
  })

  it('lands where the link comes late', async () => {
    const world = await withoutLink(6)
    await turn(world, 10 * MINUTE)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
  })

  it('fails with that reason where no report ever has a link', async () => {
    const world = await costsWorld({ settings: { maxTries: 2 } })
    world.simulator.fault({ endpoint: 'listExecutions', effect: { link: '' }, nth: 'all' })
    for (let hours = 0; hours < 4; hours += 1) await turn(world, HOUR)
    const message = expect.stringMatching(/is completed, without a link/)
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'deadline', message })
    expect(told(world, 'window.failed')).toMatchObject([{ kind: 'deadline', message }])
  })
})

describe('the case of a report that the service says it does not have', () => {
  const opened = (world: World) => {
    const insights = world.services.insights('default', {})
    if (!('deleteReport' in insights)) throw new Error(insights.message)
    return insights
  }

  it('is asked for again at its deadline, which costs one try', async () => {
    const world = await costsWorld()
    await provision(world.services)
    const { reportId } = (await onlyEntry(world)) as Requested
    expect(await opened(world).deleteReport(reportId)).toBeUndefined()
    for (let hours = 0; hours < 23; hours += 1) await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', attempt: 1, tries: 1 })
    await turn(world, HOUR)
    const message = expect.stringMatching(/was not ready at its deadline: report \S+: the service no longer has it/)
    expect(await onlyEntry(world)).toMatchObject({
      state: 'planned',
      tries: 1,
      lastError: { kind: 'deadline', message },
    })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 2 })
  })

  it('lands at its first try where the service only does not list it and is slow', async () => {
    const world = await costsWorld()
    const gone = { status: 404, message: 'No item found with given filters.' }
    world.simulator.fault({ endpoint: 'listReports', effect: 'unlisted', nth: 'all' })
    for (let nth = 1; nth <= 6; nth += 1) world.simulator.fault({ endpoint: 'listExecutions', effect: gone, nth })
    await turn(world)
    const { reportId } = (await onlyEntry(world)) as Requested
    expect(await opened(world).execution(reportId)).toMatchObject({ kind: 'deadline' })
    for (let hours = 0; hours < 6; hours += 1) await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
    expect(reportRequests(world.simulator)).toHaveLength(1)
  })
})

describe('the case of a service that asks for an endless wait', () => {
  it.each(['1767225600', '9'.repeat(25)])(
    'Retry-After %s: the account waits a day, and status says so',
    async (wait) => {
      const world = await costsWorld()
      const effect = { status: 429, headers: { 'retry-after': wait } }
      world.simulator.fault({ endpoint: 'createReport', effect })
      await turn(world)
      const until = new Date(world.clock.now().getTime() + DAY)
      expect((await status(world.services)).accounts).toMatchObject([{ name: 'default', waitsUntil: until }])
      await turn(world, DAY - 1)
      expect(await onlyEntry(world)).toMatchObject({ state: 'planned' })
      await turn(world, 1)
      expect(await onlyEntry(world)).toMatchObject({ state: 'landed' })
      expect((await status(world.services)).accounts[0]).not.toHaveProperty('waitsUntil')
    },
  )

  it('for a poll: the report is asked about a day later', async () => {
    const world = await costsWorld()
    const effect = { status: 429, headers: { 'retry-after': '1767225600' } }
    world.simulator.fault({ endpoint: 'listExecutions', effect })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested' })
    await turn(world, DAY)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
  })
})

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads()
})
afterAll(() => downloads.close())

const LINE = { name: 'usage', account: 'default', window: 'P1D', enabled: true } as const
const FORTNIGHT = { ...LINE, from: '2025-12-15', to: '2025-12-29' }

const AHEAD: Readonly<Record<string, Health>> = {
  'all went well': HEALTHY,
  'the quota was used up': { ...HEALTHY, faults: { createReport: { status: 429, retryAfter: '3600' } } },
  'the service was away': { ...HEALTHY, faults: { createReport: { status: 500 }, listQueries: { status: 500 } } },
  'the service refused': { ...HEALTHY, faults: { createReport: { status: 403 } } },
  'links were foreign': { ...HEALTHY, areLinksForeign: true },
}

describe('the case of a clock that is 30 days ahead for one tick', () => {
  it.each(Object.entries(AHEAD))(
    'while %s: the feed goes on at once, and all has landed in two days',
    async (_, health) => {
      const deployment = openDeployment({ lines: [FORTNIGHT], snapshots: false }, downloads.origin)
      const { clock, service, store } = deployment
      const landed = () => store.lookAtEntries(LINE.name).filter(({ state }) => state === 'landed').length
      service.health = health
      await tick(deployment.start(unhindered, 30 * DAY), deployment)
      service.health = HEALTHY
      for (let tenMinutes = 0; tenMinutes < 2 * 24 * 6; tenMinutes += 1) {
        await tick(deployment.start(unhindered), deployment)
        clock.advance(10 * MINUTE)
      }
      expect(landed()).toBe(14)
    },
  )
})

/** Services whose deletions at the service take so long, in milliseconds. */
function slowlyDeleting({ services, clock }: World, takes: number): Services {
  return {
    ...services,
    insights(...about) {
      const client = services.insights(...about)
      if (!('deleteReport' in client)) return client
      return {
        ...client,
        deleteReport(reportId) {
          clock.advance(takes)
          return client.deleteReport(reportId)
        },
      }
    },
  }
}

/** Services whose account cannot delete one report. */
function refusingToDelete({ services }: World, stuck: string): Services {
  return {
    ...services,
    insights(...about) {
      const client = services.insights(...about)
      if (!('deleteReport' in client)) return client
      const refused = failed('unavailable', `report ${stuck} cannot be deleted`)
      const deleteReport = async (id: string) => (id === stuck ? refused : client.deleteReport(id))
      return { ...client, deleteReport }
    },
  }
}

const withReports = (entries: readonly LedgerEntry[]) => entries.filter(({ remoteReports }) => remoteReports.length > 0)

describe('the case of deletions that fail at the service', () => {
  it('they are tried a few times a day, told once a day, and other windows go on', async () => {
    const feed = { ...HALF_A_YEAR, to: '2025-06-01' }
    const world = await costsWorld({ feeds: [feed] })
    world.simulator.fault({ endpoint: 'deleteReport', effect: { status: 500 }, nth: 'all' })
    await turn(world)
    expect(await states(world)).toEqual(Array(5).fill('landed'))
    const before = deletions(world)
    feed.to = '2025-07-01'
    for (let hours = 0; hours < 48; hours += 1) await turn(world, HOUR)
    expect(await states(world)).toEqual(Array(6).fill('landed'))
    expect(deletions(world) - before).toBeLessThanOrEqual(20)
    expect(told(world, 'cleanup.failing')).toHaveLength(2)
    expect(withReports(await world.entries())).toHaveLength(6)
  })

  it('one report that cannot be deleted keeps no other', async () => {
    const world = await costsWorld({ feeds: [{ ...HALF_A_YEAR, from: '2025-02-01' }] })
    for (let nth = 1; nth <= 5; nth += 1)
      world.simulator.fault({ endpoint: 'deleteReport', effect: { status: 500 }, nth })
    await turn(world)
    const [stuck = ''] = withReports(await world.entries()).flatMap(({ remoteReports }) => remoteReports)
    await sweep(refusingToDelete(world, stuck))
    const left = withReports(await world.entries()).flatMap(({ remoteReports }) => remoteReports)
    expect(left).toEqual([stuck])
  })

  it('once they work again, a sweep spends a minute on them and leaves the others to the next', async () => {
    const world = await costsWorld({ feeds: [{ ...HALF_A_YEAR, from: '2025-02-01' }] })
    for (let nth = 1; nth <= 5; nth += 1)
      world.simulator.fault({ endpoint: 'deleteReport', effect: { status: 500 }, nth })
    await turn(world)
    expect(withReports(await world.entries())).toHaveLength(5)
    const slow = slowlyDeleting(world, 25_000)
    await sweep(slow)
    expect(withReports(await world.entries())).toHaveLength(2)
    await sweep(slow)
    expect(withReports(await world.entries())).toEqual([])
  })

  it('an account whose turn did not come in that minute keeps the wait that it has', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'deleteReport', effect: { status: 500 } })
    await turn(world)
    const { services, clock } = world
    const row = await findFeedRow(services.ledger, FEED.name)
    if (!row) throw new Error('no row')
    const failedBefore = { times: 5, at: new Date(clock.now().getTime() - DAY).toISOString() }
    await services.ledger.writeApp(cleanUpRowKey('other'), failedBefore, undefined)
    const ofOther = { ...row, feed: { ...row.feed, account: 'other' } }
    const entry = await storedOnly(world)
    const app = await services.ledger.appRows()
    await cleanUp(slowlyDeleting(world, 2 * MINUTE), app, [
      { row, entry },
      { row: ofOther, entry },
    ])
    expect((await services.ledger.readApp(cleanUpRowKey('other')))?.value).toEqual(failedBefore)
  })
})
