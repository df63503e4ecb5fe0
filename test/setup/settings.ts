import type { Environment } from '../../src/settings/environment.ts'
import { readSettings, type Settings } from '../../src/settings/settings.ts'

/** No secret: it holds for the length of a test, on this machine. */
export const CALLBACK_SECRET = 'a secret of this test, 32 characters long'

/** The settings of an environment that is right; throws, naming every problem, where it is not. */
export function requireSettings(env: Environment): Settings {
  const settings = readSettings(env)
  if ('problems' in settings) throw new Error(settings.problems.join('; '))
  return settings
}

/** The settings of an app with one account and without callbacks; what `env` does not set has its default. */
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
