import { createHash } from 'node:crypto'
import { isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { feedRowKey, type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { toReplayed } from '../../core/ledger/transitions.ts'
import { laneOf, whyNotImported } from '../../core/plan/due-windows.ts'
import type { Problem } from '../../core/problems.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { archiveName } from '../../services/storage/archive.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import { readKnownFeed } from '../ledger/feed-row.ts'
import { messageOf } from '../ledger/job.ts'
import type { Services } from '../services.ts'
import type { Replayed } from './replay.ts'

/** A file with the rows of a window. It is read twice, so `bytes` starts from the beginning each time. */
export type ImportFile = { readonly name: string; readonly bytes: () => AsyncIterable<Buffer> }

/** Lands a file as the next attempt of a window, as every report lands. Its rows have the `_reportId` `import`. */
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
  const { entries } = await readKnownFeed(services, row)
  const problem = whyNotImported(row.feed, window, entries)
  if (problem) return { problem: `${feed} ${windowId(window)} ${problem}` }
  const stored = await ledger.read(feed, windowId(window))
  if (stored && isFailure(stored)) return { problem: stored.message }
  const archived = await archiveFile(services, row, window, stored, file)
  const lane = laneOf(window, new Date(row.since))
  const report = {
    queryId: row.query?.queryId ?? '',
    requestedAt: clock(),
    reportId: 'import',
    executionId: archived.executionId,
    origin: 'import' as const,
    hash: row.feed.hash,
    archive: archived.archive,
    generation: newGeneration(services.newId),
  }
  const landing = toReplayed(stored?.value, { feed, window, lane }, report, clock())
  if (!(await ledger.write(landing, stored?.etag))) {
    return { problem: `${feed} ${windowId(window)} was changed just now; try again` }
  }
  await services.queue.send(messageOf(landing))
  return { attempt: landing.attempt, archive: archived.archive }
}

/** Says why a feed may not land in its table. A feed that was refused its table has it in its row all the same. */
async function foreignTable({ ledger }: Services, { name, table }: Feed): Promise<string | undefined> {
  const owner = (await ledger.readApp<TableRow>(tableRowKey(table)))?.value.feed
  if (owner === name) return undefined
  if (owner !== undefined) return `table ${table} belongs to feed ${owner}`
  return `table ${table} belongs to no feed yet: put feed ${name} in feeds.json and wait for a tick`
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
  // The name contains the hash, so a repeated import of another file does not meet what an interrupted one left.
  const executionId = `import-${hash.digest('hex').slice(0, 12)}`
  const format = { tsv: /\.tsv(\.gz)?$/i.test(name), gzip: first?.[0] === 0x1f && first[1] === 0x8b }
  const blob = archiveName({ feed: feed.name, window: windowId(window), attempt }, executionId, format)
  const writer = archive.write(blob, { reportId: 'import', attempt, requestedAt: clock(), nonce: newId() })
  for await (const chunk of bytes()) await writer.append(chunk)
  await writer.commit()
  return { archive: blob, executionId }
}
