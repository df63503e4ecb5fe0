import { gzipSync } from 'node:zlib'
import { CATALOG, findDataset } from '../../src/core/catalog.ts'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { parseFeeds } from '../../src/core/feeds/feeds.ts'
import { type FeedRow, newFeedRow, withQuery } from '../../src/core/ledger/feed-row.ts'
import type { Archive } from '../../src/services/storage/archive.ts'
import { feedOf } from '../core/feed-of.ts'

// Every function that takes text from outside, or why one takes none.

export type Run = (text: string) => unknown

export const FEED: Feed = feedOf({})
const LISTED = { name: 'AzureUsage', columns: ['Month'], metrics: ['UsageQuantity'], ranges: ['LIFETIME'] }
const DATASET = findDataset(CATALOG, 'AzureUsage') ?? { ...LISTED, columns: [], metrics: [], ranges: [] }

const offered = (names: object) => ({ ...LISTED, isWhole: true, ...names })
/** The row of a feed whose query is registered. */
const rowOf = (feed: Feed): FeedRow =>
  withQuery(newFeedRow(feed, {}, new Date()), { queryId: 'q', hash: feed.hash, columns: ['CustomerName'], ours: true })
const ROW = { ...rowOf(FEED), ranges: ['LIFETIME'] }
const withQueryOf = (query: string) => rowOf({ ...FEED, source: { kind: 'query', query } })

const cut = (text: string) => text.split(/[,;\t]/)
/** Columns as they are after `checkColumns`: no more than a table row holds. */
const fewColumns = (text: string) => cut(text).slice(0, 250)
export const inFile = (feed: object) => JSON.stringify({ feeds: [{ name: 'usage', dataset: 'AzureUsage', ...feed }] })
export const parsed = (text: string) => parseFeeds(text, CATALOG)

/** An archive that holds one text, as it is and as gzip. */
const archiveOf = (bytes: Buffer): Archive =>
  ({
    async *read() {
      for (let at = 0; at < bytes.length; at += 1024) yield bytes.subarray(at, at + 1024)
    },
  }) as unknown as Archive

export const modules = {
  'core/names.ts': await import('../../src/core/names.ts'),
  'core/query/tokens.ts': await import('../../src/core/query/tokens.ts'),
  'core/query/parse.ts': await import('../../src/core/query/parse.ts'),
  'core/query/check.ts': await import('../../src/core/query/check.ts'),
  'core/report/delimiter.ts': await import('../../src/core/report/delimiter.ts'),
  'core/report/parse.ts': await import('../../src/core/report/parse.ts'),
  'core/report/layout.ts': await import('../../src/core/report/layout.ts'),
  'core/report/record-filter.ts': await import('../../src/core/report/record-filter.ts'),
  'core/report/no-report.ts': await import('../../src/core/report/no-report.ts'),
  'core/report/property-names.ts': await import('../../src/core/report/property-names.ts'),
  'core/report/cells.ts': await import('../../src/core/report/cells.ts'),
  'core/report/dates.ts': await import('../../src/core/report/dates.ts'),
  'core/report/totals.ts': await import('../../src/core/report/totals.ts'),
  'core/report/entities.ts': await import('../../src/core/report/entities.ts'),
  'core/report/download-hosts.ts': await import('../../src/core/report/download-hosts.ts'),
  'core/report/generation.ts': await import('../../src/core/report/generation.ts'),
  'core/report/check.ts': await import('../../src/core/report/check.ts'),
  'core/address.ts': await import('../../src/core/address.ts'),
  'core/feeds/history.ts': await import('../../src/core/feeds/history.ts'),
  'core/ledger/offer.ts': await import('../../src/core/ledger/offer.ts'),
  'core/feeds/feeds.ts': await import('../../src/core/feeds/feeds.ts'),
  'core/feeds/json.ts': await import('../../src/core/feeds/json.ts'),
  'core/feeds/section.ts': await import('../../src/core/feeds/section.ts'),
  'core/feeds/feed-query.ts': await import('../../src/core/feeds/feed-query.ts'),
  'core/time/durations.ts': await import('../../src/core/time/durations.ts'),
  'core/time/window.ts': await import('../../src/core/time/window.ts'),
  'services/safe-text.ts': await import('../../src/services/safe-text.ts'),
  'services/retry.ts': await import('../../src/services/retry.ts'),
  'services/insights/answer.ts': await import('../../src/services/insights/answer.ts'),
  'services/insights/refusals.ts': await import('../../src/services/insights/refusals.ts'),
  'services/insights/call.ts': await import('../../src/services/insights/call.ts'),
  'services/insights/pages.ts': await import('../../src/services/insights/pages.ts'),
  'services/insights/callback-token.ts': await import('../../src/services/insights/callback-token.ts'),
  'services/sign-in/by-identity.ts': await import('../../src/services/sign-in/by-identity.ts'),
  'services/sign-in/token-request.ts': await import('../../src/services/sign-in/token-request.ts'),
  'services/sign-in/token-claims.ts': await import('../../src/services/sign-in/token-claims.ts'),
  'services/storage/work-queue.ts': await import('../../src/services/storage/work-queue.ts'),
  'services/storage/transaction.ts': await import('../../src/services/storage/transaction.ts'),
  'services/storage/report-records.ts': await import('../../src/services/storage/report-records.ts'),
  'steps/callback.ts': await import('../../src/steps/callback.ts'),
}

