import { createHash } from 'node:crypto'
import { isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type FeedRow, feedRowKey, type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { toReplayed } from '../../core/ledger/transitions.ts'
import { alignDown, GRAIN } from '../../core/time/calendar.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { archiveName } from '../../services/storage/archive.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import type { Services } from '../services.ts'
import type { Problem, Replayed } from './replay.ts'

/** A file that somebody has of a window the service no longer offers; read twice, so `bytes` starts anew each time. */
export type ImportFile = { readonly name: string; readonly bytes: () => AsyncIterable<Buffer> }

/** Lands a file as the next attempt of a window, by the code path of every landing. Its rows carry `_reportId` `import`. */
export async function importReport(
  services: Services,
  feed: string,
  window: Window,
  file: ImportFile,
): Promise<Replayed | Problem> {
  const { ledger, clock } = services
  const row = (await ledger.readApp<FeedRow>(feedRowKey(feed)))?.value
  if (!row) return { problem: `feed ${feed} is not known to the app` }
  const refused = await foreignTable(services, row.feed)
  if (refused !== undefined) return { problem: refused }
  const entries = (await ledger.entries(feed)).filter((entry): entry is LedgerEntry => !isFailure(entry))
  const problem = misplaced(row.feed, window, entries)
  if (problem) return { problem: `${feed} ${windowId(window)} ${problem}` }
  const stored = await ledger.read(feed, windowId(window))
  if (stored && isFailure(stored)) return { problem: stored.message }
  const archived = await archiveFile(services, row, window, stored, file)
  const lane = window.to <= new Date(row.since) ? 'backfill' : 'live'
  const asked = { reportName: '', queryId: row.query?.queryId ?? '', requestedAt: clock() }
  const held = { ...asked, ...archived, reportId: 'import', hash: row.feed.hash }
  const landing = toReplayed(stored?.value, { feed, window, lane }, held, clock())
  if (!(await ledger.write(landing, stored?.etag))) {
    return { problem: `${feed} ${windowId(window)} was changed just now; try again` }
  }
  await services.queue.send({ feed, window: windowId(window), attempt: landing.attempt })
  return { attempt: landing.attempt, archive: archived.archive }
}

/** A feed that was refused its table stands in the ledger with it all the same, also when nobody owns the table any more. */
async function foreignTable({ ledger }: Services, { name, table }: Feed): Promise<string | undefined> {
  const owner = (await ledger.readApp<TableRow>(tableRowKey(table)))?.value.feed
  if (owner === name) return undefined
  if (owner !== undefined) return `table ${table} belongs to feed ${owner}`
  return `table ${table} belongs to no feed yet: put feed ${name} in feeds.json and wait for a tick`
}

/** A window of the ledger may be landed over; a new one must be cut at the grain and overlap none. */
function misplaced(feed: Feed, window: Window, entries: readonly LedgerEntry[]): string | undefined {
  const same = entries.find((entry) => windowId(entry.window) === windowId(window))
  if (same) {
    const idle = same.state === 'landed' || same.state === 'failed'
    return idle ? undefined : `is ${same.state}: only what is landed or failed can be landed over`
  }
  const overlaps = entries.find((entry) => entry.window.from < window.to && window.from < entry.window.to)
  if (overlaps) return `overlaps the window ${windowId(overlaps.window)}`
  const { grain } = feed
  const aligned =
    !grain || [window.from, window.to].every((at) => alignDown(at, GRAIN[grain]).getTime() === at.getTime())
  return aligned ? undefined : `is not cut at a ${grain}, the grain of ${feed.dataset}`
}

async function archiveFile(
  { archive, newId, clock }: Services,
  { feed }: FeedRow,
  window: Window,
  stored: Stored<LedgerEntry> | undefined,
  { name, bytes }: ImportFile,
): Promise<{ archive: string; executionId: string }> {
  const attempt = (stored?.value.attempt ?? 0) + 1
  const hash = createHash('sha256')
  let first: Buffer | undefined
  for await (const chunk of bytes()) {
    first ??= chunk
    hash.update(chunk)
  }
  // The name holds the hash: an import that was cut off and repeated with another file never meets the first one.
  const executionId = `import-${hash.digest('hex').slice(0, 12)}`
  const format = { tsv: /\.tsv(\.gz)?$/i.test(name), gzip: first?.[0] === 0x1f && first[1] === 0x8b }
  const blob = archiveName({ feed: feed.name, window: windowId(window), attempt }, executionId, format)
  const writer = archive.write(blob, { reportId: 'import', attempt, requestedAt: clock(), nonce: newId() })
  for await (const chunk of bytes()) await writer.append(chunk)
  await writer.commit()
  return { archive: blob, executionId }
}
