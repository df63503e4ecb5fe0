import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a callback address is about. Its token proves that we made the address. */
export type CallbackSubject = { readonly feed: string; readonly window: string; readonly attempt: number }

/** Gives the token of a callback address: HMAC-SHA256 of feed, window and attempt, base64url. */
export function callbackToken(secret: string, { feed, window, attempt }: CallbackSubject): string {
  return createHmac('sha256', secret).update(`${feed}\n${window}\n${attempt}`).digest('base64url')
}

/** Whether a token was made with one of the secrets: the current one or, during a rotation, the one before. */
export function verifyToken(token: string, secrets: readonly string[], subject: CallbackSubject): boolean {
  const given = Buffer.from(token)
  return secrets.some((secret) => {
    const right = Buffer.from(callbackToken(secret, subject))
    return given.length === right.length && timingSafeEqual(given, right)
  })
}