export type File = keyof typeof modules
type Table = { readonly [F in File]: Readonly<Partial<Record<keyof (typeof modules)[F], readonly Run[]>>> }

const QUERY = (text: string) => `SELECT Month FROM AzureUsage WHERE ${text}`
const column = (name: string) => ({ name, type: 'string' }) as const
const NOW = new Date('2026-11-01T00:00:00Z')
const base64 = (text: string) => Buffer.from(text).toString('base64url')
const reject = (raw: string) => ({ record: 0, line: 2, reason: 'is not a number', raw })
const ERASED = { columns: ['b'], has: (_: string, text: string) => text === 'x' }
const record = (text: string) => ({ line: 2, fields: cut(text), raw: text })

/** Every exported function that takes text from outside, and how it gets it. */
export const TABLE: Table = {
  'core/address.ts': {
    addressProblem: [
      modules['core/address.ts'].addressProblem,
      (text) => modules['core/address.ts'].addressProblem(`https://a.example/${text}`),
    ],
    isLoopback: [modules['core/address.ts'].isLoopback],
  },
  'core/feeds/history.ts': {
    firstInRange: [
      (text) => modules['core/feeds/history.ts'].firstInRange([text, `LAST_${text}`], NOW),
      (text) => modules['core/feeds/history.ts'].firstInRange(cut(text), NOW),
    ],
    reachesFurther: [(text) => modules['core/feeds/history.ts'].reachesFurther([text], cut(text), NOW)],
    sayReach: [(text) => modules['core/feeds/history.ts'].sayReach([text, ...cut(text)])],
    laterStart: [(text) => modules['core/feeds/history.ts'].laterStart(FEED, cut(text), NOW, NOW)],
  },
  'core/ledger/offer.ts': {
    withOffer: [
      (text) => modules['core/ledger/offer.ts'].withOffer(ROW, [offered({ columns: cut(text) })], NOW),
      (text) => modules['core/ledger/offer.ts'].withOffer(ROW, [offered({ metrics: [text], ranges: cut(text) })], NOW),
      (text) => modules['core/ledger/offer.ts'].withOffer(withQueryOf(text), [offered({})], NOW),
    ],
    isReachOffered: [
      (text) => modules['core/ledger/offer.ts'].isReachOffered(FEED, [offered({ ranges: [text, ...cut(text)] })]),
    ],
    offerOf: [(text) => modules['core/ledger/offer.ts'].offerOf(FEED, [{ ...offered({}), name: text }])],
    driftOf: [(text) => modules['core/ledger/offer.ts'].driftOf({ ...ROW, drift: cut(text) })],
    unnamedColumns: [(text) => modules['core/ledger/offer.ts'].unnamedColumns(cut(text))],
  },
  'core/report/check.ts': {
    createCheck: [
      (text) => {
        const layout = { columns: [column('a')], unnamed: [] }
        const lander = { land: () => reject(text), isOutside: () => false }
        modules['core/report/check.ts'].createCheck(lander, layout, 'usage').add({ ...record(text), verdict: 'ragged' })
      },
    ],
  },
  'services/sign-in/by-identity.ts': {
    readPem: [
      (text) => modules['services/sign-in/by-identity.ts'].readPem(`${text.slice(0, 100_000)}-----BEGIN `),
      (text) => modules['services/sign-in/by-identity.ts'].readPem(`-----BEGIN A-----${text.slice(0, 100_000)}`),
      (text) => modules['services/sign-in/by-identity.ts'].readPem('-----BEGIN A-----'.repeat(text.length / 25)),
    ],
  },
  'services/sign-in/token-claims.ts': {
    signInMethods: [
      modules['services/sign-in/token-claims.ts'].signInMethods,
      (text) => modules['services/sign-in/token-claims.ts'].signInMethods(`a.${base64(`{"amr":["${text}"]}`)}.b`),
      (text) =>
        modules['services/sign-in/token-claims.ts'].signInMethods(`a.${base64(JSON.stringify({ amr: cut(text) }))}.b`),
    ],
  },
  'core/names.ts': {
    isServiceId: [modules['core/names.ts'].isServiceId],
    nameKey: [modules['core/names.ts'].nameKey],
    isSameName: [(text) => modules['core/names.ts'].isSameName(text, `${text} `)],
    feedNotKnown: [(text) => modules['core/names.ts'].feedNotKnown(text, cut(text))],
    nearest: [
      (text) => modules['core/names.ts'].nearest(text, ['Month']),
      (text) => modules['core/names.ts'].nearest('Month', cut(text)),
    ],
    listed: [(text) => modules['core/names.ts'].listed(cut(text))],
    quoted: [(text) => modules['core/names.ts'].quoted(cut(text))],
  },
  'core/query/tokens.ts': {
    tokenize: [
      modules['core/query/tokens.ts'].tokenize,
      (text) => modules['core/query/tokens.ts'].tokenize(QUERY(text)),
    ],
    cutClauses: [
      (text) => {
        const tokens = modules['core/query/tokens.ts'].tokenize(text)
        return 'problem' in tokens ? tokens : modules['core/query/tokens.ts'].cutClauses(text, tokens)
      },
    ],
    isWord: [(text) => modules['core/query/tokens.ts'].isWord({ kind: 'word', text, at: 0 }, 'AND')],
    isName: [(text) => modules['core/query/tokens.ts'].isName({ kind: 'word', text, at: 0 })],
    isReserved: [modules['core/query/tokens.ts'].isReserved],
    placeOf: [(text) => modules['core/query/tokens.ts'].placeOf(text, text.length)],
  },
  'core/query/parse.ts': {
    parseQuery: [
      modules['core/query/parse.ts'].parseQuery,
      (text) => modules['core/query/parse.ts'].parseQuery(QUERY(text)),
    ],
    locateQuery: [(text) => modules['core/query/parse.ts'].locateQuery(`SELECT ${text} FROM AzureUsage`)],
    locateConditions: [modules['core/query/parse.ts'].locateConditions],
  },
  'core/query/check.ts': {
    validateQuery: [
      (text) => modules['core/query/check.ts'].validateQuery(text, DATASET),
      (text) => modules['core/query/check.ts'].validateQuery(`SELECT ${text} FROM AzureUsage`, DATASET),
    ],
    validateWhere: [(text) => modules['core/query/check.ts'].validateWhere(text, DATASET)],
    isSoundQuery: [(text) => modules['core/query/check.ts'].isSoundQuery(QUERY(text), DATASET)],
    isIdentifier: [modules['core/query/check.ts'].isIdentifier],
    buildQuery: [
      (text) =>
        modules['core/query/check.ts'].buildQuery(
          { distinct: false, fields: cut(text), dataset: 'AzureUsage', where: text, order: [] },
          DATASET,
        ),
    ],
  },
  'core/report/delimiter.ts': {
    delimiterOf: [
      modules['core/report/delimiter.ts'].delimiterOf,
      (text) => modules['core/report/delimiter.ts'].delimiterOf(`"${text}`),
    ],
  },
  'core/report/parse.ts': {
    createParser: [
      (text) => {
        const parser = modules['core/report/parse.ts'].createParser({ delimiter: ',', maxRecordLength: 1024 * 1024 })
        return [parser.push(`a,b\n${text}`), parser.end()]
      },
      (text) => {
        const parser = modules['core/report/parse.ts'].createParser({ delimiter: '\t', maxRecordLength: 1000 })
        return [parser.push(text), parser.end()]
      },
    ],
    splitQuoted: [(text) => modules['core/report/parse.ts'].splitQuoted(text, ',')],
  },
  'core/report/record-filter.ts': {
    createRecordFilter: [
      (text) => {
        const { createRecordFilter } = modules['core/report/record-filter.ts']
        const keyOf = (name: string) => name
        const options = { delimiter: ',', values: ERASED, known: new Set(['a']), keyOf, maxRecordLength: 1024 * 1024 }
        const [table, none] = [createRecordFilter(options), createRecordFilter(options)]
        return [table.push(`a,b\n${text}`), table.end(), none.push(`none\n${text}`), none.end()]
      },
    ],
    holdsValue: [(text) => modules['core/report/record-filter.ts'].holdsValue(text, ERASED)],
  },
  'core/report/no-report.ts': {
    knownColumns: [
      (text) =>
        modules['core/report/no-report.ts'].knownColumns(
          { ...FEED, source: { kind: 'query', query: text } },
          undefined,
          false,
        ),
    ],
    neededTime: [
      (text) =>
        modules['core/report/no-report.ts'].neededTime({
          ...FEED,
          dataset: text,
          source: { kind: 'queryId', queryId: text },
        }),
    ],
    selectedColumns: [
      (text) =>
        modules['core/report/no-report.ts'].selectedColumns(
          { ...FEED, source: { kind: 'query', query: text } },
          undefined,
        ),
    ],
    whyNoReport: [
      (text) => {
        const header = { header: cut(text), isUnended: true }
        const expected = { dataset: 'AzureUsage', known: cut(text), selected: cut(text), mustHave: cut(text) }
        return modules['core/report/no-report.ts'].whyNoReport(header, expected, 'usage')
      },
    ],
  },
  'core/report/layout.ts': {
    readHeader: [
      (text) => modules['core/report/layout.ts'].readHeader(FEED, undefined, cut(text), 'usage'),
      (text) =>
        modules['core/report/layout.ts'].readHeader({ ...FEED, newColumns: 'fail' }, cut(text), cut(text), 'usage'),
    ],
  },
  'core/report/property-names.ts': {
    propertyName: [modules['core/report/property-names.ts'].propertyName],
    columnName: [modules['core/report/property-names.ts'].columnName],
  },
  'core/report/cells.ts': {
    cellValue: (['string', 'double', 'int64', 'boolean', 'datetime', 'guid', 'month'] as const).map((type) =>
      modules['core/report/cells.ts'].cellValue(type),
    ),
    cellEncoder: [
      (text) => modules['core/report/cells.ts'].cellEncoder(text, 'string'),
      ...(['string', 'double', 'int64', 'boolean', 'datetime', 'guid', 'month'] as const).map((type) =>
        modules['core/report/cells.ts'].cellEncoder('c', type),
      ),
    ],
  },
  'core/report/dates.ts': { parseMoment: [modules['core/report/dates.ts'].parseMoment] },
  'core/report/totals.ts': {
    createTotals: [
      (text) => {
        const fields = fewColumns(text).map((each) => each.replace(/\D/g, '').slice(0, 400))
        const totals = modules['core/report/totals.ts'].createTotals(
          fields.map((_, index) => ({ name: String(index), type: 'double' })),
        )
        totals.add({ fields })
        return totals.result()
      },
    ],
  },
  'core/report/entities.ts': {
    checkColumns: [(text) => modules['core/report/entities.ts'].checkColumns(cut(text).map(column))],
    createEntityEncoder: [
      (text) => {
        const columns = fewColumns(text).map(column)
        const by = { columns, prefix: 'p', shards: 1, lineage: { attempt: 1, reportId: 'r' } }
        return modules['core/report/entities.ts'].createEntityEncoder(by).encode(record(text), 0)
      },
    ],
  },
  'core/report/download-hosts.ts': {
    hostProblem: [
      modules['core/report/download-hosts.ts'].hostProblem,
      (text) => modules['core/report/download-hosts.ts'].hostProblem(`*.${text}`),
    ],
  },
  'core/report/generation.ts': {
    toGeneration: [modules['core/report/generation.ts'].toGeneration],
  },
  'core/feeds/feeds.ts': {
    parseFeeds: [
      parsed,
      (text) => parsed(inFile({ name: text, account: text, table: text, window: text, from: text, delay: text })),
      (text) => parsed(inFile({ columns: cut(text), key: cut(text) })),
      (text) => parsed(inFile({ query: text })),
      (text) => parsed(inFile({ where: text, types: Object.fromEntries(cut(text).map((name) => [name, 'guid'])) })),
      (text) => parsed(inFile(Object.fromEntries(cut(text).map((name) => [name, 1])))),
      (text) =>
        parsed(JSON.stringify({ feeds: cut(text).map((name) => ({ name, dataset: 'AzureUsage', account: name })) })),
      (text) =>
        parsed(JSON.stringify({ accounts: Object.fromEntries(cut(text).map((name) => [name, {}])), feeds: [] })),
    ],
    checkFeeds: [(text) => modules['core/feeds/feeds.ts'].checkFeeds(inFile({ query: QUERY(text) }), CATALOG)],
  },
  'core/feeds/json.ts': { parseJson: [modules['core/feeds/json.ts'].parseJson] },
  'core/feeds/section.ts': {
    suggest: [(text) => modules['core/feeds/section.ts'].suggest(text, ['Month', 'Year'])],
    show: [modules['core/feeds/section.ts'].show],
    parseText: [modules['core/feeds/section.ts'].parseText],
    parseNames: [(text) => modules['core/feeds/section.ts'].parseNames(cut(text))],
    parseDurationField: [modules['core/feeds/section.ts'].parseDurationField],
    parseBoundary: [modules['core/feeds/section.ts'].parseBoundary],
  },
  'core/feeds/feed-query.ts': {
    spellingsOf: [modules['core/feeds/feed-query.ts'].spellingsOf],
    findListed: [
      (text) =>
        modules['core/feeds/feed-query.ts'].findListed(
          cut(text).map((name) => ({ name })),
          ['AzureUsage', text],
        ),
    ],
    feedQuery: [
      (text) => modules['core/feeds/feed-query.ts'].feedQuery(FEED, { kind: 'query', query: text }, LISTED),
      (text) =>
        modules['core/feeds/feed-query.ts'].feedQuery(
          FEED,
          { kind: 'columns', columns: fewColumns(text), distinct: false },
          { ...LISTED, columns: cut(text), ranges: cut(text) },
        ),
    ],
    queryTexts: [(text) => modules['core/feeds/feed-query.ts'].queryTexts(FEED, { kind: 'query', query: text })],
    namesListed: [
      (text) =>
        modules['core/feeds/feed-query.ts'].namesListed('AzureUsage', { ...LISTED, columns: cut(text) })('Month'),
    ],
    // A feed has few columns; the service may list any number.
    inNamesOf: [
      (text) => {
        const source = { kind: 'columns', columns: cut(text).slice(0, 3), distinct: false } as const
        return modules['core/feeds/feed-query.ts'].inNamesOf('AzureUsage', { ...LISTED, columns: cut(text) }, source)
      },
    ],
    defaultSelection: [
      (text) => modules['core/feeds/feed-query.ts'].defaultSelection(FEED, { ...LISTED, columns: cut(text) }),
    ],
    catalogueVerdict: [
      (text) =>
        modules['core/feeds/feed-query.ts'].catalogueVerdict(
          { ...FEED, source: { kind: 'query', query: text } },
          CATALOG,
        ),
    ],
  },
  'core/time/durations.ts': { parseDuration: [modules['core/time/durations.ts'].parseDuration] },
  'core/time/window.ts': { parseWindowId: [modules['core/time/window.ts'].parseWindowId] },
  'services/safe-text.ts': {
    safeText: [modules['services/safe-text.ts'].safeText],
    safeAddress: [
      (text) =>
        modules['services/safe-text.ts'].safeAddress(
          new URL(`https://a.example/${encodeURIComponent(text.replaceAll(/[\ud800-\udfff]/g, ''))}`),
        ),
    ],
    reasonOf: [(text) => modules['services/safe-text.ts'].reasonOf(Object.assign(new Error(text), { code: text }))],
  },
  'services/retry.ts': {
    readRetryAfterMs: [(text) => modules['services/retry.ts'].readRetryAfterMs(text, new Date(0))],
  },
  'services/insights/answer.ts': {
    readAnswer: [
      (text) => modules['services/insights/answer.ts'].readAnswer(400, new Headers(), text, new Date(0)),
      (text) =>
        modules['services/insights/answer.ts'].readAnswer(
          400,
          new Headers(),
          JSON.stringify({ message: text, nextLink: text }),
          new Date(0),
        ),
      (text) =>
        modules['services/insights/answer.ts'].readAnswer(
          200,
          new Headers(),
          JSON.stringify({ value: cut(text).map((each) => ({ [each]: each })) }),
          new Date(0),
        ),
    ],
    isEnvelope: [modules['services/insights/answer.ts'].isEnvelope],
    textOf: [(text) => modules['services/insights/answer.ts'].textOf({ a: text }, 'a')],
    idOf: [(text) => modules['services/insights/answer.ts'].idOf({ a: text }, 'a')],
    textsOf: [(text) => modules['services/insights/answer.ts'].textsOf({ a: cut(text) }, 'a')],
    instantOf: [(text) => modules['services/insights/answer.ts'].instantOf({ a: text }, 'a')],
  },
  'services/insights/refusals.ts': {
    failureOf: [
      (message) => {
        const answer = { status: 400, message, lacksMfa: false, correlationId: undefined }
        return modules['services/insights/refusals.ts'].failureOf(answer, 'call')
      },
    ],
    isQueryGone: [(message) => modules['services/insights/refusals.ts'].isQueryGone({ status: 400, message })],
    refusalOf: [
      (message) => modules['services/insights/refusals.ts'].refusalOf(400, message),
      (message) => modules['services/insights/refusals.ts'].refusalOf(500, message),
    ],
    isThrottled: [(message) => modules['services/insights/refusals.ts'].isThrottled({ status: 400, message })],
    saysUnknown: [modules['services/insights/refusals.ts'].saysUnknown],
  },
  'services/insights/pages.ts': {
    listPages: [
      (text) => {
        const answer = {
          status: 200,
          items: [],
          message: '',
          bytes: text.length,
          nextLink: text,
          dataRedacted: false,
          retryAfterMs: undefined,
          lacksMfa: false,
          isMfaCompliant: undefined,
          correlationId: undefined,
          callsLeft: undefined,
        }
        let nth = 0
        const send = async () => ({ ...answer, nextLink: nth++ < 2 ? text : undefined })
        return modules['services/insights/pages.ts'].listPages(send, 'https://a.example/insights/v1/mpn', {
          path: '/ScheduledReport?',
          about: 'reports',
        })
      },
    ],
  },
  'services/insights/call.ts': {
    deleteOne: [
      (text) =>
        modules['services/insights/call.ts'].deleteOne(async () => ({}) as never, { path: '/a', about: 'a' }, text),
    ],
    callOf: [(text) => modules['services/insights/call.ts'].callOf({ method: 'GET', path: '/a', about: 'a' }, text)],
    queryOf: [(text) => modules['services/insights/call.ts'].queryOf({ a: text.replaceAll(/[\ud800-\udfff]/g, '') })],
  },
  'services/insights/callback-token.ts': {
    verifyToken: [
      (text) =>
        modules['services/insights/callback-token.ts'].verifyToken(text, ['s', 't'], {
          feed: text,
          window: text,
          attempt: 1,
        }),
    ],
  },
  'services/sign-in/token-request.ts': {
    refusalText: [(text) => modules['services/sign-in/token-request.ts'].refusalText(text, text)],
  },
  'services/storage/work-queue.ts': {
    readIngestMessage: [
      (text) =>
        modules['services/storage/work-queue.ts'].readIngestMessage({
          ingest: { feed: text, window: text, attempt: 1, reportId: text },
        }),
    ],
    readDropMessage: [
      (text) => modules['services/storage/work-queue.ts'].readDropMessage({ drop: { feed: text, generation: text } }),
    ],
  },
  'services/storage/transaction.ts': {
    readTransactionAnswer: [(text) => modules['services/storage/transaction.ts'].readTransactionAnswer(text, 100)],
    readRefusal: [(text) => modules['services/storage/transaction.ts'].readRefusal('change', 400, text)],
  },
  'services/storage/report-records.ts': {
    readRecords: [
      async (text) => {
        const blob = { name: 'a', bytes: text.length, sha256: '', etag: '' }
        const groups = modules['services/storage/report-records.ts'].readRecords(archiveOf(Buffer.from(text)), blob, {
          verify: false,
        })
        for await (const group of groups) if (!Array.isArray(group)) return group
      },
    ],
    readText: [
      async (text) => {
        const bytes = archiveOf(gzipSync(text)).read('a')
        const { readText } = modules['services/storage/report-records.ts']
        for await (const part of readText({ name: 'a', bytes, packed: 0, hash: undefined })) void part
      },
    ],
    openReport: [
      (text) => {
        const blob = { name: 'a', bytes: text.length, sha256: '', etag: '' }
        return modules['services/storage/report-records.ts'].openReport(archiveOf(gzipSync(text)), blob, 'usage', {
          verify: false,
        })
      },
    ],
  },
  'steps/callback.ts': {
    callback: [
      (text) => {
        const settings = { callback: { baseUrl: 'https://a.example', secrets: ['s'.repeat(32)] } } as never
        const request = { feed: text, window: text, attempt: text, token: text, reportId: text }
        return modules['steps/callback.ts'].callback(request, { settings, queue: {} as never })
      },
      (text) => {
        const settings = { callback: { baseUrl: 'https://a.example', secrets: ['s'.repeat(32)] } } as never
        const request = {
          feed: 'usage',
          window: '20250501T000000Z_20250601T000000Z',
          attempt: '1',
          token: text,
          reportId: text,
        }
        return modules['steps/callback.ts'].callback(request, { settings, queue: {} as never })
      },
    ],
  },
}

