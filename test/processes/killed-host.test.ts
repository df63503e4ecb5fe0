import type { ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { hasEnded, waitUntil } from '../../local/processes.ts'
import type { ProxiedRequest, ProxyEffect } from '../../local/proxy.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { type Callee, makeSiteApp, type Site, type SiteOptions, startSite } from '../setup/host-process.ts'
import { KILL_POINTS, type KillPoint, ROWS, TABLE } from './kill-points.ts'
import { askedReports, attemptNames, figuresOrigins, monthsBack, originsOf, withoutOrigin } from './landed.ts'

const WINDOWS = 2
const TEST_MILLISECONDS = 120_000
const FEED = {
  name: 'azure-usage',
  dataset: 'AzureUsage',
  from: monthsBack(WINDOWS + 1),
  to: monthsBack(1),
  columns: ['Month', 'SubscriptionId', 'SubscriptionStartDate', 'ServiceName', 'UsageQuantity'],
}

let azurite: Azurite
let app: string
let undisturbed: readonly RawRow[]
let site: Site | undefined

beforeAll(async () => {
  azurite = await startAzurite()
  app = await makeSiteApp([FEED])
  const started = await start()
  started.startHost()
  await started.allLanded(WINDOWS)
  undisturbed = withoutOrigin(await started.rows(TABLE))
  await end()
})
afterEach(end)
afterAll(async () => {
  await rm(app, { recursive: true })
  await azurite.stop()
})

async function start(onCall?: SiteOptions['onCall'], settings: NodeJS.ProcessEnv = {}): Promise<Site> {
  site = await startSite({ azurite, app, simulator: { rows: ROWS }, settings, ...(onCall && { onCall }) })
  return site
}

async function end(): Promise<void> {
  const left = await site?.close()
  site = undefined
  expect(left ?? []).toEqual([])
}

/** Kills the host during the call that the point names, before the call goes any further. */
function trap({ callee, is, nth = 1, call }: KillPoint) {
  const sprung = { calls: 0, kills: 0 }
  let victim: ChildProcess | undefined
  return {
    sprung,
    set: (child: ChildProcess) => {
      victim = child
    },
    onCall(by: Callee, request: ProxiedRequest): ProxyEffect {
      if (sprung.kills > 0 || by !== callee || !is(request)) return 'pass'
      sprung.calls += 1
      if (sprung.calls < nth || !victim?.kill('SIGKILL')) return 'pass'
      sprung.kills += 1
      return call
    },
  }
}

test('without a kill, each window has all its rows', () => {
  expect(undisturbed).toHaveLength(WINDOWS * ROWS)
})

test.each(KILL_POINTS)(
  'when a host is killed $name, the next one ends with the same rows and one report for each window',
  async (point) => {
    const { sprung, set, onCall } = trap(point)
    const settings = point.keepsMessages ? {} : { CALLBACK_BASE_URL: 'off' }
    const { startHost, simulator, allLanded, rows, loseMessages } = await start(onCall, settings)
    const { child } = startHost()
    set(child)
    await waitUntil(`the host is killed ${point.name}`, () => hasEnded(child))
    expect([child.signalCode, sprung]).toEqual(['SIGKILL', { calls: point.nth ?? 1, kills: 1 }])
    await waitUntil('the call in which it died has had its effect', () => (site ? point.holds(site) : false))

    if (!point.keepsMessages) await loseMessages()
    const next = startHost()
    const entries = await allLanded(WINDOWS)
    await next.stop()
    expect(next.child.exitCode).toBe(0)
    expect(sprung.kills).toBe(1)

    const landed = await rows(TABLE)
    expect(withoutOrigin(landed)).toEqual(undisturbed)
    expect(originsOf(landed)).toEqual(figuresOrigins(entries))
    expect(askedReports(simulator)).toEqual(attemptNames(entries))
    expect(simulator.reports()).toEqual([])
  },
  TEST_MILLISECONDS,
)
