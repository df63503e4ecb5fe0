import { CATALOG } from '../src/core/catalog.ts'
import { parseFeeds } from '../src/core/feeds/feeds.ts'
import { newFeedRow } from '../src/core/ledger/feed-row.ts'
import type { Planned } from '../src/core/ledger/ledger.ts'
import { dueRequests, type FeedPlan, type RequestAction } from '../src/core/plan/plan.ts'
import { inTurns } from '../src/core/plan/turns.ts'
import { DAY_MS } from '../src/core/time/durations.ts'
import type { Window } from '../src/core/time/window.ts'
import type { Figures } from './figures.ts'
import { median } from './measure.ts'

/** Ten years of days, and one. */
const MANY = 3_650
const FEW = MANY / 10

/** Enough of them that the compiler has done its work long before the median. */
const TIMES = 41

const NOW = new Date('2026-01-01T12:00:00Z')

/** What it costs to plan ten years of days, and how much more that is than one year. Both are planned in turn, so often. */
export function planFigures(times = TIMES): Pick<Figures, 'plan_ms_3650' | 'plan_growth'> {
  const [many, few] = [manyWindows(MANY), manyWindows(FEW)]
  const costs: Record<'many' | 'few', number[]> = { many: [], few: [] }
  for (let time = 0; time < times; time++) {
    costs.many.push(planMs(many, 1))
    // As many windows in all: a single run of the few is too short to be measured.
    costs.few.push(planMs(few, MANY / FEW))
  }
  return { plan_ms_3650: median(costs.many), plan_growth: median(costs.many) / median(costs.few) }
}

/** Processor time of one run, in milliseconds. */
function planMs(known: FeedPlan, runs: number): number {
  const before = process.cpuUsage()
  for (let run = 0; run < runs; run++) plan(known)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / runs
}

/** The windows that a tick asks for, in order. */
export function plan(known: FeedPlan): readonly RequestAction[] {
  return inTurns(dueRequests(NOW, known), {})
}

/**
 * A feed by day of which every window is due. Every second one has an entry, which is planned again: so no two of the spans
 * in its plan row touch, and none of its gaps is longer than a window. Half of its days are history.
 */
export function manyWindows(count: number): FeedPlan {
  const end = Date.UTC(2025, 0, 1)
  const start = end - count * DAY_MS
  const [from, to] = [start, end].map((at) => new Date(at).toISOString())
  const file = parseFeeds(JSON.stringify({ feeds: [{ name: 'learn', dataset: 'MSLearn', from, to }] }), CATALOG)
  const [feed] = 'feeds' in file ? file.feeds : []
  if (!feed) throw new Error('the bench has no feed to plan')
  const row = newFeedRow(feed, {}, new Date(start + (end - start) / 2))
  const days = Array.from({ length: count }, (_, day) => start + day * DAY_MS)
  const spans = days
    .filter((_, day) => day % 2 === 1)
    .map((day) => ({ from: new Date(day), to: new Date(day + DAY_MS) }))
  return { row, spans, planned: spans.map((window) => plannedEntry(feed.name, window)) }
}

function plannedEntry(feed: string, window: Window): Planned {
  return {
    feed,
    window,
    state: 'planned',
    reason: 'expired',
    notBefore: window.to,
    lane: 'backfill',
    attempt: 1,
    tries: 1,
    heals: 0,
    remoteReports: [],
    history: [],
  }
}
