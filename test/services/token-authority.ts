import type { Received, Reply } from './scripted-server.ts'

export type TokenAuthority = {
  /** For a scripted server. */
  answer(request: Received): Reply
  /** Gives a refresh token, as a person's sign-in does. */
  issue(): string
  isAlive(refreshToken: string): boolean
  revokeAll(): void
}

/**
 * What Entra does with refresh tokens: each lives for a while from when it was issued, and redeeming one gives another
 * and leaves it good.
 */
export function createAuthority(now: () => number, lifeMilliseconds: number): TokenAuthority {
  const tokens = new Map<string, number>()
  let count = 0
  const issue = () => {
    const token = `refresh-${++count}`
    tokens.set(token, now())
    return token
  }
  const isAlive = (token: string) => now() - (tokens.get(token) ?? Number.NEGATIVE_INFINITY) < lifeMilliseconds
  return {
    issue,
    isAlive,
    revokeAll: () => tokens.clear(),
    answer({ body }) {
      const form = new URLSearchParams(body)
      if (isAlive(form.get('refresh_token') ?? '')) {
        return { body: { access_token: `access-${++count}`, expires_in: 3599, refresh_token: issue() } }
      }
      const description = 'AADSTS700082: The refresh token has expired due to inactivity.'
      return { status: 400, body: { error: 'invalid_grant', error_description: description, error_codes: [700082] } }
    },
  }
}
