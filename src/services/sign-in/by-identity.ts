import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { TokenCredential } from '@azure/identity'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { reasonOf } from '../safe-text.ts'
import { library, openIdentity } from './identity.ts'
import type { KeyVault } from './key-vault.ts'
import { needSecret } from './secrets.ts'
import { refusedSignIn, type SignIn } from './sign-in.ts'
import { refusalText, SCOPE, TOKEN_LIMIT, type Token } from './token-request.ts'

export type IdentitySignIn = Exclude<SignIn, { auth: 'refresh-token' }>

/** What Entra wants the token of a managed identity to be for, when the identity stands for an app registration. */
const EXCHANGE_SCOPE = 'api://AzureADTokenExchange/.default'

/** Fetches a token through @azure/identity, each time with a credential of its own: the library's cache would hand out the token that was just refused. */
export async function fetchByIdentity(
  signIn: IdentitySignIn,
  vault: KeyVault | undefined,
  clock: () => Date,
): Promise<Token | Failure> {
  try {
    const credential = await credentialOf(signIn, vault, clock)
    if (isFailure(credential)) return credential
    const abortSignal = AbortSignal.timeout(TOKEN_LIMIT)
    const token = await Promise.race([credential.getToken(SCOPE, { abortSignal }), rejectedBy(abortSignal)])
    if (!token) return refusedSignIn(signIn, 'no token')
    return { text: token.token, expiresAt: token.expiresOnTimestamp }
  } catch (error) {
    return failureOfSignIn(signIn, error)
  }
}

async function credentialOf(
  signIn: IdentitySignIn,
  vault: KeyVault | undefined,
  clock: () => Date,
): Promise<TokenCredential | Failure> {
  const { name, tenantId, clientId } = signIn
  const options = optionsOf(signIn)
  const { ClientAssertionCredential, ClientSecretCredential, UsernamePasswordCredential } = await library()
  if (signIn.auth === 'managed-identity') {
    const assertion = () => identityToken(EXCHANGE_SCOPE, signIn.identityClientId)
    return new ClientAssertionCredential(tenantId, clientId, assertion, options)
  }
  if (signIn.auth === 'certificate') return byCertificate(signIn, vault, clock())
  if (signIn.auth === 'password') {
    const password = await needSecret(name, 'password', signIn.password, vault)
    if (isFailure(password)) return password
    return new UsernamePasswordCredential(tenantId, clientId, signIn.username, password.value, options)
  }
  const secret = await needSecret(name, 'client-secret', signIn.clientSecret, vault)
  return isFailure(secret) ? secret : new ClientSecretCredential(tenantId, clientId, secret.value, options)
}

/** The authority is the one that was set: asking Microsoft's whether it exists would fail where only that one is reachable. */
function optionsOf({ authorityHost }: IdentitySignIn) {
  return { authorityHost, disableInstanceDiscovery: true, retryOptions: { maxRetries: 1 } }
}

/** A token of the app's own identity; of the user-assigned one where there is an id. Throws what the library throws. */
export async function identityToken(scope: string, clientId: string | undefined): Promise<string> {
  const token = await openIdentity(clientId).getToken(scope)
  if (!token) throw new Error(`the app's identity gives no token for ${scope}`)
  return token.token
}

async function byCertificate(
  signIn: Extract<SignIn, { auth: 'certificate' }>,
  vault: KeyVault | undefined,
  now: Date,
): Promise<TokenCredential | Failure> {
  const kept = await needSecret(signIn.name, 'certificate', signIn.certificate, vault)
  if (isFailure(kept)) return kept
  const certificate = await readPem(kept.value)
  const expiresAt = certificate && certificateExpiry(certificate)
  if (!certificate || !expiresAt) {
    return refusedSignIn(signIn, 'its certificate is neither PEM text with its private key nor the path of such a file')
  }
  if (expiresAt <= now)
    return refusedSignIn(signIn, `its certificate expired on ${expiresAt.toISOString().slice(0, 10)}`)
  const { ClientCertificateCredential } = await library()
  return new ClientCertificateCredential(signIn.tenantId, signIn.clientId, { certificate }, optionsOf(signIn))
}

/** PEM text, also with its line breaks written as `\\n`, or the text of the file at a path. */
export async function readPem(value: string): Promise<string | undefined> {
  if (value.includes('-----BEGIN')) return value.replaceAll('\\n', '\n')
  return readFile(value, 'utf8').catch(() => undefined)
}

export function certificateExpiry(pem: string): Date | undefined {
  try {
    return new Date(new X509Certificate(pem).validTo)
  } catch {
    return undefined
  }
}

/** The library does not always end when it is told to. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Codes of OAuth that no waiting changes; for some ways to sign in the library gives no status beside them. */
const REFUSALS = /^(invalid_|unauthorized_|unsupported_|interaction_required|access_denied)/

/** The library wraps what the authority said: its status and code are in the cause. */
function failureOfSignIn(signIn: IdentitySignIn, error: unknown): Failure {
  const said = error instanceof Error ? { ...error, ...(error.cause ?? {}) } : {}
  const { status, errorCode, errorMessage } = said as Readonly<Record<string, unknown>>
  const refusal = refusalText(String(errorCode ?? ''), String(errorMessage ?? ''))
  const isBusy = typeof status === 'number' && (status >= 500 || status === 429)
  const isRefused = REFUSALS.test(refusal) || (typeof status === 'number' && status >= 400)
  if (isRefused && !isBusy) return refusedSignIn(signIn, `${status ?? ''} ${refusal}`.trim())
  const reason = refusal || reasonOf(error)
  return failed('unavailable', `sign-in of account ${signIn.name}: no answer (${reason}); it is tried again`)
}
