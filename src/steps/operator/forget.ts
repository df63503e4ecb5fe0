import { isFailure } from '../../core/failures.ts'
import { letGoOfAll } from '../../core/ledger/drop.ts'
import { type FeedOutline, withoutAcceptedGap } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { type PlanRow, withoutWindow, withRemovedAttempt } from '../../core/ledger/plan-row.ts'
import type { Problem } from '../../core/problems.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import type { Scanned } from '../../services/storage/ledger.ts'
import { changeFeedRow, findFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { changedJustNow, readOrMakePlan } from './own-attempt.ts'

export type Forgotten = { readonly forgotten: true }

/**
 * Takes a window out of the ledger, so that it is asked for anew: no reader sees its rows from that moment on, and ingest
 * deletes them. An entry that cannot be read can be forgotten too; the weekly look at the table finds its rows. A window
 * that is being landed is refused.
 */
export async function forget(services: Services, feed: string, window: Window): Promise<Forgotten | Problem> {
  const id = windowId(window)
  const row = await findFeed(services, feed)
  if ('problem' in row) return row
  const found = await findEntry(services, feed, id)
  if (!found) return { problem: `${feed} ${id} has no entry: there is nothing to forget` }
  const entry = isFailure(found.value) ? undefined : found.value
  if (entry?.state === 'landing') return { problem: `${feed} ${id} is landing: wait until it is landed or failed` }
  const isRemoved = await removeEntry(services, row, { window, etag: found.etag, entry })
  return isRemoved ? { forgotten: true } : { problem: changedJustNow(feed, id) }
}

/** An entry as it was read under an ETag; absent where it cannot be read. */
export type FoundEntry = { readonly window: Window; readonly etag: string; readonly entry: LedgerEntry | undefined }

/** Takes an entry out of the ledger and frees its time; false where somebody else changed it meanwhile. */
export async function removeEntry(
  services: Services,
  row: FeedOutline,
  { window, etag, entry }: FoundEntry,
): Promise<boolean> {
  const { ledger, clock } = services
  const feed = row.feed.name
  const { attempt } = entry ?? { attempt: 0 }
  await changePlan(services, row, (plan) => withRemovedAttempt(plan, attempt))
  if (!(await ledger.remove({ feed, window }, etag))) return false
  // If this ends here, the next audits drop the rows and free the time. Until it is free, nobody asks for the window.
  const drops = entry ? letGoOfAll(entry, row.feed.table, clock()) : []
  for (const drop of drops) await ledger.writeDrop(drop, undefined)
  await changeFeedRow(services, feed, (each) => withoutAcceptedGap(each, windowId(window)))
  await freeTime(services, row, window)
  return true
}

/**
 * Frees the time of the removed entry, unless an audit did so meanwhile and another entry takes a part of it by now. The
 * plan is read first: an entry that is created after the look at the entries makes the write fail.
 */
async function freeTime(services: Services, row: FeedOutline, window: Window): Promise<void> {
  const plan = await readOrMakePlan(services, row)
  if (plan && (await hasEntryIn(services, row.feed.name, window))) return
  const written = plan && (await services.ledger.writePlan(withoutWindow(plan.value, window), plan.etag))
  if (!written) await freeTime(services, row, window)
}

async function hasEntryIn({ ledger }: Services, feed: string, { from, to }: Window): Promise<boolean> {
  for await (const { window } of ledger.scan(feed)) {
    if (window && window.from < to && from < window.to) return true
  }
  return false
}

/** Changes the plan row of a feed; reads it again where another writer was faster. */
async function changePlan(services: Services, row: FeedOutline, change: (plan: PlanRow) => PlanRow): Promise<void> {
  const plan = await readOrMakePlan(services, row)
  const written = plan && (await services.ledger.writePlan(change(plan.value), plan.etag))
  if (!written) await changePlan(services, row, change)
}

async function findEntry({ ledger }: Services, feed: string, id: string): Promise<Scanned | undefined> {
  for await (const each of ledger.scan(feed)) {
    if (each.window && windowId(each.window) === id) return each
  }
  return undefined
}
