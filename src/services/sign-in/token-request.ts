import { type Failure, failed } from '../../core/failures.ts'
import { type Retryable, readRetryAfterMs } from '../retry.ts'
import { reasonOf } from '../safe-text.ts'

/** A token for the service; the instant is in milliseconds since 1970. */
export type Token = { readonly text: string; readonly expiresAt: number }

/** No request for a token may take longer, in milliseconds. */
export const TOKEN_LIMIT = 30_000

/** The resource of all Partner Center APIs (partner-center/insights, first API call). */
export const SCOPE = 'https://api.partnercenter.microsoft.com/.default'

export type TokenAnswer = Retryable & {
  readonly token?: Token
  /** What takes the place of the refresh token that was redeemed. */
  readonly refreshToken?: string
  /** The authority's own words for a refusal, such as `invalid_grant AADSTS700082`. */
  readonly refusal: string
}

export type RefreshRequest = {
  readonly url: string
  readonly account: string
  readonly clientId: string
  readonly refreshToken: string
  readonly clientSecret?: string
}

/** Redeems a refresh token at the v2 token endpoint (Secure Application Model). Redeeming leaves the old one good. */
export function redeem(request: RefreshRequest, now: () => Date): Promise<TokenAnswer | Failure> {
  return requestToken(request, { grant_type: 'refresh_token', refresh_token: request.refreshToken }, now)
}

export type CodeRequest = Omit<RefreshRequest, 'refreshToken'> & {
  readonly code: string
  readonly redirectUri: string
  /** Of the challenge that the authorize address carried (RFC 7636). */
  readonly verifier: string
}

/** Exchanges the code that a sign-in gave for the first refresh token. */
export function exchangeCode(request: CodeRequest, now: () => Date): Promise<TokenAnswer | Failure> {
  const { code, redirectUri, verifier } = request
  const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
  return requestToken(request, grant, now)
}

async function requestToken(
  { url, account, clientId, clientSecret }: Omit<RefreshRequest, 'refreshToken'>,
  grant: Readonly<Record<string, string>>,
  now: () => Date,
): Promise<TokenAnswer | Failure> {
  const secret = clientSecret ? { client_secret: clientSecret } : undefined
  const form = new URLSearchParams({ ...grant, client_id: clientId, scope: `${SCOPE} offline_access`, ...secret })
  try {
    const signal = AbortSignal.timeout(TOKEN_LIMIT)
    const response = await fetch(url, { method: 'POST', body: form, signal, redirect: 'error' })
    const body: unknown = await response.json().catch(() => undefined)
    return readTokenAnswer(response, body, now())
  } catch (error) {
    const what = `sign-in of account ${account}: no answer from the authority`
    return failed('unavailable', `${what} (${reasonOf(error)}); it is tried again`)
  }
}

function readTokenAnswer({ status, headers }: Response, body: unknown, now: Date): TokenAnswer {
  const fields = typeof body === 'object' && body !== null ? new Map<string, unknown>(Object.entries(body)) : undefined
  const text = (name: string) => String(fields?.get(name) ?? '')
  const refreshToken = text('refresh_token')
  const wait = readRetryAfterMs(headers.get('retry-after'), now)
  // Not the authority's JSON: a gateway's page, which passes.
  if (!fields || (status < 400 && !text('access_token'))) return { status: 502, retryAfterMs: wait, refusal: 'no JSON' }
  if (status >= 400)
    return { status, retryAfterMs: wait, refusal: refusalText(text('error'), text('error_description')) }
  const expiresAt = now.getTime() + (Number(fields.get('expires_in')) || 0) * 1000
  const token = { text: text('access_token'), expiresAt }
  return { status, retryAfterMs: wait, refusal: '', token, ...(refreshToken && { refreshToken }) }
}

/** The error's code and Entra's number for it; a description may hold names and ids and is left out. */
export function refusalText(code: string, description: string): string {
  const number = /AADSTS\d+/.exec(description)?.[0] ?? ''
  return `${/^[\w.-]{1,60}$/.test(code) ? code : ''} ${number}`.trim()
}
