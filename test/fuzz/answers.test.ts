import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FAILURES, type Failure, failed, isFailure } from '../../src/core/failures.ts'
import { isServiceId } from '../../src/core/names.ts'
import { MESSAGE_LENGTH, plainText } from '../../src/core/plain-text.ts'
import type { Answer } from '../../src/services/insights/answer.ts'
import { type Call, receive } from '../../src/services/insights/call.ts'
import { type InsightsClient, insightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { download } from '../../src/services/insights/download.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import { openKeyVault } from '../../src/services/sign-in/key-vault.ts'
import { type ArchiveWriter, archiveName } from '../../src/services/storage/archive.ts'
import { type Reply, type ScriptedServer, startScripted } from '../services/scripted-server.ts'
import { type Chance, chanceOf, mutatedText } from './mutations.ts'

// Whatever a server answers, each call ends with a value or with a failure of a known kind, and no id of another form than
// an id gets into a name or an address. FUZZ_SEED plays the answers of an earlier run again.

const SEED = Number(process.env.FUZZ_SEED ?? 12)
const ANSWERS = 2_000

/** So many of them come from a real server. All others are read by the same code, without a connection. */
const SERVED = 200
const LIMIT = { timeout: 240_000 }

const BASE = '/insights/v1/mpn'
const ID = '22222222-2222-4222-8222-222222222222'
const NOW = () => new Date('2026-01-02T03:04:05Z')
const QUERY = {
  queryId: ID,
  name: 'n',
  query: 'SELECT a FROM b',
  type: 'userDefined',
  user: 'u',
  createdTime: '2026-01-01T00:00:00Z',
}
const REPORT = {
  ...{
    reportId: ID,
    reportName: 'r',
    queryId: ID,
    description: 'd',
    query: 'q',
    user: 'u',
    createdTime: '2026-01-01T00:00:00',
  },
  ...{
    modifiedTime: null,
    startTime: '2026-01-02T00:00:00Z',
    executeNow: true,
    reportStatus: 'Active',
    recurrenceInterval: 4,
  },
}
const EXECUTION = {
  ...{
    executionId: ID,
    reportId: ID,
    executionStatus: 'Completed',
    format: 'CSV',
    reportExpiryTime: '2026-01-03T00:00:00Z',
  },
  reportAccessSecureLink: 'https://a.blob.core.windows.net/r.csv?sig=SECRET',
}
const DATASET = {
  datasetName: 'AzureUsage',
  selectableColumns: ['Month'],
  availableMetrics: ['Cost'],
  availableDateRanges: ['LIFETIME'],
}
const SCHEDULE = { start: NOW(), intervalHours: 24 }

type Ask = (client: InsightsClient) => Promise<unknown>

/** Every function of the client, with an item of a right answer. */
const CALLS: { readonly [Name in Exclude<keyof InsightsClient, 'within'>]: readonly [object, Ask] } = {
  listDatasets: [DATASET, (client) => client.listDatasets()],
  offeredDatasets: [DATASET, (client) => client.offeredDatasets()],
  listQueries: [QUERY, (client) => client.listQueries({})],
  createQuery: [QUERY, (client) => client.createQuery({ name: 'n', query: 'q' })],
  deleteQuery: [QUERY, (client) => client.deleteQuery(ID)],
  testQuery: [{ Month: 'JAN-2026', Cost: 1 }, (client) => client.testQuery({ exportQuery: 'q' })],
  listReports: [REPORT, (client) => client.listReports({})],
  createReport: [REPORT, (client) => client.createReport({ reportName: 'r', queryId: ID })],
  updateReport: [REPORT, (client) => client.updateReport(ID, { reportName: 'r', schedule: SCHEDULE })],
  deleteReport: [REPORT, (client) => client.deleteReport(ID)],
  pauseReport: [REPORT, (client) => client.pauseReport(ID)],
  resumeReport: [REPORT, (client) => client.resumeReport(ID)],
  listExecutions: [EXECUTION, (client) => client.listExecutions([ID], { statuses: ['Completed'], latest: true })],
  dataset: [DATASET, (client) => client.dataset(['AzureUsage'])],
  queries: [QUERY, (client) => client.queries('n')],
  report: [REPORT, (client) => client.report(ID)],
  reports: [REPORT, (client) => client.reports('r')],
  execution: [EXECUTION, (client) => client.execution(ID)],
  checkMfa: [DATASET, (client) => client.checkMfa('AzureUsage')],
}

const STATUSES = [
  ...Array.from({ length: 12 }, () => 200),
  201,
  202,
  206,
  302,
  400,
  401,
  403,
  404,
  404,
  409,
  410,
  429,
  500,
  503,
]

function replyTo(item: object, chance: Chance): Reply {
  if (chance.happens(2)) return 'drop'
  const envelope = {
    value: [item, item],
    nextLink: null,
    totalCount: 2,
    message: null,
    statusCode: 200,
    dataRedacted: false,
  }
  const nextLink = chance.happens(10) ? `${BASE}/ScheduledReport?page=${chance.below(9)}` : null
  const headers = {
    ...(chance.happens(20) && {
      'retry-after': chance.pick(['1', '99999999999', '-1', 'soon', 'Fri, 31 Dec 9999 23:59:59 GMT']),
    }),
    ...(chance.happens(10) && { location: chance.pick(['https://evil.example/x?sig=SECRET', '/else', ':']) }),
    'content-type': chance.pick(['application/json', 'text/html', 'text/plain; charset=utf-16']),
  }
  return { status: chance.pick(STATUSES), headers, body: mutatedText({ ...envelope, nextLink }, chance) }
}

const tally: Record<string, { values: number; failures: number }> = {}
afterAll(() => {
  const lines = Object.entries(tally).map(
    ([name, { values, failures }]) => `${name}: ${values} values, ${failures} failures`,
  )
  process.stdout.write(`answers by seed ${SEED}\n${lines.join('\n')}\n`)
})

/** Says what is wrong with what a call came to; undefined where nothing is. */
function faultOf(result: unknown): string | undefined {
  const failures = [result, (result as { failure?: unknown } | undefined)?.failure].filter(isFailure)
  for (const failure of failures) {
    const fault = faultOfFailure(failure)
    if (fault) return fault
  }
  return idsIn(result).find((id) => id !== '' && !isServiceId(id))
}

function faultOfFailure({ kind, message }: Failure): string | undefined {
  if (!(kind in FAILURES)) return `kind ${kind}`
  if (message.length > MESSAGE_LENGTH || plainText(message) !== message) return `message ${JSON.stringify(message)}`
  return /SECRET|sig=/.test(message) ? `message ${message}` : undefined
}

/** Every id that a result gives. The rows of a test of a query hold data, which is no id whatever it is called. */
function idsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null || value instanceof URL || isFailure(value)) return []
  return Object.entries(value).flatMap(([name, each]) =>
    /^(report|query|execution)Id$/.test(name) && typeof each === 'string' ? [each] : idsIn(each),
  )
}

