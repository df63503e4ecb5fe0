import { X509Certificate } from 'node:crypto'
import type { TokenCredential } from '@azure/identity'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { dayText } from '../../core/time/instants.ts'
import { type RetryOptions, withRetry } from '../retry.ts'
import { reasonOf } from '../safe-text.ts'
import { readText } from '../text-file.ts'
import { identityToken, loadIdentityLibrary } from './identity.ts'
import type { KeyVault } from './key-vault.ts'
import { needSecret, refusedSignIn, type SignIn } from './sign-in.ts'
import { type AccessToken, isPassing, refusalText, SCOPE, TOKEN_LIMIT_MS } from './token-request.ts'

/** What Entra wants the token of a managed identity to be for, when the identity stands for an app registration. */
const EXCHANGE_SCOPE = 'api://AzureADTokenExchange/.default'

/** The ways to sign in that @azure/identity carries out. */
export type IdentitySignIn = Exclude<SignIn, { auth: 'refresh-token' }>

/**
 * Fetches a token through @azure/identity. The library repeats what fails with 5xx or 429, once, and nothing else that
 * passes by itself: we do.
 */
export async function fetchByIdentity(
  signIn: IdentitySignIn,
  vault: KeyVault | undefined,
  clock: () => Date,
  retry: RetryOptions | undefined,
): Promise<AccessToken | Failure> {
  if (!retry) return fetchOnce(signIn, vault, clock)
  const answer = await withRetry(async () => {
    const token = await fetchOnce(signIn, vault, clock)
    return isFailure(token) ? token : { status: 200, retryAfterMs: undefined, token }
  }, retry)
  return isFailure(answer) ? answer : answer.token
}

/** Each token has a credential of its own: the library's cache would give the token that was just refused. */
async function fetchOnce(
  signIn: IdentitySignIn,
  vault: KeyVault | undefined,
  clock: () => Date,
): Promise<AccessToken | Failure> {
  try {
    const credential = await openCredential(signIn, vault, clock)
    if (isFailure(credential)) return credential
    const abortSignal = AbortSignal.timeout(TOKEN_LIMIT_MS)
    // The library does not always stop when the signal tells it to.
    const token = await Promise.race([credential.getToken(SCOPE, { abortSignal }), rejectedBy(abortSignal)])
    if (!token) return refusedSignIn(signIn, 'no token')
    return { text: token.token, expiresAtMs: token.expiresOnTimestamp }
  } catch (error) {
    return failureOfSignIn(signIn, error)
  }
}

async function openCredential(
  signIn: IdentitySignIn,
  vault: KeyVault | undefined,
  clock: () => Date,
): Promise<TokenCredential | Failure> {
  const { name, tenantId, clientId, authorityHost } = signIn
  // Instance discovery asks Microsoft's authority whether this one exists, which fails where only this one is
  // reachable.
  const options = { authorityHost, disableInstanceDiscovery: true, retryOptions: { maxRetries: 1 } }
  const library = await loadIdentityLibrary()
  if (signIn.auth === 'managed-identity') {
    const assertion = () => identityToken(EXCHANGE_SCOPE, signIn.identityClientId)
    return new library.ClientAssertionCredential(tenantId, clientId, assertion, options)
  }
  if (signIn.auth === 'certificate') {
    const certificate = await validCertificate(signIn, vault, clock())
    if (isFailure(certificate)) return certificate
    return new library.ClientCertificateCredential(tenantId, clientId, { certificate }, options)
  }
  if (signIn.auth === 'password') {
    const password = await needSecret(name, 'password', signIn.password, vault)
    if (isFailure(password)) return password
    return new library.UsernamePasswordCredential(tenantId, clientId, signIn.username, password.value, options)
  }
  const secret = await needSecret(name, 'client-secret', signIn.clientSecret, vault)
  return isFailure(secret) ? secret : new library.ClientSecretCredential(tenantId, clientId, secret.value, options)
}

/** The PEM text of a certificate that is readable and has not expired. */
async function validCertificate(
  signIn: Extract<SignIn, { auth: 'certificate' }>,
  vault: KeyVault | undefined,
  now: Date,
): Promise<string | Failure> {
  const kept = await needSecret(signIn.name, 'certificate', signIn.certificate, vault)
  if (isFailure(kept)) return kept
  const pem = await readPem(kept.value)
  const expiresAt = pem && certificateExpiry(pem)
  if (!pem || !expiresAt) {
    return refusedSignIn(signIn, 'its certificate is neither PEM text with its private key nor the path of such a file')
  }
  if (expiresAt > now) return pem
  return refusedSignIn(signIn, `its certificate expired on ${dayText(expiresAt)}`)
}

/**
 * Gives the PEM text of a setting, or of the file at the path that it is. Also where its line ends are written as `\\n` or
 * `\\r\\n`, or became blanks, as they do in a settings page of one line. Undefined where there is no such file, or the text
 * is longer than a certificate's.
 */
export async function readPem(value: string): Promise<string | undefined> {
  const text = value.includes('-----BEGIN') ? value : await readText(value).catch(() => undefined)
  if (!text || text.length > LONGEST_PEM) return undefined
  return text.replaceAll(/\\r|\\n/g, '\n').replaceAll(PEM_BLOCK, (_, begin, base64: string, end) => {
    return ['', begin, ...(base64.replaceAll(/\s/g, '').match(/.{1,64}/g) ?? []), end, ''].join('\n')
  })
}

/** A certificate with its chain and its key has a few thousand characters. */
const LONGEST_PEM = 100 * 1024

/** A block of PEM. One with headers, which only a key under a passphrase has, is left as it is. */
const PEM_BLOCK = /(-----BEGIN [A-Z ]+-----)([A-Za-z\d+/=\s]*)(-----END [A-Z ]+-----)/g

/** When the first certificate of a PEM text expires; undefined where the text contains none. */
export function certificateExpiry(pem: string): Date | undefined {
  try {
    return new Date(new X509Certificate(pem).validTo)
  } catch {
    return undefined
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** OAuth error codes that waiting does not change. For some ways to sign in the library gives no status beside them. */
const REFUSALS = /^(invalid_|unauthorized_|unsupported_|interaction_required|access_denied)/

/** The library wraps the answer of the authority: its status and code are in the cause. */
function failureOfSignIn(signIn: IdentitySignIn, error: unknown): Failure {
  const said = error instanceof Error ? { ...error, ...(error.cause ?? {}) } : {}
  const { status, errorCode, errorMessage } = said as Readonly<Record<string, unknown>>
  const refusal = refusalText(String(errorCode ?? ''), String(errorMessage ?? ''))
  const isBusy = isPassing(refusal) || (typeof status === 'number' && (status >= 500 || status === 429))
  const isRefused = REFUSALS.test(refusal) || (typeof status === 'number' && status >= 400)
  if (isRefused && !isBusy) return refusedSignIn(signIn, `${status ?? ''} ${refusal}`.trim())
  const reason = refusal || reasonOf(error)
  return failed('unavailable', `sign-in of account ${signIn.name}: no answer (${reason}); it is tried again`)
}
