import type { RegisteredFunction } from './core-module.ts'
import type { InvocationResponse } from './core-types.ts'
import { errorLine } from './host-log.ts'
import { type App, invoke, type TriggerInput } from './invocation.ts'

/** What stands between a function and what sets it off; `stop` takes nothing new and resolves once nothing runs. */
export type Listener = { stop(): Promise<unknown> }

export type RunResult = { readonly response: InvocationResponse } | { readonly error: unknown }

/** Runs a function once, held to the time limit of host.json. Never rejects: what it throws is logged and given back. */
export type Run = (fn: RegisteredFunction, input: TriggerInput) => Promise<RunResult>

export function createRun(app: App, timeoutMilliseconds: number | undefined): Run {
  return async (fn, input) => {
    const limit = limitTime(app, fn, timeoutMilliseconds)
    try {
      return { response: await invoke(app, fn, input) }
    } catch (error) {
      app.log(`${new Date().toISOString()} error ${fn.metadata.name}: failed: ${errorLine(error)}`)
      return { error }
    } finally {
      clearTimeout(limit)
    }
  }
}

/** A function over its time takes the whole worker with it, and every invocation that is under way. */
function limitTime(app: App, { metadata }: RegisteredFunction, milliseconds: number | undefined) {
  if (milliseconds === undefined) return undefined
  return setTimeout(() => {
    app.log(`Function ${metadata.name} ran longer than functionTimeout (${milliseconds / 1000} s): the process ends`)
    process.exit(1)
  }, milliseconds)
}
