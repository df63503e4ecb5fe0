import type { TokenCredential } from '@azure/identity'
import { lazily } from '../src/services/lazily.ts'
import { loadIdentityLibrary, openIdentity } from '../src/services/sign-in/identity.ts'

const NOBODY = 'nobody is signed in to Azure on this machine, or no longer: type "azd auth login" or "az login"'

/**
 * Opens the identity of whoever runs a command: the managed identity where there is one, else the person who is signed in
 * with the Azure Developer CLI, else with the Azure CLI.
 */
export function openOperator(clientId: string | undefined): TokenCredential {
  return process.env.IDENTITY_ENDPOINT === undefined ? openPerson() : openIdentity(clientId)
}

/** Why whoever runs a command gets no token for `scope`; undefined where they do. */
export async function signInProblem(scope: string): Promise<string | undefined> {
  return openOperator(undefined)
    .getToken(scope)
    .then(() => undefined)
    .catch((error: Error) => error.message)
}

function openPerson(): TokenCredential {
  const person = lazily(async () => {
    const { AzureCliCredential, AzureDeveloperCliCredential, ChainedTokenCredential } = await loadIdentityLibrary()
    return new ChainedTokenCredential(new AzureDeveloperCliCredential(), new AzureCliCredential())
  })
  return {
    async getToken(scopes, options) {
      const credential = await person()
      // The library tells in many lines how each of them failed, and nothing but a sign-in helps.
      return credential.getToken(scopes, options).catch((error) => {
        throw new Error(NOBODY, { cause: error })
      })
    },
  }
}
