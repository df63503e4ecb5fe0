import { type Failure, failed } from '../../core/failures.ts'
import type { KeyVault, Secret } from './key-vault.ts'

/** How the app signs in to one account, a partner tenant. A secret that is absent is in the Key Vault. */
export type SignIn = {
  readonly name: string
  readonly authorityHost: string
  readonly tenantId: string
  readonly clientId: string
} & (
  | { readonly auth: 'refresh-token'; readonly refreshToken?: string; readonly clientSecret?: string }
  | { readonly auth: 'client-secret'; readonly clientSecret?: string }
  /** PEM text with the private key, or the path of such a file. */
  | { readonly auth: 'certificate'; readonly certificate?: string }
  /** The identity is a federated credential of the app registration. A user-assigned identity needs its id. */
  | { readonly auth: 'managed-identity'; readonly identityClientId?: string }
  | { readonly auth: 'password'; readonly username: string; readonly password?: string }
)

export type RefreshSignIn = Extract<SignIn, { auth: 'refresh-token' }>

export type SecretName = 'client-secret' | 'certificate' | 'password' | 'refresh-token'

/** The name of an account's secret in the Key Vault. */
export function vaultName(account: string, name: SecretName): string {
  return `partner-${account}-${name}`
}

/**
 * Gives a secret of an account, from the Key Vault if it is there, else from the settings. Undefined where there is
 * none.
 */
export async function findSecret(
  account: string,
  name: SecretName,
  fromSettings: string | undefined,
  vault: KeyVault | undefined,
): Promise<Secret | Failure | undefined> {
  const kept = await vault?.get(vaultName(account, name))
  if (kept || !fromSettings) return kept
  return { value: fromSettings, storedAt: undefined, expiresAt: undefined }
}

/** Gives a secret as `findSecret` does. One that is missing is a failure that says where it belongs. */
export async function needSecret(
  account: string,
  name: SecretName,
  fromSettings: string | undefined,
  vault: KeyVault | undefined,
): Promise<Secret | Failure> {
  const found = await findSecret(account, name, fromSettings, vault)
  if (found) return found
  const what = `account ${account}: its ${name} is missing`
  return failed('unauthorized', vault ? `${what}; store secret ${vaultName(account, name)} in the Key Vault` : what)
}

/** The failure of a sign-in that was refused for a reason that waiting does not change. */
export function refusedSignIn({ name, auth }: Pick<SignIn, 'name' | 'auth'>, reason: string): Failure {
  return failed('unauthorized', `sign-in of account ${name} with ${auth} was refused (${reason})`)
}
