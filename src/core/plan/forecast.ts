import type { Feed } from '../feeds/feed.ts'
import { instantOf } from '../feeds/history.ts'
import { addDuration, DAY_MS, type Duration, durationMilliseconds } from '../time/durations.ts'
import { openEvery } from './due-windows.ts'
import { refreshesAnHour } from './pacing.ts'

/** The reports a day that a feed, or all feeds of an account, ask for once history has landed. */
export type Forecast = {
  /** New windows and snapshots. */
  readonly live: number
  /** The running window, and those that have not settled, as often as the feed asks for them. */
  readonly running: number
  /** Young windows that have settled, as often as `refresh.every` says. */
  readonly refresh: number
  /** As `refresh`, in the months that have one such window more than others. */
  readonly mostRefresh: number
  /** The same windows, the day after the source loaded data. */
  readonly loads: number
}

const NOTHING: Forecast = { live: 0, running: 0, refresh: 0, mostRefresh: 0, loads: 0 }

/** Feeds may ask for so much of what their account's quota allows; the rest is for history, retries and other tools. */
const SHARE = 1 / 2

/** However much is live, refreshes get so much of the share of the feeds. */
const LEAST_REFRESH = 1 / 10

/** A month of the forecast, in days. */
const MONTH_DAYS = 30

/** The reports a day of one feed. From its end on it asks for no new windows, and once they are old for none at all. */
export function forecastOf(feed: Pick<Feed, 'cadence' | 'delay' | 'grain' | 'enabled'>, now: Date): Forecast {
  const { cadence, delay, enabled } = feed
  if (!enabled) return NOTHING
  if (cadence.kind === 'snapshot') return { ...NOTHING, live: 1 / daysOf(cadence.every) }
  const { window, refresh } = cadence
  const end = cadence.to && instantOf(cadence.to, now)
  const isOver = end !== undefined && end <= now
  const ask = openEvery(feed)
  const live = isOver ? 0 : 1 / daysOf(window)
  const unsettled = (daysOf(window) + daysOf(delay)) / daysOf(window)
  const running = ask && !isOver ? unsettled / daysOf(ask) : 0
  if (!refresh || (isOver && addDuration(end, refresh.for) <= now)) return { ...NOTHING, live, running }
  const young = Math.max(daysOf(refresh.for) - daysOf(delay), 0) / daysOf(window)
  const { days = [] } = refresh
  const every = daysOf(refresh.every)
  const loads = (young * days.length) / MONTH_DAYS
  return { live, running, refresh: young / every, mostRefresh: Math.ceil(young) / every, loads }
}

/** What the feeds of each account ask for together, and by how much its quota stretches their refreshes. */
export function accountForecasts(
  feeds: readonly Feed[],
  maxReportsPerHour: number,
  now: Date,
): readonly { readonly account: string; readonly forecast: Forecast; readonly stretch: number }[] {
  return [...Map.groupBy(feeds, ({ account }) => account)].map(([account, own]) => {
    const forecast = own.map((feed) => forecastOf(feed, now)).reduce(sum, NOTHING)
    return { account, forecast, stretch: stretchOf(forecast, maxReportsPerHour) }
  })
}

/** The reports a day that the feeds of an account ask for together, once history has landed. */
export function reportsADay({
  forecast: { live, running, refresh, loads },
  stretch,
}: {
  readonly forecast: Forecast
  readonly stretch: number
}): number {
  return live + running + refresh / stretch + loads
}

function sum(a: Forecast, b: Forecast): Forecast {
  return {
    live: a.live + b.live,
    running: a.running + b.running,
    refresh: a.refresh + b.refresh,
    mostRefresh: a.mostRefresh + b.mostRefresh,
    loads: a.loads + b.loads,
  }
}

/**
 * How many times longer than the feeds say the account waits between two refreshes, so that its feeds take no more than half
 * of its quota, and what is asked for again no more than its part of each hour; 1 where that is enough as it is. A mean would not
 * do: in a month with one window more, refreshes would wait longer each day. The days on which the source loads data stay, and
 * so does the running window.
 */
export function stretchOf({ live, running, mostRefresh, loads }: Forecast, maxReportsPerHour: number): number {
  const share = 24 * maxReportsPerHour * SHARE
  const again = 24 * refreshesAnHour(maxReportsPerHour) - running - loads
  const left = Math.max(Math.min(share - live - running - loads, again), share * LEAST_REFRESH)
  return Math.max(Math.ceil(mostRefresh / left), 1)
}

/**
 * What the feeds of each account ask for, one line each, and what of it each feed asks for again. Warns where that stretches
 * their refreshes, and where what cannot be stretched alone is more than its part of each hour.
 */
export function forecastLines(
  feeds: readonly Feed[],
  maxReportsPerHour: number,
  now: Date,
): { readonly lines: readonly string[]; readonly warnings: readonly string[] } {
  const accounts = accountForecasts(feeds, maxReportsPerHour, now)
  const most = 24 * maxReportsPerHour
  const mostAgain = 24 * refreshesAnHour(maxReportsPerHour)
  return {
    lines: accounts.flatMap(({ account, forecast, stretch }) => {
      const reports = reportsADay({ forecast, stretch }).toFixed(1)
      const ofFeeds = feeds
        .filter((feed) => feed.account === account && feed.enabled && feed.cadence.kind === 'windows')
        .map((feed) => `feed ${feed.name}: ${againOf(forecastOf(feed, now), stretch, most)}`)
      return [
        `account ${account}: about ${reports} reports a day once history has landed, of ${most} allowed (MAX_REPORTS_PER_HOUR is ${maxReportsPerHour})`,
        ...ofFeeds,
      ]
    }),
    warnings: accounts.flatMap(({ account, forecast: { running, loads }, stretch }) => {
      const why = `its feeds may take half of the ${most} reports a day, and what is asked for again a quarter of each hour`
      const fixed = `about ${(running + loads).toFixed(1)} reports a day for running windows and days on which data is loaded`
      const remedy = 'set a longer refresh.every, or openWindow to false'
      return [
        ...(stretch === 1 ? [] : [`account ${account}: refresh.every counts ${stretch} times as long, because ${why}`]),
        ...(running + loads > mostAgain
          ? [`account ${account}: ${fixed} are more than the ${mostAgain} of their quarter of each hour: ${remedy}`]
          : []),
      ]
    }),
  }
}

/** What a feed asks for again of the `most` reports that its account is allowed in a day. */
function againOf({ running, refresh, loads }: Forecast, stretch: number, most: number): string {
  const [open, settled] = [running, refresh / stretch + loads]
  if (open + settled === 0) return 'asks for no window again'
  const share = ((100 * (open + settled)) / most).toFixed(1)
  const parts = `${open.toFixed(1)} while windows run, ${settled.toFixed(1)} as refreshes`
  return `asks again about ${(open + settled).toFixed(1)} times a day (${parts}), ${share} % of the allowed reports`
}

function daysOf(duration: Duration): number {
  return durationMilliseconds(duration) / DAY_MS
}
