import { randomUUID } from 'node:crypto'
import { type Answer, type Call, json } from './http.ts'
import type { Service } from './service.ts'
import { audienceOf, issueToken, TOKEN_SECONDS } from './tokens.ts'

/** For IDENTITY_HEADER: who cannot say it is not inside the app. */
export const IDENTITY_HEADER = 'simulated-identity'

const API_VERSION = '2019-08-01'

/** GET /identity/token: the managed-identity endpoint of App Service, for the identity of the app or the one `client_id` names. */
export function answerIdentity(call: Call, service: Service): Answer {
  const [resource, version] = [call.query.get('resource'), call.query.get('api-version')]
  if (call.headers['x-identity-header'] !== IDENTITY_HEADER) return refused(401, 'X-IDENTITY-HEADER does not match')
  if (!resource || version !== API_VERSION) return refused(400, `resource and api-version ${API_VERSION} are needed`)
  const user = call.query.get('client_id') ?? 'the app itself'
  return json(200, {
    access_token: issueToken(service, { user, role: true, audience: audienceOf(resource) }),
    client_id: user,
    expires_on: String(Math.floor(service.now().getTime() / 1000) + TOKEN_SECONDS),
    resource,
    token_type: 'Bearer',
  })
}

function refused(statusCode: number, message: string): Answer {
  return json(statusCode, { statusCode, message, correlationId: randomUUID() })
}