/** Exported functions of these files that take no text from outside, with the reason. */
export const WITHOUT_TEXT: Readonly<Partial<Record<File, Readonly<Record<string, string>>>>> = {
  'core/feeds/history.ts': {
    instantOf: 'takes a date that was read',
    endBefore: 'takes dates that were read',
    laterStartWarning: 'takes names that were read',
    laterStartWarnings: 'goes by the catalogue',
    futureStartWarnings: 'takes dates that were read',
  },
  'core/report/no-report.ts': { cutInHeader: 'puts texts together', separatedBy: 'puts texts together' },
  'core/report/parse.ts': { nextPlace: 'takes a character' },
  'core/report/check.ts': { refuse: 'takes what was counted' },
  'core/report/dates.ts': { startOfMonth: 'takes a moment that was read' },
  'core/report/entities.ts': {
    isReject: 'looks for one property',
    rejectOf: 'puts properties together',
    rowsIn: 'reads one property',
  },
  'core/report/download-hosts.ts': { allowedLink: 'takes a URL that was parsed, and hosts of the settings' },
  'core/report/generation.ts': {
    newGeneration: 'makes a name',
    keyRange: 'takes a name that was read',
    dayOf: 'takes a key of Table Storage, 1 KiB at most',
    generationAt: 'takes a key of Table Storage, 1 KiB at most',
  },
  'core/feeds/section.ts': {
    openSection: 'in parseFeeds',
    read: 'in parseFeeds',
    readRequired: 'in parseFeeds',
    isGiven: 'looks for one property',
    refuseGiven: 'in parseFeeds',
    addProblem: 'puts one text in a list',
    parseObject: 'looks at the type of a value',
    parseColumns: 'in parseFeeds',
    parseList: 'looks at the type of a value',
    parseFlag: 'looks at the type of a value',
    matching: 'in parseFeeds, with patterns that are anchored',
    oneOf: 'in parseFeeds',
    within: 'takes numbers',
  },
  'core/feeds/feeds.ts': { parseEachFeed: 'in parseFeeds' },
  'core/feeds/feed-query.ts': { wantedColumns: 'goes by the catalogue' },
  'core/time/durations.ts': { addDuration: 'takes numbers', durationMilliseconds: 'takes numbers' },
  'core/time/window.ts': { windowId: 'takes dates', queryTimes: 'takes dates' },
  'services/retry.ts': {
    withRetry: 'takes answers that were read',
    retryDelayMs: 'takes numbers',
    isTransient: 'takes a number',
    pause: 'takes a number',
  },
  'services/insights/answer.ts': {
    numberOf: 'looks at the type of a value',
    readCorrelationId: 'a response header, 16 KiB at most in Node, and an anchored pattern',
  },
  'services/insights/refusals.ts': {
    incomplete: 'puts texts together',
    correlationNote: 'puts texts together',
  },
  'services/insights/call.ts': {
    senderOf: 'its answers are read by readAnswer',
    receive: 'its answers are read by readAnswer',
  },
  'services/insights/callback-token.ts': { callbackToken: 'in verifyToken' },
  'services/sign-in/by-identity.ts': {
    fetchByIdentity: 'its certificate is read by readPem, its refusals are short',
    certificateExpiry: 'what readPem gives, read by Node',
  },
  'services/sign-in/token-request.ts': {
    redeem: 'its answers are read as JSON, of bounded size',
    exchangeCode: 'its answers are read as JSON, of bounded size',
    isPassing: 'texts of refusalText, which are short',
  },
  'services/storage/report-records.ts': { unpacked: 'gives bytes, which readText reads' },
  'services/storage/work-queue.ts': { openWorkQueue: 'sends messages' },
  'services/storage/transaction.ts': { transactionBody: 'takes rows that were made' },
}

