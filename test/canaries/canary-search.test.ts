import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { leaksOf } from '../setup/canaries.ts'

const token = `${randomBytes(40).toString('base64')}+/~`
const canary = { what: 'token', text: token }
const leaks = (text: string) => leaksOf([canary], [{ where: 'a line', text }])

it.each([
  ['as it is', token],
  ['inside a line', `{"message":"sent ${token} to somebody"}`],
  ['in its second half alone', token.slice(token.length / 2)],
  ['cut after 32 characters', `${token.slice(0, 32)}…`],
  ['percent-encoded', encodeURIComponent(token)],
  ['in hexadecimal', Buffer.from(token).toString('hex')],
  ['in capital hexadecimal', Buffer.from(token).toString('hex').toUpperCase()],
  ['in base64', btoa(token)],
  ['in base64 after one byte', btoa(`1${token}`)],
  ['in base64 after two bytes', btoa(`12${token}34`)],
  ['in base64url inside JSON', Buffer.from(JSON.stringify({ a: token })).toString('base64url')],
])('a token %s is found', (_, text) => {
  expect(leaks(text)).toEqual(['token in a line'])
})

it('a text without any of it is clean, and so is the short beginning that a message may show', () => {
  expect(leaks('')).toEqual([])
  expect(leaks(randomBytes(400).toString('base64'))).toEqual([])
  expect(leaks(`${token.slice(0, 6)}…`)).toEqual([])
})
