/** Processes and ports on this machine: starting, ending, waiting. */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const POLL_MILLISECONDS = 20

/** On a busy machine, Azurite takes long to write its data. */
const STOP_MILLISECONDS = 30_000

type NodeOptions = {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Where standard output and standard error go. The default drops both. */
  readonly output?: 'ignore' | 'pipe' | 'inherit'
}

/**
 * Starts a script with this same Node, in a process group of its own: Ctrl-C reaches only the process that started it,
 * which then stops the others in order. The process ends by itself when the one that started it is gone.
 */
export function startNode(args: readonly string[], { env, cwd, output = 'ignore' }: NodeOptions = {}): ChildProcess {
  const endWithParent = new URL('./end-with-parent.ts', import.meta.url).href
  const stdio: StdioOptions = ['ignore', output, output, 'ipc']
  const detached = process.platform !== 'win32'
  return spawn(process.execPath, ['--import', endWithParent, ...args], {
    stdio,
    detached,
    env: env ?? process.env,
    cwd,
  })
}

/** Ends a process of `startNode` in order and waits until it is gone. Kills it when that takes longer than 30 s. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  if (child.connected) child.disconnect()
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS)
  await ended
  clearTimeout(kill)
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** The next message of a process. Throws, naming the process, where it ends without one. */
export async function nextMessage<T>(child: ChildProcess, name: string): Promise<T> {
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${name} ended without a result`)
  })
  const [said] = await Promise.race([once(child, 'message'), ended])
  return said as T
}

/** Waits until `holds` gives true. Throws, naming `what`, when that takes longer than `deadlineMilliseconds`. */
export async function waitUntil(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMilliseconds = 30_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMilliseconds
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Waited ${deadlineMilliseconds} ms in vain until ${what}`)
    await pause(POLL_MILLISECONDS)
  }
}

/** Gives `count` different loopback ports that nothing listens on at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => hold(0)))
  return Promise.all(held.map((release) => release()))
}

export async function isPortFree(port: number): Promise<boolean> {
  return (await portProblem(port)) === undefined
}

/** Why no server can be reached at a loopback port that starts there now; undefined where it is free. */
export async function portProblem(port: number): Promise<string | undefined> {
  try {
    await (await hold(port))()
    return (await isBlocked(port)) ? 'is one that browsers do not open' : undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${code})`
  }
}

/** `fetch` and browsers open no port that another protocol has by tradition, such as 22 (Fetch standard, "Port blocking"). */
async function isBlocked(port: number): Promise<boolean> {
  const refusal = await fetch(`http://127.0.0.1:${port}`).catch(({ cause }) => cause as unknown)
  return refusal instanceof Error && refusal.message === 'bad port'
}

/** Holds a port (0: any). The function it gives releases the port and tells its number. */
async function hold(port: number): Promise<() => Promise<number>> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const held = typeof address === 'object' && address ? address.port : port
  return async () => {
    server.close()
    await once(server, 'close')
    return held
  }
}
