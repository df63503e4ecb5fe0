/** Runs a function once, as the Node worker does. */

import { randomUUID } from 'node:crypto'
import type { RegisteredFunction, Registry } from './core-module.ts'
import type { CoreContext, Hook, InvocationResponse, LogCategory, LogLevel, TypedData } from './core-types.ts'
import { errorLine, type Log, writeAppLog } from './host-log.ts'

/** What a trigger hands to a function: the data of its binding, and facts about the event. */
export type TriggerInput = {
  readonly binding: string
  readonly data: TypedData
  readonly metadata?: Readonly<Record<string, TypedData>>
}

/** An app that is loaded. All its hooks share `hookData`. */
export type App = { readonly registry: Registry; readonly log: Log; readonly hookData: Record<string, unknown> }

/** Runs a function once, within the time limit of host.json. Never rejects: what the function throws is logged and returned. */
export type Run = (fn: RegisteredFunction, input: TriggerInput) => Promise<RunResult>

export type RunResult = { readonly response: InvocationResponse } | { readonly error: unknown }

/** What waits for the events of a trigger. `stop` takes nothing new and resolves once nothing runs. */
export type Listener = { stop(): Promise<unknown> }

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

/** A function that runs too long ends the whole worker, and with it every invocation that is under way. */
function limitTime(app: App, { metadata }: RegisteredFunction, milliseconds: number | undefined) {
  if (milliseconds === undefined) return undefined
  return setTimeout(() => {
    app.log(`Function ${metadata.name} ran longer than functionTimeout (${milliseconds / 1000} s): the process ends`)
    process.exit(1)
  }, milliseconds)
}

/**
 * Runs a function once, in the worker's order: arguments, hooks before, the function, hooks after, the response.
 * Rejects with what was thrown, which can be a plain string. As in the worker, a thrown null or undefined is not an error.
 */
async function invoke(app: App, fn: RegisteredFunction, input: TriggerInput): Promise<InvocationResponse> {
  const { model, hooks } = app.registry
  if (!model) throw new Error('The app has set no programming model')
  const core = createContext(app, fn, input)
  const invocation = await model.getInvocationModel(core)
  const { context, inputs } = await invocation.getArguments()
  const shared = { hookData: {}, appHookData: app.hookData, invocationContext: context }

  const before = { ...shared, inputs, functionCallback: fn.callback }
  await inState(core, 'preInvocationHooks', () => runHooks(hooks.preInvocation, before))

  const after: { inputs: unknown[]; result: unknown; error: unknown } = {
    ...shared,
    inputs: before.inputs,
    result: null,
    error: null,
  }
  await inState(core, 'invocation', async () => {
    try {
      after.result = await invocation.invokeFunction(context, before.inputs, before.functionCallback)
    } catch (error) {
      after.error = error
    }
  })
  await inState(core, 'postInvocationHooks', () => runHooks(hooks.postInvocation, after))

  if (after.error !== null && after.error !== undefined) throw after.error
  return invocation.getResponse(context, after.result)
}

/** Runs hooks one after the other, in the order in which they were registered. */
export async function runHooks(hooks: readonly Hook[], context: object): Promise<void> {
  for (const hook of hooks) await hook(context)
}

/** Sets the states as the worker does: the library warns about logging outside of them. */
async function inState(core: CoreContext, state: CoreContext['state'], run: () => Promise<void>): Promise<void> {
  core.state = state
  try {
    await run()
  } finally {
    core.state = undefined
  }
}

function createContext(app: App, { metadata }: RegisteredFunction, input: TriggerInput): CoreContext {
  const invocationId = randomUUID()
  return {
    invocationId,
    request: {
      invocationId,
      functionId: metadata.name,
      inputData: [{ name: input.binding, data: input.data }],
      triggerMetadata: input.metadata ?? {},
      traceContext: null,
      retryContext: null,
    },
    metadata,
    state: undefined,
    log: (level, category, message) => logWithHooks(app, metadata.name, level, category, message),
  }
}

function logWithHooks(app: App, name: string, level: LogLevel, category: LogCategory, message: string): void {
  const entry = { hookData: {}, appHookData: app.hookData, level, category, message }
  for (const hook of app.registry.hooks.log) hook(entry)
  writeAppLog(app.log, entry.level, category, name, entry.message)
}

/** A time as .NET writes it into JSON. */
export function hostTime(time: Date): string {
  return time.toISOString().replace('.000Z', '+00:00').replace('Z', '+00:00')
}
