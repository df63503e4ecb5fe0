import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Azurite } from '../../local/azurite.ts'
import { bundle } from '../../local/build.ts'
import { freePorts, hasEnded, startNode, stopProcess, waitUntil } from '../../local/processes.ts'
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
import type { RawRow } from '../pipeline/raw-rows.ts'
import { forbidLeaks, ledgerPlaces, linesOf } from './canaries.ts'
import { reportRequests, writeAddress } from './insights.ts'
import { CALLBACK_SECRET } from './settings.ts'
import { emptyStorage, openSiteStorage, type SiteStorage } from './site-storage.ts'

const PROJECT = join(import.meta.dirname, '../..')

/** A host in a process of its own. */
export type SpawnedHost = {
  readonly child: ChildProcess
  /** What it has said so far. */
  readonly lines: readonly string[]
  /** The lines that are JSON, of one function. */
  logged(name: string): Record<string, unknown>[]
  /** Resolves when the process is gone and everything it said is in `lines`. */
  readonly ended: Promise<unknown>
  /** Ends it in order. */
  stop(): Promise<void>
}

/** A host that listens. */
export type HostProcess = SpawnedHost & { readonly origin: string }

/** Makes the folder of an app whose `main` is the bundle of `entry`, with the given host.json. */
export async function makeApp(entry: string, hostJson: object = {}): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'host-'))
  await bundle({ entry, outfile: join(root, 'dist/functions.cjs') })
  await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module', main: 'dist/functions.cjs' }))
  await writeFile(join(root, 'host.json'), JSON.stringify(hostJson))
  return root
}

/** Starts a host and collects its lines; does not wait for anything. */
export function spawnHost(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = PROJECT): SpawnedHost {
  const script = join(PROJECT, 'local/host/main.ts')
  const child = startNode([script, ...args], { env: { ...process.env, ...env }, output: 'pipe', cwd })
  const lines: string[] = []
  const readers = [child.stdout, child.stderr].flatMap((stream) => (stream ? createInterface(stream) : []))
  for (const reader of readers) reader.on('line', (line) => lines.push(line))
  // Not the child's own `close`: Node never emits it once the channel was closed from this side.
  const ended = Promise.all([once(child, 'exit'), ...readers.map((reader) => once(reader, 'close'))])
  return {
    child,
    lines,
    logged: (name) =>
      lines
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((entry) => entry.function === name),
    ended,
    stop: async () => {
      await stopProcess(child)
      await ended
    },
  }
}

/** Starts a host, on a free port unless one is given, and waits until it listens. */
export async function runHost(
  root: string,
  env: NodeJS.ProcessEnv = {},
  { port = 0, cwd }: { readonly port?: number; readonly cwd?: string } = {},
): Promise<HostProcess> {
  const host = spawnHost(['--root', root, '--port', String(port)], env, cwd)
  const listening = () => host.lines.map((line) => /listens on (\S+)/.exec(line)?.[1]).find(Boolean)
  await waitUntil('the host listens', () => hasEnded(host.child) || listening() !== undefined)
  const origin = listening()
  if (!origin) throw new Error(`The host ended: ${host.lines.join('\n')}`)
  return { ...host, origin }
}

const SECRETS = { callbackSecret: CALLBACK_SECRET, functionKey: 'a key of this test' }

/** Timers tick as often as they can, and a lease of a dead host ends after seconds instead of minutes. */
const PACE = { PROVISION_SCHEDULE: '* * * * * *', SWEEP_SCHEDULE: '* * * * * *', ADOPT_AFTER: 'PT2S', LEASE: 'PT3S' }

/** It takes a few seconds where nothing else runs. The limit is for a busy machine. */
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

/** A host of a site. */
export type HostRun = SpawnedHost & {
  /** Runs a step now, as `POST run/{step}` does, and gives what it answers. */
  run(step: string): Promise<unknown>
  /** Asks one of its routes, with the function key. */
  get(route: string): Promise<Response>
  /** Its settings. */
  readonly env: NodeJS.ProcessEnv
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
    const ask = (route: string, method: string) =>
      fetch(`http://127.0.0.1:${own}/api/${route}`, { method, headers: { 'x-functions-key': SECRETS.functionKey } })
    const host: HostRun = {
      ...spawnHost(['--root', options.app, '--port', String(own)], env),
      env,
      run: async (step) => (await ask(`run/${step}`, 'POST')).json(),
      get: (route) => ask(route, 'GET'),
    }
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
    return found.filter(({ state, remoteReports }) => state === 'landed' && remoteReports === '[]').length === count
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
