import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Requested } from '../../src/core/ledger/ledger.ts'
import { toLanding } from '../../src/core/ledger/transitions.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import { MINUTE_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { type Deployment, openDeployment } from '../laws/deployment.ts'
import { type Downloads, HEALTHY, startDownloads } from '../laws/service.ts'
import { unhindered } from '../memory/store.ts'
import { callBack } from '../setup/callback.ts'
import { reportRequests } from '../setup/insights.ts'
import { openWorld, type World, type WorldOptions } from '../setup/world.ts'
import { costsWorld, FEED, onlyEntry, storedOnly } from './steer.ts'

// Whoever has the address of one callback can call it as often as he likes. N calls cost N messages and N readings.

const CALLS = 400
const NEVER_READY = { rows: 20, generationMilliseconds: 1e12 }
const UNKNOWN = '00000000-0000-4000-8000-000000000000'

/** Calls the first callback address again and again, then empties the queue. Gives what that cost. */
async function callOften(world: World, reportId: string) {
  const [request] = reportRequests(world.simulator)
  const { pathname } = new URL(String(JSON.parse(request?.body ?? '{}').CallbackUrl))
  const [asked, sent] = [world.simulator.requests.length, world.sent.length]
  for (let nth = 0; nth < CALLS; nth++) expect(await callBack(`${pathname}/${reportId}`, world.services)).toBe(202)
  await world.drain()
  return { asked: world.simulator.requests.length - asked, sent: world.sent.length - sent }
}

/** A world whose service has the address of a callback, and never calls it. */
async function calledWorld(simulator: NonNullable<WorldOptions['simulator']>): Promise<World> {
  const world = await openWorld({ feeds: [FEED], simulator })
  world.simulator.fault({ endpoint: 'callback', effect: 'lost', nth: 'all' })
  return world
}

describe(`${CALLS} calls with one token`, () => {
  it('make one poll and one message that waits, while the report is not ready', async () => {
    const world = await calledWorld(NEVER_READY)
    await provision(world.services)
    expect(await callOften(world, UNKNOWN)).toEqual({ asked: 1, sent: CALLS + 1 })
    world.clock.advance(MINUTE_MS)
    expect(await callOften(world, UNKNOWN)).toEqual({ asked: 1, sent: CALLS + 1 })
  })

  it('make one look-up and one message that waits, while our own answer is not there', async () => {
    const world = await calledWorld(NEVER_READY)
    world.simulator.fault({ endpoint: 'createReport', effect: 'lost' })
    await provision(world.services)
    expect(await callOften(world, UNKNOWN)).toEqual({ asked: 1, sent: CALLS + 1 })
    expect(await callOften(world, 'no-report-of-ours')).toEqual({ asked: 0, sent: CALLS })
  })

  it('ask nothing while a landing has an owner, and the landing goes on when its owner is gone', async () => {
    const world = await calledWorld({ rows: 20 })
    await provision(world.services)
    const { leaseMs } = world.services.settings
    const { value, etag } = await storedOnly(world)
    const owner = {
      executionId: 'x',
      origin: 'service',
      phase: 'check',
      checkpoint: 0,
      hash: '',
      owner: 'gone',
      generation: newGeneration(world.services.newId),
      leaseUntil: new Date(world.clock.now().getTime() + leaseMs),
    } as const
    await world.services.ledger.write(toLanding(value as Requested, owner), etag)
    expect(await callOften(world, UNKNOWN)).toEqual({ asked: 0, sent: CALLS })
    world.clock.advance(2 * leaseMs)
    await sweep(world.services)
    await world.drain()
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed' })
  })
})

