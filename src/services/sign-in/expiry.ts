import { type Failure, isFailure } from '../../core/failures.ts'
import { certificateExpiry, readPem } from './by-identity.ts'
import type { KeyVault, Secret } from './key-vault.ts'
import { findSecret } from './secrets.ts'
import type { SignIn } from './sign-in.ts'

/** A refresh token that is not redeemed dies after 90 days, in milliseconds; redeeming the stored one does not renew it. */
const CONSENT_LIFE = 90 * 24 * 3_600_000

/** Something an account signs in with that ends, and when. */
export type Expiry = { readonly what: 'client-secret' | 'certificate' | 'consent'; readonly expiresAt: Date }

/**
 * What an account signs in with and when it ends, as far as that is known: a client secret ends when the Key Vault says
 * so, a certificate by its own text, a consent 90 days after its refresh token was stored.
 */
export async function credentialExpiry(
  signIn: SignIn,
  vault: KeyVault | undefined,
): Promise<readonly Expiry[] | Failure> {
  const { name, auth } = signIn
  const ends: Expiry[] = []
  if (auth === 'client-secret' || auth === 'refresh-token') {
    const secret = await findSecret(name, 'client-secret', signIn.clientSecret, vault)
    if (isFailure(secret)) return secret
    if (secret?.expiresAt) ends.push({ what: 'client-secret', expiresAt: secret.expiresAt })
  }
  if (auth === 'certificate') {
    const kept = await findSecret(name, 'certificate', signIn.certificate, vault)
    if (isFailure(kept)) return kept
    ends.push(...(await endOfCertificate(kept)))
  }
  if (auth === 'refresh-token') {
    const token = await findSecret(name, 'refresh-token', signIn.refreshToken, vault)
    if (isFailure(token)) return token
    if (token?.storedAt) ends.push(endOfConsent(token.storedAt))
  }
  return ends
}

function endOfConsent(storedAt: Date): Expiry {
  return { what: 'consent', expiresAt: new Date(storedAt.getTime() + CONSENT_LIFE) }
}

async function endOfCertificate(kept: Secret | undefined): Promise<readonly Expiry[]> {
  const pem = kept && (await readPem(kept.value))
  const expiresAt = pem === undefined ? undefined : certificateExpiry(pem)
  return expiresAt ? [{ what: 'certificate', expiresAt }] : []
}
