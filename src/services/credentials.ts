import { ClientSecretCredential } from '@azure/identity'
import { type Failure, failed, isFailure } from '../core/failures.ts'

/** The resource of all Partner Center APIs (partner-center/insights, first API call). */
const SCOPE = 'https://api.partnercenter.microsoft.com/.default'

/** Tokens live about an hour; one is renewed when less than this is left. */
const RENEW_BEFORE = 300_000

const CALL_LIMIT = 30_000

/** How the app signs in to one account, a partner tenant. */
export type SignIn = {
  readonly name: string
  readonly authorityHost: string
  readonly tenantId: string
  readonly clientId: string
} & (
  | { readonly auth: 'client-secret'; readonly clientSecret: string }
  | { readonly auth: 'refresh-token'; readonly refreshToken: string; readonly clientSecret?: string }
)

export type Credentials = {
  /** A token that is good for some minutes; asked for once, however many wait for it. */
  token(): Promise<string | Failure>
  /** Another token than `refused`, which the service did not accept. */
  renew(refused: string): Promise<string | Failure>
}

type Token = { readonly text: string; readonly expiresAt: number }

/** Opens the sign-in of an account; failures are of kind `unauthorized` or `unavailable`. */
export function openCredentials(signIn: SignIn, clock: () => Date): Credentials {
  const fetchToken = signIn.auth === 'client-secret' ? bySecret(signIn) : byRefreshToken(signIn, clock)
  let cached: Token | undefined
  let pending: Promise<Token | Failure> | undefined
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
    token: async () => (cached && cached.expiresAt - clock().getTime() > RENEW_BEFORE ? cached.text : fresh()),
    renew: async (refused) => (cached && cached.text !== refused ? cached.text : fresh()),
  }
}

function bySecret(signIn: Extract<SignIn, { auth: 'client-secret' }>): () => Promise<Token | Failure> {
  const { tenantId, clientId, clientSecret, authorityHost } = signIn
  const options = { authorityHost, disableInstanceDiscovery: true, retryOptions: { maxRetries: 1 } }
  return async () => {
    try {
      // A credential of its own each time: the library's cache would hand out the token that was just refused.
      const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, options)
      const { token, expiresOnTimestamp } = await credential.getToken(SCOPE)
      return { text: token, expiresAt: expiresOnTimestamp }
    } catch (error) {
      return refused(signIn, error instanceof Error ? error.name : 'unknown error')
    }
  }
}

/** Redeems the refresh token of the first sign-in (Secure Application Model, v2 token endpoint). */
function byRefreshToken(
  signIn: Extract<SignIn, { auth: 'refresh-token' }>,
  clock: () => Date,
): () => Promise<Token | Failure> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: signIn.clientId,
    refresh_token: signIn.refreshToken,
    scope: `${SCOPE} offline_access`,
    ...(signIn.clientSecret && { client_secret: signIn.clientSecret }),
  })
  const url = `${signIn.authorityHost}/${signIn.tenantId}/oauth2/v2.0/token`
  return async () => {
    try {
      const response = await fetch(url, { method: 'POST', body: form, signal: AbortSignal.timeout(CALL_LIMIT) })
      const body: unknown = await response.json().catch(() => undefined)
      return readToken(body, clock()) ?? refusedBy(signIn, response.status, body)
    } catch (error) {
      return failed('unavailable', `sign-in of account ${signIn.name}: no answer (${nameOf(error)}); it is tried again`)
    }
  }
}

function readToken(body: unknown, now: Date): Token | undefined {
  if (typeof body !== 'object' || body === null || !('access_token' in body)) return undefined
  if (typeof body.access_token !== 'string') return undefined
  const seconds = 'expires_in' in body ? Number(body.expires_in) : Number.NaN
  return { text: body.access_token, expiresAt: now.getTime() + (Number.isFinite(seconds) ? seconds : 0) * 1000 }
}

function refusedBy(signIn: SignIn, status: number, body: unknown): Failure {
  const code = typeof body === 'object' && body !== null && 'error' in body ? String(body.error).slice(0, 60) : ''
  if (status >= 500 || status === 429) {
    return failed(
      'unavailable',
      `sign-in of account ${signIn.name}: the authority answered ${status}; it is tried again`,
    )
  }
  return refused(signIn, `${status} ${code}`.trim())
}

function refused(signIn: SignIn, reason: string): Failure {
  const what = `sign-in of account ${signIn.name} with ${signIn.auth}`
  return failed('unauthorized', `${what} was refused (${reason}); check its PARTNER_… settings`)
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown error'
}
