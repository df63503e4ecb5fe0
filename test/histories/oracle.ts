// What must hold, worked out from the pages and from nothing of the app: this file imports nothing.

const HOUR = 3_600_000
const DAY = 24

export type Period = 'P1D' | 'P1W' | 'P1M' | 'P3M'

/** A feed as far as the laws go. Hours count from 1970, and spans are half-open. */
export type Rules = {
  readonly name: string
  readonly account: string
  readonly grain: 'day' | 'month'
  readonly window: Period
  readonly backfillWindow: Period
  readonly from: number
  /** Hours after its end after which a window is due. */
  readonly delay: number
  readonly openWindow: boolean
  /** In hours. `days`: those of the month on which the source loads data. */
  readonly refresh?: { readonly every: number; readonly for: number; readonly days: readonly number[] }
  readonly enabled: boolean
}

export type Span = { readonly from: number; readonly to: number }

/** A window that is due and has no entry. */
export type Missing = Span & { readonly lane: 'live' | 'backfill'; readonly due: number }

export const toHour = (instantMs: number): number => Math.floor(instantMs / HOUR)

/** The latest boundary of the calendar at or before an hour. Weeks begin on Monday. */
export function periodStart(hour: number, period: Period): number {
  const day = Math.floor(hour / DAY)
  if (period === 'P1D') return day * DAY
  // 1970 began on a Thursday.
  if (period === 'P1W') return (day - ((day + 3) % 7)) * DAY
  const at = new Date(hour * HOUR)
  const months = period === 'P1M' ? 1 : 3
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - (at.getUTCMonth() % months)) / HOUR
}

/** The first boundary after an hour. */
export function periodEnd(hour: number, period: Period): number {
  const start = periodStart(hour, period)
  if (period === 'P1D') return start + DAY
  if (period === 'P1W') return start + 7 * DAY
  const at = new Date(start * HOUR)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + (period === 'P1M' ? 1 : 3)) / HOUR
}

/** How often a feed asks for its running window. */
const openEvery = ({ openWindow, refresh, delay }: Rules) => (openWindow ? (refresh?.every ?? delay) : undefined)

/** When a span may be asked for first: once it has settled, or while it runs where the feed wants that. */
export function dueAt(rules: Rules, { from, to }: Span): number {
  return Math.min(to + rules.delay, from + (openEvery(rules) ?? Number.POSITIVE_INFINITY))
}

/** The hours of `[first, end)` that entries hold: 1 for each of them. */
export function bitmapOf(spans: readonly Span[], first: number, end: number): Uint8Array {
  const bitmap = new Uint8Array(Math.max(end - first, 0))
  for (const { from, to } of spans) {
    if (to > first) bitmap.fill(1, Math.max(from - first, 0), Math.max(to - first, 0))
  }
  return bitmap
}

/** The first hour that two entries of a feed hold; undefined where there is none. */
export function doubled(spans: readonly Span[]): number | undefined {
  const first = Math.min(...spans.map(({ from }) => from))
  const bitmap = bitmapOf([], first, Math.max(first, ...spans.map(({ to }) => to)))
  for (const { from, to } of spans) {
    const held = bitmap.subarray(from - first, to - first)
    const hour = held.indexOf(1)
    if (hour >= 0) return from + hour
    held.fill(1)
  }
  return undefined
}

/**
 * The windows that are due and that no entry holds. Each run of free hours is cut at the calendar: by `window`, and before
 * `sinceMs` by `backfillWindow` where a whole one fits.
 */
export function missing(rules: Rules, spans: readonly Span[], sinceMs: number, nowMs: number): readonly Missing[] {
  const first = periodStart(rules.from, rules.grain === 'day' ? 'P1D' : 'P1M')
  // A running window ends in the future.
  const end = periodEnd(toHour(nowMs), 'P3M') + 1
  const bitmap = bitmapOf(spans, first, end)
  const found: Missing[] = []
  for (let hour = bitmap.indexOf(0); hour >= 0; ) {
    const taken = bitmap.indexOf(1, hour)
    const from = first + hour
    const to = pieceEnd(rules, from, taken < 0 ? Number.POSITIVE_INFINITY : first + taken, sinceMs / HOUR)
    const due = dueAt(rules, { from, to })
    if (due * HOUR <= nowMs) found.push({ from, to, due, lane: to * HOUR <= sinceMs ? 'backfill' : 'live' })
    hour = bitmap.indexOf(0, to - first)
  }
  return found
}

