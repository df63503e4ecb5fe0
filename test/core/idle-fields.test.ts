import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATALOG, columnKeyOf, defaultColumns, findDataset } from '../../src/core/catalog.ts'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { parseFeeds, type WrittenFeed } from '../../src/core/feeds/feeds.ts'
import { FEED_FIELDS } from '../../src/core/feeds/fields.ts'
import type { Figures } from '../../src/core/ledger/ledger.ts'
import { missingWindows, settledAt, wantedSpan } from '../../src/core/plan/due-windows.ts'
import { forecastOf } from '../../src/core/plan/forecast.ts'
import { idleFields, idleFieldWarnings } from '../../src/core/plan/idle-fields.ts'
import { refreshAt } from '../../src/core/plan/refresh.ts'
import { DAY_MS } from '../../src/core/time/durations.ts'
import { type Window, windowId } from '../../src/core/time/window.ts'

const NOW = new Date('2026-11-26T18:00:00Z')

const fileOf = (written: WrittenFeed) => parseFeeds(JSON.stringify({ feeds: [written] }), CATALOG)

function read(written: WrittenFeed): Feed | undefined {
  const file = fileOf(written)
  return 'problems' in file ? undefined : file.feeds[0]
}

/** Whether the reader itself warns of a field, as of a "from" before what is kept. */
function isToldOf(field: string, written: WrittenFeed): boolean {
  const file = fileOf(written)
  return 'warnings' in file && file.warnings.some((text) => text.startsWith(`feed "a-feed": ${field} `))
}

const idle = (written: WrittenFeed) => {
  const feed = read(written)
  if (!feed) throw new Error(`no feed: ${JSON.stringify(written)}`)
  return idleFields({ feed, written, since: NOW, now: NOW })
}

const without = (written: WrittenFeed, field: keyof WrittenFeed): WrittenFeed =>
  Object.fromEntries(Object.entries(written).filter(([name]) => name !== field))

/** When a window is asked for again and again that lands at once. */
function requestsOf(feed: Feed, window: Window, first: Date, verdict: Figures['verdict']): readonly Date[] {
  const asked = [first]
  for (let at: Date | undefined = first; at && asked.length < 60; ) {
    const isRunning = at < settledAt(feed, window)
    const figures = { requestedAt: at, landedAt: at, verdict, origin: 'service', ...(isRunning && { running: true }) }
    at = refreshAt({ feed }, window, figures as unknown as Figures, at)
    if (at) asked.push(at)
  }
  return asked
}

/**
 * What a feed that is first seen now does, as far as the plan and the landing can tell: the windows that it asks for in a year
 * and when, when it asks for them again after they landed with rows or without, how many reports a day that makes, and how the
 * columns land.
 */
function behaviour(feed: Feed): string {
  const ahead = new Date(NOW.getTime() + 400 * DAY_MS)
  const known = { since: NOW, taken: [] }
  // What is due later is not too old to be kept when it is due.
  const { keep: _, ...forEver } = feed
  const later = missingWindows(forEver, { ...known, now: ahead }).filter(({ dueAt }) => dueAt > NOW)
  const due = missingWindows(feed, { ...known, now: NOW })
  const all = [...due, ...later].map(({ window, lane, dueAt }) => [windowId(window), lane, dueAt > NOW ? dueAt : NOW])
  const again = [...due.slice(-2), ...later.slice(0, 2)].map(({ window, dueAt }) =>
    (['rows', 'empty'] as const).map((verdict) => requestsOf(feed, window, dueAt > NOW ? dueAt : NOW, verdict)),
  )
  const { hash: __, cadence, delay: ___, grain: ____, newColumns, types, timeColumn, source, ...rest } = feed
  const dataset = findDataset(CATALOG, feed.dataset)
  const keyOf = columnKeyOf(dataset)
  const selected = source.kind === 'columns' ? (source.columns ?? (dataset && defaultColumns(dataset))) : undefined
  const landing = Object.entries(types).filter(([name]) => !selected || selected.map(keyOf).includes(keyOf(name)))
  const ofColumns = source.kind === 'columns' ? newColumns : undefined
  const every = cadence.kind === 'snapshot' ? cadence.every : undefined
  return JSON.stringify([
    all,
    again,
    forecastOf({ ...feed, enabled: true }, NOW),
    rest,
    source,
    ofColumns,
    landing,
    timeColumn,
    every,
  ])
}

