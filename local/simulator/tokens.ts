import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { parseJson } from './http.ts'
import type { Service } from './service.ts'

/** A token lives 60 minutes. */
export const TOKEN_SECONDS = 3600

/** What a token says. */
export type Claims = {
  readonly user: string
  /** False where the account may not read anything. */
  readonly role: boolean
  /** What it is good for: the Partner Insights service, a Key Vault, or an exchange for another token. */
  readonly audience: 'partner' | 'vault' | 'exchange'
}

/** Signs a text with the key kept in the state, so that what was signed holds over a restart. */
export function sign(service: Service, text: string): string {
  return createHmac('sha256', service.state.signingKey).update(text).digest('base64url')
}

export function isSigned(service: Service, text: string, signature: string): boolean {
  const [given, wanted] = [Buffer.from(signature), Buffer.from(sign(service, text))]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Gives claims a form that `unseal` reads, and nobody can make without the key. `purpose` keeps kinds apart. */
export function seal(service: Service, purpose: string, claims: object): string {
  const payload = Buffer.from(JSON.stringify({ ...claims, id: randomUUID() })).toString('base64url')
  return `${payload}.${sign(service, `${purpose} ${payload}`)}`
}

export function unseal(service: Service, purpose: string, sealed: string): unknown {
  const [payload = '', signature = ''] = sealed.split('.')
  if (!isSigned(service, `${purpose} ${payload}`, signature)) return undefined
  return parseJson(Buffer.from(payload, 'base64url').toString('utf8'))
}

export function issueToken(service: Service, claims: Claims): string {
  return seal(service, 'token', { ...claims, expires: service.now().getTime() + TOKEN_SECONDS * 1000 })
}

/** What the call's token says, when this simulator issued it for that audience and it has not expired; undefined means 401. */
export function claimsOf(
  service: Service,
  headers: IncomingHttpHeaders,
  audience: Claims['audience'],
): Claims | undefined {
  const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]
  const token = bearer ?? String(headers['x-aaduserticket'] ?? '')
  const claims = unseal(service, 'token', token) as (Claims & { readonly expires: number }) | undefined
  return claims?.audience === audience && claims.expires > service.now().getTime() ? claims : undefined
}

/** Which audience a scope or a resource names; everything that is no other one is the Partner Insights service. */
export function audienceOf(resource: string): Claims['audience'] {
  if (/^https:\/\/vault\.azure\.net/i.test(resource)) return 'vault'
  return /^api:\/\/AzureADTokenExchange/i.test(resource) ? 'exchange' : 'partner'
}
