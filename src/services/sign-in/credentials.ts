import { type Failure, isFailure } from '../../core/failures.ts'
import { fetchByIdentity } from './by-identity.ts'
import { openRenewal, type TokenKeeping } from './by-refresh-token.ts'
import type { KeyVault } from './key-vault.ts'
import type { SignIn } from './sign-in.ts'
import type { Token } from './token-request.ts'

/** Tokens live about an hour; one is renewed when less than this is left, in milliseconds. */
const RENEW_BEFORE = 300_000

export type Credentials = {
  /** A token that is good for some minutes; asked for once, however many wait for it. */
  token(): Promise<string | Failure>
  /** Another token than `refused`, which the service did not accept. */
  renew(refused: string): Promise<string | Failure>
}

/**
 * Opens the sign-in of an account; failures are of kind `unauthorized` or `unavailable`. Without `keeping` secrets are
 * those of the settings, and a new refresh token is forgotten when the process ends.
 */
export function openCredentials(signIn: SignIn, clock: () => Date, keeping?: TokenKeeping): Credentials {
  const fetchToken = openFetch(signIn, clock, keeping)
  let cached: Token | undefined
  let pending: Promise<Token | Failure> | undefined
  const left = () => (cached ? cached.expiresAt - clock().getTime() : 0)
  const fresh = async (): Promise<string | Failure> => {
    pending ??= fetchToken().finally(() => {
      pending = undefined
    })
    const token = await pending
    if (isFailure(token)) return token
    cached = token
    return token.text
  }
  return {
    async token() {
      if (cached && left() > RENEW_BEFORE) return cached.text
      const token = await fresh()
      // Renewed early so that a short failure of the authority costs nothing.
      return isFailure(token) && cached && left() > 0 ? cached.text : token
    },
    renew: async (refused) => (cached && cached.text !== refused ? cached.text : fresh()),
  }
}

function openFetch(signIn: SignIn, clock: () => Date, keeping?: TokenKeeping): () => Promise<Token | Failure> {
  if (signIn.auth === 'refresh-token') return openRenewal(signIn, keeping, clock)
  const vault: KeyVault | undefined = keeping?.vault
  return () => fetchByIdentity(signIn, vault, clock)
}
