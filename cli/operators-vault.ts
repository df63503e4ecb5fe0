import { AzureCliCredential } from '@azure/identity'
import { pause } from '../src/services/retry.ts'
import { identityToken } from '../src/services/sign-in/by-identity.ts'
import { type KeyVault, openKeyVault, VAULT_SCOPE } from '../src/services/sign-in/key-vault.ts'
import type { Environment } from '../src/settings/environment.ts'

/** Opens the Key Vault, an https address, for a person at a terminal: as signed in with `az login`, or in Azure as the identity there. */
export function operatorsVault({ KEY_VAULT_URL: url }: Environment): KeyVault | undefined {
  if (!url?.startsWith('https://')) return undefined
  const hasIdentity = process.env.IDENTITY_ENDPOINT !== undefined
  const byCli = async () => (await new AzureCliCredential().getToken(VAULT_SCOPE)).token
  return openKeyVault({
    url: url.replace(/\/+$/, ''),
    token: hasIdentity ? () => identityToken(VAULT_SCOPE, undefined) : byCli,
    clock: () => new Date(),
    retry: { random: Math.random, wait: pause },
  })
}
