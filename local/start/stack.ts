/** The processes behind `npm start`. */

import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Azurite, type StoragePorts, startAzurite } from '../azurite.ts'
import { hasEnded, isPortFree, startNode, stopProcess, waitUntil } from '../processes.ts'
import { appEnvironment, localSecrets, type SimulatorAddress } from './environment.ts'
import { placeFeeds } from './place-feeds.ts'
import type { RunFeeds } from './report-files.ts'
import type { StatusBody } from './summary.ts'

/** Everything that runs here, each as a process of its own. */
export type Stack = {
  readonly environment: NodeJS.ProcessEnv
  readonly simulator: SimulatorAddress
  /** What is to be told of the feeds that the run works by. */
  readonly note?: string
  status(): Promise<StatusBody>
  /** Resolves with a message when a part ends by itself. */
  readonly broken: Promise<string>
  /** Ends all parts, the app first, and waits until they are gone. */
  stop(): Promise<void>
}

type Part = { readonly name: string; readonly child: ChildProcess }

export type StackOptions = {
  readonly root: string
  readonly folder: string
  readonly port: number
  readonly feeds: RunFeeds
  /** Whether the run has other feeds than the packaged ones. */
  readonly ownFeeds: boolean
  readonly onLine: (line: string) => void
}

/** Starts Azurite, the simulator and the app's bundle under the stand-in host. When one fails, it ends the others. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const azurite = await startStorage(options)
  const parts: Part[] = []
  const stop = async () => {
    for (const { child } of parts.toReversed()) await stopProcess(child)
    await azurite.stop()
  }
  try {
    return await startParts(options, azurite, parts, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

/** Azurite's own ports begin at 10000. A run on another port than 7071 has others, which are its own as well. */
const FROM_PORT = 10_000 - 7071

/** The ports that a run has each time, as long as they are free: storage tools remember them, and people who type commands. */
function portsOf({ port }: StackOptions) {
  const first = port + FROM_PORT
  return { blob: first, queue: first + 1, table: first + 2, service: first + 3, authority: first + 4 }
}

async function startStorage(options: StackOptions): Promise<Azurite> {
  const location = join(options.folder, 'azurite')
  const { blob, queue, table } = portsOf(options)
  const ports: StoragePorts = { blob, queue, table }
  return startAzurite({ location, ports }).catch(() => startAzurite({ location }))
}

async function startParts(
  options: StackOptions,
  azurite: Azurite,
  parts: Part[],
  stop: () => Promise<void>,
): Promise<Stack> {
  const { feeds, ownFeeds } = options
  const note = await placeFeeds(azurite.connectionString, { text: feeds.text, isOwn: ownFeeds })
  const simulator = await startSimulator(options, parts)
  for (const [queryId, bytes] of feeds.files) {
    await fetch(`${simulator.origin}/_sim/file/${queryId}`, { method: 'POST', body: new Uint8Array(bytes) })
  }
  const secrets = await localSecrets(options.folder)
  const environment = appEnvironment(options.port, azurite.connectionString, simulator, secrets)
  const app = await startApp(options, environment, parts)
  const broken = Promise.race(parts.map(whenEnded))
  const status = async () => {
    const headers = { 'x-functions-key': secrets.functionKey }
    const response = await fetch(`${app}/api/status`, { headers })
    if (!response.ok) throw new Error(`status answers ${response.status}`)
    return (await response.json()) as StatusBody
  }
  return { environment, simulator, ...(note && { note }), status, broken, stop }
}

async function startSimulator(options: StackOptions, parts: Part[]): Promise<SimulatorAddress> {
  const { service, authority } = portsOf(options)
  const areFree = (await isPortFree(service)) && (await isPortFree(authority))
  const ports = areFree ? ['--port', `${service}`, '--authority-port', `${authority}`] : []
  return runSimulator(options, ports, parts).catch(() => runSimulator(options, [], parts))
}

/** Without ports it takes free ones. */
async function runSimulator(
  { root, folder }: StackOptions,
  ports: readonly string[],
  parts: Part[],
): Promise<SimulatorAddress> {
  const args = [join(root, 'local/simulator/main.ts'), '--state', join(folder, 'simulator.json'), ...ports]
  const child = startNode(args, { output: 'pipe', cwd: root })
  parts.push({ name: 'the simulator', child })
  const errors: string[] = []
  follow(child, 'stderr', (line) => errors.push(line))
  let address: SimulatorAddress | undefined
  follow(child, 'stdout', (line) => {
    address = JSON.parse(line) as SimulatorAddress
  })
  await waitUntil('the simulator answers', () => address !== undefined || hasEnded(child))
  if (!address) throw new Error(`the simulator did not start: ${errors.join(' ')}`)
  return address
}

/** Gives the origin of the app once `health` answers. Throws what the host said when it ends before that. */
async function startApp({ root, port, onLine }: StackOptions, env: NodeJS.ProcessEnv, parts: Part[]): Promise<string> {
  const args = [join(root, 'local/host/main.ts'), '--root', root, '--port', String(port)]
  const child = startNode(args, { output: 'pipe', cwd: root, env })
  parts.push({ name: 'the app', child })
  const said: string[] = []
  follow(child, 'stdout', onLine)
  follow(child, 'stderr', (line) => {
    said.push(line)
    onLine(line)
  })
  const origin = `http://127.0.0.1:${port}`
  // After ten minutes without the app its timers count as silent until they have ticked and health, which keeps its look for
  // a minute, has looked again.
  const answers = async () => {
    const response = await fetch(`${origin}/api/health`).catch(() => undefined)
    const { status } = ((await response?.json().catch(() => undefined)) ?? {}) as { status?: string }
    return status === 'ok' || status === 'timer-silent'
  }
  await waitUntil(`the app answers on port ${port}`, async () => hasEnded(child) || (await answers()))
  if (hasEnded(child)) throw new Error(said.join('\n') || 'the app ended while it started')
  return origin
}

function follow(child: ChildProcess, output: 'stdout' | 'stderr', onLine: (line: string) => void): void {
  const stream = child[output]
  if (stream) createInterface({ input: stream }).on('line', onLine)
}

function whenEnded({ name, child }: Part): Promise<string> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(`${name} ended with code ${code}`)))
}
