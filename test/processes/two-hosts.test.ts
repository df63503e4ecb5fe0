import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { freePorts, waitUntil } from '../../local/processes.ts'
import {
  type ProxyEffect,
  proxiedConnectionString,
  type StorageProxy,
  serviceOrigins,
  startProxy,
} from '../../local/proxy.ts'
import type { Simulator } from '../../local/simulator/simulator.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { type HostRun, makeSiteApp, type Site, startSite } from '../setup/host-process.ts'
import { reportRequests } from '../setup/insights.ts'
import { askedReports, attemptNames, figuresOrigins, monthsBack, originsOf, withoutOrigin } from './landed.ts'

const SPAN = { from: monthsBack(7), to: monthsBack(1) }
const FEEDS = [
  { name: 'azure-usage', dataset: 'AzureUsage', ...SPAN },
  { name: 'seats', dataset: 'SeatsSubscriptionsAndRevenue', ...SPAN },
  { name: 'office-usage', dataset: 'OfficeUsage', ...SPAN },
]
const TABLES = ['AzureUsage', 'Seats', 'OfficeUsage']
const WINDOWS = 18
const TEST_MILLISECONDS = 180_000

/** Milliseconds that a report takes. Longer than a tick, so that reports of several ticks and hosts are open together. */
const GENERATION = 1000
const SIMULATOR = { rows: 40, generationMilliseconds: GENERATION }

const MAX_IN_FLIGHT = 4
/** First half of the windows, then all. History leaves one of an hour's reports to live windows. */
const FIRST_HOUR = WINDOWS / 2
const hourOf = (reports: number) => ({ MAX_REPORTS_PER_HOUR: String(reports + 1) })

/** Two ticks at the same time must not adopt each other's reports. */
const PACE = { MAX_IN_FLIGHT: String(MAX_IN_FLIGHT), ADOPT_AFTER: 'PT30S' }

let azurite: Azurite
let app: string
let alone: readonly (readonly RawRow[])[]
let site: Site | undefined
let gates: readonly StorageProxy[] = []

beforeAll(async () => {
  azurite = await startAzurite()
  app = await makeSiteApp(FEEDS)
  const single = await startSite({ azurite, app, simulator: { rows: 40 } })
  single.startHost()
  await single.allLanded(WINDOWS)
  alone = await landedRows(single)
  expect(await single.close()).toEqual([])
})
afterAll(async () => {
  await site?.close()
  await Promise.all(gates.map((gate) => gate.close()))
  await rm(app, { recursive: true })
  await azurite.stop()
})

test(
  'two hosts on one storage account ask for each window once, keep both limits, and land everything once',
  async () => {
    site = await startSite({ azurite, app, simulator: SIMULATOR, settings: PACE })
    const { startHost, simulator, allLanded, rows } = site
    const ports = await freePorts(2)
    const { startBoth, haveLanded } = await hostsInTurn(startHost, ports)

    const inFirstHour = startBoth(hourOf(FIRST_HOUR))
    await allLanded(FIRST_HOUR)
    const asked = await Promise.all(inFirstHour.map((host) => host.run('provision')))
    expect(asked).toMatchObject(ports.map(() => ({ requested: 0, waiting: WINDOWS - FIRST_HOUR })))
    expect(reportRequests(simulator)).toHaveLength(FIRST_HOUR)
    await stopAll(inFirstHour)

    const withRoom = startBoth(hourOf(WINDOWS))
    const entries = await allLanded(WINDOWS)
    await stopAll(withRoom)

    expect(askedReports(simulator)).toEqual(attemptNames(entries))
    expect(entries.map(({ attempt }) => attempt)).toEqual(Array(WINDOWS).fill(1))
    expect(mostInFlight(simulator)).toBeLessThan(MAX_IN_FLIGHT)
    expect(mostInFlight(simulator)).toBeGreaterThan(1)
    expect(await landedRows(site)).toEqual(alone)
    const origins = await Promise.all(TABLES.map(async (table) => originsOf(await rows(table))))
    expect(origins.flat().toSorted()).toEqual(figuresOrigins(entries))
    expect(eventsOf([...inFirstHour, ...withRoom], 'window.landed')).toHaveLength(WINDOWS)
    expect(haveLanded()).toEqual([true, true])
  },
  TEST_MILLISECONDS,
)

/** A host that has landed a window gets no further message until the other has landed one, so that both take part. */
async function hostsInTurn(startHost: Site['startHost'], ports: readonly number[]) {
  const runs = ports.map((): HostRun[] => [])
  const haveLanded = () => runs.map((hosts) => eventsOf(hosts, 'window.landed').length > 0)
  const mayTake = (index: number) => !haveLanded()[index] || haveLanded().every(Boolean)
  gates = await Promise.all(ports.map((_, index) => startGate(() => mayTake(index))))
  const start = (settings: NodeJS.ProcessEnv, port: number, index: number) => {
    const queue = gates[index]?.origin ?? ''
    const host = startHost(
      { ...settings, DataStorage: proxiedConnectionString(azurite.connectionString, { queue }) },
      port,
    )
    runs[index]?.push(host)
    return host
  }
  const startBoth = (settings: NodeJS.ProcessEnv) => ports.map((port, index) => start(settings, port, index))
  return { startBoth, haveLanded }
}

/** A way to the queues on which a host gets no message while it may not take one. */
function startGate(mayTake: () => boolean): Promise<StorageProxy> {
  return startProxy({
    target: serviceOrigins(azurite.connectionString).queue,
    async onRequest({ method, path }): Promise<ProxyEffect> {
      const takes = method === 'GET' && path.includes('/ingest/messages')
      if (takes) await waitUntil('the other host has landed a window, too', mayTake, TEST_MILLISECONDS)
      return 'pass'
    },
  })
}

async function stopAll(hosts: readonly HostRun[]): Promise<void> {
  await Promise.all(hosts.map((host) => host.stop()))
  expect(hosts.map(({ child }) => child.exitCode)).toEqual(hosts.map(() => 0))
}

function landedRows({ rows }: Site) {
  return Promise.all(TABLES.map(async (table) => withoutOrigin(await rows(table))))
}

/** The most reports that were being made at one time, by the service's own log. */
function mostInFlight(simulator: Simulator): number {
  const created = reportRequests(simulator).map(({ at }) => at.getTime())
  return Math.max(...created.map((now) => created.filter((at) => at <= now && now < at + GENERATION).length))
}

function eventsOf(hosts: readonly HostRun[], event: string): readonly string[] {
  return hosts.flatMap(({ lines }) => lines.filter((line) => line.includes(`"event":"${event}"`)))
}
