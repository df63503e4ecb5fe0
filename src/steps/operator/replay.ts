import { askedOf, lastArchive } from '../../core/ledger/ledger.ts'
import type { Problem } from '../../core/problems.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { landingHash } from '../../core/report/lander.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { findTypedFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { IMPORTED, landArchive, openOwnWindow, UNKNOWN } from './own-attempt.ts'

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
  const last = 'state' in own.from ? lastArchive(own.from) : undefined
  const named = wanted ?? last?.archive
  if (named === undefined && all.length > 0) {
    const names = all.map(({ name }) => name).join(', ')
    return { problem: `${feed} ${id}: the ledger names no archive; choose one with --archive: ${names}` }
  }
  const archived = all.find(({ name }) => name === named)
  if (!archived) return { problem: `${feed} ${id} has no archive: ask for its report again with retry` }
  const { asked = UNKNOWN, reportId, executionId, requestedAt, name } = archived
  const landed = await landArchive(services, row, own, {
    queryId: row.query?.queryId ?? '',
    asked: ('state' in own.from ? askedOf(own.from, name) : undefined) ?? asked,
    requestedAt,
    reportId,
    executionId,
    origin: reportId === IMPORTED ? 'import' : 'service',
    hash: landingHash(row.feed),
    archive: name,
    generation: newGeneration(services.newId),
  })
  return 'problem' in landed ? landed : { ...landed, archive: name }
}
