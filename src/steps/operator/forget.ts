import { isFailure } from '../../core/failures.ts'
import type { Problem } from '../../core/problems.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import type { Scanned } from '../../services/storage/ledger.ts'
import { findTypedFeed } from '../ledger/feed-row.ts'
import { removeEntry } from '../ledger/remove-entry.ts'
import type { Services } from '../services.ts'
import { changedJustNow } from './own-attempt.ts'

export type Forgotten = { readonly forgotten: true }

/**
 * Takes a window out of the ledger, so that it is asked for anew: no reader sees its rows from that moment on, and ingest
 * deletes them. An entry that cannot be read can be forgotten too; the weekly look at the table finds its rows. A window
 * that is being landed is refused.
 */
export async function forget(services: Services, feed: string, window: Window): Promise<Forgotten | Problem> {
  const id = windowId(window)
  const row = await findTypedFeed(services, feed)
  if ('problem' in row) return row
  const found = await findEntry(services, feed, id)
  if (!found) return { problem: `${feed} ${id} has no entry: there is nothing to forget` }
  const entry = isFailure(found.value) ? undefined : found.value
  if (entry?.state === 'landing') return { problem: `${feed} ${id} is landing: wait until it is landed or failed` }
  const isRemoved = await removeEntry(services, row, { window, etag: found.etag, entry })
  return isRemoved ? { forgotten: true } : { problem: changedJustNow(feed, id) }
}

async function findEntry({ ledger }: Services, feed: string, id: string): Promise<Scanned | undefined> {
  for await (const each of ledger.scan(feed)) {
    if (each.window && windowId(each.window) === id) return each
  }
  return undefined
}
