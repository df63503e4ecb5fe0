import { type Failure, isFailure } from '../../core/failures.ts'
import type { Credential } from '../../core/status/accounts.ts'
import { DAY_MS } from '../../core/time/durations.ts'
import { certificateExpiry, readPem } from './by-identity.ts'
import type { KeyVault } from './key-vault.ts'
import { findSecret, type SignIn } from './sign-in.ts'

/**
 * A refresh token that is not redeemed expires after 90 days. Redeeming it gives a new token and does not prolong its
 * life.
 */
const CONSENT_LIFE_MS = 90 * DAY_MS

/**
 * Says when what an account signs in with expires, as far as that is known. The Key Vault knows it of a client secret,
 * a certificate contains it, and a consent lasts for 90 days after its refresh token was stored.
 */
export async function credentialExpiry(
  signIn: SignIn,
  vault: KeyVault | undefined,
): Promise<readonly Credential[] | Failure> {
  const { name, auth } = signIn
  const found: Credential[] = []
  if (auth === 'client-secret' || auth === 'refresh-token') {
    const secret = await findSecret(name, 'client-secret', signIn.clientSecret, vault)
    if (isFailure(secret)) return secret
    if (secret?.expiresAt) found.push({ what: 'client-secret', expiresAt: secret.expiresAt })
  }
  if (auth === 'certificate') {
    const kept = await findSecret(name, 'certificate', signIn.certificate, vault)
    if (isFailure(kept)) return kept
    const pem = kept && (await readPem(kept.value))
    const expiresAt = pem === undefined ? undefined : certificateExpiry(pem)
    if (expiresAt) found.push({ what: 'certificate', expiresAt })
  }
  if (auth === 'refresh-token') {
    const token = await findSecret(name, 'refresh-token', signIn.refreshToken, vault)
    if (isFailure(token)) return token
    if (token?.storedAt) {
      found.push({ what: 'consent', expiresAt: new Date(token.storedAt.getTime() + CONSENT_LIFE_MS) })
    }
  }
  return found
}
