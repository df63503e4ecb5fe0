import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppEvent } from '../../src/core/events.ts'
import { adviceOn, adviceText } from '../../src/core/failures.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { status } from '../../src/steps/status.ts'
import { type Deployment, openDeployment } from '../laws/deployment.ts'
import type { FeedLine } from '../laws/feeds.ts'
import { tick } from '../laws/play.ts'
import { type Downloads, type Endpoint, type Fault, HEALTHY, startDownloads } from '../laws/service.ts'
import { unhindered } from '../memory/store.ts'

// What an account does while its sign-in is refused, and what it does once it works again.

const MINUTE = 60_000

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads()
})
afterAll(() => downloads.close())

const USAGE: FeedLine = {
  name: 'usage',
  account: 'default',
  window: 'P1D',
  from: '2025-12-15',
  to: '2025-12-21',
  enabled: true,
}
const SPARE: FeedLine = { ...USAGE, name: 'spare' }

type Watched = Deployment & { readonly events: AppEvent[] }

function open(...lines: readonly FeedLine[]): Watched {
  const events: AppEvent[] = []
  return Object.assign(openDeployment({ lines, snapshots: false }, downloads.origin), { events })
}

/** Lets the timers fire every 15 minutes. */
async function work(deployment: Watched, ticks: number): Promise<void> {
  for (let nth = 0; nth < ticks; nth += 1) {
    const services = deployment.start(unhindered)
    await tick({ ...services, emit: (event) => void deployment.events.push(event) }, deployment)
    deployment.clock.advance(15 * MINUTE)
  }
}

const NO_MFA: Fault = { status: 401, message: 'Error 900421' }
const REFUSED: Fault = { status: 401 }

function refuse({ service }: Deployment, fault: Fault, endpoints: readonly Endpoint[], only?: string): void {
  const faults = Object.fromEntries(endpoints.map((endpoint) => [endpoint, fault]))
  service.health = { ...HEALTHY, faults, ...(only !== undefined && { only }) }
}

const EVERYTHING: readonly Endpoint[] = ['createReport', 'listReports', 'execution', 'listQueries', 'listDatasets']

/** How many minutes after the start the service was asked something, each once. */
function minutesOf({ service, clock }: Deployment, endpoint: Endpoint, start: number): readonly number[] {
  const minutes = service.calls.filter((call) => call.endpoint === endpoint && call.at >= start).map(({ at }) => at)
  expect(clock.now().getTime()).toBeGreaterThan(start)
  return [...new Set(minutes.map((at) => Math.round((at - start) / MINUTE)))]
}

const states = ({ store }: Deployment, feed: string) => store.lookAtEntries(feed).map(({ state }) => state)
const isAllLanded = (deployment: Deployment, feed: string) =>
  states(deployment, feed).length === 6 && states(deployment, feed).every((state) => state === 'landed')
const named = ({ events }: Watched, ...names: readonly AppEvent['event'][]) =>
  events.filter(({ event }) => names.includes(event))
/** The accounts whose sign-in is refused. */
const accountsOf = async (deployment: Deployment) =>
  (await status(deployment.start(unhindered))).accounts.filter(({ refused }) => refused)

/** A deployment that has landed, whose only new windows are those of `spare`, and that has a query for both. */
async function landedWithSpare(): Promise<Watched> {
  const deployment = open(USAGE, { ...SPARE, to: '2025-12-16' })
  await work(deployment, 8)
  expect(isAllLanded(deployment, 'usage')).toBe(true)
  deployment.feeds = { lines: [USAGE, SPARE], snapshots: false }
  deployment.events.length = 0
  return deployment
}

