/** The stand-in for a Key Vault. */

import { randomUUID } from 'node:crypto'
import { type Answer, type Call, json, parseJson } from './http.ts'
import type { Service } from './service.ts'
import type { Secret } from './state.ts'
import { claimsOf } from './tokens.ts'

const CODES: Readonly<Record<number, string>> = {
  400: 'BadParameter',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'SecretNotFound',
  409: 'Conflict',
  429: 'Throttled',
}

/** A refusal as a Key Vault writes it. */
export function vaultRefusal(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return json(status, { error: { code: CODES[status] ?? 'InternalServerError', message } }, headers)
}

/** GET /secrets/{name}?api-version=…, for the newest version of a secret. */
export function getSecret(call: Call, service: Service): Answer {
  const refused = refuse(call, service)
  if (refused) return refused
  const name = nameOf(call)
  const secret = service.state.secrets.find((kept) => kept.name === name)
  return secret ? json(200, bundle(service, secret)) : vaultRefusal(404, `A secret with name ${name} was not found`)
}

type SecretBody = { readonly value?: unknown; readonly attributes?: { readonly exp?: unknown } }

/** PUT /secrets/{name}?api-version=… with `value` and optionally `attributes.exp`: adds a version. */
export function setSecret(call: Call, service: Service): Answer {
  const refused = refuse(call, service)
  if (refused) return refused
  const { value, attributes } = (parseJson(call.body.toString('utf8')) ?? {}) as SecretBody
  if (typeof value !== 'string') return vaultRefusal(400, 'The request has no value')
  const exp = typeof attributes?.exp === 'number' ? attributes.exp : undefined
  return json(200, bundle(service, keepSecret(service, nameOf(call), value, exp)))
}

/** Keeps a secret under its name, in place of the version before. `exp` is in seconds since 1970. */
export function keepSecret(service: Service, name: string, value: string, exp?: number): Secret {
  const now = Math.floor(service.now().getTime() / 1000)
  const secret: Secret = {
    name: name.toLowerCase(),
    value,
    version: randomUUID().replaceAll('-', ''),
    created: now,
    updated: now,
    ...(exp !== undefined && { exp }),
  }
  const others = service.state.secrets.filter((kept) => kept.name !== secret.name)
  service.state.secrets = [...others, secret]
  service.save()
  return secret
}

/** Without a token the answer says where to get one. The clients of Azure learn it from there. */
function refuse(call: Call, service: Service): Answer | undefined {
  const challenge = `Bearer authorization="${service.authority}/tenant", resource="https://vault.azure.net"`
  if (!claimsOf(service, call.headers, 'vault')) {
    return vaultRefusal(401, 'AKV10000: Request is missing a Bearer token', { 'www-authenticate': challenge })
  }
  return call.query.has('api-version') ? undefined : vaultRefusal(400, 'api-version must be specified')
}

/** Names are not case-sensitive. */
function nameOf(call: Call): string {
  return call.path.split('/')[2]?.toLowerCase() ?? ''
}

function bundle({ authority }: Service, { name, value, version, ...instants }: Secret): object {
  const attributes = { enabled: true, ...instants, recoveryLevel: 'Recoverable+Purgeable', recoverableDays: 90 }
  return { value, id: `${authority}/secrets/${name}/${version}`, attributes }
}
