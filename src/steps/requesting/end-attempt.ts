import { FAILURES, type Failure } from '../../core/failures.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { withoutRemoteReport } from '../../core/ledger/transitions.ts'
import type { Stored } from '../../services/storage/ledger-table.ts'
import { type Job, subjectOf } from '../landing/job.ts'
import type { Services } from '../services.ts'
import { blockFeed, prolongBlock } from './feed-row.ts'

/**
 * Writes the entry that ends an attempt. A window that is `failed` by it is told as an event, and blocks its feed where
 * only a change outside heals it. Undefined where somebody else changed the entry meanwhile: then nothing was done.
 */
export async function endAttempt(
  services: Services,
  next: LedgerEntry,
  etag: string,
  failure?: Failure,
): Promise<Stored<LedgerEntry> | undefined> {
  const written = await services.ledger.write(next, etag)
  if (written && failure && next.state === 'failed') await tellFailure(services, next, failure)
  return written
}

/** Says that a window failed. A window that is tried again after a block does not block its feed anew. */
export async function tellFailure(services: Services, entry: LedgerEntry, failure: Failure): Promise<void> {
  const { kind, message } = failure
  const { remedy, heals } = FAILURES[kind]
  services.emit({ event: 'window.failed', ...subjectOf(entry), kind, message, remedy })
  if (heals !== 'change') return
  if (entry.heals === 0) await blockFeed(services, entry.feed, failure)
  else await prolongBlock(services, entry.feed, failure)
}

/** Deletes an entry's report at the service; where that fails, the entry goes on naming it and the sweep comes back. */
export async function withdrawReport(
  { insights, services }: Pick<Job, 'insights' | 'services'>,
  { value, etag }: Stored<LedgerEntry>,
): Promise<void> {
  if (value.remoteReport === undefined) return
  const failure = await insights.deleteReport(value.remoteReport)
  if (!failure) await services.ledger.write(withoutRemoteReport(value), etag)
}
