import { readFileSync } from 'node:fs'
import { AUTH_MODES } from '../../src/core/feeds/fields.ts'
import type { Environment } from '../../src/settings/environment.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { signInOf } from '../../src/settings/sign-in.ts'

/** Storage by its addresses. */
export const ADDRESSES = {
  DataStorage__tableServiceUri: 'https://base.table.core.windows.net',
  DataStorage__blobServiceUri: 'https://base.blob.core.windows.net',
  DataStorage__queueServiceUri: 'https://base.queue.core.windows.net',
}

/** Notes in `read` which variables of an environment are read by name. */
function noting(env: Environment, read: Set<string>): Environment {
  return new Proxy(env, {
    get(target, name) {
      if (typeof name === 'string') read.add(name)
      return Reflect.get(target, name)
    },
  })
}

/** The names of all variables that the code reads, whatever their values decide about each other. */
export function namesRead(): ReadonlySet<string> {
  const read = new Set<string>()
  readSettings(noting({}, read))
  readSettings(noting(ADDRESSES, read))
  const signIn = { partner: noting({}, read), authorityHost: 'https://base.example', hasVault: false }
  signInOf('default', {}, signIn)
  for (const auth of AUTH_MODES) signInOf('default', { auth }, signIn)
  for (const [, name = ''] of readFileSync('src/functions.ts', 'utf8').matchAll(/process\.env\.(\w+)/g)) read.add(name)
  return read
}
