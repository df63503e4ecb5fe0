import { holdInMemory } from '../../bench/held-entry.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { type Failure, isFailure } from '../../src/core/failures.ts'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { Figures, Landing } from '../../src/core/ledger/ledger.ts'
import type { Reject } from '../../src/core/report/entities.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import { isGzip } from '../../src/services/gzip.ts'
import { archiveName } from '../../src/services/storage/archive.ts'
import { land } from '../../src/steps/landing/land.ts'
import type { Services } from '../../src/steps/services.ts'
import { testSettings } from '../setup/settings.ts'
import { ASKED } from '../setup/stored.ts'
import { createMemoryStore } from './memory-store.ts'
import { type StoredRow, unhindered } from './store.ts'

const NOW = new Date('2025-07-10T12:00:00Z')
const LATER = new Date('2025-07-10T13:00:00Z')
const WINDOW = { from: new Date('2025-05-01T00:00:00Z'), to: new Date('2025-06-01T00:00:00Z') }

export type FileOptions = {
  readonly feed: Feed
  /** The columns that were asked for; absent where the header decides. */
  readonly columns?: readonly string[] | undefined
  /** A person lands the file: it need not be a report of the service. */
  readonly isOfPerson?: boolean | undefined
  /** What the feed's row says of earlier landings. */
  readonly row?: Partial<FeedRow>
  /** What the name of the archive says of the bytes, whatever they are. */
  readonly label?: { readonly tsv: boolean; readonly gzip: boolean }
}

/** What became of a file: its figures or its failure, and all that the landing left behind. */
export type LandedFile = {
  readonly result: Figures | Failure
  readonly rows: readonly StoredRow[]
  readonly rejects: readonly Reject[]
  readonly events: readonly AppEvent[]
}

/** Lands a file as May 2025 of a feed, by the step of the app on a store in memory. Throws what the step throws. */
export async function landFile(
  bytes: Buffer,
  { feed, columns, isOfPerson, row: earlier, label }: FileOptions,
): Promise<LandedFile> {
  const store = createMemoryStore({ clock: () => NOW })
  const parts = store.open(unhindered)
  const events: AppEvent[] = []
  const services: Services = {
    ...parts,
    clock: () => NOW,
    emit: (event) => void events.push(event),
    newId: absent,
    insights: absent,
    readFeeds: absent,
    packagedName: 'feeds.json',
    packagedFeeds: absent,
    expiry: absent,
    version: 'test',
    settings: testSettings(),
  }
  const row = { ...newFeedRow(feed, {}, NOW), ...earlier }
  await parts.ledger.writeFeed(row, undefined)
  const format = label ?? { tsv: false, gzip: isGzip(bytes) }
  const name = archiveName({ feed: feed.name, window: 'may', attempt: 1 }, 'execution', format)
  const writer = parts.archive.write(name, {
    asked: ASKED,
    reportId: 'report',
    attempt: 1,
    requestedAt: NOW,
    nonce: 'nonce',
  })
  await writer.append(bytes)
  const held = holdInMemory(firstLanding({ feed, columns, isOfPerson }))
  const job = {
    row,
    services,
    get insights(): never {
      return absent()
    },
  }
  const result = await land(job, held, await writer.commit(), LATER)
  if (result === 'paused') throw new Error('the landing paused')
  if (!isFailure(result) && 'awaits' in result) throw new Error(result.awaits.message)
  const blobs = await store.blobs()
  const rejects = blobs
    .filter((blob) => blob.name.endsWith('.rejects.jsonl'))
    .flatMap(({ bytes: list }) => linesOf(list))
  return { result, rows: await store.rows(feed.table), rejects, events }
}

function linesOf(list: Buffer): readonly Reject[] {
  const lines = list.toString('utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Reject)
}

/** The window in its first landing. */
function firstLanding({ feed, columns, isOfPerson }: FileOptions): Landing {
  return {
    feed: feed.name,
    window: WINDOW,
    lane: 'live',
    attempt: 1,
    tries: 1,
    heals: 0,
    remoteReports: [],
    history: [],
    reportName: 'report',
    queryId: 'query',
    asked: { rowSet: 'rows', selection: 'selection' },
    requestedAt: NOW,
    deadline: LATER,
    pollAfter: NOW,
    reportId: 'report',
    executionId: 'execution',
    origin: 'service',
    generation: newGeneration(() => '0123456789ab'),
    hash: feed.hash,
    phase: 'check',
    checkpoint: 0,
    leaseUntil: LATER,
    owner: 'owner',
    state: 'landing',
    ...(columns && { columns }),
    ...(isOfPerson && { byPerson: true }),
  }
}

function absent(): never {
  throw new Error('a landing asks for a service that it does not need')
}
