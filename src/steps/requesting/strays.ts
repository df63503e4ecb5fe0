import { isFailure } from '../../core/failures.ts'
import { SWEPT_STRAYS_KEY, type SweptRow } from '../../core/ledger/app-rows.ts'
import { type FeedRow, unusedQueries, withoutFormerQuery } from '../../core/ledger/feed-row.ts'
import { type LedgerEntry, neededReports } from '../../core/ledger/ledger.ts'
import { isOurs } from '../../core/ledger/remote-names.ts'
import type { KnownFeed } from '../../core/plan/plan.ts'
import { DAY_MS } from '../../core/time/durations.ts'
import { changeFeedRow, readKnownFeed } from '../ledger/feed-row.ts'
import type { Job } from '../ledger/job.ts'
import type { Services } from '../services.ts'

/** Once a day: deletes reports of this deployment that no entry needs and that are too old to be under way. */
export async function deleteStrays(services: Services, known: readonly KnownFeed[]): Promise<void> {
  const { ledger, clock, settings } = services
  const now = clock()
  const stored = await ledger.readApp<SweptRow>(SWEPT_STRAYS_KEY)
  if (stored && now.getTime() - Date.parse(stored.value.at) < DAY_MS) return
  if (!(await ledger.writeApp(SWEPT_STRAYS_KEY, { at: now.toISOString() }, stored?.etag))) return
  // Read anew: this very sweep may have adopted an old report.
  const current = await Promise.all(known.map(({ row }) => readKnownFeed(services, row)))
  const entries = current.flatMap((each) => each.entries)
  const needed = new Set(entries.flatMap((entry) => neededReports(entry, !settings.deleteReports)))
  for (const { row } of new Map(known.map((each) => [each.row.feed.account, each])).values()) {
    await deleteOfAccount(services, row, needed)
  }
}

async function deleteOfAccount(services: Services, row: FeedRow, needed: ReadonlySet<string>): Promise<void> {
  const { settings, clock } = services
  const insights = services.insights(row.feed.account, row.account)
  const reports = isFailure(insights) ? insights : await insights.reports()
  if (isFailure(insights) || isFailure(reports)) return
  const before = clock().getTime() - 2 * settings.reportDeadlineMs
  const strays = reports.filter(
    ({ reportId, reportName, createdAt }) =>
      isOurs(settings.deployment, reportName) &&
      !needed.has(reportId) &&
      createdAt !== undefined &&
      createdAt.getTime() < before,
  )
  for (const { reportId } of strays) await insights.deleteReport(reportId)
}

/** A feed's former queries are deleted once no open attempt uses them. */
export async function deleteFormerQueries(
  { row, insights, services }: Job,
  entries: readonly LedgerEntry[],
): Promise<void> {
  for (const queryId of unusedQueries(row, entries)) {
    const failure = await insights.deleteQuery(queryId)
    if (!failure) await changeFeedRow(services, row.feed.name, (each) => withoutFormerQuery(each, queryId))
  }
}
