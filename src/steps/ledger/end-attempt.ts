import { FAILURES, type Failure } from '../../core/failures.ts'
import type { Drop } from '../../core/ledger/drop.ts'
import { isOfPerson, type LedgerEntry } from '../../core/ledger/ledger.ts'
import { withoutRemoteReport } from '../../core/ledger/transitions.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import type { Services } from '../services.ts'
import { blockFeed, prolongBlock } from './feed-row.ts'
import { type Job, subjectOf } from './job.ts'

/**
 * Writes the entry that ends an attempt. If the window is now `failed`, emits an event, and blocks the feed where only a
 * change outside heals the failure. Undefined where somebody else changed the entry meanwhile: then nothing was done.
 * `drops` are the rows that the entry no longer names.
 */
export async function endAttempt(
  services: Services,
  next: LedgerEntry,
  etag: string,
  failure?: Failure,
  drops?: readonly Drop[],
): Promise<Stored<LedgerEntry> | undefined> {
  const written = await services.ledger.write(next, etag, drops)
  if (written && failure && next.state === 'failed') await tellFailure(services, next, failure)
  return written
}

/**
 * Emits an event for a failed window, and blocks its feed where needed. A window tried again after a block only prolongs
 * it; what a person landed says nothing about the feed.
 */
export async function tellFailure(services: Services, entry: LedgerEntry, failure: Failure): Promise<void> {
  const { kind, message } = failure
  const { remedy, heals } = FAILURES[kind]
  services.emit({ event: 'window.failed', ...subjectOf(entry), kind, message, remedy })
  if (heals !== 'change' || isOfPerson(entry)) return
  if (entry.heals === 0) await blockFeed(services, entry.feed, failure)
  else await prolongBlock(services, entry.feed, failure)
}

/** Deletes an entry's report at the service. If that fails, the entry still names it, and a later sweep tries again. */
export async function withdrawReport(
  { insights, services }: Pick<Job, 'insights' | 'services'>,
  { value, etag }: Stored<LedgerEntry>,
): Promise<void> {
  if (value.remoteReport === undefined) return
  const failure = await insights.deleteReport(value.remoteReport)
  if (!failure) await services.ledger.write(withoutRemoteReport(value), etag)
}
