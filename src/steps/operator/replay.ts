import { lastArchive } from '../../core/ledger/ledger.ts'
import type { Problem } from '../../core/problems.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { findTypedFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { landArchive, openOwnWindow, sourceIn } from './own-attempt.ts'

export type Replayed = { readonly attempt: number; readonly archive: string }

/**
 * Lands a window again, as its next attempt, from the archive that the ledger names: of its failed attempt, or else of its
 * published landing; `wanted` names another. The entry waits in `landing` without an owner, and a message makes ingest take
 * it. Only a window that is `landed` or `failed`, or that has no entry, can be replayed.
 */
export async function replay(
  services: Services,
  feed: string,
  window: Window,
  wanted?: string,
): Promise<Replayed | Problem> {
  const id = windowId(window)
  const row = await findTypedFeed(services, feed)
  if ('problem' in row) return row
  const own = await openOwnWindow(services, row, window)
  if ('problem' in own) return own
  const all = await services.archive.list(feed, id)
  const entry = 'state' in own.from ? own.from : undefined
  const named = wanted ?? (entry && lastArchive(entry)?.archive)
  if (named === undefined && all.length > 0) {
    const names = all.map(({ name }) => name).join(', ')
    return { problem: `${feed} ${id}: the ledger names no archive; choose one with --archive: ${names}` }
  }
  const archived = all.find(({ name }) => name === named)
  if (!archived) return { problem: `${feed} ${id} has no archive: ask for its report again with retry` }
  const landed = await landArchive(services, row, own, sourceIn(row, archived, entry, services.newId))
  return 'problem' in landed ? landed : { ...landed, archive: archived.name }
}
