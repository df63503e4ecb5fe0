import { randomUUID } from 'node:crypto'
import type { RegisteredFunction, Registry } from './core-module.ts'
import type { CoreContext, Hook, InvocationResponse, LogCategory, LogLevel, TypedData } from './core-types.ts'
import { type Log, writeAppLog } from './host-log.ts'

/** What a trigger hands to a function: the data of its binding, and facts about what set it off. */
export type TriggerInput = {
  readonly binding: string
  readonly data: TypedData
  readonly metadata?: Readonly<Record<string, TypedData>>
}

/** One start of an app. `hookData` is what all its hooks share. */
export type App = { readonly registry: Registry; readonly log: Log; readonly hookData: Record<string, unknown> }

/**
 * Runs a function once, in the worker's order: arguments, hooks before, the function, hooks after, the response.
 * Rejects with whatever was thrown when that is neither null nor undefined, a plain string too.
 */
export async function invoke(app: App, fn: RegisteredFunction, input: TriggerInput): Promise<InvocationResponse> {
  const { model, hooks } = app.registry
  if (!model) throw new Error('The app has set no programming model')
  const core = createContext(app, fn, input)
  const invocation = await model.getInvocationModel(core)
  const { context, inputs } = await invocation.getArguments()
  const shared = { hookData: {}, appHookData: app.hookData, invocationContext: context }

  const before = { ...shared, inputs, functionCallback: fn.callback }
  await inState(core, 'preInvocationHooks', () => runHooks(hooks.preInvocation, before))

  const after: Outcome = { ...shared, inputs: before.inputs, result: null, error: null }
  const run = () => invocation.invokeFunction(context, before.inputs, before.functionCallback)
  await inState(core, 'invocation', () => settle(run, after))
  await inState(core, 'postInvocationHooks', () => runHooks(hooks.postInvocation, after))

  if (after.error !== null && after.error !== undefined) throw after.error
  return invocation.getResponse(context, after.result)
}

/** Runs hooks one after the other, in the order they were registered. */
export async function runHooks(hooks: readonly Hook[], context: object): Promise<void> {
  for (const hook of hooks) await hook(context)
}

type Outcome = { inputs: unknown[]; result: unknown; error: unknown }

async function settle(run: () => Promise<unknown>, outcome: Outcome): Promise<void> {
  try {
    outcome.result = await run()
  } catch (error) {
    outcome.error = error
  }
}

/** The library warns about logging outside of these states, so they are set as the worker sets them. */
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
