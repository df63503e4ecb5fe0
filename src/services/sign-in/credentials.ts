import { type Failure, isFailure } from '../../core/failures.ts'
import type { RetryOptions } from '../retry.ts'
import { fetchByIdentity } from './by-identity.ts'
import { openRenewal, type TokenStore } from './by-refresh-token.ts'
import type { SignIn } from './sign-in.ts'
import type { AccessToken } from './token-request.ts'

/** Tokens live for about an hour. One is renewed when it has less time left than this. */
const RENEW_BEFORE_MS = 300_000

/** How often a token is doubted at most: the service may refuse a right at every call. */
const DOUBT_EVERY_MS = 60_000

/** The tokens of one account. */
export type Credentials = {
  /** Gives a token that is good for some minutes. Callers at the same time share one request for it. */
  token(): Promise<string | Failure>
  /** Gives another token than `refused`, which the service did not accept. */
  renew(refused: string): Promise<string | Failure>
  /**
   * The service refused a right to `token`. A role that is given since counts in a fresh one alone: the next caller gets that,
   * once a minute at most.
   */
  doubt(token: string): void
}

/**
 * Opens the sign-in of an account. Failures are `unauthorized` or `unavailable`. Without a `store` the secrets come
 * from the settings, and a new refresh token is lost when the process ends. Without `retry` no token is asked for twice.
 */
export function openCredentials(
  signIn: SignIn,
  clock: () => Date,
  store?: TokenStore,
  retry: RetryOptions | undefined = store?.retry,
): Credentials {
  const fetchToken =
    signIn.auth === 'refresh-token'
      ? openRenewal(signIn, store, clock, retry)
      : () => fetchByIdentity(signIn, store?.vault, clock, retry)
  let cached: AccessToken | undefined
  let doubted: string | undefined
  let doubtedAtMs = Number.NEGATIVE_INFINITY
  let pending: Promise<AccessToken | Failure> | undefined
  const leftMs = () => (cached ? cached.expiresAtMs - clock().getTime() : 0)
  const fresh = async (): Promise<string | Failure> => {
    pending ??= fetchToken().finally(() => {
      pending = undefined
    })
    const token = await pending
    if (isFailure(token)) return token
    cached = token
    return token.text
  }
  return {
    async token() {
      const isDoubted = cached?.text === doubted
      doubted = undefined
      if (cached && !isDoubted && leftMs() > RENEW_BEFORE_MS) return cached.text
      const token = await fresh()
      // The old token serves until it expires, so a short outage of the authority does no harm.
      return isFailure(token) && cached && leftMs() > 0 ? cached.text : token
    },
    renew: async (refused) => (cached && cached.text !== refused ? cached.text : fresh()),
    doubt(token) {
      const now = clock().getTime()
      if (now - doubtedAtMs < DOUBT_EVERY_MS) return
      doubted = token
      doubtedAtMs = now
    },
  }
}
