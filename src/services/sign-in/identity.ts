import type { TokenCredential } from '@azure/identity'
import { lazily } from '../lazily.ts'

/** Loads @azure/identity when it is needed: it is a third of the bundle, and some apps never need it. */
export const loadIdentityLibrary = () => import('@azure/identity')

/** Opens the app's own identity: the user-assigned one with that client id, or else the system-assigned one. */
export function openIdentity(clientId: string | undefined): TokenCredential {
  const credential = lazily(async () => {
    const { ManagedIdentityCredential } = await loadIdentityLibrary()
    return clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential()
  })
  return { getToken: async (scopes, options) => (await credential()).getToken(scopes, options) }
}

/** Gives a token of the app's own identity, which is chosen as by `openIdentity`. Throws what the library throws. */
export async function identityToken(scope: string, clientId: string | undefined): Promise<string> {
  const token = await openIdentity(clientId).getToken(scope)
  if (!token) throw new Error(`the app's identity gives no token for ${scope}`)
  return token.token
}