describe.each([
  ['reports', ['createReport', 'listDatasets']],
  ['everything', EVERYTHING],
] as const)('an account whose token lacks multi-factor, where %s is refused', (_, endpoints) => {
  it('keeps its windows for an hour, tries again at each tick, and fails and blocks nothing', async () => {
    const deployment = await landedWithSpare()
    const start = deployment.clock.now().getTime()
    refuse(deployment, NO_MFA, endpoints)
    await work(deployment, 3)
    expect(minutesOf(deployment, 'createReport', start)).toEqual([0, 15, 30])
    expect(minutesOf(deployment, 'listDatasets', start)).toEqual([])
    expect(named(deployment, 'window.failed', 'feed.blocked', 'credential.expiring')).toEqual([])
    expect(states(deployment, 'spare')).not.toContain('failed')
    expect(await accountsOf(deployment)).toMatchObject([
      { name: 'default', refused: { kind: 'mfa-required', blocks: false } },
    ])
  })

  it('is blocked after an hour, which is told once and shown with its remedy, and tried every hour', async () => {
    const deployment = await landedWithSpare()
    const start = deployment.clock.now().getTime()
    refuse(deployment, NO_MFA, endpoints)
    await work(deployment, 20)
    expect(minutesOf(deployment, 'createReport', start)).toEqual([0, 15, 30, 45, 105, 165, 225, 285])
    const advice = adviceOn('mfa-required', { account: 'default' })
    const remedy = adviceText(advice)
    expect(named(deployment, 'credential.expiring')).toMatchObject([
      { kind: 'mfa-required', remedy, message: expect.stringMatching(/^account default asks for nothing until/) },
    ])
    expect(named(deployment, 'window.failed', 'feed.blocked')).toEqual([])
    expect(await accountsOf(deployment)).toMatchObject([
      { name: 'default', refused: { kind: 'mfa-required', blocks: true, ...advice } },
    ])
  })

  it('is blocked no more as soon as a trial succeeds: its windows land', async () => {
    const deployment = await landedWithSpare()
    refuse(deployment, NO_MFA, endpoints)
    await work(deployment, 7)
    deployment.service.health = HEALTHY
    await work(deployment, 4)
    expect(isAllLanded(deployment, 'spare')).toBe(true)
    expect(await accountsOf(deployment)).toEqual([])
  })
})

describe('an account whose token lacks multi-factor', () => {
  it('is not blocked where it is refused only now and then', async () => {
    const deployment = await landedWithSpare()
    for (let nth = 0; nth < 12; nth += 1) {
      refuse(deployment, NO_MFA, nth % 2 === 0 ? EVERYTHING : [])
      await work(deployment, 1)
    }
    expect(isAllLanded(deployment, 'spare')).toBe(true)
    expect(named(deployment, 'window.failed', 'feed.blocked', 'credential.expiring')).toEqual([])
  })

  it('goes on as soon as a report that was under way is ready: any success ends the block', async () => {
    const deployment = await landedWithSpare()
    await work(deployment, 1)
    expect(states(deployment, 'spare')).toContain('requested')
    refuse(deployment, NO_MFA, ['execution', 'createReport', 'listDatasets'])
    deployment.feeds = { lines: [USAGE, SPARE, { ...SPARE, name: 'renamed' }], snapshots: false }
    await work(deployment, 6)
    expect(await accountsOf(deployment)).toMatchObject([{ refused: { blocks: true } }])
    refuse(deployment, NO_MFA, ['createReport', 'listDatasets'])
    await work(deployment, 1)
    expect(await accountsOf(deployment)).toEqual([])
    deployment.service.health = HEALTHY
    await work(deployment, 8)
    expect(['spare', 'renamed'].map((feed) => isAllLanded(deployment, feed))).toEqual([true, true])
  })

  it('tries it by itself where nothing is due', async () => {
    const deployment = await landedWithSpare()
    refuse(deployment, NO_MFA, EVERYTHING)
    await work(deployment, 1)
    deployment.feeds = { lines: [USAGE], snapshots: false }
    const start = deployment.clock.now().getTime()
    await work(deployment, 12)
    expect(minutesOf(deployment, 'listDatasets', start)).toEqual([0, 15, 30, 90, 150])
    deployment.service.health = HEALTHY
    await work(deployment, 4)
    expect(await accountsOf(deployment)).toEqual([])
  })

  it('does not lose what was asked for and not answered', async () => {
    const deployment = await landedWithSpare()
    refuse(deployment, { status: 500 }, ['createReport'])
    await work(deployment, 1)
    refuse(deployment, NO_MFA, EVERYTHING)
    await work(deployment, 8)
    expect(states(deployment, 'spare')).toContain('requesting')
    expect(named(deployment, 'window.failed', 'feed.blocked')).toEqual([])
  })
})