const maybe = <T>(...values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined })

/** Whether a feed that is first seen now has any time: a date and a duration back compare only then. */
function hasTime(feed: Feed): boolean {
  const span = wantedSpan(feed, NOW, NOW)
  return !span || span.from < span.to
}

/** Entries of feeds that mean something, with any of their fields. */
const anyWritten: fc.Arbitrary<WrittenFeed> = fc
  .record({
    dataset: fc.constantFrom(
      'AzureUsage',
      'MSLearn',
      'TeamsUsageMeetingsAndCalls',
      'Profile',
      'CSPRevenueDetails',
      'OfficeUsage',
    ),
    columns: fc.boolean(),
    query: fc.boolean(),
    types: fc.boolean(),
    where: fc.boolean(),
    timeColumn: fc.boolean(),
    newColumns: maybe('fail'),
    window: maybe('P1W', 'P3M', 'P1Y'),
    backfillWindow: maybe('P3M', 'P1Y', 'P2Y'),
    from: maybe('P1M', 'P13M', '2024-01-01', '2025-02-01', '2026-11-01'),
    to: maybe('2025-09-01', '2026-10-01', '2026-11-01', '2026-11-20', '2027-03-01'),
    delay: maybe('P2D', 'P4D', 'P9D', 'P15D', 'P40D'),
    openWindow: maybe(true, false),
    refresh: maybe<unknown>(false, { every: 'P4D', for: 'P90D' }, { every: 'P1D', for: 'P60D' }),
    keep: maybe('P40D', 'P4M', 'P5Y'),
    snapshot: maybe('P3D'),
    shards: maybe(3),
    maxRejects: maybe(0.5),
    key: fc.boolean(),
    enabled: maybe(false),
  })
  .map(({ columns, query, types, where, timeColumn, key, ...fields }) => {
    const known = findDataset(CATALOG, fields.dataset)
    const [first = '', second = '', third = ''] = (known ? defaultColumns(known) : []).slice(0, 3)
    const chosen = query ? { query: `SELECT ${first},${second},${third} FROM ${fields.dataset}` } : {}
    const own = {
      ...fields,
      name: 'a-feed',
      ...chosen,
      ...(columns && !query && { columns: [first, second] }),
      ...(where && !query && { where: `${first} = 'x'` }),
      ...(types && { types: { [third]: 'string' } }),
      ...(timeColumn && known?.timeColumn && { timeColumn: known.timeColumn }),
      ...(key && { key: [first] }),
    }
    return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  })
  .filter((written) => {
    const feed = read(written)
    return feed !== undefined && hasTime(feed)
  })

/** Whether a field is written that only says its default. */
const saysDefault = (a: Feed, b: Feed) => JSON.stringify(a) === JSON.stringify(b)

