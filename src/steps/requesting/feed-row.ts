import { FAILURES, type Failure } from '../../core/failures.ts'
import { type FeedRow, feedRowKey } from '../../core/ledger/app-rows.ts'
import type { Services } from '../services.ts'

/** Changes a feed's row; who loses the ETag looks again. Gives the row as it was, or undefined where there is none. */
export async function changeFeedRow(
  { ledger }: Pick<Services, 'ledger'>,
  feed: string,
  change: (row: FeedRow) => FeedRow,
): Promise<FeedRow | undefined> {
  const stored = await ledger.readApp<FeedRow>(feedRowKey(feed))
  if (!stored) return undefined
  const written = await ledger.writeApp(feedRowKey(feed), change(stored.value), stored.etag)
  return written ? stored.value : changeFeedRow({ ledger }, feed, change)
}

/** The feed names a table that belongs to another: only feeds.json ends this block, whatever its windows do. */
export function isTaken({ blocked }: FeedRow): boolean {
  return blocked?.kind === 'table-taken'
}

/**
 * Nothing new is asked for a blocked feed; a further failure moves the day of its next try. Without `anew` a feed that
 * is not blocked stays so.
 */
export async function block(
  services: Services,
  feed: string,
  { kind, message }: Failure,
  anew: boolean,
): Promise<void> {
  const blocked = { kind, message, at: services.clock().toISOString() }
  const applies = (row: FeedRow) => (anew || row.blocked !== undefined) && !isTaken(row)
  const before = await changeFeedRow(services, feed, (row) => (applies(row) ? { ...row, blocked } : row))
  if (!before || before.blocked || !anew) return
  services.emit({ event: 'feed.blocked', feed, kind, message, remedy: FAILURES[kind].remedy })
}

/** The feed landed again: what held it back is gone, unless it is a table that belongs to another feed. */
export async function unblock(services: Services, feed: string): Promise<void> {
  const isMended = (row: FeedRow) => row.blocked !== undefined && !isTaken(row)
  const free = ({ blocked: _, ...row }: FeedRow): FeedRow => row
  const before = await changeFeedRow(services, feed, (row) => (isMended(row) ? free(row) : row))
  if (before && isMended(before)) services.emit({ event: 'feed.unblocked', feed })
}

/** Says once, not at every tick, what keeps a feed from being asked for; `status` shows it until it is gone. */
export async function noteTrouble(services: Services, feed: string, { kind, message }: Failure): Promise<void> {
  const trouble = { kind, message, at: services.clock().toISOString() }
  const before = await services.ledger.readApp<FeedRow>(feedRowKey(feed))
  if (before?.value.trouble?.kind === kind) return
  await changeFeedRow(services, feed, (row) => ({ ...row, trouble }))
  services.emit({ event: 'feed.stale', feed, kind, message, remedy: FAILURES[kind].remedy })
}

/** Says once which columns the files of a feed hold that nobody named. */
export async function noteDrift(services: Services, feed: string, columns: readonly string[]): Promise<void> {
  const drift = columns.toSorted()
  const same = (row: FeedRow) => JSON.stringify(row.drift ?? []) === JSON.stringify(drift)
  const before = await services.ledger.readApp<FeedRow>(feedRowKey(feed))
  if (!before || same(before.value)) return
  await changeFeedRow(services, feed, (row) => ({ ...row, drift }))
  if (drift.length > 0)
    services.emit({ event: 'feed.drift', feed, message: `columns that nobody named: ${drift.join(', ')}` })
}
