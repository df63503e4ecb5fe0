/** Where tokens come from: the OAuth endpoints of Entra, and the managed identity. */

import { createHash, randomUUID } from 'node:crypto'
import { type Answer, type Call, json } from './http.ts'
import type { Service } from './service.ts'
import { audienceOf, issueToken, seal, TOKEN_SECONDS, unseal } from './tokens.ts'

/** For IDENTITY_HEADER: a caller that does not send it is not inside the app. */
export const IDENTITY_HEADER = 'simulated-identity'

const IDENTITY_API_VERSION = '2019-08-01'

type Form = URLSearchParams

/** What a grant needs beside `client_id`, and whether it is for a user, who then gets a refresh token. */
type Grant = { readonly needs: readonly string[]; readonly ofUser: boolean }

const GRANTS: Readonly<Record<string, Grant>> = {
  client_credentials: { needs: [], ofUser: false },
  refresh_token: { needs: ['refresh_token'], ofUser: true },
  password: { needs: ['username', 'password'], ofUser: true },
  authorization_code: { needs: ['code', 'redirect_uri'], ofUser: true },
}

/**
 * POST /{tenant}/oauth2/v2.0/token and the older /{tenant}/oauth2/token. Any secret, password, refresh token or
 * assertion is accepted; a code has to come from `answerAuthorize`.
 */
export function answerToken(call: Call, service: Service): Answer {
  const form = new URLSearchParams(call.body.toString('utf8'))
  const type = form.get('grant_type') ?? ''
  const grant = Object.hasOwn(GRANTS, type) ? GRANTS[type] : undefined
  if (!form.get('client_id')) return oauthRefusal(400, 'invalid_request', 'AADSTS900144: client_id is missing')
  if (!grant) return oauthRefusal(400, 'unsupported_grant_type', `AADSTS70003: ${Object.keys(GRANTS)} are known here`)
  const missing = grant.needs.find((name) => !form.get(name))
  if (missing) return oauthRefusal(400, 'invalid_grant', `AADSTS900144: ${missing} is missing`)
  if (type === 'client_credentials' && !form.get('client_secret') && !form.get('client_assertion')) {
    return oauthRefusal(401, 'invalid_client', 'AADSTS7000218: client_secret or client_assertion is missing')
  }
  if (type === 'authorization_code' && !isCodeGood(form, service)) {
    return oauthRefusal(400, 'invalid_grant', 'AADSTS9002313: the code is not of this client and redirect_uri')
  }
  return json(200, tokenAnswer(call, form, grant.ofUser, service), { 'cache-control': 'no-store' })
}

/** Whoever signed in in a browser did so with multi-factor. */
function methodsOf({ effects }: Call, form: Form): readonly string[] {
  return effects.includes('passwordOnly') || form.get('grant_type') === 'password' ? ['pwd'] : ['pwd', 'mfa']
}

function tokenAnswer(call: Call, form: Form, ofUser: boolean, service: Service): object {
  const [, tenant] = call.path.split('/')
  const scope = form.get('scope') ?? ''
  const resource = form.get('resource')
  // The endpoint says one second less than there is.
  const seconds = TOKEN_SECONDS - 1
  const v2 = {
    token_type: 'Bearer',
    access_token: issueToken(service, {
      user: `${form.get('client_id')}@${tenant}`,
      role: !call.effects.includes('noRole'),
      audience: audienceOf(resource ?? scope),
      revocations: service.revocations,
      ...(ofUser && { amr: methodsOf(call, form) }),
    }),
    scope,
    // As at the real endpoint, a new refresh token does not revoke the old one.
    ...(ofUser && { refresh_token: `refresh-${randomUUID()}` }),
    expires_in: seconds,
    ext_expires_in: seconds,
  }
  if (/\/v2\.0\/token$/i.test(call.path)) return v2
  const epoch = Math.floor(service.now().getTime() / 1000)
  return {
    ...v2,
    expires_in: String(seconds),
    ext_expires_in: String(seconds),
    not_before: String(epoch - 300),
    expires_on: String(epoch + TOKEN_SECONDS),
    resource: resource ?? '',
  }
}

/**
 * GET /{tenant}/oauth2/v2.0/authorize: sends the browser back with a code at once, as if somebody had signed in with
 * multi-factor authentication.
 */
export function answerAuthorize({ query }: Call, service: Service): Answer {
  const [clientId, redirectUri] = [query.get('client_id'), query.get('redirect_uri')]
  if (!clientId || !redirectUri || !URL.canParse(redirectUri)) {
    return oauthRefusal(400, 'invalid_request', 'AADSTS900144: client_id or redirect_uri is missing')
  }
  const code = seal(service, 'code', { clientId, redirectUri, challenge: query.get('code_challenge') })
  const back = new URL(redirectUri)
  back.searchParams.set('code', code)
  const state = query.get('state')
  if (state !== null) back.searchParams.set('state', state)
  return { status: 302, headers: { location: back.toString() }, body: '' }
}

type Code = { readonly clientId: string; readonly redirectUri: string; readonly challenge: string | null }

/** The challenge is that of RFC 7636 with S256, the only method Entra accepts. */
function isCodeGood(form: Form, service: Service): boolean {
  const code = unseal(service, 'code', form.get('code') ?? '') as Code | undefined
  if (code?.clientId !== form.get('client_id') || code?.redirectUri !== form.get('redirect_uri')) return false
  const answered = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  return code?.challenge === null || code?.challenge === answered
}

/** GET /{tenant}/v2.0/.well-known/openid-configuration: `@azure/identity` reads it before it asks for a token. */
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

/** A refusal as an OAuth token endpoint writes it. `description` begins with the code `AADSTS…`. */
export function oauthRefusal(status: number, error: string, description: string): Answer {
  const code = Number(/AADSTS(\d+)/.exec(description)?.[1])
  return json(status, { error, error_description: description, error_codes: [code] })
}

/** GET /identity/token: the managed-identity endpoint of App Service, for the app's identity or that of `client_id`. */
export function answerIdentity(call: Call, service: Service): Answer {
  const refuse = (statusCode: number, message: string) =>
    json(statusCode, { statusCode, message, correlationId: randomUUID() })
  const [resource, version] = [call.query.get('resource'), call.query.get('api-version')]
  if (call.headers['x-identity-header'] !== IDENTITY_HEADER) return refuse(401, 'X-IDENTITY-HEADER does not match')
  if (!resource || version !== IDENTITY_API_VERSION) {
    return refuse(400, `resource and api-version ${IDENTITY_API_VERSION} are needed`)
  }
  const user = call.query.get('client_id') ?? 'the app itself'
  return json(200, {
    access_token: issueToken(service, { user, role: true, audience: audienceOf(resource) }),
    client_id: user,
    expires_on: String(Math.floor(service.now().getTime() / 1000) + TOKEN_SECONDS),
    resource,
    token_type: 'Bearer',
  })
}
