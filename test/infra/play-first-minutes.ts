import { expect } from 'vitest'
import { firstMinutes, type Means } from '../../infra/first-minutes.ts'

/** The resource id of the app. */
export const APP_ID = '/subscriptions/1/resourceGroups/rg-partner/providers/Microsoft.Web/sites/func-partner'
export const FUNCTION_KEY = 'key-of-the-function'
export const PERSON_TOKEN = 'token-of-the-person'

/** The calls to Azure Resource Manager. */
export const REFRESH = `${APP_ID}/config/configreferences/appsettings/refresh`
export const LIST_KEYS = `${APP_ID}/host/default/listKeys`

const MINUTE = 60_000

const PATIENT = { azureMs: 60_000, appMs: 60_000 }

/** Changes of what the first minutes are given. `eachWaitMs`: how long the shortest wait takes. */
export type Changes = Partial<Pick<Means, 'token' | 'version' | 'limits' | 'outputs'>> & {
  readonly eachWaitMs?: number
}

/** Runs the first minutes with a clock that only waiting moves. `origin` is Azure and the app in one server. */
export async function playFirstMinutes(origin: string, changes: Changes = {}) {
  const { token = async () => PERSON_TOKEN, version, limits = PATIENT, outputs, eachWaitMs = 0 } = changes
  let now = 0
  const lines: string[] = []
  const exitCode = await firstMinutes({
    outputs: {
      APP_ID,
      APP_URL: origin,
      PARTNER_TENANT_ID: 'contoso.onmicrosoft.com',
      PARTNER_CLIENT_ID: 'an-application',
      KEY_VAULT_URL: 'https://kv-partner.vault.azure.net/',
      ...outputs,
    },
    arm: origin,
    token,
    version,
    limits,
    clock: () => now,
    wait: async (ms) => {
      now += Math.max(ms, eachWaitMs)
    },
    print: (line) => lines.push(line),
  })
  const text = lines.join('\n')
  // Never a token or a key, whatever happens.
  expect(text).not.toContain(PERSON_TOKEN)
  expect(text).not.toContain(FUNCTION_KEY)
  return { exitCode, text, lines, minutes: now / MINUTE }
}
