import { failed, isFailure } from '../../core/failures.ts'
import { type KeptRow, keptRowKey } from '../../core/ledger/app-rows.ts'
import { letGo, withBlobs } from '../../core/ledger/drop.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { isOpen, isPublished, isRemoved, type LedgerEntry, standingRows } from '../../core/ledger/ledger.ts'
import { toRemoved } from '../../core/ledger/transitions.ts'
import { dueRemoval, isPastKeep } from '../../core/plan/keep.ts'
import { DAY_MS, MINUTE_MS } from '../../core/time/durations.ts'
import { parseWindowId, windowId } from '../../core/time/window.ts'
import type { BlobName } from '../../services/storage/archive.ts'
import { statusOf } from '../../services/storage/errors.ts'
import type { AppRows, Scanned, Stored } from '../../services/storage/ledger.ts'
import { dropOfFiles } from '../ledger/drop-of-files.ts'
import { findFeed, readableFeeds } from '../ledger/feed-row.ts'
import { subjectOf } from '../ledger/job.ts'
import { removeEntry } from '../ledger/remove-entry.ts'
import type { Services } from '../services.ts'
import { removeFile, tellNotRemoved } from './remove-file.ts'

/** One sweep removes for so long; the next one goes on. */
const BUDGET_MS = 2 * MINUTE_MS

/**
 * Once a day, for every feed that the app has seen, also one that left feeds.json: removes the windows that were older than the
 * feed keeps when it was looked at before. A window that landed stays in the ledger with its figures; one that never landed is
 * forgotten. A window with an attempt under way waits for its end.
 */
export async function removeOld(services: Services, app: AppRows): Promise<void> {
  const { clock } = services
  const until = clock().getTime() + BUDGET_MS
  const due = readableFeeds(app).filter((row) => isDue(app, row, clock()))
  for (const [nth, { feed }] of due.entries()) {
    // Each has the same share, and what one leaves the others have: no feed waits for another one to be done.
    const share = (until - clock().getTime()) / (due.length - nth)
    await removeOldOfFeed(services, app, feed.name, share)
  }
}

const keptRow = (app: AppRows, feed: string) => app.get(keptRowKey(feed)) as Stored<KeptRow | undefined> | undefined

function isDue(app: AppRows, { feed }: FeedOutline, now: Date): boolean {
  const before = keptRow(app, feed.name)
  return feed.keep ? dueRemoval(feed, before?.value, now) !== undefined : before !== undefined
}

async function removeOldOfFeed(services: Services, app: AppRows, name: string, share: number): Promise<void> {
  const { clock, ledger } = services
  const before = keptRow(app, name)
  // The sweep may have read it minutes ago.
  const row = await findFeed(services, name)
  if ('problem' in row) return
  const { keep } = row.feed
  // A feed that keeps everything for a while begins anew with what it was seen to keep.
  if (!keep && before) await ledger.removeApp(keptRowKey(name), before.etag)
  const due = dueRemoval(row.feed, before?.value, clock())
  if (!keep || !due) return
  if (due.since && !(await removeBefore(services, row, due.since, share))) return
  await ledger.writeApp<KeptRow>(keptRowKey(name), { at: clock().toISOString(), keep }, before?.etag)
}

/** False where the time was over before all was looked at. What the storage refuses is told, and looked at again a day later. */
async function removeBefore(services: Services, row: FeedOutline, since: Date, share: number): Promise<boolean> {
  const now = services.clock().getTime()
  try {
    // However many files there are, the windows have half of the time.
    const filesAreDone = await removeLoneFiles(services, row, since, new Date(now + share / 2))
    return (await removeWindows(services, row, since, new Date(now + share))) && filesAreDone
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    const message = `feed ${row.feed.name}: what is older than it keeps cannot be removed (${status})`
    await tellNotRemoved(services, row.feed.name, failed('storage', message))
    return true
  }
}

/** False where the time was over before all was looked at. */
async function removeWindows(services: Services, row: FeedOutline, since: Date, until: Date): Promise<boolean> {
  for await (const found of services.ledger.scan(row.feed.name)) {
    // They are in the order of their windows.
    if (found.window && found.window.from >= since) return true
    if (services.clock() >= until) return false
    if (found.window && found.window.to <= since) await removeOne(services, row, found)
  }
  return true
}

/**
 * Removes the files of windows of which nothing else is left: they were forgotten, or a late owner wrote these. The others go
 * with their entries. False where the time was over.
 */
async function removeLoneFiles(services: Services, row: FeedOutline, since: Date, until: Date) {
  const { archive, ledger, clock } = services
  const feed = row.feed.name
  let last: { readonly window: string; readonly isEmpty: boolean } | undefined
  for await (const blob of archive.names(feed)) {
    const window = parseWindowId(blob.window)
    // They are in the order of their windows, too.
    if (window && window.from >= since) return true
    if (clock() >= until) return false
    if (!window || window.to > since) continue
    if (last?.window !== blob.window) {
      const stored = await ledger.read(feed, windowId(window))
      last = { window: blob.window, isEmpty: !stored || (!isFailure(stored) && isDone(stored.value)) }
    }
    if (last.isEmpty && !isNew(blob, clock())) await removeFile(services, feed, blob.name)
  }
  return true
}

/** Whoever imports a file brings it first, and writes the entry then. */
function isNew({ requestedAt }: BlobName, now: Date): boolean {
  return requestedAt !== undefined && Math.abs(now.getTime() - requestedAt.getTime()) < DAY_MS
}

/** Whether a window is past what the feed keeps at this moment: somebody may have changed it while this sweep runs. */
async function isStillPast(services: Services, { feed, window }: LedgerEntry): Promise<boolean> {
  const row = await findFeed(services, feed)
  return !('problem' in row) && isPastKeep(row.feed, window, services.clock())
}

const isDone = (entry: LedgerEntry) => entry.state === 'landed' && isRemoved(entry)

/** An entry that cannot be read is told by the audit, and stays. */
async function removeOne(services: Services, row: FeedOutline, { value, etag }: Scanned): Promise<void> {
  if (isFailure(value) || isOpen(value) || isDone(value)) return
  if (!(await isStillPast(services, value))) return
  const rows = standingRows(value)
  const isGone = isPublished(value)
    ? await unpublish(services, row, { value, etag })
    : await forgetUnlanded(services, row, { value, etag })
  if (isGone) services.emit({ event: 'window.removed', ...subjectOf(value), count: rows })
}

/** One write takes the rows from every reader, and lets them and the files go. */
async function unpublish(services: Services, row: FeedOutline, { value, etag }: Stored<LedgerEntry>) {
  const { figures } = value
  if (!figures) return false
  const now = services.clock()
  // What was removed before, and failed since, has no rows to drop.
  const next = toRemoved(value, figures, figures.removedAt ?? now)
  const ofRows = letGo(value, next, row.feed.table, now)
  const drops =
    ofRows.length > 0 ? withBlobs(ofRows, value) : [dropOfFiles(services, row, value, { upTo: value.attempt })]
  return (await services.ledger.write(next, etag, { drops })) !== undefined
}

/** The files are let go first: without the entry nobody would look for them any more. */
async function forgetUnlanded(services: Services, row: FeedOutline, { value, etag }: Stored<LedgerEntry>) {
  await services.ledger.writeDrop(dropOfFiles(services, row, value, { upTo: value.attempt }), undefined)
  return removeEntry(services, row, { window: value.window, etag, entry: value })
}
