import { type Failure, failed } from '../../core/failures.ts'
import type { KeyVault, Secret } from './key-vault.ts'

export type SecretName = 'client-secret' | 'certificate' | 'password' | 'refresh-token'

/** The name of an account's secret in the Key Vault. */
export function vaultName(account: string, name: SecretName): string {
  return `partner-${account}-${name}`
}

/** Gives a secret of an account: from the Key Vault where there is one, else from the settings; undefined for none. */
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

/** As `findSecret`; one that is nowhere is a failure that says where it is looked for. */
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
