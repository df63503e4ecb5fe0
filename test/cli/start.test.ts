import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')

/** Prints the address of every module that the process loads. */
const SAY_LOADED = `
  import { writeSync } from 'node:fs'
  import { registerHooks } from 'node:module'
  registerHooks({
    load(url, context, next) {
      writeSync(2, url + '\\n')
      return next(url, context)
    },
  })`

it('a command starts with its own file alone, and without what only some need', async () => {
  const hook = ['--import', `data:text/javascript,${encodeURIComponent(SAY_LOADED)}`]
  const { stderr } = await promisify(execFile)(process.execPath, [...hook, MAIN, 'status', '--help'])
  const loaded = stderr.split('\n')
  expect(loaded.filter((url) => url.includes('/cli/commands/'))).toEqual([expect.stringContaining('/status.ts')])
  const packages = new Set(loaded.map((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]))
  expect(packages).toContain('@azure/data-tables')
  for (const name of ['ora', '@azure/identity', '@azure/storage-blob']) expect(packages).not.toContain(name)
})
