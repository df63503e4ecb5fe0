import { isFailure } from '../../core/failures.ts'
import { type KeptRow, keptRowKey } from '../../core/ledger/app-rows.ts'
import { dropOfBlobs, letGo, withBlobs } from '../../core/ledger/drop.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { isOpen, isPublished, isRemoved, type LedgerEntry, standingRows } from '../../core/ledger/ledger.ts'
import { toRemoved } from '../../core/ledger/transitions.ts'
import { dueLook, keptSince } from '../../core/plan/keep.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { MINUTE_MS } from '../../core/time/durations.ts'
import type { AppRows, Scanned, Stored } from '../../services/storage/ledger.ts'
import { readableFeeds } from '../ledger/feed-row.ts'
import { subjectOf } from '../ledger/job.ts'
import { removeEntry } from '../ledger/remove-entry.ts'
import type { Services } from '../services.ts'

/** One sweep removes for so long; the next one goes on. */
const BUDGET_MS = 2 * MINUTE_MS

/**
 * Once a day, for every feed that the app has seen, also one that left feeds.json: removes the windows that were older than the
 * feed keeps when it was looked at before. A window that landed stays in the ledger with its figures; one that never landed is
 * forgotten. A window with an attempt under way waits for its end.
 */
export async function removeOld(services: Services, app: AppRows): Promise<void> {
  const { clock, ledger } = services
  const until = new Date(clock().getTime() + BUDGET_MS)
  for (const row of readableFeeds(app)) {
    const stored = app.get(keptRowKey(row.feed.name))
    const look = row.feed.keep && dueLook(stored?.value as KeptRow | undefined, clock())
    if (!look) continue
    const since = look.by && keptSince(row.feed, look.by)
    if (since && !(await removeOldOf(services, row, since, until))) return
    await ledger.writeApp<KeptRow>(keptRowKey(row.feed.name), { at: clock().toISOString() }, stored?.etag)
  }
}

/** False where the time was over before all was looked at. */
async function removeOldOf(services: Services, row: FeedOutline, since: Date, until: Date): Promise<boolean> {
  for await (const found of services.ledger.scan(row.feed.name)) {
    // They are in the order of their windows.
    if (found.window && found.window.from >= since) return true
    if (services.clock() >= until) return false
    if (found.window && found.window.to <= since) await removeOne(services, row, found)
  }
  return true
}

/** An entry that cannot be read is told by the audit, and stays. */
async function removeOne(services: Services, row: FeedOutline, { value, etag }: Scanned): Promise<void> {
  if (isFailure(value) || isOpen(value) || (value.state === 'landed' && isRemoved(value))) return
  const rows = standingRows(value)
  const isGone = isPublished(value)
    ? await unpublish(services, row, { value, etag })
    : await forgetUnlanded(services, row, { value, etag })
  if (isGone) services.emit({ event: 'window.removed', ...subjectOf(value), count: rows })
}

/** One write takes the rows from every reader, and lets them and the files go. */
async function unpublish({ ledger, clock, newId }: Services, row: FeedOutline, { value, etag }: Stored<LedgerEntry>) {
  const { figures } = value
  if (!figures) return false
  const { table } = row.feed
  const now = clock()
  // What was removed before, and failed since, has no rows to drop.
  const next = toRemoved(value, figures, figures.removedAt ?? now)
  const drops = withBlobs(letGo(value, next, table, now), value)
  const others =
    drops.length > 0 ? drops : [dropOfBlobs(value, value.attempt, { table, fresh: newGeneration(newId), now })]
  return (await ledger.write(next, etag, { drops: others })) !== undefined
}

/** The files are let go first: without the entry nobody would look for them any more. */
async function forgetUnlanded(services: Services, row: FeedOutline, { value, etag }: Stored<LedgerEntry>) {
  const { ledger, clock, newId } = services
  const fresh = newGeneration(newId)
  await ledger.writeDrop(dropOfBlobs(value, value.attempt, { table: row.feed.table, fresh, now: clock() }), undefined)
  return removeEntry(services, row, { window: value.window, etag, entry: value })
}
