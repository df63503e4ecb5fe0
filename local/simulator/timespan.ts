import type { Timespan } from '../../src/core/query/query.ts'

/** Spans of time a query may name instead of query times. */
const MONTHS = { LAST_MONTH: 1, LAST_3_MONTHS: 3, LAST_6_MONTHS: 6, LAST_1_YEAR: 12, LIFETIME: 36 } as const

const DAYS = {
  TODAY: 1,
  YESTERDAY: 2,
  LAST_7_DAYS: 7,
  LAST_14_DAYS: 14,
  LAST_30_DAYS: 30,
  LAST_90_DAYS: 90,
  LAST_180_DAYS: 180,
  LAST_365_DAYS: 365,
} as const

/** Instants in UTC, both inside. */
export type QueryTimes = { readonly from: Date; readonly to: Date }

const SECOND_MS = 1000
const DAY_MS = 86_400_000

/**
 * What a timespan covers at `now`: the latest n calendar months or days, the running one among them; without one,
 * 6 months (docs/insights-api.md). How long LIFETIME reaches back is unknown; here it is three years.
 */
export function timespanTimes(timespan: Timespan | undefined, now: Date): QueryTimes {
  const word = timespan ?? 'LAST_6_MONTHS'
  if (word in MONTHS) {
    const months = MONTHS[word as keyof typeof MONTHS]
    return { from: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1 - months, 1)), to: now }
  }
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate())
  const from = new Date(today - (DAYS[word as keyof typeof DAYS] - 1) * DAY_MS)
  return { from, to: word === 'YESTERDAY' ? new Date(today - SECOND_MS) : now }
}