/** Other files of `src` that use patterns, and why their texts are not hostile or not long. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'core/feeds/feed.ts': 'FEED_NAME is anchored and bounded',
  'core/failures.ts': 'remedies of the app, one pattern of three words',
  'core/ledger/transitions.ts': 'messages that plainMessage has cut, one bounded pattern',
  'page/words.ts': 'numbers, in the browser of the operator',
  'core/time/ncrontab.ts': 'a setting of the operator',
  'core/time/words.ts': 'a window on the command line, and anchored patterns',
  'core/feeds/dataset.ts': 'in parseFeeds, with an anchored pattern',
  'services/insights/download.ts': 'a response header, 16 KiB at most in Node, and an anchored pattern',
  'services/insights/reports.ts': 'a time that the app writes itself',
  'services/sign-in/by-refresh-token.ts': 'texts of refusalText, which are short',
  'services/sign-in/key-vault.ts': 'names that the app makes, one anchored pattern',
  'services/storage/archive.ts': 'names of blobs, 1,024 characters at most, and anchored patterns',
  'services/storage/clients.ts': 'a setting of the operator, one pattern without repetition',
  'services/storage/errors.ts': 'error codes of Node, one anchored pattern',
  'services/storage/transaction-sender.ts': 'error codes and the address of the own storage account',
  'settings/environment.ts': 'settings of the operator',
  'settings/settings.ts': 'settings of the operator',
  'settings/sign-in.ts': 'settings of the operator',
  'settings/storage.ts': 'settings of the operator',
  'steps/doctor/callback.ts': 'a setting of the operator',
  'services/storage/published-files.ts': 'names of blobs, 1,024 characters at most, one anchored pattern',
  'steps/landing/clean-archive.ts': 'the name of an archive, one anchored pattern',
  'steps/landing/fetch-report.ts': 'the path of a link, one pattern of a few characters at its end',
  'steps/operator/import-report.ts': 'the name of a file on the command line',
}
