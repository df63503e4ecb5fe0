import { createHash, randomUUID } from 'node:crypto'
import { type Answer, type Call, json } from './http.ts'
import type { Service } from './service.ts'
import { audienceOf, issueToken, seal, TOKEN_SECONDS, unseal } from './tokens.ts'

type Form = URLSearchParams

/** What a grant needs beside `client_id`, and whether it stands for a user, who then gets a refresh token. */
type Grant = { readonly needs: readonly string[]; readonly ofUser: boolean }

const GRANTS: Readonly<Record<string, Grant>> = {
  client_credentials: { needs: [], ofUser: false },
  refresh_token: { needs: ['refresh_token'], ofUser: true },
  password: { needs: ['username', 'password'], ofUser: true },
  authorization_code: { needs: ['code', 'redirect_uri'], ofUser: true },
}

/**
 * POST /{tenant}/oauth2/v2.0/token and the older /{tenant}/oauth2/token. Secrets, passwords, refresh tokens and
 * assertions are taken whatever they are; a code has to be one of `answerAuthorize`.
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

function tokenAnswer(call: Call, form: Form, ofUser: boolean, service: Service): object {
  const [, tenant] = call.path.split('/')
  const scope = form.get('scope') ?? ''
  const role = !call.effects.includes('noRole')
  const claims = {
    user: `${form.get('client_id')}@${tenant}`,
    role,
    audience: audienceOf(form.get('resource') ?? scope),
  }
  const token = { token_type: 'Bearer', access_token: issueToken(service, claims), scope }
  // Like the real endpoint, an old refresh token stays good: a new one replaces it without revoking it.
  const rotated = ofUser ? { refresh_token: `refresh-${randomUUID()}` } : {}
  // The endpoint says one second less than there is.
  const seconds = TOKEN_SECONDS - 1
  const v2 = { ...token, ...rotated, expires_in: seconds, ext_expires_in: seconds }
  if (/\/v2\.0\/token$/i.test(call.path)) return v2
  const epoch = Math.floor(service.now().getTime() / 1000)
  const lives = { expires_in: String(seconds), ext_expires_in: String(seconds) }
  const spans = { not_before: String(epoch - 300), expires_on: String(epoch + TOKEN_SECONDS) }
  return { ...v2, ...lives, ...spans, resource: form.get('resource') ?? '' }
}

/**
 * GET /{tenant}/oauth2/v2.0/authorize: sends the browser back with a code at once, as if somebody had signed in with
 * every factor.
 */
export function answerAuthorize({ query }: Call, service: Service): Answer {
  const [clientId, redirectUri] = [query.get('client_id'), query.get('redirect_uri')]
  if (!clientId || !redirectUri || !URL.canParse(redirectUri)) {
    return oauthRefusal(400, 'invalid_request', 'AADSTS900144: client_id or redirect_uri is missing')
  }
  const back = new URL(redirectUri)
  back.searchParams.set(
    'code',
    seal(service, 'code', { clientId, redirectUri, challenge: query.get('code_challenge') }),
  )
  const state = query.get('state')
  if (state !== null) back.searchParams.set('state', state)
  return { status: 302, headers: { location: back.toString() }, body: '' }
}

type Code = { readonly clientId: string; readonly redirectUri: string; readonly challenge: string | null }

/** A challenge is that of RFC 7636 with S256, the only one Entra wants. */
function isCodeGood(form: Form, service: Service): boolean {
  const code = unseal(service, 'code', form.get('code') ?? '') as Code | undefined
  if (code?.clientId !== form.get('client_id') || code?.redirectUri !== form.get('redirect_uri')) return false
  const answered = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  return code?.challenge === null || code?.challenge === answered
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

export function oauthRefusal(status: number, error: string, description: string): Answer {
  const code = Number(/AADSTS(\d+)/.exec(description)?.[1])
  return json(status, { error, error_description: description, error_codes: [code] })
}
