import { isFailure } from '../../core/failures.ts'
import { feedRowKey } from '../../core/ledger/app-rows.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { isAtRest, lastArchive } from '../../core/ledger/ledger.ts'
import { toReplayed } from '../../core/ledger/transitions.ts'
import type { Problem } from '../../core/problems.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { messageOf } from '../ledger/job.ts'
import type { Services } from '../services.ts'

export type Replayed = { readonly attempt: number; readonly archive: string }

/**
 * Lands a window again, as its next attempt, from the archive that the ledger names: of its failed attempt, or else of its
 * published landing. The entry waits in `landing` without an owner, and a message makes ingest take it. Only a window that
 * is `landed` or `failed` can be replayed.
 */
export async function replay(services: Services, feed: string, window: Window): Promise<Replayed | Problem> {
  const { ledger, archive } = services
  const id = windowId(window)
  const row = (await ledger.readApp<FeedRow>(feedRowKey(feed)))?.value
  const stored = row && (await ledger.read(feed, id))
  if (!row) return { problem: `feed ${feed} is not known to the app` }
  if (!stored) return { problem: `${feed} ${id} was never asked for: there is no archive to replay` }
  if (isFailure(stored)) return { problem: stored.message }
  const { value: entry, etag } = stored
  if (!isAtRest(entry))
    return { problem: `${feed} ${id} is ${entry.state}: only what is landed or failed can be replayed` }
  const last = lastArchive(entry)
  const archived = last && (await archive.list(feed, id)).find(({ name }) => name === last.archive)
  if (!archived) return { problem: `${feed} ${id} has no archive: ask for its report again with retry` }
  const { reportId, executionId, requestedAt, name } = archived
  const report = {
    queryId: row.query?.queryId ?? '',
    requestedAt,
    reportId,
    executionId,
    origin: last.origin,
    hash: row.feed.hash,
    archive: name,
    generation: newGeneration(services.newId),
  }
  const landing = toReplayed(entry, entry, report, services.clock())
  if (!(await ledger.write(landing, etag))) return { problem: `${feed} ${id} was changed just now; try again` }
  await services.queue.send(messageOf(landing))
  return { attempt: landing.attempt, archive: name }
}