describe('a window that failed because the sign-in was refused', () => {
  it('is asked for again at the first tick at which the sign-in works, not hours later', async () => {
    const deployment = await landedWithSpare()
    refuse(deployment, REFUSED, ['createReport', 'listDatasets'])
    await work(deployment, 1)
    expect(states(deployment, 'spare')).toContain('failed')
    await work(deployment, 3)
    expect(await accountsOf(deployment)).toMatchObject([{ refused: { kind: 'unauthorized', blocks: false } }])
    deployment.service.health = HEALTHY
    await work(deployment, 1)
    expect(named(deployment, 'window.reopened')).toMatchObject([{ feed: 'spare', kind: 'unauthorized' }])
    await work(deployment, 4)
    expect(isAllLanded(deployment, 'spare')).toBe(true)
    expect(await accountsOf(deployment)).toEqual([])
  })

  it('is the only one: no other fails while the sign-in is refused', async () => {
    const deployment = await landedWithSpare()
    const start = deployment.clock.now().getTime()
    refuse(deployment, REFUSED, ['createReport', 'listDatasets'])
    await work(deployment, 12)
    expect(named(deployment, 'window.failed')).toHaveLength(1)
    expect(minutesOf(deployment, 'createReport', start)).toEqual([0])
  })

  it('is asked for again once more after it failed again', async () => {
    const deployment = await landedWithSpare()
    for (const health of ['refused', 'works', 'refused', 'works']) {
      if (health === 'refused') refuse(deployment, REFUSED, ['createReport', 'listDatasets'])
      else refuse(deployment, { status: 500 }, [])
      await work(deployment, 6)
      const reopened = named(deployment, 'window.failed').length - named(deployment, 'window.reopened').length
      expect(reopened).toBe(health === 'refused' && !isAllLanded(deployment, 'spare') ? 1 : 0)
    }
    expect(isAllLanded(deployment, 'spare')).toBe(true)
  })

  it('is no longer said to be refused once it works, also at the second time within an hour', async () => {
    const deployment = open(USAGE)
    await work(deployment, 8)
    const askAgain = async (nth: number) => {
      const window = deployment.store.lookAtWindows('usage')[nth]
      if (window) await retry(deployment.start(unhindered), 'usage', window, false)
    }
    for (const nth of [0, 1]) {
      refuse(deployment, REFUSED, EVERYTHING)
      await askAgain(nth)
      await work(deployment, 1)
      expect(await accountsOf(deployment)).toHaveLength(1)
      deployment.service.health = HEALTHY
      // The second time, nothing is asked for or lands that could show it.
      if (nth === 0) await askAgain(2)
      await work(deployment, 1)
      expect(await accountsOf(deployment)).toEqual([])
      if (nth === 0) await work(deployment, 1)
    }
    // What failed at the second time waits for the end of the hour.
    expect(states(deployment, 'usage')).toContain('failed')
    await work(deployment, 6)
    expect(isAllLanded(deployment, 'usage')).toBe(true)
  })

  it('is asked for once an hour where its report is refused and the sign-in works', async () => {
    const deployment = await landedWithSpare()
    deployment.feeds = { lines: [USAGE, { ...SPARE, to: '2025-12-17' }], snapshots: false }
    const start = deployment.clock.now().getTime()
    refuse(deployment, REFUSED, ['createReport'], 'spare')
    await work(deployment, 24)
    const asked = minutesOf(deployment, 'createReport', start)
    expect(asked[1]).toBe(15)
    expect(asked.length).toBeLessThanOrEqual(2 + 6)
  })

  it('costs a quiet account nothing', async () => {
    const deployment = await landedWithSpare()
    deployment.feeds = { lines: [USAGE], snapshots: false }
    await work(deployment, 1)
    const before = deployment.service.calls.length
    await work(deployment, 8)
    expect(deployment.service.calls.length).toBe(before)
  })
})
