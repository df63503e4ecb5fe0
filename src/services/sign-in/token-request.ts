import { type Failure, failed } from '../../core/failures.ts'
import { DAY_MS } from '../../core/time/durations.ts'
import { readJson } from '../read-body.ts'
import { type Retryable, readRetryAfterMs } from '../retry.ts'
import { reasonOf } from '../safe-text.ts'

/** No request for a token takes longer. */
export const TOKEN_LIMIT_MS = 30_000

/** What a secret of a Key Vault holds, in characters (key-vault, secrets). */
const LONGEST_TOKEN = 25_000

/** No token of Entra lives longer (identity-platform, configurable token lifetimes). */
const LONGEST_LIFETIME_MS = DAY_MS

/** The resource of all Partner Center APIs (partner-center/insights, first API call). */
export const SCOPE = 'https://api.partnercenter.microsoft.com/.default'

/** A token for the service. `expiresAtMs` counts from 1970. */
export type AccessToken = { readonly text: string; readonly expiresAtMs: number }

export type TokenAnswer = Retryable & {
  readonly token?: AccessToken
  /** The refresh token that replaces the one that was redeemed. */
  readonly refreshToken?: string
  /** The error codes of a refusal, such as `invalid_grant AADSTS700082`; empty where there is none. */
  readonly refusal: string
}

export type RefreshRequest = {
  readonly url: string
  readonly account: string
  readonly clientId: string
  readonly refreshToken: string
  readonly clientSecret?: string
}

/** Redeems a refresh token at the v2 token endpoint (Secure Application Model). The redeemed token stays good. */
export function redeem(request: RefreshRequest, now: () => Date): Promise<TokenAnswer | Failure> {
  return requestToken(request, { grant_type: 'refresh_token', refresh_token: request.refreshToken }, now)
}

export type CodeRequest = Omit<RefreshRequest, 'refreshToken'> & {
  readonly code: string
  readonly redirectUri: string
  /** Belongs to the challenge in the authorize address (RFC 7636). */
  readonly verifier: string
}

/** Exchanges the code that a sign-in in the browser gave for the first refresh token. */
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
    const signal = AbortSignal.timeout(TOKEN_LIMIT_MS)
    const response = await fetch(url, { method: 'POST', body: form, signal, redirect: 'error' })
    const body = await readJson(response)
    return readTokenAnswer(response, body, now())
  } catch (error) {
    const what = `sign-in of account ${account}: no answer from the authority`
    return failed('unavailable', `${what} (${reasonOf(error)}); it is tried again`)
  }
}

function readTokenAnswer({ status, headers }: Response, body: unknown, now: Date): TokenAnswer {
  const retryAfterMs = readRetryAfterMs(headers.get('retry-after'), now)
  const fields = typeof body === 'object' && body !== null ? new Map<string, unknown>(Object.entries(body)) : undefined
  const text = (name: string) => textOf(fields?.get(name))
  const [accessToken, refreshToken] = [tokenOf(fields?.get('access_token')), tokenOf(fields?.get('refresh_token'))]
  // Anything but the authority's JSON is the page of a gateway, and may be gone a moment later.
  if (!fields || (status < 400 && !accessToken)) return { status: 502, retryAfterMs, refusal: 'no JSON' }
  if (status >= 400) {
    const refusal = refusalText(text('error'), text('error_description'))
    return { status: isPassing(refusal) ? 503 : status, retryAfterMs, refusal }
  }
  const token = { text: accessToken, expiresAtMs: now.getTime() + lifetimeMs(fields.get('expires_in')) }
  return { status, retryAfterMs, refusal: '', token, ...(refreshToken && { refreshToken }) }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A token goes into a header and into the Key Vault. What could not is none: it must not replace one that is good. */
function tokenOf(value: unknown): string {
  const text = textOf(value)
  return text.length <= LONGEST_TOKEN && /^[\x21-\x7e]+$/.test(text) ? text : ''
}

/** A token without a lifetime that is a number ends at once, and is used for one call. */
function lifetimeMs(seconds: unknown): number {
  return typeof seconds === 'number' && Number.isFinite(seconds) ? Math.min(seconds * 1000, LONGEST_LIFETIME_MS) : 0
}

/** Errors that a token endpoint gives under 400 although they pass by themselves (RFC 6749, section 4.1.2.1). */
const PASSING_ERRORS: readonly string[] = ['temporarily_unavailable', 'server_error']

/**
 * Numbers that Microsoft describes as transient, temporarily unavailable, timed out or throttled, or says to try again
 * (learn.microsoft.com/entra/identity-platform/reference-error-codes).
 */
const PASSING_NUMBERS: readonly string[] = [
  'AADSTS50033',
  'AADSTS50087',
  'AADSTS80002',
  'AADSTS80005',
  'AADSTS90006',
  'AADSTS90012',
  'AADSTS90024',
  'AADSTS90033',
  'AADSTS90055',
  'AADSTS90090',
]

/** Whether the same sign-in may succeed a moment later. `refusal` is as `refusalText` gives it. */
export function isPassing(refusal: string): boolean {
  return refusal.split(' ').some((each) => PASSING_ERRORS.includes(each) || PASSING_NUMBERS.includes(each))
}

/**
 * Gives the error code and Entra's number for it. The description is left out, because it may contain names and ids.
 */
export function refusalText(code: string, description: string): string {
  const number = /AADSTS\d{1,10}/.exec(description.slice(0, 2_000))?.[0] ?? ''
  return `${/^[\w.-]{1,60}$/.test(code) ? code : ''} ${number}`.trim()
}
