import { type Failure, failed } from '../../core/failures.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry, Requested } from '../../core/ledger/ledger.ts'
import { windowId } from '../../core/time/window.ts'
import type { InsightsClient } from '../../services/insights/client.ts'
import type { IngestMessage } from '../../services/storage/work-queue.ts'
import type { Services } from '../services.ts'

/** What work on entries asks of the service. */
export type JobInsights = Pick<InsightsClient, 'report' | 'reports' | 'execution' | 'deleteReport'>

/** Work on the entries of one feed: its row, the service as its account sees it, and all that a step may touch. */
export type Job = { readonly row: FeedRow; readonly insights: JobInsights; readonly services: Services }

/**
 * The service as an account sees it that cannot sign in at all, such as one without settings: each call fails. What needs
 * no call goes on: a file of a person lands.
 */
export function failingInsights(failure: Failure): JobInsights {
  const fail = async () => failure
  return { report: fail, reports: fail, execution: fail, deleteReport: fail }
}

/** How messages and logs name an entry. */
export function nameOf(entry: Pick<LedgerEntry, 'feed' | 'window'>): string {
  return `${entry.feed} ${windowId(entry.window)}`
}

/** The service calls the report of an entry completed, and does not say where it is. */
export function noLink(entry: Requested): Failure {
  return failed(
    'deadline',
    `${nameOf(entry)}: the service says that report ${entry.reportId} is completed, without a link`,
  )
}

/** What every event of an entry carries. */
export function subjectOf(entry: LedgerEntry): { feed: string; window: string; attempt: number } {
  return { feed: entry.feed, window: windowId(entry.window), attempt: entry.attempt }
}

/** The hint that makes ingest look after an entry's open attempt. */
export function messageOf(entry: LedgerEntry): IngestMessage {
  return subjectOf(entry)
}