describe('a hint that comes while the service is asked', () => {
  /** Sends the same hint in the middle of a call to the service. */
  function hintedDuring(world: World, call: 'execution' | 'createReport'): Services {
    const { services } = world
    const insights = (...of: Parameters<Services['insights']>) => {
      const client = services.insights(...of)
      if ('message' in client) return client
      const during = async <T>(answer: Promise<T>): Promise<T> => {
        const known = await answer
        const { feed, window, attempt } = await onlyEntry(world)
        for (const reportId of [undefined, UNKNOWN, UNKNOWN]) {
          const of = { feed, window: windowId(window), attempt, ...(reportId && { reportId }) }
          await ingest({ ingest: of }, services)
        }
        return known
      }
      if (call === 'execution') return { ...client, execution: (id: string) => during(client.execution(id)) }
      return { ...client, createReport: (request: never) => during(client.createReport(request)) }
    }
    return { ...services, insights } as Services
  }

  it('does not keep a report that is ready from landing', async () => {
    const world = await costsWorld({ simulator: { rows: 20 } })
    await provision(world.services)
    const { feed, window, attempt } = await onlyEntry(world)
    await ingest({ ingest: { feed, window: windowId(window), attempt } }, hintedDuring(world, 'execution'))
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed' })
  })

  it('does not cost the report that is just being made', async () => {
    const world = await costsWorld({ simulator: NEVER_READY })
    await provision(hintedDuring(world, 'createReport'))
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', attempt: 1, tries: 1 })
    expect(world.simulator.reports()).toHaveLength(1)
  })
})

describe('over any history of hints', () => {
  let downloads: Downloads
  beforeAll(async () => {
    downloads = await startDownloads()
  })
  afterAll(() => downloads.close())

  const LINE = { name: 'usage', account: 'default', window: 'P1D', from: '2026-01-01', to: '2026-01-02' } as const

  /** A deployment with one open attempt: `lost` means that the answer to its request never came. */
  async function opened(isLost: boolean): Promise<{ deployment: Deployment; services: Services; sent: () => number }> {
    const file = { lines: [{ ...LINE, enabled: true }], snapshots: false }
    const deployment = openDeployment(file, downloads.origin)
    const faults = isLost ? { createReport: { status: 500, isDone: true } } : {}
    deployment.service.health = { ...HEALTHY, reports: 'stuck', faults }
    const plain = deployment.start(unhindered)
    let sent = 0
    const send: Services['queue']['send'] = (...message) => {
      sent += 1
      return plain.queue.send(...message)
    }
    const services = { ...plain, queue: { ...plain.queue, send } }
    await provision(services)
    return { deployment, services, sent: () => sent }
  }

  it('N of them cost at most N messages and one more a minute, and one call to the service a minute', async () => {
    const acts = fc.array(
      fc.record({ hints: fc.nat({ max: 40 }), seconds: fc.nat({ max: 100 }), known: fc.boolean() }),
      {
        maxLength: 8,
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.boolean(), acts, async (isLost, history) => {
        const { deployment, services, sent } = await opened(isLost)
        const { clock, service, store } = deployment
        const [entry] = store.lookAtEntries('usage')
        if (!entry) throw new Error('no entry')
        const asked = service.calls.length
        const hints = history.reduce((all, act) => all + act.hints, 0)
        const minutes = history.reduce((all, act) => all + act.seconds, 0) / 60
        let runs = 0
        for (const act of history) {
          const message = { feed: 'usage', window: windowId(entry.window), attempt: entry.attempt }
          const named = { ...message, ...(act.known && { reportId: UNKNOWN }) }
          for (let nth = 0; nth < act.hints; nth++) await services.queue.send(named)
          for (let taken = await store.receive(); taken; taken = await store.receive()) {
            runs += 1
            await ingest(taken.body, services)
            await taken.complete()
          }
          clock.advance(act.seconds * 1000)
        }
        // One waits of each minute that began, and one from before.
        const most = hints + Math.floor(minutes) + 2
        expect(sent()).toBeLessThanOrEqual(most)
        expect(runs).toBeLessThanOrEqual(most)
        expect(service.calls.length - asked).toBeLessThanOrEqual(Math.floor(minutes) + 1)
      }),
      { numRuns: 100 },
    )
  })
})
