import { isFailure } from '../../core/failures.ts'
import { type FeedRow, withPurge } from '../../core/ledger/feed-row.ts'
import { standingRows } from '../../core/ledger/ledger.ts'
import type { Problem } from '../../core/problems.ts'
import { windowId } from '../../core/time/window.ts'
import { changeFeedRow, findTypedFeed } from '../ledger/feed-row.ts'
import { removeEntry } from '../ledger/remove-entry.ts'
import type { Services } from '../services.ts'

/** What a feed has: windows in the ledger, the rows that readers see, and files in the archive. */
export type Holdings = { readonly windows: number; readonly rows: number; readonly files: number }

/** Says what would be purged of a feed, and changes nothing. */
export async function findHoldings(services: Services, feed: string): Promise<Holdings | Problem> {
  const row = await mayPurge(services, feed)
  return 'problem' in row ? row : count(services, feed)
}

/**
 * Purges a feed that asks for nothing: from now on no reader sees its rows, its files go at once, and the sweep removes its rows
 * and finally all that the ledger knows of it, so that its table and name are free. Whatever ends this in the middle, it can be
 * repeated. What was erased stays remembered.
 */
export async function purge(services: Services, feed: string): Promise<Holdings | Problem> {
  const row = await mayPurge(services, feed)
  if ('problem' in row) return row
  const held = await count(services, feed)
  const now = services.clock()
  // Nobody lands anything in a feed that is being purged, so what is removed from here on does not come back.
  await changeFeedRow(services, feed, (each) => withPurge(each, now))
  const problem = await removeEntries(services, row)
  if (problem) return problem
  return (await removeFiles(services, feed)) ?? held
}

/** Says why a feed may not be purged: what is asked for anew at the next tick would only come back. */
async function mayPurge(services: Services, feed: string): Promise<FeedRow | Problem> {
  const row = await findTypedFeed(services, feed)
  if ('problem' in row) return row
  if (row.feed.enabled) {
    const first = 'take it out of feeds.json or set "enabled" to false, push the file, and wait for the next tick'
    return { problem: `feed ${feed} is asked for: ${first}` }
  }
  for await (const { value, window } of services.ledger.scan(feed)) {
    if (!isFailure(value) && value.state === 'landing' && window) {
      return { problem: `${feed} ${windowId(window)} is landing: wait until it is landed or failed, and purge again` }
    }
  }
  return row
}

async function count({ ledger, archive }: Services, feed: string): Promise<Holdings> {
  let [windows, rows, files] = [0, 0, 0]
  for await (const { value } of ledger.scan(feed)) {
    windows++
    if (!isFailure(value)) rows += standingRows(value)
  }
  for await (const _ of archive.names(feed)) files++
  return { windows, rows, files }
}

/** A file that stays keeps no other. The sweep tries it again. */
async function removeFiles({ archive }: Services, feed: string): Promise<Problem | undefined> {
  let first: Problem | undefined
  for await (const { name } of archive.names(feed)) {
    const refused = await archive.remove(name)
    if (refused) first ??= { problem: `${refused.message}; the sweep tries again` }
  }
  return first
}

/** An entry that cannot be read goes too: the last look at the table finds its rows. */
async function removeEntries(services: Services, row: FeedRow): Promise<Problem | undefined> {
  for await (const { value, etag, window } of services.ledger.scan(row.feed.name)) {
    if (!window) continue
    const entry = isFailure(value) ? undefined : value
    const isGone = entry?.state !== 'landing' && (await removeEntry(services, row, { window, etag, entry }))
    if (!isGone) return { problem: `${row.feed.name} ${windowId(window)} was changed just now; purge again` }
  }
  return undefined
}
