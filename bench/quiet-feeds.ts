import { TableClient, type TransactionAction } from '@azure/data-tables'
import { CATALOG } from '../src/core/catalog.ts'
import type { Feed } from '../src/core/feeds/feed.ts'
import { parseFeeds } from '../src/core/feeds/feeds.ts'
import { auditedRowKey, pacingRowKey } from '../src/core/ledger/app-rows.ts'
import { type FeedRow, newFeedRow, withQuery } from '../src/core/ledger/feed-row.ts'
import type { Landed } from '../src/core/ledger/ledger.ts'
import { toRow } from '../src/core/ledger/ledger-row.ts'
import { NEVER } from '../src/core/ledger/wake.ts'
import { toGeneration } from '../src/core/report/generation.ts'
import { DAY_MS, HOUR_MS } from '../src/core/time/durations.ts'
import { dayText } from '../src/core/time/instants.ts'
import { type Window, windowId } from '../src/core/time/window.ts'
import { openLedger } from '../src/services/storage/ledger-table.ts'

/** So many feeds, each with so many landed windows of a day that need nothing any more. */
export type Quiet = { readonly feeds: number; readonly windows: number }

const PER_TRANSACTION = 100

/** Azurite works on one request at a time. More in flight save the way. */
const IN_FLIGHT = 4

/** The text of feeds.json: feeds of a dataset by day, with its default columns, from their first window on. */
export function quietFeedsText({ feeds, windows }: Quiet, today: Date): string {
  const from = dayText(new Date(today.getTime() - windows * DAY_MS))
  const named = Array.from({ length: feeds }, (_, at) => `teams-usage-${String(at + 1).padStart(2, '0')}`)
  return JSON.stringify({
    feeds: named.map((name) => ({ name, dataset: DATASET, table: name.replaceAll('-', ''), from, refresh: ONCE })),
  })
}

const DATASET = 'TeamsUsageMeetingsAndCalls'

/** No window is young enough to be asked for again. */
const ONCE = { every: 'P1D', for: 'PT1H' }

/** Writes the ledger of an app whose feeds are as `quietFeedsText` says and have all landed, up to today. */
export async function plantQuietFeeds(connectionString: string, quiet: Quiet, today: Date): Promise<void> {
  const client = TableClient.fromConnectionString(connectionString, 'ledger', { allowInsecureConnection: true })
  const ledger = openLedger(client, () => NEVER)
  await ledger.create()
  const rows = feedRows(quietFeedsText(quiet, today), today)
  const at = today.toISOString()
  for (const row of rows) {
    await ledger.writeFeed(row, undefined)
    // The weekly audit of tables is another cost, which has its own day.
    await ledger.writeApp(auditedRowKey(row.feed.name), { at }, undefined)
  }
  const served = Object.fromEntries(rows.map(({ feed }) => [feed.name, at]))
  // The daily look at the service's datasets is another cost, too.
  const lookAt = new Date(today.getTime() + DAY_MS).toISOString()
  await ledger.writeApp(pacingRowKey('default'), { creations: [], open: [], served, lookAt }, undefined)
  const groups = rows.flatMap((row) => transactions(row, quiet.windows, today)).values()
  const lane = async () => {
    for (const group of groups) await client.submitTransaction(group)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
}

/** The rows of feeds whose queries are registered, and which the app has known for as long as they have windows. */
function feedRows(text: string, today: Date): readonly FeedRow[] {
  const file = parseFeeds(text, CATALOG)
  if ('problems' in file) throw new Error(file.problems.join('; '))
  return file.feeds.map((feed) => {
    const query = { queryId: QUERY, hash: feed.hash, columns: Object.keys(feed.types), ours: true }
    return withQuery(newFeedRow(feed, {}, today), query)
  })
}

const QUERY = '3c0f2f6e-0b5e-4f3c-8a51-6f1f4f6b7d10'

function transactions(row: FeedRow, windows: number, today: Date): TransactionAction[][] {
  const actions = Array.from({ length: windows }, (_, at): TransactionAction => {
    const to = new Date(today.getTime() - at * DAY_MS)
    const entry = landedEntry(row, { from: new Date(to.getTime() - DAY_MS), to })
    const keys = { partitionKey: entry.feed, rowKey: windowId(entry.window) }
    return ['create', { ...toRow(entry, NEVER), ...keys }]
  })
  const starts = Array.from({ length: Math.ceil(windows / PER_TRANSACTION) }, (_, at) => at * PER_TRANSACTION)
  return starts.map((start) => actions.slice(start, start + PER_TRANSACTION))
}

/** An entry as large as real ones are: its window landed at the third attempt. */
function landedEntry({ feed, form }: FeedRow, window: Window): Landed {
  const generation = toGeneration('0123456789ab')
  if (!generation) throw new Error('the bench names no generation')
  const asked = { rowSet: form.rowSet, selection: form.selection }
  const id = windowId(window)
  const attempt = 3
  // By then the window is too old to be asked for again.
  const landedAt = new Date(window.to.getTime() + HOUR_MS)
  const archive = (nth: number) => `${feed.name}/${id}/${nth}.csv.gz`
  const past = (nth: number) => ({ attempt: nth, at: window.to, rows: 18_342, archive: archive(nth), asked })
  return {
    feed: feed.name,
    window,
    state: 'landed',
    lane: 'live',
    attempt,
    tries: 1,
    heals: 0,
    remoteReports: [],
    history: [
      { ...past(1), outcome: 'expired' },
      { ...past(2), outcome: 'landed' },
      { ...past(3), outcome: 'landed' },
    ],
    figures: {
      ...form,
      attempt,
      generation,
      origin: 'service',
      reportId: '7f4a1c02-55b8-4b0e-9d1e-0c6a52d3f001',
      executionId: 'c1b7a2de-9f0a-4f4c-8a55-1d2c6a0e9b33',
      requestedAt: landedAt,
      rowsRead: 18_342,
      rowsLanded: 18_342,
      rowsRejected: 0,
      bytes: 1_482_113,
      sha256: '5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592',
      totals: totalsOf(feed),
      archive: archive(attempt),
      table: feed.table,
      landedAt,
      milliseconds: { check: 412, write: 2_841, count: 318 },
      operations: 192,
      verdict: 'rows',
      emptyColumns: [],
      totalsBefore: totalsOf(feed),
    },
  }
}

function totalsOf({ types }: Feed): Readonly<Record<string, string>> {
  const numeric = Object.entries(types).filter(([, type]) => type === 'double' || type === 'int64')
  return Object.fromEntries(numeric.map(([name]) => [name, '9348117.0482913']))
}