/** The addresses that the app may ask: ids stand where they belong. */
const ADDRESS = new RegExp(
  `^${BASE}/(ScheduledDataset|ScheduledQueries(/testQueryResult|/${ID})?|ScheduledReport(/(pause/|resume/|execution/)?${ID})?)$`,
)

let server: ScriptedServer
beforeEach(async () => {
  server = await startScripted()
})
afterEach(() => server.close())

async function isFine(name: string, nth: number, run: () => Promise<unknown>): Promise<unknown> {
  const where = `FUZZ_SEED=${SEED}, ${name}, answer ${nth}`
  const result = await run().catch((error) => expect.fail(`${where}: thrown: ${error}`))
  const fault = faultOf(name === 'testQuery' && !isFailure(result) ? undefined : result)
  if (fault) expect.fail(`${where}: ${fault}`)
  tally[name] ??= { values: 0, failures: 0 }
  const count = tally[name]
  const isRefused = isFailure(result) || isFailure((result as { failure?: unknown } | undefined)?.failure)
  count[isRefused ? 'failures' : 'values'] += 1
  return result
}

describe(`${ANSWERS} mutated answers, with seed ${SEED}, end as values or known failures`, () => {
  it.each(Object.entries(CALLS))('of %s', LIMIT, async (name, [item, call]) => {
    const chance = chanceOf(SEED)
    server.script(() => replyTo(item, chance))
    const credentials = { token: async () => 't', renew: async () => 't', doubt: () => undefined }
    const baseUrl = `${server.origin}${BASE}`
    const client = openInsightsClient({ baseUrl, tokenHeader: 'Authorization', credentials, clock: NOW })
    const direct = insightsClient(
      (each) => receiveAny(each, replyTo(item, chance)),
      baseUrl,
      () => direct,
    )
    for (let nth = 0; nth < ANSWERS; nth++) {
      const result = await isFine(name, nth, () => call(nth < SERVED ? client : direct))
      for (const id of name === 'testQuery' ? [] : idsIn(result).filter((each) => each !== '')) {
        const subject = { feed: 'usage', window: '20250501T000000Z_20250601T000000Z', attempt: 1 }
        expect(archiveName(subject, id, { tsv: false, gzip: false })).toMatch(/^usage\/\w+\/1-[\w-]+\.csv$/)
      }
    }
    expect(server.requests.filter(({ url }) => !ADDRESS.test(url.split('?')[0] ?? '')).map(({ url }) => url)).toEqual(
      [],
    )
    expect(Math.min(...Object.values(tally[name] ?? {}))).toBeGreaterThan(ANSWERS / 10)
  })

  it('of the token endpoint', LIMIT, async () => {
    const chance = chanceOf(SEED)
    const right = { token_type: 'Bearer', expires_in: 3600, access_token: 'a', refresh_token: 'b' }
    const wrong = { error: 'invalid_grant', error_description: 'AADSTS700082: expired', error_codes: [700082] }
    server.script(() =>
      chance.happens(2)
        ? 'drop'
        : { status: chance.pick(STATUSES), body: mutatedText(chance.pick([right, wrong]), chance) },
    )
    const about = { name: 'default', authorityHost: server.origin, tenantId: 't', clientId: 'c', refreshToken: 'r' }
    for (let nth = 0; nth < ANSWERS; nth++) {
      const token = await isFine('token', nth, () => openCredentials({ ...about, auth: 'refresh-token' }, NOW).token())
      if (!isFailure(token)) expect(typeof token).toBe('string')
    }
    expect(Object.values(tally.token ?? {}).every((count) => count > ANSWERS / 10)).toBe(true)
  })

  it('of the Key Vault', LIMIT, async () => {
    const chance = chanceOf(SEED)
    const secret = { value: 'v', id: 'i', attributes: { enabled: true, updated: 1, exp: 2 } }
    server.script(() =>
      chance.happens(2) ? 'drop' : { status: chance.pick(STATUSES), body: mutatedText(secret, chance) },
    )
    const retry = { random: () => 0, wait: async () => undefined }
    const vault = openKeyVault({ url: server.origin, token: async () => 't', clock: NOW, retry })
    for (let nth = 0; nth < ANSWERS; nth++) await isFine('vault', nth, () => vault.get('partner-default-refresh-token'))
  })

  it('of a download', LIMIT, async () => {
    const chance = chanceOf(SEED)
    const tcp = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end(rawReply(chance)))
    })
    await once(tcp.listen(0, '127.0.0.1'), 'listening')
    const origin = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`
    const link = new URL(`${origin}/r.csv?sig=SECRET`)
    const options = {
      hosts: [origin],
      maxBytes: 60_000,
      clock: NOW,
      open: () => nowhere(),
      renewLink: async () => link,
    }
    // Tries that bring nothing wait for seconds, so many downloads run at once.
    for (let nth = 0; nth < ANSWERS; nth += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, () => isFine('download', nth, () => download(link, options))))
    }
    tcp.close()
    expect(Object.values(tally.download ?? {}).every((count) => count > ANSWERS / 10)).toBe(true)
  })
})

/** An archive that keeps nothing. */
function nowhere(): ArchiveWriter {
  let bytes = 0
  return {
    async append(chunk) {
      bytes += chunk.length
    },
    commit: async () => ({ name: 'n', bytes, sha256: '', etag: '' }),
  }
}

/** What the client makes of an answer, as if it had come over a connection. */
async function receiveAny(call: Call, reply: Reply): Promise<Answer | Failure> {
  const url = new URL(`http://127.0.0.1${BASE}${call.path}`)
  if (!ADDRESS.test(url.pathname)) expect.fail(`asked ${call.path}`)
  if (typeof reply === 'string') return failed('unavailable', 'no answer')
  const { status = 200, headers = {}, body = '' } = reply
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return receive(call, url, new Response(text, { status, headers }), NOW)
}

