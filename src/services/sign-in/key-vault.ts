import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { readJson } from '../read-body.ts'
import { type RetryOptions, readRetryAfterMs, withRetry } from '../retry.ts'
import { reasonOf } from '../safe-text.ts'

/** The scope of tokens for a Key Vault of the public cloud. */
export const VAULT_SCOPE = 'https://vault.azure.net/.default'

const API_VERSION = '7.4'

const CALL_LIMIT_MS = 15_000

/** The form that a Key Vault gives the names of secrets. */
const SECRET_NAME = /^[A-Za-z0-9-]{1,127}$/

export type Secret = {
  readonly value: string
  readonly storedAt: Date | undefined
  /** Known only where somebody set it. */
  readonly expiresAt: Date | undefined
}

export type KeyVault = {
  /** The newest version of a secret, or undefined where there is none. */
  get(name: string): Promise<Secret | Failure | undefined>
  /** Adds a version. The same value may be set again. */
  set(name: string, value: string): Promise<Failure | undefined>
}

export type KeyVaultOptions = {
  readonly url: string
  /** Gives a token for `VAULT_SCOPE`. If it throws, the vault counts as unavailable. */
  readonly token: () => Promise<string>
  readonly clock: () => Date
  readonly retry: RetryOptions
}

type VaultAnswer = { readonly status: number; readonly retryAfterMs: number | undefined; readonly body: unknown }

/**
 * Opens the secrets of an Azure Key Vault through its REST API. A failure is `unauthorized` where the identity lacks
 * the right, and else `unavailable`. No failure contains a secret.
 */
export function openKeyVault(options: KeyVaultOptions): KeyVault {
  const send = async (name: string, value?: string): Promise<VaultAnswer | Failure> => {
    // Without a name the same address lists all secrets.
    if (!SECRET_NAME.test(name)) throw new Error(`"${name}" is no name of a secret`)
    const answer = await withRetry(() => sendOnce(options, name, value), options.retry)
    if (isFailure(answer) || answer.status < 400 || answer.status === 404) return answer
    return refused(name, answer.status)
  }
  return {
    async get(name) {
      const answer = await send(name)
      if (isFailure(answer)) return answer
      return answer.status === 404 ? undefined : (toSecret(answer.body) ?? unreadable(name))
    },
    async set(name, value) {
      const answer = await send(name, value)
      if (isFailure(answer)) return answer
      return answer.status === 404 ? unreadable(name) : undefined
    },
  }
}

async function sendOnce(options: KeyVaultOptions, name: string, value?: string): Promise<VaultAnswer | Failure> {
  try {
    const token = await options.token()
    const response = await fetch(`${options.url}/secrets/${name}?api-version=${API_VERSION}`, {
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      signal: AbortSignal.timeout(CALL_LIMIT_MS),
      redirect: 'error',
      ...(value !== undefined && { method: 'PUT', body: JSON.stringify({ value }) }),
    })
    const body = await readJson(response)
    const retryAfterMs = readRetryAfterMs(response.headers.get('retry-after'), options.clock())
    // 409 means that somebody else is writing the same secret: the call may succeed a moment later.
    return { status: response.status === 409 ? 503 : response.status, retryAfterMs, body }
  } catch (error) {
    return failed('unavailable', `secret ${name}: no answer from the Key Vault (${reasonOf(error)}); it is tried again`)
  }
}

function refused(name: string, status: number): Failure {
  const what = `secret ${name}: the Key Vault answered ${status}`
  if (status !== 401 && status !== 403) return failed('unavailable', `${what}; it is tried again`)
  return failed('unauthorized', `${what}; give the app's identity the role Key Vault Secrets Officer`)
}

function unreadable(name: string): Failure {
  return failed('unavailable', `secret ${name}: the answer is not that of a Key Vault; check KEY_VAULT_URL`)
}

function toSecret(body: unknown): Secret | undefined {
  const { value, attributes } = fieldsOf(body)
  if (typeof value !== 'string') return undefined
  const { updated, exp } = fieldsOf(attributes)
  return { value, storedAt: toInstant(updated), expiresAt: toInstant(exp) }
}

/** A Key Vault writes instants in seconds since 1970. */
function toInstant(seconds: unknown): Date | undefined {
  return typeof seconds === 'number' ? new Date(seconds * 1000) : undefined
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
