import type { Environment } from '../../src/settings/environment.ts'
import { readSettings, type Settings } from '../../src/settings/settings.ts'

/** The callback secret of deployments that exist only while a test runs. */
export const CALLBACK_SECRET = 'a secret of this test, 32 characters long'

/** A schedule on which no timer fires while tests run. */
export const LEAP_DAY = '0 0 0 29 2 *'

/** The settings of an environment. Throws when they are wrong, and names every problem. */
export function requireSettings(env: Environment): Settings {
  const settings = readSettings(env)
  if ('problems' in settings) throw new Error(settings.problems.join('; '))
  return settings
}

/** Settings with one account, without callbacks, and otherwise with defaults. `env` adds settings or replaces them. */
export function testSettings(env: Environment = {}): Settings {
  return requireSettings({
    DataStorage: 'UseDevelopmentStorage=true',
    DEPLOYMENT_ID: 'test',
    CALLBACK_BASE_URL: '',
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'app',
    PARTNER_REFRESH_TOKEN: 'first',
    ...env,
  })
}
