import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Azurite } from '../../local/azurite.ts'
import { freePorts, stopProcess, waitUntil } from '../../local/processes.ts'
import {
  type ProxiedRequest,
  type ProxyEffect,
  proxiedConnectionString,
  type StorageProxy,
  serviceOrigins,
  startProxy,
} from '../../local/proxy.ts'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../local/simulator/simulator.ts'
import { appEnvironment } from '../../local/start/environment.ts'
import { makeApp, spawnHost } from '../local/host-process.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { forbidLeaks, ledgerPlaces, linesOf } from './canaries.ts'
import { reportRequests, writeAddress } from './insights.ts'
import { CALLBACK_SECRET } from './settings.ts'
import { emptyStorage, openSiteStorage, type SiteStorage } from './site-storage.ts'

const PROJECT = join(import.meta.dirname, '../..')

const SECRETS = { callbackSecret: CALLBACK_SECRET, functionKey: 'a key of this test' }

/** Ticks as often as a timer can; who died is followed after seconds instead of minutes. */
const PACE = { PROVISION_SCHEDULE: '* * * * * *', SWEEP_SCHEDULE: '* * * * * *', ADOPT_AFTER: 'PT2S', LEASE: 'PT3S' }

/** A few seconds where nothing else runs; the limit is for a machine that does much else. */
const LANDING_MILLISECONDS = 45_000

/** What a host calls: two services of the storage account, and Partner Insights. */
export type Callee = 'table' | 'queue' | 'insights'

export type SiteOptions = {
  /** Is emptied first: names of tables, container and queue are the app's own. */
  readonly azurite: Azurite
  /** Of `makeSiteApp`. */
  readonly app: string
  readonly simulator?: SimulatorOptions
  readonly settings?: NodeJS.ProcessEnv
  /** Sees every call of every host before its effect. */
  readonly onCall?: (callee: Callee, request: ProxiedRequest) => ProxyEffect
}

export type HostRun = {
  readonly child: ChildProcess
  readonly lines: readonly string[]
  /** Runs a step now, as `POST run/{step}` does, and gives what it answers. */
  run(step: string): Promise<unknown>
  /** Ends it in order. */
  stop(): Promise<void>
}

/** Storage and service, which outlive every host that is started on them. */
export type Site = SiteStorage & {
  readonly simulator: Simulator
  /** Starts a host in a process of its own and does not wait; the first port is where every restart listens too. */
  startHost(settings?: NodeJS.ProcessEnv, port?: number): HostRun
  /** Waits until `count` windows have landed and nothing of theirs is left at the service. */
  allLanded(count: number): Promise<readonly RawRow[]>
  /**
   * Ends all but the storage, and gives the ids of host processes that are still there: none, or something is wrong.
   * Throws where a log or the ledger holds a secret that the stand-ins received.
   */
  close(): Promise<readonly number[]>
}

/** Builds the app, with these feeds packaged, into a folder that hosts are started from. */
export async function makeSiteApp(feeds: readonly object[]): Promise<string> {
  const hostJson = JSON.parse(await readFile(join(PROJECT, 'host.json'), 'utf8'))
  const folder = await makeApp(join(PROJECT, 'src/functions.ts'), hostJson)
  await writeFile(join(folder, 'dist/feeds.json'), JSON.stringify({ feeds }))
  return folder
}

export async function startSite(options: SiteOptions): Promise<Site> {
  const { azurite } = options
  await emptyStorage(azurite)
  const storage = openSiteStorage(azurite)
  const [simulator, [port = 0]] = await Promise.all([startSimulator(options.simulator), freePorts(1)])
  const folder = await mkdtemp(join(tmpdir(), 'site-'))
  const direct = await writeAddress(simulator, folder)
  const proxies = await startProxies(azurite, simulator, options.onCall)
  const hosts: HostRun[] = []
  const startHost: Site['startHost'] = (settings = {}, own = port) => {
    const { baseUrl, dataStorage } = throughProxies(azurite, simulator, proxies)
    const address = { ...direct, baseUrl }
    const env = { ...appEnvironment(own, dataStorage, address, SECRETS), ...PACE, ...options.settings, ...settings }
    const host = runHost(options.app, own, env)
    hosts.push(host)
    return host
  }
  return {
    simulator,
    startHost,
    ...storage,
    allLanded: (count) => allLanded(storage, simulator, hosts, count),
    async close() {
      for (const host of hosts) await host.stop()
      await simulator.close()
      await Promise.all(Object.values(proxies).map((proxy) => proxy.close()))
      await rm(folder, { recursive: true })
      forbidLeaks(simulator.requests, [...hosts.flatMap(linesOf), ...(await ledgerPlaces(storage))])
      return hosts.flatMap(({ child }) => child.pid ?? []).filter(isAlive)
    },
  }
}

type Proxies = Readonly<Record<Callee, StorageProxy>>

async function startProxies(
  azurite: Azurite,
  simulator: Simulator,
  onCall: SiteOptions['onCall'] = () => 'pass',
): Promise<Proxies> {
  const targets = { ...serviceOrigins(azurite.connectionString), insights: simulator.origin }
  const before = (callee: Callee) =>
    startProxy({ target: targets[callee], onRequest: (request) => onCall(callee, request) })
  const [table, queue, insights] = await Promise.all([before('table'), before('queue'), before('insights')])
  return { table, queue, insights }
}

function throughProxies(azurite: Azurite, simulator: Simulator, { table, queue, insights }: Proxies) {
  return {
    baseUrl: simulator.baseUrl.replace(simulator.origin, insights.origin),
    dataStorage: proxiedConnectionString(azurite.connectionString, { table: table.origin, queue: queue.origin }),
  }
}

function runHost(app: string, port: number, env: NodeJS.ProcessEnv): HostRun {
  const { child, lines, ended } = spawnHost(['--root', app, '--port', String(port)], env)
  const stop = async () => {
    await stopProcess(child)
    await ended
  }
  const run = async (step: string) => {
    const headers = { 'x-functions-key': SECRETS.functionKey }
    return (await fetch(`http://127.0.0.1:${port}/api/run/${step}`, { method: 'POST', headers })).json()
  }
  return { child, lines, run, stop }
}

async function allLanded(
  { entries }: Pick<Site, 'entries'>,
  simulator: Simulator,
  hosts: readonly HostRun[],
  count: number,
): Promise<readonly RawRow[]> {
  let found: readonly RawRow[] = []
  const isDone = async () => {
    // Storage is asked only when it may be so: fifty questions a second would slow down what is waited for.
    if (simulator.reports().length > 0 || reportRequests(simulator).length < count) return false
    found = await entries()
    return found.filter(({ state, remoteReport }) => state === 'landed' && remoteReport === undefined).length === count
  }
  await waitUntil(`${count} windows have landed`, isDone, LANDING_MILLISECONDS).catch(async (error: Error) => {
    const states = (await entries()).map(({ RowKey, state, attempt }) => `${RowKey} ${state} ${attempt}`)
    throw new Error([error.message, ...states, ...hosts.flatMap(({ lines }) => lines)].join('\n'))
  })
  return found
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
