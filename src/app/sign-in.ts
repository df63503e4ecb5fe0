import type { Failure } from '../core/failures.ts'
import type { Account } from '../core/feeds/feed.ts'
import { pause, type RetryOptions } from '../services/retry.ts'
import { identityToken } from '../services/sign-in/identity.ts'
import { type KeyVault, openKeyVault, VAULT_SCOPE } from '../services/sign-in/key-vault.ts'
import type { SignIn } from '../services/sign-in/sign-in.ts'
import type { Settings } from '../settings/settings.ts'
import { signInOf } from '../settings/sign-in.ts'

/** The time and the randomness that calls to other services use. */
export type CallMeans = { readonly clock: () => Date; readonly random: () => number }

/** Gives the sign-in of an account as the app uses it. */
export function accountSignIn(settings: Settings, name: string, account: Account): SignIn | Failure {
  const { partner, authorityHost, keyVaultUrl } = settings
  const hasVault = keyVaultUrl !== undefined
  return signInOf(name, account, { partner, authorityHost, hasVault, identityClientId: identityClientId(settings) })
}

/** Opens the Key Vault of the settings with the app's own identity. Undefined where the settings name no vault. */
export function openAppVault(settings: Settings, means: CallMeans): KeyVault | undefined {
  const { keyVaultUrl } = settings
  if (keyVaultUrl === undefined) return undefined
  return openVault(keyVaultUrl, (scope) => identityToken(scope, identityClientId(settings)), means)
}

/** Opens a Key Vault. `getToken` gives the token of whoever reads and writes it. */
export function openVault(url: string, getToken: (scope: string) => Promise<string>, means: CallMeans): KeyVault {
  return openKeyVault({ url, token: () => getToken(VAULT_SCOPE), clock: means.clock, retry: retryOptions(means) })
}

export function retryOptions({ random }: CallMeans): RetryOptions {
  return { random, wait: pause }
}

/** The user-assigned identity that reaches the storage account is the one that signs in. */
function identityClientId({ storage }: Settings): string | undefined {
  return storage.kind === 'identity' ? storage.clientId : undefined
}
