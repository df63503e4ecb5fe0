import { letGoOfAll } from '../../core/ledger/drop.ts'
import { type FeedOutline, withoutAcceptedGap } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { type PlanRow, withoutWindow, withRemovedAttempt } from '../../core/ledger/plan-row.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import type { Services } from '../services.ts'
import { readOrMakePlan } from './audit-feed.ts'
import { changeFeedRow } from './feed-row.ts'

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
  const attempt = entry?.attempt ?? (await lastArchived(services, feed, window))
  await changePlan(services, row, (plan) => withRemovedAttempt(plan, attempt))
  if (!(await ledger.remove({ feed, window }, etag))) return false
  // If this ends here, the next audits drop the rows and free the time. Until it is free, nobody asks for the window.
  const drops = entry ? letGoOfAll(entry, row.feed.table, clock()) : []
  for (const drop of drops) await ledger.writeDrop(drop, undefined)
  await changeFeedRow(services, feed, (each) => withoutAcceptedGap(each, windowId(window)))
  await freeTime(services, row, window)
  return true
}

/** The newest attempt that left a file: of an entry that cannot be read, nobody knows more. No number is used twice. */
async function lastArchived({ archive }: Services, feed: string, window: Window): Promise<number> {
  let last = 0
  for await (const { attempt } of archive.names(feed, windowId(window))) last = Math.max(last, attempt)
  return last
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
