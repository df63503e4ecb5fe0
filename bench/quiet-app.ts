import { openApp } from '../src/app/app.ts'
import { failed } from '../src/core/failures.ts'
import { readSettings } from '../src/settings/settings.ts'
import type { Services } from '../src/steps/services.ts'

/** An instance of the app: its storage, and the text of its feeds.json. */
export type Instance = { readonly connectionString: string; readonly feedsText: string }

/** Opens the app without a service. `onAsk` is told each time that it turns to the service. */
export function openQuietApp({ connectionString, feedsText }: Instance, onAsk: () => void): Services {
  const settings = readSettings({
    DataStorage: connectionString,
    DEPLOYMENT_ID: 'bench',
    CALLBACK_BASE_URL: '',
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'app',
    PARTNER_REFRESH_TOKEN: 'none',
  })
  if ('problems' in settings) throw new Error(settings.problems.join('; '))
  const insights = () => {
    onAsk()
    return failed('unauthorized', 'the bench has no service')
  }
  return openApp(settings, '', { packagedFeeds: async () => feedsText, insights })(() => undefined)
}
