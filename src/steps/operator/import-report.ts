import { createHash } from 'node:crypto'
import { CATALOG, columnKeyOf, findDataset } from '../../core/catalog.ts'
import { isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { nextAttempt } from '../../core/ledger/transitions.ts'
import { whyNotOver } from '../../core/plan/own-window.ts'
import type { Problem } from '../../core/problems.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { landingHash } from '../../core/report/lander.ts'
import { selectedColumns } from '../../core/report/no-report.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { isGzip } from '../../services/gzip.ts'
import { archiveName } from '../../services/storage/archive.ts'
import { erasingWriter } from '../../services/storage/erasing.ts'
import { openReport } from '../../services/storage/report-records.ts'
import { findEraser } from '../ledger/erasures.ts'
import { findTypedFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { IMPORTED, landArchive, openOwnWindow } from './own-attempt.ts'
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
  const row = await findTypedFeed(services, feed)
  if ('problem' in row) return row
  const refused = await foreignTable(services, row.feed)
  if (refused !== undefined) return { problem: refused }
  const notOver = whyNotOver(window, services.clock())
  if (notOver !== undefined) return { problem: `${feed} ${windowId(window)} ${notOver}` }
  const own = await openOwnWindow(services, row, window)
  if ('problem' in own) return own
  const { archive, executionId } = await archiveFile(services, row, window, nextAttempt(own.from), file)
  const landed = await landArchive(services, row, own, {
    queryId: row.query?.queryId ?? '',
    asked: row.form,
    requestedAt: services.clock(),
    reportId: IMPORTED,
    executionId,
    origin: 'import',
    hash: landingHash(row.feed),
    archive,
    generation: newGeneration(services.newId),
  })
  return 'problem' in landed ? landed : { ...landed, archive }
}

/**
 * Gives the columns that the query of a feed selects and an imported file lacks, by the header of its archive. None where only
 * the service knows what the query selects, or where the archive is gone by now.
 */
export async function columnsLacked(services: Services, feed: string, archived: string): Promise<readonly string[]> {
  const { archive } = services
  const [row, blob] = [await findTypedFeed(services, feed), await archive.find(archived)]
  if ('problem' in row || !blob) return []
  const report = await openReport(archive, blob, feed, { verify: false })
  if (isFailure(report)) return []
  const { feed: fields, query } = row
  // The query may still be that of an earlier form of the feed.
  const asked = query?.hash === fields.hash ? query.columns : undefined
  const keyOf = columnKeyOf(findDataset(CATALOG, fields.dataset))
  const found = new Set(report.header.map(keyOf))
  return selectedColumns(fields, asked).filter((name) => !found.has(keyOf(name)))
}

/** Says why a feed may not land in its table. A feed that was refused its table has it in its row all the same. */
async function foreignTable({ ledger }: Services, { name, table }: Feed): Promise<string | undefined> {
  const owner = (await ledger.readApp<TableRow>(tableRowKey(table)))?.value.feed
  if (owner === name) return undefined
  if (owner !== undefined) return `table ${table} belongs to feed ${owner}`
  return `table ${table} belongs to no feed yet: put feed ${name} in feeds.json and wait for a tick`
}

async function archiveFile(
  { archive, ledger, newId, clock }: Services,
  row: FeedRow,
  window: Window,
  attempt: number,
  { name, bytes }: ImportFile,
): Promise<{ archive: string; executionId: string }> {
  const { feed } = row
  const hash = createHash('sha256')
  let head: Buffer = Buffer.alloc(0)
  for await (const chunk of bytes()) {
    if (head.length < 2) head = Buffer.concat([head, chunk])
    hash.update(chunk)
  }
  // The name contains the hash, so a repeated import of another file does not meet what an interrupted one left.
  const executionId = `import-${hash.digest('hex').slice(0, 12)}`
  const format = { tsv: /\.tsv(\.gz)?$/i.test(name), gzip: isGzip(head) }
  const blob = archiveName({ feed: feed.name, window: windowId(window), attempt }, executionId, format)
  const eraser = await findEraser({ ledger }, row)
  const origin = { asked: row.form, reportId: IMPORTED, attempt, requestedAt: clock(), nonce: newId() }
  const plain = archive.write(blob, origin)
  const writer = eraser ? erasingWriter(plain, eraser) : plain
  for await (const chunk of bytes()) await writer.append(chunk)
  await writer.commit()
  return { archive: blob, executionId }
}
