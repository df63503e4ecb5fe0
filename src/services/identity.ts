import type { TokenCredential } from '@azure/identity'

/** Loads @azure/identity: a third of all that could be loaded, and an app may need none of it. */
export const library = () => import('@azure/identity')

/** The app's own identity; the user-assigned one where there is an id. */
export function openIdentity(clientId: string | undefined): TokenCredential {
  let opened: Promise<TokenCredential> | undefined
  return {
    async getToken(scopes, options) {
      opened ??= library().then(({ ManagedIdentityCredential: Identity }) =>
        clientId ? new Identity({ clientId }) : new Identity(),
      )
      return (await opened).getToken(scopes, options)
    },
  }
}
