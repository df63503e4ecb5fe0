import type { Environment } from '../../src/settings/environment.ts'
import { readSettings, type Settings } from '../../src/settings/settings.ts'

/** The settings of an environment that is right; throws, naming every problem, where it is not. */
export function requireSettings(env: Environment): Settings {
  const settings = readSettings(env)
  if ('problems' in settings) throw new Error(settings.problems.join('; '))
  return settings
}
