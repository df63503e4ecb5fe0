import { type FeedRow, feedRowKey } from '../core/app-rows.ts'
import { FAILURES, type Failure, isFailure } from '../core/failures.ts'
import { type Figures, type Landed, toFailed, toLanded } from '../core/ledger.ts'
import type { Stored } from '../services/ledger-table.ts'
import type { HeldEntry } from './held-entry.ts'
import { type Job, subjectOf } from './job.ts'
import type { Services } from './step.ts'

/** Ends a landing: `landed` with its figures as evidence, or `failed`, and says so in one event. */
export async function settle(job: Job, held: HeldEntry, result: Figures | Failure): Promise<void> {
  const entry = held.entry()
  if (isFailure(result)) {
    await held.finish(toFailed(entry, result.failure, result.message, job.services.clock()))
    return tellFailure(job.services, subjectOf(entry), result)
  }
  const landed = await held.finish(toLanded(entry, result))
  const { emit } = job.services
  emit({ event: 'window.landed', ...subjectOf(entry), count: result.rowsLanded })
  if (result.rowsRejected > 0) emit({ event: 'window.rejects', ...subjectOf(entry), count: result.rowsRejected })
  if (job.row.blocked) await unblock(job.services, entry.feed)
  if (job.services.settings.deleteReports) await deleteReport(job, landed)
}

/** Writes the event of a failed window and, where only a change outside heals it, blocks the feed. */
export async function tellFailure(
  services: Services,
  subject: { readonly feed: string; readonly window: string; readonly attempt: number },
  { failure, message }: Failure,
): Promise<void> {
  const { remedy, heals } = FAILURES[failure]
  services.emit({ event: 'window.failed', ...subject, kind: failure, message, remedy })
  if (heals === 'change') await block(services, subject.feed, { failure, message })
}

/** Nothing new is asked for a blocked feed; the first cause stays named. */
export async function block(services: Services, feed: string, { failure, message }: Failure): Promise<void> {
  const at = services.clock().toISOString()
  const changed = await changeFeedRow(services, feed, (row) => ({ ...row, blocked: { kind: failure, message, at } }))
  const { remedy } = FAILURES[failure]
  if (changed && !changed.blocked) services.emit({ event: 'feed.blocked', feed, kind: failure, message, remedy })
}

/** Says once, not at every tick, what keeps a feed from being asked for; `status` shows it until it is gone. */
export async function noteTrouble(services: Services, feed: string, { failure, message }: Failure): Promise<void> {
  const at = services.clock().toISOString()
  const stored = await services.ledger.readApp<FeedRow>(feedRowKey(feed))
  if (stored?.value.trouble?.kind === failure) return
  await changeFeedRow(services, feed, (row) => ({ ...row, trouble: { kind: failure, message, at } }))
  services.emit({ event: 'feed.stale', feed, kind: failure, message, remedy: FAILURES[failure].remedy })
}

async function unblock(services: Services, feed: string): Promise<void> {
  const changed = await changeFeedRow(services, feed, ({ blocked: _, ...row }) => row)
  if (changed?.blocked) services.emit({ event: 'feed.unblocked', feed })
}

/** Changes a feed's row; who loses the ETag looks again. Gives the row as it was. */
async function changeFeedRow(
  { ledger }: Pick<Services, 'ledger'>,
  feed: string,
  change: (row: FeedRow) => FeedRow,
): Promise<FeedRow | undefined> {
  const stored = await ledger.readApp<FeedRow>(feedRowKey(feed))
  if (!stored) return undefined
  const written = await ledger.writeApp(feedRowKey(feed), change(stored.value), stored.etag)
  return written === 'conflict' ? changeFeedRow({ ledger }, feed, change) : stored.value
}

/** Removes the report at the service; where that fails, the entry goes on naming it. */
async function deleteReport({ insights, services }: Job, { value, etag }: Stored<Landed>): Promise<void> {
  if (value.remoteReport === undefined) return
  const failure = await insights.deleteReport(value.remoteReport)
  if (failure) return
  const { remoteReport: _, ...rest } = value
  await services.ledger.write(rest, etag)
}
