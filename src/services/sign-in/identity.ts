import type { TokenCredential } from '@azure/identity'
import { lazily } from '../lazily.ts'

/** Loads @azure/identity: a third of all that could be loaded, and an app may need none of it. */
export const library = () => import('@azure/identity')

/** The app's own identity; the user-assigned one where there is an id. */
export function openIdentity(clientId: string | undefined): TokenCredential {
  const credential = lazily(async () => {
    const { ManagedIdentityCredential } = await library()
    return clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential()
  })
  return { getToken: async (scopes, options) => (await credential()).getToken(scopes, options) }
}
