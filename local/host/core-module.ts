/** The module `@azure/functions-core`, through which an app registers its functions. */

import Module from 'node:module'
import {
  type FunctionCallback,
  type FunctionMetadata,
  HOOK_NAMES,
  type Hook,
  type HookName,
  type LogCategory,
  type LogLevel,
  type ProgrammingModel,
} from './core-types.ts'

export type RegisteredFunction = { readonly metadata: FunctionMetadata; readonly callback: FunctionCallback }

/** What an app has registered. Once `locked` is set, nothing can be added to `functions`. */
export type Registry = {
  readonly functions: Map<string, RegisteredFunction>
  readonly hooks: Readonly<Record<HookName, Hook[]>>
  model: ProgrammingModel | undefined
  locked: boolean
}

type CoreLog = (level: LogLevel, category: LogCategory, message: string) => void

export function createRegistry(): Registry {
  const hooks = { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [], log: [] }
  return { functions: new Map(), hooks, model: undefined, locked: false }
}

/** Makes the module that an app gets from `require('@azure/functions-core')`. In Azure the Node worker provides it. */
export function createCoreModule(registry: Registry, log: CoreLog): object {
  return {
    // The worker and the host that this stand-in imitates.
    version: '3.9.1',
    hostVersion: '4.1041.0',
    Disposable,
    log,
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
      registerFunction(registry, metadata, callback),
    registerHook: (name: string, hook: Hook) => registerHook(registry, name, hook),
    setProgrammingModel: (model: ProgrammingModel) => {
      registry.model = model
    },
    getProgrammingModel: () => registry.model,
  }
}

/** Runs `load` while `require('@azure/functions-core')` gives `core`, as the worker does it. The package is not published. */
export function withCoreModule<T>(core: object, load: () => T): T {
  const original = Module.prototype.require
  Module.prototype.require = new Proxy(original, {
    apply: (target, self, [id, ...rest]) =>
      id === '@azure/functions-core' ? core : Reflect.apply(target, self, [id, ...rest]),
  })
  try {
    return load()
  } finally {
    Module.prototype.require = original
  }
}

function registerFunction(registry: Registry, metadata: FunctionMetadata, callback: FunctionCallback) {
  if (registry.locked) throw new Error('A function can only be registered during app startup.')
  registry.functions.set(metadata.name, { metadata, callback })
  return new Disposable(() => {
    if (registry.locked) throw new Error('A function can only be disposed during app startup.')
    registry.functions.delete(metadata.name)
  })
}

function registerHook(registry: Registry, name: string, hook: Hook) {
  const known = HOOK_NAMES.find((hookName) => hookName === name)
  if (!known) throw new RangeError(`Unrecognized hook "${name}"`)
  const hooks = registry.hooks[known]
  hooks.push(hook)
  return new Disposable(() => {
    if (hooks.includes(hook)) hooks.splice(hooks.indexOf(hook), 1)
  })
}

/** A class, because apps may call `new Disposable` and `Disposable.from`: both are part of the module's contract. */
class Disposable {
  #onDispose: (() => unknown) | undefined

  constructor(onDispose: () => unknown) {
    this.#onDispose = onDispose
  }

  static from(...disposables: readonly { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose()
    })
  }

  dispose(): unknown {
    const onDispose = this.#onDispose
    this.#onDispose = undefined
    return onDispose?.()
  }
}
