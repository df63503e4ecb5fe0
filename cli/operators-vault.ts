import { AzureCliCredential } from '@azure/identity'
import { openVault } from '../src/app/sign-in.ts'
import { identityToken } from '../src/services/sign-in/identity.ts'
import type { KeyVault } from '../src/services/sign-in/key-vault.ts'
import type { Environment } from '../src/settings/environment.ts'

/** Opens the Key Vault (an https address) as the user of `az login`, or with the managed identity if there is one. */
export function operatorsVault({ KEY_VAULT_URL: url }: Environment): KeyVault | undefined {
  if (!url?.startsWith('https://')) return undefined
  const hasIdentity = process.env.IDENTITY_ENDPOINT !== undefined
  const byIdentity = (scope: string) => identityToken(scope, undefined)
  const byCli = async (scope: string) => (await new AzureCliCredential().getToken(scope)).token
  const means = { clock: () => new Date(), random: Math.random }
  return openVault(url.replace(/\/+$/, ''), hasIdentity ? byIdentity : byCli, means)
}
