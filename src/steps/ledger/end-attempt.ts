import { type Advice, adviceText, blocksFeed, FAILURES, type Failure, failed, isOfSignIn } from '../../core/failures.ts'
import type { Drop } from '../../core/ledger/drop.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { type Failed, isOfPerson, type LedgerEntry, spareReports } from '../../core/ledger/ledger.ts'
import { withKnownReach } from '../../core/ledger/reach.ts'
import { toFailed, toLandedAgain, withoutRemoteReports } from '../../core/ledger/transitions.ts'
import { adviceOnEntry, adviceOnWindow } from '../../core/status/failed-window.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { noteRefusedSignIn } from '../requesting/pacing-row.ts'
import type { Services } from '../services.ts'
import { blockFeed, findFeed, noteFailedAgain, noteFailing } from './feed-row.ts'
import { type Job, nameOf, subjectOf } from './job.ts'
import { accountOf, adviceOnSignIn } from './sign-in-advice.ts'

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
  const written = await services.ledger.write(next, etag, drops && { drops })
  if (written && failure && next.state === 'failed') await tellFailure(services, next, failure)
  return written
}

/** Ends the attempt of a snapshot whose time has passed: today's rows must not land under an old date. */
export async function endPassed(
  services: Services,
  { value: entry, etag }: Stored<LedgerEntry>,
): Promise<Stored<LedgerEntry> | undefined> {
  const failure = failed('out-of-range', `${nameOf(entry)}: its time has passed before it landed`)
  const next = entry.figures ? toLandedAgain(entry, entry.figures) : toFailed(entry, failure, services.clock())
  return endAttempt(services, next, etag, failure)
}

/**
 * Emits an event for a failed window, and notes in its feed's row what may heal it. Blocks the feed where needed; what a
 * person landed says nothing about the feed.
 */
export async function tellFailure(services: Services, entry: Failed, failure: Failure): Promise<void> {
  const { kind, message } = failure
  const { heals } = FAILURES[kind]
  const blocks = heals !== 'person' && !isOfPerson(entry) && entry.heals === 0 && blocksFeed(failure)
  const event = { event: 'window.failed', ...subjectOf(entry), kind, message } as const
  // The entry has failed: its event must go out whatever becomes of this read.
  const row = blocks ? undefined : await findFeed(services, entry.feed).catch(() => undefined)
  const known = row === undefined || 'problem' in row ? undefined : row
  // What blocks the feed is the same for all its windows: the event of the block has the remedy, once.
  services.emit(blocks ? event : { ...event, remedy: adviceText(adviceFor(services, entry, failure, known)) })
  if (heals === 'person' || isOfPerson(entry)) return
  if (entry.heals > 0) await noteFailedAgain(services, entry.feed, failure)
  else if (blocks) await blockFeed(services, entry.feed, failure)
  else await noteFailing(services, entry.feed)
  if (known && isOfSignIn(failure)) await noteRefusedSignIn(services, known.feed.account, failure)
}

/** As `status` says it. */
function adviceFor(services: Services, entry: Failed, failure: Failure, row: FeedRow | undefined): Advice {
  if (!row) return adviceOnEntry(entry)
  if (isOfSignIn(failure)) return adviceOnSignIn(services, accountOf(row), failure.kind)
  const now = services.clock()
  return adviceOnWindow(now, withKnownReach(row, now), entry)
}

/**
 * Deletes the reports of an entry that nothing needs any more. Gives the failure that stopped it: the entry still names
 * what is left, and a later sweep tries again.
 */
export async function withdrawReports(
  { insights, services }: Pick<Job, 'insights' | 'services'>,
  { value, etag }: Stored<LedgerEntry>,
): Promise<Failure | undefined> {
  const { ledger, settings } = services
  const gone: string[] = []
  let failure: Failure | undefined
  for (const reportId of spareReports(value, settings.deleteReports)) {
    failure = await insights.deleteReport(reportId)
    if (failure) break
    gone.push(reportId)
  }
  if (gone.length > 0) await ledger.write(withoutRemoteReports(value, gone), etag)
  return failure
}
