/** The stand-in for the Functions host, as a whole. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type BoundFunction, bindFunctions } from './bind.ts'
import { readHostJson } from './host-json.ts'
import type { Log } from './host-log.ts'
import { createHttpServer, type Keys } from './http-trigger.ts'
import { type App, createRun, type Listener, runHooks } from './invocation.ts'
import { loadApp } from './load-app.ts'
import type { AuthLevel } from './routes.ts'

/** How long a stop waits for running functions. */
const DRAIN_MILLISECONDS = 10_000

export type Host = Keys & {
  /** `http://127.0.0.1:<port>`. The routes lie under the route prefix of host.json. */
  readonly origin: string
  /** The names of the functions that are listening. */
  readonly functions: readonly string[]
  /** Takes nothing new, waits up to 10 s for running functions, then runs the `appTerminate` hooks. */
  close(): Promise<void>
}

type HostOptions = {
  /** The folder with host.json and with package.json, whose `main` is the app. */
  readonly root: string
  /** 0 takes a free port. */
  readonly port: number
  readonly log: Log
  /** Where `%SETTING%` and connections are looked up. The app itself reads the environment of the process. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Starts the stand-in for the Functions host. It loads an app's bundle as the Node worker does and serves its HTTP routes,
 * queues and timers. Throws one line when there is no app, no function in it, or the port is in use.
 */
export async function startHost({ root, port, log, env = process.env }: HostOptions): Promise<Host> {
  const settings = readHostJson(root)
  const app = await loadApp(root, log)
  if (app.registry.functions.size === 0) {
    throw new Error('ZERO functions are registered: nothing would run, and every route would answer 404')
  }
  const run = createRun(app, settings.functionTimeoutMilliseconds)
  const bound = bindFunctions({ app, run, settings, env })
  const keys = makeKeys(env)
  const routes = bound.flatMap(({ route }) => route ?? [])
  const server = createHttpServer(run, routes, keys)
  const origin = await listen(server, port)
  introduce(log, origin, bound, env.LOCAL_FUNCTION_KEY ? { ...keys, functionKey: '' } : keys)
  const listeners = bound.flatMap(({ start }) => start?.() ?? [])
  const functions = bound.map(({ name }) => name)
  return { origin, functions, ...keys, close: () => closeAll(app, server, listeners) }
}

async function closeAll(app: App, server: Server, listeners: readonly Listener[]): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  const drained = Promise.all([closed, ...listeners.map((listener) => listener.stop())])
  const limit = new AbortController()
  await Promise.race([drained, pause(DRAIN_MILLISECONDS, undefined, { signal: limit.signal })])
  limit.abort()
  server.closeAllConnections()
  await runHooks(app.registry.hooks.appTerminate, { hookData: {}, appHookData: app.hookData })
}

async function listen(server: Server, port: number): Promise<string> {
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    throw isTaken ? new Error(`Port ${port} is in use: choose another with --port`) : error
  }
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`
}

function makeKeys(env: NodeJS.ProcessEnv): Keys {
  const chance = () => randomBytes(24).toString('base64url')
  return { functionKey: env.LOCAL_FUNCTION_KEY || chance(), adminKey: chance() }
}

/** Logs functions, keys and address. A key that was made for this start has to be told; a given one is a secret. */
function introduce(log: Log, origin: string, bound: readonly BoundFunction[], made: Keys): void {
  const needs = (level: AuthLevel) => bound.some(({ route }) => route?.authLevel === level)
  for (const { summary } of bound) log(`Function ${summary}`)
  if (made.functionKey && needs('function')) log(`Function key: ${made.functionKey}`)
  if (needs('admin')) log(`Admin key: ${made.adminKey}`)
  log(`Functions host (stand-in) listens on ${origin}`)
}
