/** Loads an app, as the Node worker does. */

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { withoutMark } from '../../src/services/text-file.ts'
import { createCoreModule, createRegistry, withCoreModule } from './core-module.ts'
import { errorLine, type Log, writeAppLog } from './host-log.ts'
import { type App, runHooks } from './invocation.ts'

/**
 * Loads the app of a folder through `main` of its package.json, runs its `appStart` hooks and locks registration, in the
 * worker's order. Throws one line when there is nothing to load or the app throws while it is loaded.
 */
export async function loadApp(root: string, log: Log): Promise<App> {
  const file = findMain(root)
  const registry = createRegistry()
  const core = createCoreModule(registry, (level, category, message) =>
    writeAppLog(log, level, category, 'app', message),
  )
  loadFresh(file, core)
  const hookData = {}
  await runHooks(registry.hooks.appStart, { hookData: {}, appHookData: hookData, functionAppDirectory: resolve(root) })
  const capabilities = await registry.model?.getCapabilities({})
  if (capabilities?.HttpUri) throw new Error('enableHttpStream is on: the stand-in passes bodies whole; switch it off')
  registry.locked = true
  return { registry, log, hookData }
}

function findMain(root: string): string {
  const file = join(root, 'package.json')
  if (!existsSync(file)) throw new Error(`${file} is missing: --root names a folder with the package.json of an app`)
  const { main } = JSON.parse(withoutMark(readFileSync(file, 'utf8'))) as { main?: unknown }
  if (typeof main !== 'string') throw new Error(`${file} names no "main": the app is loaded through it`)
  const path = resolve(root, main)
  if (!existsSync(path)) throw new Error(`${path}, "main" of ${file}, is missing: run npm run build`)
  return path
}

/** Takes the app out of the module cache first, so that a second start in one process loads it anew. */
function loadFresh(file: string, core: object): void {
  const require = createRequire(file)
  delete require.cache[file]
  try {
    withCoreModule(core, () => require(file))
  } catch (error) {
    throw new Error(`The app could not be loaded from ${file}: ${errorLine(error)}`)
  }
}
