import { CATALOG, findDataset } from '../catalog.ts'
import { counted } from '../counted.ts'
import type { Feed } from '../feeds/feed.ts'
import { laterStart } from '../feeds/history.ts'
import { DAY_MS, type Duration, durationMilliseconds, HOUR_MS } from '../time/durations.ts'
import { dueLaterWords, lengthWords } from '../time/words.ts'
import { type DueWindow, historyWindows } from './due-windows.ts'
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
 * all that the other reports of its account leave. What is due only later is told apart. Goes by the start that Microsoft
 * documents. Warns of what takes more than a day, with a way out.
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
  const histories = feeds
    .filter(({ name }) => !since.has(name))
    .map((feed) => {
      const windows = historyOfNew(feed, now)
      const reports = countDue(windows, now)
      return { feed, windows, reports, takesMs: (reports / (leftADay.get(feed.account) ?? 1)) * DAY_MS }
    })
  const due = histories.filter(({ reports }) => reports > 0)
  const byAccount = [...Map.groupBy(due, ({ feed }) => feed.account)].filter(([, own]) => own.length > 1)
  const sum = (values: readonly number[]) => values.reduce((all, each) => all + each, 0)
  const ofAccounts = byAccount.map(([account, own]) => {
    const length = lengthOf(sum(own.map(({ reports }) => reports)), sum(own.map(({ takesMs }) => takesMs)))
    return `account ${account}: the history of its feeds takes ${length}`
  })
  const ofFeeds = histories.flatMap(({ feed, windows, reports, takesMs }) => {
    const later = windows.length - reports
    const last = windows.at(-1)
    return [
      ...(reports > 0 ? [`feed ${feed.name}: history takes ${lengthOf(reports, takesMs)}`] : []),
      ...(later > 0 && last ? [`feed ${feed.name}: ${dueLaterWords(later, last.dueAt)}`] : []),
    ]
  })
  const warnings = due
    .filter(({ takesMs }) => takesMs > LONG_MS)
    .map(({ feed, reports, takesMs }) => {
      return `feed "${feed.name}": history takes ${lengthOf(reports, takesMs)}: ${wayOut(feed, reports, now)}`
    })
  return { lines: [...ofFeeds, ...ofAccounts], warnings }
}

/** The windows of the history of a feed that the app first sees now, also those whose data has not settled. */
function historyOfNew(feed: Feed, now: Date): readonly DueWindow[] {
  const { cadence, dataset, enabled } = feed
  if (cadence.kind === 'snapshot' || !enabled) return []
  const start = laterStart(feed, findDataset(CATALOG, dataset)?.ranges ?? [], now, now)
  const from = start ? { date: start.toISOString() } : cadence.from
  return historyWindows({ ...feed, cadence: { ...cadence, from } }, { since: now, taken: [], now })
}

function countDue(windows: readonly DueWindow[], now: Date): number {
  return windows.filter(({ dueAt }) => dueAt <= now).length
}

function lengthOf(reports: number, takesMs: number): string {
  const hours = Math.ceil(takesMs / HOUR_MS)
  return `${counted(reports, 'report')}, about ${lengthWords(hours * HOUR_MS)}`
}

/** What makes a long history shorter. */
function wayOut(feed: Feed, reports: number, now: Date): string {
  const { cadence, grain = 'day' } = feed
  const { text, length } = LONGER[grain]
  const isLonger =
    cadence.kind === 'windows' && durationMilliseconds(length) > durationMilliseconds(cadence.backfillWindow)
  const longer = isLonger ? historyOfNew({ ...feed, cadence: { ...cadence, backfillWindow: length } }, now) : undefined
  const fewer = longer ? countDue(longer, now) : reports
  return fewer < reports ? `"backfillWindow": "${text}" makes it ${fewer}, a later from fewer too` : 'set a later from'
}
