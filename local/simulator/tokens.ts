/** Tokens and signatures. */

import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { parseJson } from './http.ts'
import type { Service } from './service.ts'

/** A token is valid for 60 minutes. */
export const TOKEN_SECONDS = 3600

/** What a token says. */
export type Claims = {
  readonly user: string
  /** Whether the user has the role that may read reports. */
  readonly role: boolean
  /** What it is for: the Partner Insights service, a Key Vault, a storage account, or an exchange for another token. */
  readonly audience: 'partner' | 'vault' | 'storage' | 'exchange'
  /** How the user signed in. The token of an application alone says nothing of it. */
  readonly amr?: readonly string[]
  /** The `revocations` before it. The token of an identity has none: it is never revoked. */
  readonly revocations?: number
}

/** As in a real access token, claims come after a header. */
const HEADER = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT' })).toString('base64url')

/** Signs a text with the key in the state, so that a signature stays valid over a restart. */
export function sign(service: Service, text: string): string {
  return createHmac('sha256', service.state.signingKey).update(text).digest('base64url')
}

export function isSigned(service: Service, text: string, signature: string): boolean {
  const [given, wanted] = [Buffer.from(signature), Buffer.from(sign(service, text))]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Writes claims as a text that only `unseal` with the same purpose accepts, and that nobody can make without the key. */
export function seal(service: Service, purpose: string, claims: object): string {
  const payload = Buffer.from(JSON.stringify({ ...claims, id: randomUUID() })).toString('base64url')
  return `${payload}.${sign(service, `${purpose} ${payload}`)}`
}

/** The claims of a sealed text; undefined when it was not sealed for that purpose by this simulator. */
export function unseal(service: Service, purpose: string, sealed: string): unknown {
  const [payload = '', signature = ''] = sealed.split('.')
  if (!isSigned(service, `${purpose} ${payload}`, signature)) return undefined
  return parseJson(Buffer.from(payload, 'base64url').toString('utf8'))
}

export function issueToken(service: Service, claims: Claims): string {
  const now = service.now().getTime()
  const expires = now + TOKEN_SECONDS * 1000
  const ofStorage = claims.audience === 'storage' ? storageClaims(Math.floor(now / 1000)) : {}
  return `${HEADER}.${seal(service, 'token', { ...claims, ...ofStorage, expires })}`
}

/** What Azurite looks at in a token (`--oauth basic`): Entra as its issuer, the audience, and its time. */
function storageClaims(now: number): object {
  const tenant = '00000000-0000-0000-0000-000000000000'
  const times = { iat: now, nbf: now, exp: now + TOKEN_SECONDS }
  return { iss: `https://sts.windows.net/${tenant}/`, aud: 'https://storage.azure.com', ...times }
}

/** The claims of the call's token. Undefined, which means 401, unless the token is for that audience and still valid. */
export function claimsOf(
  service: Service,
  headers: IncomingHttpHeaders,
  audience: Claims['audience'],
): Claims | undefined {
  const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]
  const token = bearer ?? String(headers['x-aaduserticket'] ?? '')
  const sealed = token.startsWith(`${HEADER}.`) ? token.slice(HEADER.length + 1) : ''
  const claims = unseal(service, 'token', sealed) as (Claims & { readonly expires: number }) | undefined
  if (claims?.audience !== audience || claims.expires <= service.now().getTime()) return undefined
  return (claims.revocations ?? service.revocations) < service.revocations ? undefined : claims
}

/** The audience that a scope or a resource names: the Partner Insights service, unless it is one of the others. */
export function audienceOf(resource: string): Claims['audience'] {
  if (/^https:\/\/vault\.azure\.net/i.test(resource)) return 'vault'
  if (/^https:\/\/storage\.azure\.com/i.test(resource)) return 'storage'
  return /^api:\/\/AzureADTokenExchange/i.test(resource) ? 'exchange' : 'partner'
}
