import { isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type AuditedRow, auditedRowKey, type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import { isNamed } from '../../core/ledger/drop.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { isTableAuditDue } from '../../core/plan/audit.ts'
import { dayOf, generationAt, type Place } from '../../core/report/generation.ts'
import { MINUTE_MS } from '../../core/time/durations.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import { readableFeeds } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { auditFiles } from './audit-files.ts'

/** One sweep audits for so long; the next one goes on. */
const BUDGET_MS = 2 * MINUTE_MS

type TableOf = Pick<Feed, 'name' | 'table'>
type Audit = Pick<Services, 'ledger' | 'landingTable' | 'clock'>

/**
 * Once a week, for every feed that the app has seen: drops the rows in its table, and removes its files, that no entry names.
 * They were left by a write that came too late, or by an entry that a person deleted. The first audit is a week after the app
 * first saw the feed, so that a ledger that was lost can be brought back before its rows go.
 */
export async function auditTables(services: Services, app: AppRows): Promise<void> {
  const { clock } = services
  const until = new Date(clock().getTime() + BUDGET_MS)
  for (const row of readableFeeds(app)) {
    if (clock() >= until) return
    await auditTable(services, app, row, until)
  }
}

async function auditTable(services: Services, app: AppRows, { feed, since }: FeedOutline, until: Date): Promise<void> {
  const { ledger, clock } = services
  const stored = app.get(auditedRowKey(feed.name))
  const audited = (stored?.value ?? { at: since }) as AuditedRow
  if (!isTableAuditDue(audited, clock())) return
  const owner = await ledger.readApp<TableRow>(tableRowKey(feed.table))
  // A feed may name the table of another one, whose rows its own entries do not name.
  if (owner?.value.feed !== feed.name) return
  const after = await walk(services, feed, audited.after ?? '', until)
  if (after === undefined) await auditFiles(services, feed)
  const next = after === undefined ? { at: clock().toISOString() } : { at: audited.at, after }
  await ledger.writeApp(auditedRowKey(feed.name), next, stored?.etag)
}

/**
 * Walks a table from generation to generation. Gives the key to go on after: the time was over, or the table did not
 * answer. Partitions that are not ours are stepped over.
 */
export async function walk(services: Audit, feed: TableOf, start: string, until: Date): Promise<string | undefined> {
  const { landingTable, clock } = services
  const table = landingTable(feed.table)
  let after = start
  do {
    const partition = await table.partitionAfter(after)
    if (isFailure(partition)) return after
    if (partition === undefined) return undefined
    const place = generationAt(partition)
    if (place) await auditGeneration(services, feed, place)
    after = place?.keyTo ?? partition
  } while (clock() < until)
  return after
}

/**
 * The ledger is read after the rows were seen: an entry names a generation before its first row is written, and whatever
 * ends that adds a drop. So a landing that begins meanwhile is safe, and where there is a drop already, none is added.
 */
async function auditGeneration({ ledger, clock }: Audit, { name, table }: TableOf, place: Place): Promise<void> {
  if (isNamed(place.generation, await ledger.entriesOn(name, dayOf(place)))) return
  await ledger.writeDrop({ ...place, feed: name, table, wakeAt: clock() }, undefined)
}
