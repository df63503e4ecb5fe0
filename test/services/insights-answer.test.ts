import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readAnswer } from '../../src/services/insights/answer.ts'
import { failureOf, isThrottled } from '../../src/services/insights/refusals.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const answer = (body: string, status = 200, headers: Record<string, string> = {}) =>
  readAnswer(status, new Headers(headers), body, NOW)

describe('an answer of the service', () => {
  it('is read in either spelling of its envelope', () => {
    const camel = { value: [{ reportId: 'r' }], nextLink: 'n', message: 'm', statusCode: 200, dataRedacted: true }
    const pascal = { Value: [{ ReportId: 'r' }], NextLink: 'n', Message: 'm', StatusCode: 200, DataRedacted: true }
    const expected = { status: 200, items: [{ reportid: 'r' }], nextLink: 'n', message: 'm', dataRedacted: true }
    expect(answer(JSON.stringify(camel))).toMatchObject(expected)
    expect(answer(JSON.stringify(pascal))).toMatchObject(expected)
  })

  it('has the worse of its two statuses, where the envelope names an error', () => {
    expect(answer('{"statusCode":429}').status).toBe(429)
    expect(answer('{"statusCode":400}', 500).status).toBe(500)
    expect(answer('{"statusCode":200}', 404).status).toBe(404)
    expect(answer('{"statusCode":404}', 200).status).toBe(404)
  })

  it.each([
    ['a flag', 'true', true],
    ['a word', '" False "', false],
    ['another word', '"yes"', undefined],
    ['a number', '1', undefined],
    ['a list', '["true"]', undefined],
    ['an object', '{"toString":1}', undefined],
    ['50,000 lists in each other', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, undefined],
  ])('that says multi-factor with %s is read', (_, flag, expected) => {
    expect(answer(`{"value":[],"isMfaCompliant":${flag}}`).isMfaCompliant).toBe(expected)
  })

  it('of any text at all has no items and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        const { items, message } = answer(body)
        expect(Array.isArray(items)).toBe(true)
        expect(message).not.toMatch(/[\r\n]/)
      }),
    )
  })
})

describe('a refusal', () => {
  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [400, 'query-refused'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ] as const)('%i is %s', (status, kind) => {
    const answered = { status, message: 'Something of no known form', lacksMfa: false, correlationId: undefined }
    const refused = failureOf(answered, 'create report "r"')
    expect(refused).toMatchObject({ kind, message: expect.stringMatching(/^create report "r": .*Something/) })
  })

  it('speaks of a quota by its status or by its words', () => {
    expect(isThrottled({ status: 429, message: '' })).toBe(true)
    expect(isThrottled({ status: 400, message: 'User has exceeded its report creation quota of 10' })).toBe(true)
    expect(isThrottled({ status: 400, message: 'Invalid QueryId' })).toBe(false)
    expect(isThrottled({ status: 500, message: 'quota' })).toBe(false)
  })
})
