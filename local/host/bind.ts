import type { RegisteredFunction } from './core-module.ts'
import type { Binding } from './core-types.ts'
import type { HostSettings } from './host-json.ts'
import { errorMessage } from './host-log.ts'
import type { App } from './invocation.ts'
import { openTriggerQueue } from './queue-storage.ts'
import { startQueue } from './queue-trigger.ts'
import { type Route, readRoute } from './routes.ts'
import type { Listener, Run } from './runner.ts'
import { readTimerTrigger, startTimer } from './timer-trigger.ts'

/** A function made ready: what starts it listening, or its route, and one line about it for the start of the log. */
export type BoundFunction = {
  readonly name: string
  readonly summary: string
  readonly route?: Route
  readonly start?: () => Listener
}

export type HostParts = {
  readonly app: App
  readonly run: Run
  readonly settings: HostSettings
  readonly env: NodeJS.ProcessEnv
}

/** Makes every function ready. One that cannot be is named in the log and left out, as the host does it. */
export function bindFunctions(parts: HostParts): BoundFunction[] {
  return [...parts.app.registry.functions.values()].flatMap((fn) => {
    try {
      return bindFunction(parts, fn)
    } catch (error) {
      parts.app.log(`Function ${fn.metadata.name} is in error and left out: ${errorMessage(error)}`)
      return []
    }
  })
}

function bindFunction(parts: HostParts, fn: RegisteredFunction): BoundFunction {
  const bindings = Object.entries(fn.metadata.bindings)
  const foreign = bindings.find(([name, { type, direction }]) => !isKnown(name, type, direction))
  if (foreign) throw new Error(`binding "${foreign[1].type}" (${foreign[1].direction}) is not known to the stand-in`)
  const trigger = bindings.find(([, { direction }]) => direction === 'in')
  if (!trigger) throw new Error('it has no trigger')
  const [name, binding] = trigger
  return bindTrigger(parts, fn, name, resolveSettings(binding, parts.env))
}

function isKnown(name: string, type: string, direction: string): boolean {
  if (direction === 'out') return name === '$return' && type === 'http'
  return ['httpTrigger', 'timerTrigger', 'queueTrigger'].includes(type)
}

function bindTrigger(parts: HostParts, fn: RegisteredFunction, binding: string, options: Binding): BoundFunction {
  const { run, settings, env } = parts
  const { log } = parts.app
  const { name } = fn.metadata
  if (options.type === 'httpTrigger') {
    const route = readRoute(fn, binding, options, settings.routePrefix)
    return { name, route, summary: `${name}: ${route.methods.join(', ')} ${route.path} (${route.authLevel})` }
  }
  if (options.type === 'timerTrigger') {
    const trigger = readTimerTrigger(binding, options)
    return { name, summary: `${name}: timer ${options.schedule}`, start: () => startTimer(run, fn, trigger) }
  }
  const queue = openTriggerQueue(connectionOf(options, env), String(options.queueName), log)
  const listening = { run, log, settings: settings.queues }
  return { name, summary: `${name}: queue ${queue.name}`, start: () => startQueue(listening, fn, { binding, queue }) }
}

/** The host looks for a connection under `AzureWebJobs<name>` first. Identity is for Azure: here it is a string. */
function connectionOf({ connection }: Binding, env: NodeJS.ProcessEnv): string {
  const name = String(connection ?? 'Storage')
  const text = env[`AzureWebJobs${name}`] || env[name]
  if (!text) throw new Error(`setting ${name} is missing: the stand-in needs a connection string there`)
  return text
}

/** Replaces `%SETTING%` in every text of a trigger by the setting of that name. */
function resolveSettings(binding: Binding, env: NodeJS.ProcessEnv): Binding {
  const resolved = Object.entries(binding).map(([option, value]) => [
    option,
    typeof value === 'string' ? value.replace(/%([^%]+)%/g, (_, name: string) => settingOf(name, env)) : value,
  ])
  return Object.fromEntries(resolved) as Binding
}

function settingOf(name: string, env: NodeJS.ProcessEnv): string {
  const value = env[name]
  if (value === undefined) throw new Error(`setting ${name}, named as %${name}%, is missing`)
  return value
}
