import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { feedRowKey, pacingRowKey } from '../../src/core/ledger/app-rows.ts'
import { isOpen } from '../../src/core/ledger/ledger.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { type Deployment, LIMITS, openDeployment } from '../laws/deployment.ts'
import type { FeedLine } from '../laws/feeds.ts'
import { everyEntry, tick } from '../laws/play.ts'
import { type Downloads, HEALTHY, startDownloads } from '../laws/service.ts'
import { type Pass, unhindered } from '../memory/store.ts'

// The cases of limits that forget, of rows that stop more than what they are about, and of reads that grow.

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
  to: '2025-12-29',
  enabled: true,
}
const SPARE: FeedLine = { ...USAGE, name: 'spare' }
const OF_OTHER: FeedLine = { ...SPARE, account: 'other' }

const open = (...lines: readonly FeedLine[]) => openDeployment({ lines, snapshots: false }, downloads.origin)

async function work(deployment: Deployment, ticks: number): Promise<void> {
  for (let nth = 0; nth < ticks; nth += 1) {
    await tick(deployment.start(unhindered), deployment)
    deployment.clock.advance(10 * 60_000)
  }
}

/** Somebody writes something else over a row of the app. */
async function spoil(deployment: Deployment, key: string): Promise<void> {
  const { ledger } = deployment.start(unhindered)
  const stored = await ledger.readApp(key)
  await ledger.writeApp(key, { creations: [], open: [], served: null }, stored?.etag)
}

const landed = ({ store }: Deployment, feed: string) =>
  store.lookAtEntries(feed).filter(({ state }) => state === 'landed').length

describe('the case of MAX_IN_FLIGHT and feeds that left feeds.json', () => {
  it('counts their open reports: no more than the limit are ever open', async () => {
    const deployment = open(USAGE)
    const { service, store } = deployment
    service.health = { ...HEALTHY, reports: 'stuck' }
    for (const name of ['usage', 'spare', 'renamed']) {
      deployment.feeds = { lines: [{ ...USAGE, name }], snapshots: false }
      await work(deployment, 3)
    }
    expect(store.lookAtEntries('usage').filter(isOpen)).toHaveLength(LIMITS.maxInFlight / 2)
    // One slot stays for new windows.
    expect(everyEntry(store).filter(isOpen)).toHaveLength(LIMITS.maxInFlight - 1)
  })
})

describe('the case of a row of a feed that cannot be read', () => {
  it('stops that feed alone: the others are asked for, swept and shown, and status names the row', async () => {
    const deployment = open(USAGE, SPARE)
    await work(deployment, 1)
    const before = deployment.store.lookAtEntries('usage')
    await spoil(deployment, feedRowKey('usage'))
    await work(deployment, 30)
    expect(landed(deployment, 'spare')).toBe(14)
    expect(deployment.store.lookAtEntries('usage')).toEqual(before)
    const { feeds, problems } = await status(deployment.start(unhindered))
    expect(feeds.map(({ name }) => name)).toEqual(['spare'])
    expect(problems).toMatchObject([{ kind: 'unreadable-entry', message: expect.stringContaining('feed~usage') }])
  })

  it('leaves its reports at the service: they may be needed', async () => {
    const deployment = open(USAGE, SPARE)
    const { service } = deployment
    service.health = { ...HEALTHY, reports: 'stuck', only: 'usage' }
    await work(deployment, 1)
    await spoil(deployment, feedRowKey('usage'))
    service.health = HEALTHY
    // Longer than twice the deadline of a report, after which what nobody needs is deleted.
    for (let day = 0; day < 4; day += 1) {
      deployment.clock.advance(24 * 3_600_000)
      await work(deployment, 1)
    }
    const reports = await service.open('default', unhindered).reports()
    expect(JSON.stringify(reports)).toContain('usage')
  })
})

describe('the case of a pacing row that cannot be read', () => {
  it('stops its account alone, and status names the row', async () => {
    const deployment = open(USAGE, OF_OTHER)
    await work(deployment, 1)
    await spoil(deployment, pacingRowKey('default'))
    const before = deployment.store.lookAtEntries('usage').length
    await work(deployment, 30)
    expect(landed(deployment, 'spare')).toBe(14)
    expect(deployment.store.lookAtEntries('usage')).toHaveLength(before)
    expect((await status(deployment.start(unhindered))).problems).toMatchObject([
      { kind: 'unreadable-entry', message: expect.stringContaining('pacing~default') },
    ])
  })
})

/** The calls of one idle tick of both timers, by name. A page of a list in memory holds three rows. */
async function idleCalls(from: string, ticks: number): Promise<readonly string[]> {
  const deployment = open({ ...USAGE, from })
  await work(deployment, ticks)
  const calls: string[] = []
  const counting: Pass = (name, effect) => {
    calls.push(name)
    return effect()
  }
  const services = deployment.start(counting)
  expect(landed(deployment, 'usage')).toBe(deployment.store.lookAtWindows('usage').length)
  await provision(services)
  await sweep(services)
  return calls.toSorted()
}

describe('the case of reads that grow with history', () => {
  it('an idle tick reads the same with 5 and with 200 landed windows', async () => {
    const few = await idleCalls('2025-12-24', 60)
    const many = await idleCalls('2025-06-12', 340)
    expect(many).toEqual(few)
    expect(few.filter((name) => name.startsWith('ledger.')).length).toBeLessThan(20)
  })
})
