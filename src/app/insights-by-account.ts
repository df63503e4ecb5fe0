import { isFailure } from '../core/failures.ts'
import { dayText } from '../core/time/instants.ts'
import { type InsightsClient, openInsightsClient } from '../services/insights/client.ts'
import { openCredentials } from '../services/sign-in/credentials.ts'
import type { Settings } from '../settings/settings.ts'
import { signInWarning } from '../settings/sign-in.ts'
import type { Services } from '../steps/services.ts'
import { accountSignIn, type CallMeans, openAppVault, retryOptions } from './sign-in.ts'

/** What all invocations of the app share. */
export type SharedParts = Pick<Services, 'ledger' | 'newId'> & CallMeans

type Emit = Services['emit']

/** Gives each invocation its clients. An account has one client for all of them, and so fetches one token. */
export function insightsByAccount(settings: Settings, shared: SharedParts): (emit: Emit) => Services['insights'] {
  const { ledger, newId, clock } = shared
  const { insightsBaseUrl: baseUrl, tokenHeader } = settings
  const retry = retryOptions(shared)
  const vault = openAppVault(settings, shared)
  const clients = new Map<string, InsightsClient>()
  const warnings = openWarnings(clock)
  return (emit) => (name, account) => {
    warnings.emit = emit
    const key = `${name} ${JSON.stringify(account)}`
    const opened = clients.get(key)
    if (opened) return opened
    const signIn = accountSignIn(settings, name, account)
    if (isFailure(signIn)) return signIn
    const warn = (message: string) => warnings.warn(name, message)
    const warning = signInWarning(signIn)
    if (warning) warn(warning)
    const credentials = openCredentials(signIn, clock, vault && { vault, ledger, newId, retry, warn }, retry)
    const client = openInsightsClient({ baseUrl, tokenHeader, credentials, clock, retry })
    clients.set(key, client)
    return client
  }
}

/** Warns of an account's sign-in at most once a day. The invocation that asked last for a client writes the event. */
function openWarnings(clock: () => Date) {
  const told = new Set<string>()
  const warnings: { emit: Emit; warn(account: string, message: string): void } = {
    emit: () => undefined,
    warn(account: string, message: string) {
      const key = `${account} ${dayText(clock())}`
      if (told.has(key)) return
      told.add(key)
      warnings.emit({ event: 'credential.expiring', message })
    },
  }
  return warnings
}
