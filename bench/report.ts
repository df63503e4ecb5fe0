import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { CATALOG } from '../src/core/catalog.ts'
import type { Feed } from '../src/core/feeds/feed.ts'
import { parseFeeds } from '../src/core/feeds/feeds.ts'
import type { Column } from '../src/core/report/entities.ts'
import { keyRange, newGeneration } from '../src/core/report/generation.ts'
import type { Window } from '../src/core/time/window.ts'

/** The columns of the report that both sides land: eleven, with every type. Some cells are quoted and some are empty. */
export const COLUMNS = [
  { name: 'DateKey', type: 'datetime' },
  { name: 'TenantId', type: 'guid' },
  { name: 'CustomerName', type: 'string' },
  { name: 'AppName', type: 'string' },
  { name: 'CustomerMarket', type: 'string' },
  { name: 'Segment', type: 'string' },
  { name: 'UsageQuantity', type: 'double' },
  { name: 'Cost', type: 'double' },
  { name: 'Seats', type: 'int64' },
  { name: 'IsTrial', type: 'boolean' },
  { name: 'FirstUse', type: 'datetime' },
] as const satisfies readonly Column[]

export const WINDOW: Window = { from: new Date(Date.UTC(2025, 2, 1)), to: new Date(Date.UTC(2025, 3, 1)) }

export const GENERATION = newGeneration(() => '0123456789ab')

/** The generation that replaces it. */
export const RESTATED = newGeneration(() => 'ba9876543210')

/** The origin in every landed row, on both sides. The hash of the rows covers it. */
export const LINEAGE = { attempt: 1, reportId: '7f4a1c02-55b8-4b0e-9d1e-0c6a52d3f001' }
export const ORIGIN = { _attempt: LINEAGE.attempt, _reportId: LINEAGE.reportId }

export const SHARDS = 16

/** The keys of a row. Consecutive rows share a partition, as many as one transaction takes. */
export function keysOf(number: number): { readonly partitionKey: string; readonly rowKey: string } {
  const shard = String(Math.floor(number / 100) % SHARDS).padStart(3, '0')
  return { partitionKey: `${keyRange(WINDOW, GENERATION).keyFrom}${shard}`, rowKey: String(number).padStart(9, '0') }
}

const RECORDS_PER_CHUNK = 1000
const MARKETS = ['Germany', 'United States', 'Japan', 'Österreich', 'Brazil']

/** A feed as `feeds.json` would give it, landing in `table`. */
export function benchFeed(table: string, publish: Feed['publish'] = ['table']): Feed {
  const types = Object.fromEntries(COLUMNS.map(({ name, type }) => [name, type]))
  const entry = { name: 'bench', dataset: 'TeamsUsage3PApps', queryId: 'bench', table, types, shards: SHARDS, publish }
  const file = parseFeeds(JSON.stringify({ feeds: [entry] }), CATALOG)
  const feed = 'problems' in file ? undefined : file.feeds[0]
  if (!feed) throw new Error(`the feed of the bench is wrong: ${JSON.stringify(file)}`)
  return feed
}

/** Writes a gzip report of `rows` rows. The same number always gives the same rows. */
export async function writeReport(path: string, rows: number): Promise<void> {
  await pipeline(Readable.from(chunks(rows)), createGzip({ level: 1 }), createWriteStream(path))
}

function* chunks(rows: number): Generator<string> {
  yield `${COLUMNS.map(({ name }) => name).join(',')}\r\n`
  for (let at = 0; at < rows; at += RECORDS_PER_CHUNK) {
    const count = Math.min(RECORDS_PER_CHUNK, rows - at)
    yield Array.from({ length: count }, (_, index) => line(at + index)).join('')
  }
}

function line(number: number): string {
  // The large prime makes neighbouring rows differ, as the rows of different customers do.
  const mixed = Math.imul(number + 1, 2_654_435_761) >>> 0
  const hex = mixed.toString(16).padStart(8, '0')
  const day = String(1 + (Math.floor(number / 5000) % 31)).padStart(2, '0')
  const clock = new Date((mixed % 86_400) * 1000).toISOString().slice(11, 19)
  const name = mixed % 8 === 0 ? `"Contoso, ""North"" ${mixed % 977}"` : `Contoso ${mixed % 977} GmbH`
  const cells = [
    `2025-03-${day}`,
    `${hex}-5f1e-4c2a-9b0d-${hex}0a1b`,
    name,
    `App ${mixed % 113}`,
    MARKETS[mixed % MARKETS.length] ?? '',
    mixed % 10 === 0 ? '' : (['Small', 'Medium', 'Corporate'][mixed % 3] ?? ''),
    mixed % 4 === 0 ? String(mixed % 900) : (mixed / 1e6).toFixed(3),
    mixed % 20 === 0 ? '' : `${mixed % 10_000}.${String(mixed % 1_000_003).padStart(7, '0')}`,
    String(mixed % 5000),
    mixed % 3 === 0 ? 'true' : 'false',
    `2024-06-${day === '31' ? '30' : day}T${clock}Z`,
  ]
  return `${cells.join(',')}\r\n`
}
