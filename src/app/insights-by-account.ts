import { isFailure } from '../core/failures.ts'
import { type InsightsClient, openInsightsClient } from '../services/insights/client.ts'
import { pause } from '../services/retry.ts'
import { identityToken } from '../services/sign-in/by-identity.ts'
import type { TokenKeeping } from '../services/sign-in/by-refresh-token.ts'
import { openCredentials } from '../services/sign-in/credentials.ts'
import { openKeyVault, VAULT_SCOPE } from '../services/sign-in/key-vault.ts'
import type { SignIn } from '../services/sign-in/sign-in.ts'
import type { Settings } from '../settings/settings.ts'
import { signInOf, signInWarning } from '../settings/sign-in.ts'
import type { Services } from '../steps/services.ts'

/** What the app as a whole has, whatever the invocation. */
export type Common = Pick<Services, 'clock' | 'ledger' | 'newId'> & { readonly random: () => number }

/** Gives, for where events go, one client and so one token for each account. */
export function insightsByAccount(
  settings: Settings,
  common: Common,
): (emit: Services['emit']) => Services['insights'] {
  const clients = new Map<string, InsightsClient>()
  const identityClientId = settings.storage.kind === 'identity' ? settings.storage.clientId : undefined
  const means = { hasVault: settings.keyVaultUrl !== undefined, identityClientId }
  const notices = openNotices(common.clock)
  const keeping = openKeeping(settings, common, identityClientId)
  return (emit) => (name, account) => {
    notices.emit = emit
    const key = `${name} ${JSON.stringify(account)}`
    const known = clients.get(key)
    if (known) return known
    const signIn = signInOf(name, account, settings.partner, settings.authorityHost, means)
    if (isFailure(signIn)) return signIn
    const notice = (message: string) => notices.tell(name, message)
    const warning = signInWarning(signIn)
    if (warning) notice(warning)
    const client = openClient(settings, common, signIn, keeping && { ...keeping, notice })
    clients.set(key, client)
    return client
  }
}

function openClient(settings: Settings, common: Common, signIn: SignIn, keeping?: TokenKeeping): InsightsClient {
  const { insightsBaseUrl: baseUrl, tokenHeader } = settings
  const { clock } = common
  const credentials = openCredentials(signIn, clock, keeping)
  return openInsightsClient({ baseUrl, tokenHeader, credentials, clock, retry: retryOf(common) })
}

function openKeeping({ keyVaultUrl: url }: Settings, common: Common, identityClientId: string | undefined) {
  if (url === undefined) return undefined
  const { clock, ledger, newId } = common
  const retry = retryOf(common)
  const token = () => identityToken(VAULT_SCOPE, identityClientId)
  return { vault: openKeyVault({ url, token, clock, retry }), ledger, newId, retry }
}

function retryOf({ random }: Common) {
  return { random, wait: pause }
}

/** Tells of an account's sign-in at most once a day, to the invocation of that moment. */
function openNotices(clock: () => Date) {
  const told = new Set<string>()
  const notices = {
    emit: (() => undefined) as Services['emit'],
    tell(account: string, message: string) {
      const key = `${account} ${clock().toISOString().slice(0, 10)}`
      if (told.has(key)) return
      told.add(key)
      notices.emit({ event: 'credential.expiring', message })
    },
  }
  return notices
}
