import { type Failure, isFailure } from '../../core/failures.ts'
import { isOpen, neededReports } from '../../core/ledger/ledger.ts'
import { isOurs } from '../../core/ledger/remote-names.ts'
import type { InsightsClient } from '../../services/insights/client.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import { readableFeeds } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'

/** A report or query that this deployment made at the service. */
export type MadeThere = { readonly kind: 'report' | 'query'; readonly id: string; readonly name: string }

/** `inUse`: a feed or an open attempt still needs it. */
export type Leftover = MadeThere & { readonly inUse: boolean }

/** Lists what this deployment has at the service: reports first, because a query goes after the reports that ask it. */
export async function madeThere(
  { settings }: Pick<Services, 'settings'>,
  insights: InsightsClient,
): Promise<readonly MadeThere[] | Failure> {
  const reports = await insights.reports()
  if (isFailure(reports)) return reports
  const queries = await insights.listQueries({ includeSystemQueries: false })
  if (isFailure(queries)) return queries
  const all = [
    ...reports.map(({ reportId, reportName }) => ({ kind: 'report', id: reportId, name: reportName }) as const),
    ...queries.map(({ queryId, name }) => ({ kind: 'query', id: queryId, name }) as const),
  ]
  return all.filter(({ name }) => isOurs(settings.deployment, name))
}

/** Lists what this deployment has at the service, and whether the ledger still needs it. */
export async function leftovers(
  { ledger, settings }: Pick<Services, 'ledger' | 'settings'>,
  insights: InsightsClient,
): Promise<readonly Leftover[] | Failure> {
  const ours = await madeThere({ settings }, insights)
  if (isFailure(ours)) return ours
  const app = await ledger.appRows()
  // A feed that cannot be read may use any query.
  const unreadable = [...app.feeds.values()].find(isFailure)
  if (unreadable) return unreadable
  const used = await usedIds(ledger, app)
  return ours.map((each) => ({ ...each, inUse: used.has(each.id.toLowerCase()) || used.has(each.name) }))
}

/** The ids in use; of a report that is still being asked for, its name. */
async function usedIds(ledger: Services['ledger'], app: AppRows): Promise<ReadonlySet<string>> {
  const used = new Set<string>()
  for (const { feed, query } of readableFeeds(app)) {
    if (query) used.add(query.queryId.toLowerCase())
    for await (const { value } of ledger.scan(feed.name)) {
      if (isFailure(value) || !isOpen(value)) continue
      const ids = [value.queryId, ...neededReports(value, false)].map((id) => id.toLowerCase())
      for (const each of [...ids, value.reportName]) used.add(each)
    }
  }
  used.delete('')
  return used
}
