/** Turns the functions that an app has registered into routes and listeners. */

import type { RegisteredFunction } from './core-module.ts'
import type { Binding } from './core-types.ts'
import type { HostSettings } from './host-json.ts'
import { errorMessage } from './host-log.ts'
import type { App, Listener, Run } from './invocation.ts'
import { openTriggerQueue, type QueueConnection } from './queue-storage.ts'
import { startQueue } from './queue-trigger.ts'
import { type Route, readRoute } from './routes.ts'
import { readTimerTrigger, startTimer } from './timer-trigger.ts'

/** A function that is ready: its route, or what starts it listening, and a line about it for the start of the log. */
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

/** Makes every function ready. One with an error is named in the log and left out, as the real host does it. */
export function bindFunctions(parts: HostParts): BoundFunction[] {
  return [...parts.app.registry.functions.values()].flatMap((fn) => {
    try {
      return bindFunction(parts, fn)
    } catch (error) {
      parts.app.log(`Function ${fn.metadata.name} is left out: ${errorMessage(error)}`)
      return []
    }
  })
}

function bindFunction({ app, run, settings, env }: HostParts, fn: RegisteredFunction): BoundFunction {
  const { name, bindings: byName } = fn.metadata
  const bindings = Object.entries(byName)
  const foreign = bindings.find(([bound, { type, direction }]) => !isKnown(bound, type, direction))
  if (foreign) throw new Error(`the stand-in does not know the binding "${foreign[1].type}" (${foreign[1].direction})`)
  const trigger = bindings.find(([, { direction }]) => direction === 'in')
  if (!trigger) throw new Error('it has no trigger')
  const [binding] = trigger
  const options = resolveSettings(trigger[1], env)
  if (options.type === 'httpTrigger') {
    const route = readRoute(fn, binding, options, settings.routePrefix)
    return { name, route, summary: `${name}: ${route.methods.join(', ')} ${route.path} (${route.authLevel})` }
  }
  if (options.type === 'timerTrigger') {
    const timer = readTimerTrigger(binding, options)
    return { name, summary: `${name}: timer ${options.schedule}`, start: () => startTimer(run, fn, timer) }
  }
  const { log } = app
  const queue = openTriggerQueue(connectionOf(options, env), String(options.queueName), log)
  const listening = { run, log, settings: settings.queues }
  return { name, summary: `${name}: queue ${queue.name}`, start: () => startQueue(listening, fn, { binding, queue }) }
}

function isKnown(name: string, type: string, direction: string): boolean {
  if (direction === 'out') return name === '$return' && type === 'http'
  return ['httpTrigger', 'timerTrigger', 'queueTrigger'].includes(type)
}

/**
 * The host looks for a connection string under `AzureWebJobs<name>` first. Where there is none, it takes an address with
 * `<name>__credential` and `<name>__clientId`, as the template sets them.
 */
function connectionOf({ connection }: Binding, env: NodeJS.ProcessEnv): QueueConnection {
  const name = String(connection ?? 'Storage')
  const text = env[`AzureWebJobs${name}`] || env[name]
  if (text) return text
  const part = (end: string) => env[`${name}__${end}`]
  const [queueServiceUri, clientId] = [part('queueServiceUri'), part('clientId')]
  if (queueServiceUri && clientId && part('credential') === 'managedidentity') return { queueServiceUri, clientId }
  const identity = `${name}__queueServiceUri, __credential and __clientId`
  throw new Error(`setting ${name} is missing: the host needs a connection string there, or ${identity}`)
}

/** Replaces `%SETTING%` in every text of a trigger by the setting of that name. */
function resolveSettings(binding: Binding, env: NodeJS.ProcessEnv): Binding {
  const settingOf = (name: string) => {
    const value = env[name]
    if (value === undefined) throw new Error(`setting ${name}, used as %${name}%, is missing`)
    return value
  }
  const resolved = Object.entries(binding).map(([option, value]) => [
    option,
    typeof value === 'string' ? value.replace(/%([^%]+)%/g, (_, name: string) => settingOf(name)) : value,
  ])
  return Object.fromEntries(resolved) as Binding
}
