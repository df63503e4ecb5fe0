import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { readRetryAfterMs } from '../../src/services/retry.ts'
import { redeem } from '../../src/services/sign-in/token-request.ts'
import { type ScriptedServer, startScripted } from './scripted-server.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
const BASE = '/insights/v1/mpn'
const MEBIBYTE = 1024 * 1024

let server: ScriptedServer
let client: InsightsClient

beforeEach(async () => {
  server = await startScripted()
  const credentials = { token: async () => 't', renew: async () => 't', doubt: () => undefined }
  const baseUrl = `${server.origin}${BASE}`
  client = openInsightsClient({ baseUrl, tokenHeader: 'Authorization', credentials, clock: () => new Date() })
})
afterEach(() => server.close())

const many = (count: number) => Array.from({ length: count }, (_, index) => ({ datasetName: `d${index}` }))

/** Answers each page with these items, and with a link to the next one. */
function pages(value: readonly object[], count: number, more: object = {}) {
  server.script((_, nth) => ({
    body: { value, statusCode: 200, ...more, nextLink: nth < count ? `${BASE}/ScheduledDataset?page=${nth}` : null },
  }))
}

describe('a list of the service', () => {
  it('of 100,000 items is read, whatever its pages', async () => {
    pages(many(100_000), 1)
    expect(await client.listDatasets()).toHaveLength(100_000)
    pages(many(50_000), 2)
    expect(await client.listDatasets()).toHaveLength(100_000)
  })

  it('of more items is a failure, and is not read to its end', async () => {
    pages(many(60_000), 5)
    const told = { kind: 'unavailable', message: expect.stringContaining('more than 100000 items') }
    expect(await client.listDatasets()).toMatchObject(told)
    expect(server.requests).toHaveLength(2)
  })

  it('in a single page of 200,000 items is a failure and no error', async () => {
    pages(many(200_000), 1)
    expect(await client.listDatasets()).toMatchObject({ kind: 'unavailable' })
  })

  it('of more than 64 MiB in all its pages is a failure', async () => {
    pages([], 8, { filler: 'x'.repeat(15 * MEBIBYTE) })
    expect(await client.listDatasets()).toMatchObject({ message: expect.stringContaining('64 MiB') })
    expect(server.requests).toHaveLength(5)
  })
})

describe('what a dataset offers', () => {
  it('is at most 1,000 names of a kind, each of at most 255 characters', async () => {
    const names = ['x'.repeat(256), 'y'.repeat(255), ...Array.from({ length: 25_000 }, (_, index) => `Column${index}`)]
    const lists = { selectableColumns: names, availableMetrics: names, availableDateRanges: names }
    pages([{ datasetName: 'd', ...lists }], 1)
    const kept = names.slice(1, 1001)
    expect(await client.listDatasets()).toEqual([{ name: 'd', columns: kept, metrics: kept, ranges: kept }])
  })
})

describe('the answer of an authority', () => {
  const NO_TOKEN = { status: 502, refusal: 'no JSON' }
  const tokenOf = (body: object | string, status = 200) => {
    server.script(() => ({ body, status }))
    const request = { url: `${server.origin}/token`, account: 'default', clientId: 'c', refreshToken: 'r' }
    return redeem(request, () => new Date(0))
  }

  it('of more than a mebibyte is none', async () => {
    const filler = 'x'.repeat(2 * MEBIBYTE)
    expect(await tokenOf({ access_token: 'x', expires_in: 3600, filler })).toMatchObject(NO_TOKEN)
  })

  it.each<readonly [string, unknown]>([
    ['an object', { a: 1 }],
    ['a list', ['x']],
    ['a flag', true],
    ['two words', 'two words'],
    ['two lines', 'x\ny'],
    ['more than a vault holds', 'x'.repeat(25_001)],
  ])('with %s for a token is none', async (_, odd) => {
    expect(await tokenOf({ access_token: odd, expires_in: 3600 })).toMatchObject(NO_TOKEN)
  })

  it.each([
    ['3600', 3_600_000],
    ['1e999', 0],
    ['[3600]', 0],
    ['{"valueOf":1}', 0],
    ['1e300', 86_400_000],
  ])('that says a token lives %s seconds gives it at most a day', async (expires, expiresAtMs) => {
    expect(await tokenOf(`{"access_token":"x","expires_in":${expires}}`)).toMatchObject({
      token: { text: 'x', expiresAtMs },
    })
  })

  it('with an object for its error is a refusal without a code', async () => {
    expect(await tokenOf('{"error":{"toString":1},"error_description":["AADSTS700082"]}', 400)).toMatchObject({
      status: 400,
      refusal: '',
    })
  })
})

describe('what a service asks us to wait', () => {
  it.each(['86401', '9'.repeat(99), '9'.repeat(20_000), 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'is at most a day: %.30s',
    (value) => {
      expect(readRetryAfterMs(value, new Date(0)) ?? 0).toBeLessThanOrEqual(86_400_000)
    },
  )
})

describe('a command', () => {
  it.each([
    ['lines', '{}'],
    ['JSON', '{ json: true }'],
  ])('shows as %s nothing that a terminal would do', async (_, options) => {
    const hostile = "'a\\u001b]0;title\\u0007\\u009b31m\\u202etxt\\u2028b'"
    const run = `import(${JSON.stringify(join(PROJECT, 'cli/output.ts'))}).then(({ print, refused }) =>
      print(${options}, async () => ({ ...refused([${hostile}], 0), lines: [${hostile}] })))`
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--eval', run])
    expect(`${stdout}${stderr}`).toContain('txt')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/)
  })
})
