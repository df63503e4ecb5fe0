import { isFailure } from '../../core/failures.ts'
import { SWEPT_STRAYS_KEY, type SweptRow } from '../../core/ledger/app-rows.ts'
import { type FeedOutline, withoutFormerQuery } from '../../core/ledger/feed-row.ts'
import { isOpen, neededReports } from '../../core/ledger/ledger.ts'
import { isOurs } from '../../core/ledger/remote-names.ts'
import { DAY_MS, MINUTE_MS } from '../../core/time/durations.ts'
import type { InsightsClient } from '../../services/insights/client.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import { changeFeedRow, readableFeeds } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'

/** Once a day no more than this is spent on deleting what nobody needs. */
const BUDGET_MS = 2 * MINUTE_MS

/** What the entries of all feeds still need at the service. */
type Needed = { readonly reports: ReadonlySet<string>; readonly queries: ReadonlySet<string> }

/**
 * Once a day: deletes reports of this deployment that no entry needs and that are too old to be under way, and the queries
 * of feeds' earlier forms that no open attempt uses.
 */
export async function deleteStrays(services: Services, app: AppRows): Promise<void> {
  const { ledger, clock } = services
  const now = clock()
  const stored = app.get(SWEPT_STRAYS_KEY)
  const last = Date.parse((stored?.value as SweptRow | undefined)?.at ?? '') || 0
  if (Math.abs(now.getTime() - last) < DAY_MS) return
  if (!(await ledger.writeApp(SWEPT_STRAYS_KEY, { at: now.toISOString() }, stored?.etag))) return
  const rows = readableFeeds(app)
  const needed = await readNeeded(services, app)
  // An entry that cannot be read may need any report.
  if (!needed) return
  const until = now.getTime() + BUDGET_MS
  const isOver = () => clock().getTime() > until
  for (const ofAccount of Map.groupBy(rows, ({ feed }) => feed.account).values()) {
    const [row] = ofAccount
    const insights = row && services.insights(row.feed.account, row.account)
    if (!insights || isFailure(insights)) continue
    await deleteReports(services, insights, needed, isOver)
    await deleteQueries(services, insights, ofAccount, needed, isOver)
  }
}

/** Also of the feeds whose own rows cannot be read: their entries can. */
async function readNeeded({ ledger, settings }: Services, { feeds }: AppRows): Promise<Needed | undefined> {
  const reports = new Set<string>()
  const queries = new Set<string>()
  for (const feed of feeds.keys()) {
    for await (const { value } of ledger.scan(feed)) {
      if (isFailure(value)) return undefined
      for (const reportId of neededReports(value, !settings.deleteReports)) reports.add(reportId)
      if (isOpen(value)) queries.add(value.queryId)
    }
  }
  return { reports, queries }
}

async function deleteReports(
  { settings, clock }: Services,
  insights: InsightsClient,
  { reports: needed }: Needed,
  isOver: () => boolean,
): Promise<void> {
  const reports = await insights.reports()
  if (isFailure(reports)) return
  const before = clock().getTime() - 2 * settings.reportDeadlineMs
  const strays = reports.filter(
    ({ reportId, reportName, createdAt }) =>
      isOurs(settings.deployment, reportName) &&
      !needed.has(reportId) &&
      createdAt !== undefined &&
      createdAt.getTime() < before,
  )
  let failures = 0
  for (const { reportId } of strays) {
    if (isOver() || failures > 1) return
    if (await insights.deleteReport(reportId)) failures++
  }
}

async function deleteQueries(
  services: Services,
  insights: InsightsClient,
  rows: readonly FeedOutline[],
  { queries: used }: Needed,
  isOver: () => boolean,
): Promise<void> {
  for (const { feed, formerQueries = [] } of rows) {
    for (const queryId of formerQueries.filter((each) => !used.has(each))) {
      if (isOver() || (await insights.deleteQuery(queryId))) return
      await changeFeedRow(services, feed.name, (row) => withoutFormerQuery(row, queryId))
    }
  }
}
