import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { callbackToken, verifyToken } from '../../src/services/insights/callback-token.ts'

const subject = fc.record({
  feed: fc.stringMatching(/^[a-z][a-z0-9-]{1,39}$/),
  window: fc.stringMatching(/^[0-9TZ_]{33}$/),
  attempt: fc.integer({ min: 1, max: 1_000_000 }),
})
const secret = fc.string({ minLength: 32, maxLength: 64 })

it('a token is the HMAC-SHA256 of feed, window and attempt', () => {
  const expected = createHmac('sha256', 'secret').update('usage\nw\n3').digest('base64url')
  expect(callbackToken('secret', { feed: 'usage', window: 'w', attempt: 3 })).toBe(expected)
})

it('a token holds for its own subject and secrets, and for nothing else', () => {
  fc.assert(
    fc.property(subject, subject, secret, secret, (own, other, mine, theirs) => {
      const token = callbackToken(mine, own)
      expect(verifyToken(token, [mine], own)).toBe(true)
      expect(verifyToken(token, [theirs, mine], own)).toBe(true)
      expect(verifyToken(token, [mine], other)).toBe(JSON.stringify(own) === JSON.stringify(other))
      expect(verifyToken(token, [theirs], own)).toBe(mine === theirs)
      expect(verifyToken(token, [], own)).toBe(false)
    }),
  )
})

it('no other text holds, of whatever length and script', () => {
  const own = { feed: 'usage', window: 'w', attempt: 1 }
  fc.assert(
    fc.property(fc.string({ maxLength: 100, unit: 'grapheme' }), (text) => {
      expect(verifyToken(text, ['secret'], own)).toBe(false)
    }),
  )
})
