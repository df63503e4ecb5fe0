import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Answer, type Call, json, parseJson } from './http.ts'
import type { Service } from './service.ts'

/** A token lives 60 minutes; the service says one second less. */
const TOKEN_SECONDS = 3600

/** Signs a text with the key kept in the state, so that what was signed holds over a restart. */
export function sign(service: Service, text: string): string {
  return createHmac('sha256', service.state.signingKey).update(text).digest('base64url')
}

export function isSigned(service: Service, text: string, signature: string): boolean {
  const [given, wanted] = [Buffer.from(signature), Buffer.from(sign(service, text))]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Who sent a call; `role` is false where the account may not read anything. */
export type User = { readonly user: string; readonly role: boolean }

/** Who sent the call, by a token this simulator issued and that has not expired; undefined means 401. */
export function userOf(service: Service, headers: IncomingHttpHeaders): User | undefined {
  const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]
  const [payload = '', signature = ''] = (bearer ?? String(headers['x-aaduserticket'] ?? '')).split('.')
  if (!isSigned(service, `token ${payload}`, signature)) return undefined
  const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8')) as User & { expires: number }
  return claims.expires > service.now().getTime() ? claims : undefined
}

/** POST /{tenant}/oauth2/v2.0/token and the older /{tenant}/oauth2/token: client_credentials and refresh_token. */
export function answerToken(call: Call, service: Service): Answer {
  const form = new URLSearchParams(call.body.toString('utf8'))
  const clientId = form.get('client_id')
  const refreshed = form.get('grant_type') === 'refresh_token'
  if (!clientId) return oauthRefusal(400, 'invalid_request', 'client_id is missing')
  if (!refreshed && form.get('grant_type') !== 'client_credentials') {
    return oauthRefusal(400, 'unsupported_grant_type', 'client_credentials and refresh_token are known here')
  }
  if (refreshed && !form.get('refresh_token')) return oauthRefusal(400, 'invalid_grant', 'refresh_token is missing')
  if (!refreshed && !form.get('client_secret') && !form.get('client_assertion')) {
    return oauthRefusal(401, 'invalid_client', 'client_secret or client_assertion is missing')
  }
  const [, tenant = ''] = call.path.split('/')
  return json(200, tokenAnswer(service, `${clientId}@${tenant}`, call, form), { 'cache-control': 'no-store' })
}

function tokenAnswer(service: Service, user: string, call: Call, form: URLSearchParams): object {
  const now = service.now().getTime()
  const role = !call.effects.includes('noRole')
  const payload = Buffer.from(JSON.stringify({ user, role, expires: now + TOKEN_SECONDS * 1000, id: randomUUID() }))
  const text = payload.toString('base64url')
  const common = { token_type: 'Bearer', access_token: `${text}.${sign(service, `token ${text}`)}` }
  // Like the real endpoint, an old refresh token stays good: a new one replaces it without revoking it.
  const rotated = form.get('grant_type') === 'refresh_token' ? { refresh_token: `refresh-${randomUUID()}` } : {}
  const seconds = TOKEN_SECONDS - 1
  const scope = form.get('scope') ?? ''
  if (/\/v2\.0\/token$/i.test(call.path)) {
    return { ...common, ...rotated, expires_in: seconds, ext_expires_in: seconds, scope }
  }
  const epoch = Math.floor(now / 1000)
  const lives = { expires_in: String(seconds), ext_expires_in: String(seconds) }
  const spans = { not_before: String(epoch - 300), expires_on: String(epoch + TOKEN_SECONDS) }
  return { ...common, ...rotated, ...lives, ...spans, resource: form.get('resource') ?? '', scope }
}

/** GET /{tenant}/v2.0/.well-known/openid-configuration: what @azure/identity reads before it asks for a token. */
export function answerDiscovery(call: Call, service: Service): Answer {
  const tenant = `${service.authority}/${call.path.split('/')[1]}`
  return json(200, {
    issuer: `${tenant}/v2.0`,
    authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    jwks_uri: `${tenant}/discovery/v2.0/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
  })
}

function oauthRefusal(status: number, error: string, description: string): Answer {
  return json(status, { error, error_description: description })
}
