import { isFailure } from '../../core/failures.ts'
import { SWEPT_STRAYS_KEY, type SweptRow } from '../../core/ledger/app-rows.ts'
import { isOpen, type LedgerEntry } from '../../core/ledger/ledger.ts'
import { isOurs } from '../../core/ledger/remote-names.ts'
import type { KnownFeed } from '../../core/plan/plan.ts'
import type { Job } from '../landing/job.ts'
import type { Services } from '../services.ts'
import { changeFeedRow } from './feed-row.ts'
import { knownFeed } from './known-feed.ts'

const ONCE_A_DAY = 24 * 3_600_000

/** Once a day: deletes reports of this deployment that no entry names and that are too old to be on their way. */
export async function deleteStrays(services: Services, known: readonly KnownFeed[]): Promise<void> {
  const { ledger, clock } = services
  const now = clock()
  const stored = await ledger.readApp<SweptRow>(SWEPT_STRAYS_KEY)
  if (stored && now.getTime() - Date.parse(stored.value.at) < ONCE_A_DAY) return
  if (!(await ledger.writeApp(SWEPT_STRAYS_KEY, { at: now.toISOString() }, stored?.etag))) return
  // Read anew: this very sweep may have adopted an old report.
  const current = await Promise.all(known.map(({ row }) => knownFeed(services, row)))
  const named = new Set(current.flatMap(({ entries }) => entries.flatMap(reportsOf)))
  for (const { row } of new Map(known.map((each) => [each.row.feed.account, each])).values()) {
    await deleteOfAccount(services, row, named)
  }
}

async function deleteOfAccount(services: Services, row: KnownFeed['row'], named: ReadonlySet<string>): Promise<void> {
  const { settings, clock } = services
  const insights = services.insights(row.feed.account, row.account)
  const reports = isFailure(insights) ? insights : await insights.reports()
  if (isFailure(insights) || isFailure(reports)) return
  const before = clock().getTime() - 2 * settings.reportDeadlineMs
  const strays = reports.filter(
    ({ reportId, reportName, createdAt }) =>
      isOurs(settings.deployment, reportName) &&
      !named.has(reportId) &&
      createdAt !== undefined &&
      createdAt.getTime() < before,
  )
  for (const { reportId } of strays) await insights.deleteReport(reportId)
}

function reportsOf(entry: LedgerEntry): readonly string[] {
  const open = entry.state === 'requested' || entry.state === 'landing' ? [entry.reportId] : []
  return entry.remoteReport === undefined ? open : [...open, entry.remoteReport]
}

/** A feed's earlier queries are deleted once no open attempt uses them. */
export async function deleteFormerQueries(
  { row, insights, services }: Job,
  entries: readonly LedgerEntry[],
): Promise<void> {
  const used = new Set(entries.filter(isOpen).map(({ queryId }) => queryId))
  const unused = (row.formerQueries ?? []).filter((queryId) => !used.has(queryId))
  for (const queryId of unused) {
    const failure = await insights.deleteQuery(queryId)
    if (failure) continue
    await changeFeedRow(services, row.feed.name, ({ formerQueries = [], ...rest }) => {
      const left = formerQueries.filter((each) => each !== queryId)
      return left.length > 0 ? { ...rest, formerQueries: left } : rest
    })
  }
}