describe('a field that changes nothing', () => {
  test('may go: the feed does the same without it; and any other field that is not its default does something', () => {
    fc.assert(
      fc.property(anyWritten, (written) => {
        const feed = read(written) as Feed
        const warned = new Set(idle(written).map(({ field }) => field))
        for (const field of Object.keys(written) as (keyof WrittenFeed)[]) {
          const less = read(without(written, field))
          const isTold = isToldOf(field, written) || isToldOf(field, without(written, field))
          if (!less || (!warned.has(field) && (isTold || saysDefault(feed, less)))) continue
          expect([field, behaviour(less) === behaviour(feed)]).toEqual([field, warned.has(field)])
        }
      }),
      { numRuns: 60 },
    )
  })

  test.each<[keyof WrittenFeed, WrittenFeed]>([
    ['timeColumn', { dataset: 'AzureUsage', timeColumn: 'month' }],
    ['newColumns', { dataset: 'AzureUsage', query: 'SELECT Month FROM AzureUsage', newColumns: 'fail' }],
    ['newColumns', { dataset: 'AzureUsage', queryId: 'b1', newColumns: 'fail' }],
    ['types', { dataset: 'AzureUsage', columns: ['Month'], types: { CustomerName: 'guid' } }],
    ['backfillWindow', { dataset: 'MSLearn', from: 'P2W', backfillWindow: 'P1M' }],
    ['backfillWindow', { dataset: 'MSLearn', from: '2027-01-01', backfillWindow: 'P1M' }],
    ['window', { dataset: 'AzureUsage', from: '2024-01-01', to: '2025-01-01', window: 'P3M', backfillWindow: 'P1Y' }],
    [
      'window',
      {
        dataset: 'AzureUsage',
        from: '2025-02-01',
        to: '2026-11-01',
        window: 'P3M',
        backfillWindow: 'P3M',
        refresh: false,
        keep: 'P4M',
      },
    ],
    ['openWindow', { dataset: 'AzureUsage', to: '2026-10-01', openWindow: false }],
    ['refresh', { dataset: 'AzureUsage', from: '2024-01-01', to: '2025-01-01', refresh: false }],
    ['delay', { dataset: 'AzureUsage', from: '2024-01-01', to: '2025-01-01', delay: 'P9D' }],
  ])('%s of %j', (field, written) => {
    const named = { ...written, name: 'a-feed' }
    expect(idle(named).map((each) => each.field)).toContain(field)
    const warnings = idleFieldWarnings(
      { feeds: [read(named) as Feed], written: new Map([['a-feed', named]]) },
      new Map(),
      NOW,
    )
    expect(warnings).toContainEqual(expect.stringMatching(new RegExp(`^feed "a-feed": ${field}.* changes? nothing`)))
  })

  const ENDED = { from: '2026-01-01', refresh: false, openWindow: false }
  test.each<[keyof WrittenFeed, string, WrittenFeed]>([
    ['delay', 'a blank is asked for again at twice that', { dataset: 'AzureUsage', to: '2026-11-01', delay: 'P15D' }],
    ['delay', 'without it, at twice the default', { dataset: 'OfficeUsage', to: '2026-10-01', delay: 'P2D' }],
    [
      'window',
      'it cuts what is due later, when it is not too old yet',
      { dataset: 'MSLearn', to: '2026-11-20', window: 'P1W', delay: 'P40D', keep: 'P40D' },
    ],
  ])('is not %s where %s', (field, _, written) => {
    const named = { ...ENDED, ...written, name: 'a-feed' }
    expect(idle(named).map((each) => each.field)).not.toContain(field)
    expect(behaviour(read(without(named, field)) as Feed)).not.toBe(behaviour(read(named) as Feed))
  })

  test('is judged by when the app first saw the feed, where it knows that', () => {
    const written = { name: 'a-feed', dataset: 'AzureUsage', from: '2024-01-01', backfillWindow: 'P1Y' }
    const file = { feeds: [read(written) as Feed], written: new Map([['a-feed', written]]) }
    expect(idleFieldWarnings(file, new Map(), NOW)).toEqual([])
    expect(idleFieldWarnings(file, new Map([['a-feed', new Date('2024-06-01')]]), NOW)).toEqual([
      expect.stringContaining('history before 2024-06-01'),
    ])
  })

  test('is none that the feed would be refused without', () => {
    const written = { name: 'a-feed', dataset: 'AzureUsage', from: '2024-01-01', to: '2025-01-01', refresh: false }
    expect(idle({ ...written, delay: 'P1D' }).map(({ field }) => field)).toContain('delay')
    expect(idle({ ...written, delay: 'P1D', keep: 'P2D' }).map(({ field }) => field)).not.toContain('delay')
  })

  test('a default that is written is no matter', () => {
    const fields = Object.entries(FEED_FIELDS).flatMap(([name, field]) => {
      const value = 'schema' in field ? (field.schema as { default?: unknown }).default : undefined
      return value === undefined ? [] : [[name, value]]
    })
    const written = { name: 'a-feed', dataset: 'AzureUsage', ...Object.fromEntries(fields), window: 'P1M' }
    expect(idle(written)).toEqual([])
  })
})
