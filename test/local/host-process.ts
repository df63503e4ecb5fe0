import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { bundle } from '../../local/build.ts'
import { hasEnded, startNode, stopProcess, waitUntil } from '../../local/processes.ts'
import { freshName } from '../setup/storage.ts'

const PROJECT = join(import.meta.dirname, '../..')

export type HostProcess = {
  readonly child: ChildProcess
  readonly origin: string
  readonly lines: readonly string[]
  /** The lines that are JSON, of one function. */
  logged(name: string): Record<string, unknown>[]
  /** Resolves when the process is gone and everything it said is in `lines`. */
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

/** What the fixture app needs in its environment: a queue of its own, and a timer that stays still. */
export function fixtureSettings(storage: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { DataStorage: storage, FIXTURE_QUEUE: freshName('q'), FIXTURE_SCHEDULE: '0 0 0 1 1 *', ...more }
}

/** Makes the folder of an app whose `main` is the bundle of `entry`, with the given host.json. */
export async function makeApp(entry: string, hostJson: object = {}): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'host-'))
  await bundle({ entry, outfile: join(root, 'dist/functions.cjs') })
  await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module', main: 'dist/functions.cjs' }))
  await writeFile(join(root, 'host.json'), JSON.stringify(hostJson))
  return root
}

/** Starts the host in a process of its own and collects its lines; does not wait. */
export function spawnHost(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const script = join(PROJECT, 'local/host/main.ts')
  const child = startNode([script, ...args], { env: { ...process.env, ...env }, output: 'pipe' })
  const lines: string[] = []
  const readers = [child.stdout, child.stderr].flatMap((stream) => (stream ? createInterface(stream) : []))
  for (const reader of readers) reader.on('line', (line) => lines.push(line))
  // Not the child's own `close`: Node never emits it once the channel was closed from this side.
  const ended = Promise.all([once(child, 'exit'), ...readers.map((reader) => once(reader, 'close'))])
  return { child, lines, ended }
}

/** Starts the host on a free port and waits until it listens. */
export async function runHost(root: string, env: NodeJS.ProcessEnv = {}): Promise<HostProcess> {
  const { child, lines, ended } = spawnHost(['--root', root, '--port', '0'], env)
  const listening = () => lines.map((line) => /listens on (\S+)/.exec(line)?.[1]).find(Boolean)
  await waitUntil('the host listens', () => hasEnded(child) || listening() !== undefined)
  const origin = listening()
  if (!origin) throw new Error(`The host ended: ${lines.join('\n')}`)
  const stop = async () => {
    await stopProcess(child)
    await ended
  }
  return { child, origin, lines, logged: (name) => logged(lines, name), ended, stop }
}

function logged(lines: readonly string[], name: string): Record<string, unknown>[] {
  return lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((entry) => entry.function === name)
}
