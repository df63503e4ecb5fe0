import { CATALOG, findDataset } from '../catalog.ts'
import { counted } from '../counted.ts'
import type { Feed } from '../feeds/feed.ts'
import { laterStart } from '../feeds/history.ts'
import { DAY_MS, type Duration, durationMilliseconds, HOUR_MS } from '../time/durations.ts'
import { historyWindows } from './due-windows.ts'
import { accountForecasts, reportsADay } from './forecast.ts'

/** Longer windows for a history that takes long, by the grain of the data. */
const LONGER: Readonly<Record<NonNullable<Feed['grain']>, { readonly text: string; readonly length: Duration }>> = {
  day: { text: 'P1M', length: { months: 1, days: 0, seconds: 0 } },
  month: { text: 'P1Y', length: { months: 12, days: 0, seconds: 0 } },
}

/** A history that takes longer is worth a warning. */
const LONG_MS = DAY_MS

/**
 * How many reports the history of each feed takes that the app first sees now (`since` has the others), and how long, if it has
 * all that the other reports of its account leave. Goes by the start that Microsoft documents. Warns of what takes more than a day, with a way out.
 */
export function historyForecast(
  feeds: readonly Feed[],
  maxReportsPerHour: number,
  since: ReadonlyMap<string, Date>,
  now: Date,
): { readonly lines: readonly string[]; readonly warnings: readonly string[] } {
  const leftADay = new Map(
    accountForecasts(feeds, maxReportsPerHour, now).map((account) => [
      account.account,
      Math.max(24 * maxReportsPerHour - reportsADay(account), 1),
    ]),
  )
  const unseen = feeds.filter(({ name }) => !since.has(name))
  const histories = unseen.flatMap((feed) => {
    const reports = historyReports(feed, now)
    const takesMs = (reports / (leftADay.get(feed.account) ?? 1)) * DAY_MS
    return reports > 0 ? [{ feed, reports, takesMs, what: `history takes ${lengthOf(reports, takesMs)}` }] : []
  })
  const byAccount = [...Map.groupBy(histories, ({ feed }) => feed.account)].filter(([, own]) => own.length > 1)
  const sum = (values: readonly number[]) => values.reduce((all, each) => all + each, 0)
  const ofAccounts = byAccount.map(([account, own]) => {
    const length = lengthOf(sum(own.map(({ reports }) => reports)), sum(own.map(({ takesMs }) => takesMs)))
    return `account ${account}: the history of its feeds takes ${length}`
  })
  return {
    lines: [...histories.map(({ feed, what }) => `feed ${feed.name}: ${what}`), ...ofAccounts],
    warnings: histories
      .filter(({ takesMs }) => takesMs > LONG_MS)
      .map(({ feed, what, reports }) => `feed "${feed.name}": ${what}: ${wayOut(feed, reports, now)}`),
  }
}

function historyReports(feed: Feed, now: Date): number {
  const { cadence, dataset, enabled } = feed
  if (cadence.kind === 'snapshot' || !enabled) return 0
  const start = laterStart(feed, findDataset(CATALOG, dataset)?.ranges ?? [], now, now)
  const from = start ? { date: start.toISOString() } : cadence.from
  return historyWindows({ ...feed, cadence: { ...cadence, from } }, { since: now, taken: [], now }).length
}

function lengthOf(reports: number, takesMs: number): string {
  const hours = Math.ceil(takesMs / HOUR_MS)
  const inDays = hours > 48 ? ` (${(hours / 24).toFixed(1)} days)` : ''
  return `${counted(reports, 'report')}, about ${counted(hours, 'hour')}${inDays}`
}

/** What makes a long history shorter. */
function wayOut(feed: Feed, reports: number, now: Date): string {
  const { cadence, grain = 'day' } = feed
  const { text, length } = LONGER[grain]
  const isLonger =
    cadence.kind === 'windows' && durationMilliseconds(length) > durationMilliseconds(cadence.backfillWindow)
  const fewer = isLonger ? historyReports({ ...feed, cadence: { ...cadence, backfillWindow: length } }, now) : reports
  return fewer < reports ? `"backfillWindow": "${text}" makes it ${fewer}, a later from fewer too` : 'set a later from'
}
