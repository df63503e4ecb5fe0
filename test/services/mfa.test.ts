import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { signInMethods } from '../../src/services/sign-in/token-claims.ts'
import { type Reply, type ScriptedServer, startScripted } from './scripted-server.ts'

// Multi-factor: what a client does where the service misses it, and how it asks about it.

let server: ScriptedServer
let client: InsightsClient
let token: string
let renewals: number

beforeEach(async () => {
  token = 'first'
  renewals = 0
  server = await startScripted()
  const credentials = { token: async () => token, renew: async () => `fresh-${++renewals}`, doubt: () => undefined }
  const retry = { random: () => 0, wait: async () => undefined }
  const baseUrl = `${server.origin}/insights/v1/mpn`
  client = openInsightsClient({ baseUrl, tokenHeader: 'Authorization', credentials, clock: () => new Date(), retry })
})
afterEach(() => server.close())

const done: Reply = { body: { value: [{ reportId: 'r1', queryId: 'q1' }], statusCode: 200 } }
const usedTokens = () => server.requests.map(({ headers }) => headers.authorization?.replace('Bearer ', ''))

/** The forms in which the service may say it: none is documented for this part of Partner Center. */
const FORMS: readonly (readonly [string, Reply])[] = [
  ['code and description', { status: 401, body: { code: 900421, description: 'No MFA claim.' } }],
  ['code as text', { status: 401, body: { code: '900421', description: 'No MFA claim.' } }],
  [
    'message of the envelope',
    { status: 401, body: { value: null, statusCode: 401, message: '900421: No MFA claim.' } },
  ],
  ['under HTTP 200', { body: { value: null, statusCode: 401, message: 'Error code 900421' } }],
  ['inside an error', { status: 401, body: { error: { code: '900421', message: 'No MFA claim.' } } }],
  ['plain text', { status: 401, body: '900421' }],
]

describe.each(FORMS)('a token without multi-factor, told as %s', (_, reply) => {
  test('is replaced three times, by a fresh one each time, and is mfa-required in the end', async () => {
    server.script(() => reply)
    const failure = await client.listDatasets()
    expect(failure).toMatchObject({
      kind: 'mfa-required',
      message: expect.stringMatching(/^datasets: the service answered 401.*lacks multi-factor \(900421\)$/),
    })
    expect(usedTokens()).toEqual(['first', 'fresh-1', 'fresh-2', 'fresh-3'])
  })

  test('does no harm where the third fresh one passes, in a create too', async () => {
    server.script((_, nth) => (nth < 4 ? reply : done))
    expect(await client.createReport({ reportName: 'r', queryId: 'q' })).toEqual({ outcome: 'created', reportId: 'r1' })
    expect(usedTokens()).toHaveLength(4)
  })
})

describe('any other refusal of a token', () => {
  test.each([
    ['401', { status: 401, body: { value: null, statusCode: 401, message: 'Unauthorized' } }],
    ['another number', { status: 401, body: { code: 9004210, description: 'x' } }],
  ] as [string, Reply][])('(%s) is worth one fresh token, as before', async (_, reply) => {
    server.script(() => reply)
    expect(await client.listDatasets()).toMatchObject({ kind: 'unauthorized' })
    expect(usedTokens()).toEqual(['first', 'fresh-1'])
  })

  test('the number under another status is no word about multi-factor', async () => {
    server.script(() => ({ status: 400, body: { code: 900421, description: 'x' } }))
    expect(await client.listDatasets()).toMatchObject({ kind: 'query-refused' })
  })

  test('what Partner Center says in description stands in the message', async () => {
    server.script(() => ({ status: 403, body: { code: 900415, description: 'No such role' } }))
    expect(await client.listDatasets()).toMatchObject({ message: expect.stringContaining('403 "No such role"') })
  })
})

describe('the question whether a sign-in has multi-factor', () => {
  const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`

  test.each([
    ['a header', { ...(done as object), headers: { isMfaCompliant: 'false' } }, false],
    ['a header in other capitals', { ...(done as object), headers: { ISMFACOMPLIANT: ' True ' } }, true],
    ['the body', { body: { value: [], statusCode: 200, isMfaCompliant: true } }, true],
    ['the body of a 404', { status: 404, body: { value: [], statusCode: 404, IsMfaCompliant: 'false' } }, false],
    ['nothing', done, undefined],
    ['something else', { ...(done as object), headers: { isMfaCompliant: 'perhaps' } }, undefined],
  ] as [string, Reply, boolean | undefined][])('is answered by %s', async (_, reply, isCompliant) => {
    server.script(() => reply)
    token = jwt({ amr: ['pwd', 'mfa'] })
    expect(await client.checkMfa('MSLearn')).toEqual({ isCompliant, methods: ['pwd', 'mfa'] })
    expect(server.requests).toMatchObject([{ method: 'GET', headers: { validatemfa: 'true' } }])
  })

  test('is put by that call alone', async () => {
    server.script(() => done)
    await client.listDatasets()
    await client.createReport({ reportName: 'r', queryId: 'q' })
    expect(server.requests.map(({ headers }) => headers.validatemfa)).toEqual([undefined, undefined])
  })

  test('fails as any other call does', async () => {
    server.script(() => ({ status: 403, body: {} }))
    expect(await client.checkMfa('MSLearn')).toMatchObject({ kind: 'forbidden' })
    server.script(() => 'drop')
    expect(isFailure(await client.checkMfa('MSLearn'))).toBe(true)
  })

  test.each([
    ['an opaque token', 'opaque', undefined],
    ['a token without amr', jwt({ sub: 'x' }), undefined],
    ['amr that is no list', jwt({ amr: 'mfa' }), undefined],
    ['amr with what is no word', jwt({ amr: ['pwd', 'a b', { x: 1 }, 7, 'x'.repeat(21)] }), ['pwd', '7']],
    ['a payload that is no object', 'a.bnVsbA.c', undefined],
  ])('%s says what it says of the sign-in', (_, text, methods) => {
    expect(signInMethods(text)).toEqual(methods)
  })
})