function pieceEnd({ window, backfillWindow }: Rules, from: number, gapEnd: number, since: number): number {
  const small = Math.min(periodEnd(from, window), gapEnd)
  const isStart = periodStart(from, backfillWindow) === from
  const start = isStart ? from : periodEnd(from, backfillWindow)
  const end = periodEnd(start, backfillWindow)
  if (end > Math.min(gapEnd, since)) return small
  return isStart ? end : Math.min(small, start)
}

/** Whether a window that appears at `nowMs` is one that some form of the feed asks for by then. */
export function isWanted(forms: readonly Rules[], span: Span, nowMs: number): boolean {
  return forms.some((rules) => {
    const first = periodStart(rules.from, rules.grain === 'day' ? 'P1D' : 'P1M')
    return span.from >= first && dueAt(rules, span) * HOUR <= nowMs
  })
}

export type Limits = { readonly maxInFlight: number; readonly maxReportsPerHour: number }

/** A request for a report. `at`: when the app took its slot. */
export type Posting = {
  readonly account: string
  readonly feed: string
  readonly priority: 'live' | 'refresh' | 'backfill'
  readonly at: number
}

/** Refreshes take at most so many reports of an hour. */
export const refreshesAnHour = ({ maxReportsPerHour }: Limits) => Math.max(Math.floor(maxReportsPerHour / 4), 1)

/** What is too much once `posting` reached the service. `earlier`: those of its account that the app knows. `open`: attempts under way, itself among them. */
export function tooMany(
  posting: Posting,
  earlier: readonly Posting[],
  open: readonly { readonly feed: string }[],
  limits: Limits,
): readonly string[] {
  const { maxInFlight, maxReportsPerHour } = limits
  const own = open.filter(({ feed }) => feed === posting.feed)
  const hour = [...earlier, posting].filter(({ at }) => at > posting.at - HOUR && at <= posting.at)
  const counts = [
    ['reports in an hour', hour.length, maxReportsPerHour - (posting.priority === 'live' ? 0 : 1)],
    ['refreshes in an hour', ofPriority(hour, 'refresh'), refreshesAnHour(limits)],
    ['reports in flight', open.length, maxInFlight - (posting.priority === 'live' ? 0 : 1)],
    // The first of them that is live waits for none of the others. Which one it was, the ledger does not say afterwards.
    ['reports of a feed in flight', own.length, Math.floor(maxInFlight / 2) + 1],
  ] as const
  return counts.flatMap(([what, count, most]) =>
    count > Math.max(most, 1) ? [`${posting.feed}: ${count} ${what}, not ${most}`] : [],
  )
}

const ofPriority = (postings: readonly Posting[], priority: Posting['priority']) =>
  postings.filter((each) => each.priority === priority).length

/** The most windows of a feed that are young at once: those that fit into `for`, one at its edge, and the running one. */
export function mostYoung({ refresh, window }: Rules): number {
  return refresh ? Math.floor(refresh.for / DAYS[window] / DAY) + 2 : 0
}

/**
 * How many times longer than its feeds say an account waits between two refreshes: they take half of the quota, and what is
 * asked for again takes its part of each hour.
 */
export function stretchOf(feeds: readonly Rules[], limits: Limits): number {
  const sum = (of: (rules: Rules) => number) => feeds.reduce((total, rules) => total + of(rules), 0)
  // A window counts as young from the day on which it has settled; until then it is asked for as the running one is.
  const young = ({ refresh, window, delay }: Rules) =>
    refresh ? Math.max(refresh.for - delay, 0) / DAYS[window] / DAY : 0
  const unsettled = ({ window, delay }: Rules) => 1 + delay / DAYS[window] / DAY
  const live = sum(({ window }) => 1 / DAYS[window])
  const running = sum((rules) => (unsettled(rules) * DAY) / (openEvery(rules) ?? Number.POSITIVE_INFINITY))
  // In some months there is one young window more than in others.
  const refreshes = sum((rules) => (rules.refresh ? (Math.ceil(young(rules)) * DAY) / rules.refresh.every : 0))
  const loads = sum((rules) => (young(rules) * (rules.refresh?.days.length ?? 0)) / 30)
  const half = (24 * limits.maxReportsPerHour) / 2
  const left = Math.min(half - live - running - loads, 24 * refreshesAnHour(limits) - running - loads)
  return Math.max(Math.ceil(refreshes / Math.max(left, half / 10)), 1)
}

const DAYS: Readonly<Record<Period, number>> = { P1D: 1, P1W: 7, P1M: 30, P3M: 90 }
