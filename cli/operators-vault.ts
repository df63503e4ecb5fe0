import { AzureCliCredential } from '@azure/identity'
import { openVault } from '../src/app/sign-in.ts'
import { addressProblem } from '../src/core/address.ts'
import { identityToken } from '../src/services/sign-in/identity.ts'
import type { KeyVault } from '../src/services/sign-in/key-vault.ts'
import type { Environment } from '../src/settings/environment.ts'

/**
 * Opens the Key Vault as the user of `az login`, or with the managed identity if there is one. Undefined where the settings
 * name none, or no address that a secret may go to.
 */
export function operatorsVault({ KEY_VAULT_URL: url }: Environment): KeyVault | undefined {
  if (!url || addressProblem(url)) return undefined
  const hasIdentity = process.env.IDENTITY_ENDPOINT !== undefined
  const byIdentity = (scope: string) => identityToken(scope, undefined)
  const byCli = async (scope: string) => (await new AzureCliCredential().getToken(scope)).token
  const means = { clock: () => new Date(), random: Math.random }
  return openVault(url.replace(/\/+$/, ''), hasIdentity ? byIdentity : byCli, means)
}
