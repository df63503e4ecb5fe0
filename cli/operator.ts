import type { TokenCredential } from '@azure/identity'
import { lazily } from '../src/services/lazily.ts'
import { loadIdentityLibrary, openIdentity } from '../src/services/sign-in/identity.ts'
import type { Environment } from '../src/settings/environment.ts'

const NOBODY = 'nobody is signed in to Azure on this machine, or no longer'

/**
 * Opens the identity of whoever runs a command: the managed identity where there is one, else the person who is signed in
 * with the Azure Developer CLI, else with the Azure CLI. `AZURE_TENANT_ID` of `env` is the tenant that a person asks for tokens
 * of: a guest in the subscription's tenant would get those of another one, which storage and vault refuse.
 */
export function openOperator(clientId: string | undefined, env: Environment): TokenCredential {
  return process.env.IDENTITY_ENDPOINT === undefined ? openPerson(env.AZURE_TENANT_ID) : openIdentity(clientId)
}

/** Why whoever runs a command gets no token for `scope`; undefined where they do. */
export async function signInProblem(scope: string, env: Environment): Promise<string | undefined> {
  return openOperator(undefined, env)
    .getToken(scope)
    .then(() => undefined)
    .catch((error: Error) => error.message)
}

function openPerson(tenantId: string | undefined): TokenCredential {
  const options = tenantId ? { tenantId } : {}
  const person = lazily(async () => {
    const { AzureCliCredential, AzureDeveloperCliCredential, ChainedTokenCredential } = await loadIdentityLibrary()
    return new ChainedTokenCredential(new AzureDeveloperCliCredential(options), new AzureCliCredential(options))
  })
  return {
    async getToken(scopes, options) {
      const credential = await person()
      // The library tells in many lines how each of them failed, and nothing but a sign-in helps.
      return credential.getToken(scopes, options).catch((error) => {
        throw new Error(`${NOBODY}: ${signInWith(tenantId)}`, { cause: error })
      })
    },
  }
}

function signInWith(tenantId: string | undefined): string {
  if (!tenantId) return 'type "azd auth login" or "az login"'
  return `type "azd auth login --tenant-id ${tenantId}" or "az login --tenant ${tenantId}"`
}