/** The bytes of an answer, with headers that fit its body or do not. */
function rawReply(chance: Chance): string {
  const body = 'Month,Cost\r\n'.repeat(chance.pick([0, 1, 10, 500, 6_000]))
  const status = chance.pick([
    200, 200, 200, 200, 206, 206, 204, 302, 304, 401, 403, 404, 410, 412, 416, 429, 500, 503, 999,
  ])
  const length = chance.pick([body.length, body.length, body.length, body.length + 5, 3, -1, 'x', 9e15, '1e3', ''])
  const headers = [
    chance.happens(80) ? `Content-Length: ${length}` : 'X: 1',
    chance.happens(70) ? `ETag: ${chance.pick(['"one"', '"two"', '', '\u0001'])}` : 'X: 2',
    chance.happens(30)
      ? `Content-Range: bytes ${chance.pick(['0-9/10', '12-23/24', '*/0', '-', 'x', '99999999999999999999-'])}`
      : 'X: 3',
    chance.happens(20) ? `Transfer-Encoding: ${chance.pick(['chunked', 'gzip', 'x'])}` : 'X: 4',
    chance.happens(5) ? `Y: ${'y'.repeat(20_000)}` : 'X: 5',
    chance.happens(10) ? `Location: ${chance.pick(['https://evil.example/?sig=SECRET', '/'])}` : 'X: 6',
  ]
  const head = chance.happens(95) ? `HTTP/1.1 ${status} Any` : chance.pick(['HTTP/9 x', '', '\u0000', 'GET / HTTP/1.1'])
  return `${head}\r\n${headers.join('\r\n')}\r\n\r\n${body}`
}
