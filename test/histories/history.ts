import fc from 'fast-check'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import type { Actor } from '../laws/scheduler.ts'
import { ENDPOINTS, type Fault, HEALTHY, type Health } from '../laws/service.ts'
import { anyFeeds, type FeedChoice, NAMES, type Name } from './feeds.ts'
import type { Limits } from './oracle.ts'

/** Triggers of an instance. `skewMs`: how far its clock is ahead. */
export const TRIGGERS = ['provision', 'sweep', 'drain', 'callbacks'] as const
export type Trigger = (typeof TRIGGERS)[number]

/** What one of those does that act at the same time. `back`: how many days ago the data is of that the source restates. */
export type Act =
  | { readonly kind: Trigger; readonly skewMs: number; readonly cut?: Actor['cut'] }
  | { readonly kind: 'feeds'; readonly feeds: readonly FeedChoice[] }
  | { readonly kind: 'restate'; readonly feed: Name; readonly back: number }
  | { readonly kind: 'wait'; readonly milliseconds: number }

/** Acts that run interleaved at each of their calls, while the service is as `health` says. Then time passes. */
export type Round = { readonly health: Health; readonly acts: readonly Act[]; readonly later: number }

/** `seed` decides whose call proceeds, and what becomes of callbacks. */
export type History = {
  readonly start: string
  readonly limits: Limits
  readonly feeds: readonly FeedChoice[]
  readonly rounds: readonly Round[]
  /** How long the service makes a report once it works again. */
  readonly generationMs: number
  readonly seed: number
}

/** Months end during some of these histories, and a year. */
const STARTS = ['2026-01-28T09:00:00Z', '2025-12-30T20:30:00Z', '2026-02-27T23:50:00Z', '2026-04-03T05:00:00Z'] as const

const LIMITS: readonly Limits[] = [
  { maxInFlight: 4, maxReportsPerHour: 5 },
  { maxInFlight: 6, maxReportsPerHour: 8 },
  { maxInFlight: 4, maxReportsPerHour: 8 },
]

const failing = (faults: Health['faults']): Health => ({ ...HEALTHY, faults })
const OUTAGE: Fault = { status: 503, message: 'outage' }

/** What may be wrong with the service during a round. */
const TROUBLES: readonly Health[] = [
  failing(Object.fromEntries(ENDPOINTS.map((endpoint) => [endpoint, OUTAGE]))),
  failing({ createReport: { status: 429 } }),
  failing({ createReport: { status: 429, retryAfter: '3600' } }),
  failing({ execution: { status: 429, retryAfter: '600' } }),
  failing({ createReport: { status: 500 } }),
  failing({ createReport: { status: 500, isDone: true } }),
  failing({ createReport: { status: 500, isDone: true }, listReports: { status: 500 } }),
  failing({ execution: { status: 500 }, deleteReport: { status: 500 } }),
  failing({ listQueries: { status: 500 } }),
  { ...failing({ createReport: { status: 500, isDone: true } }), isUnlisted: true },
  { ...HEALTHY, isUnlisted: true },
  { ...HEALTHY, reports: 'stuck' },
]

const health = fc.oneof(fc.constant(HEALTHY), fc.constantFrom(...TROUBLES))

const cut = fc.record({
  at: fc.integer({ min: 1, max: 60 }),
  side: fc.constantFrom('before' as const, 'after' as const),
})

const JUMPS = [0, 0, 0, 0, 26 * HOUR_MS, -26 * HOUR_MS, 30 * DAY_MS, -2 * HOUR_MS] as const

/** One in six is killed on the way. */
function trigger(kind: Trigger): fc.Arbitrary<Act> {
  const whole = fc.record({ kind: fc.constant(kind), skewMs: fc.constantFrom(...JUMPS) })
  const killed = fc.record({ kind: fc.constant(kind), skewMs: fc.constant(0), cut })
  return fc.oneof({ weight: 5, arbitrary: whole }, { weight: 1, arbitrary: killed })
}

const restated: fc.Arbitrary<Act> = fc.record({
  kind: fc.constant('restate' as const),
  feed: fc.constantFrom(...NAMES),
  back: fc.constantFrom(1, 3, 10, 35),
})

const changed: fc.Arbitrary<Act> = fc.record({ kind: fc.constant('feeds' as const), feeds: anyFeeds })

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: trigger('provision') },
  { weight: 3, arbitrary: trigger('sweep') },
  { weight: 4, arbitrary: trigger('drain') },
  { weight: 2, arbitrary: trigger('callbacks') },
  { weight: 2, arbitrary: changed },
  { weight: 2, arbitrary: restated },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.constantFrom(MINUTE_MS, 2 * HOUR_MS) }),
  },
)

/** Two instances tick at once in most rounds. */
const acts = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(trigger('provision'), trigger('provision'), act) },
  {
    weight: 2,
    arbitrary: fc.tuple(trigger('provision'), trigger('drain'), trigger('sweep'), trigger('callbacks'), act),
  },
  { weight: 1, arbitrary: fc.array(act, { minLength: 1, maxLength: 4 }) },
)

const later = fc.constantFrom(MINUTE_MS, 3 * MINUTE_MS, 6 * MINUTE_MS, HOUR_MS, 7 * HOUR_MS, 25 * HOUR_MS, 4 * DAY_MS)

/** Histories that fast-check prints one act a line. In three of four, all clocks are right. */
export const anyHistory: fc.Arbitrary<History> = fc
  .record({
    start: fc.constantFrom(...STARTS),
    limits: fc.constantFrom(...LIMITS),
    feeds: anyFeeds,
    rounds: fc.array(fc.record({ health, acts, later }), { minLength: 2, maxLength: 6 }),
    generationMs: fc.constantFrom(2 * MINUTE_MS, 2 * MINUTE_MS, 50 * MINUTE_MS),
    seed: fc.integer(),
    clocks: fc.constantFrom('right', 'right', 'right', 'wrong'),
  })
  .map(({ clocks, ...chosen }) => {
    const history: History =
      clocks === 'wrong' ? chosen : { ...chosen, rounds: chosen.rounds.map((round) => withRightClocks(round)) }
    return Object.assign(history, { [fc.toStringMethod]: () => textOfHistory(history) })
  })

function withRightClocks(round: Round): Round {
  return { ...round, acts: round.acts.map((each) => ('skewMs' in each ? { ...each, skewMs: 0 } : each)) }
}

function textOfHistory({ rounds, ...rest }: History): string {
  const line = ({ health, acts, later }: Round) => {
    const trouble = health === HEALTHY ? '' : ` while ${JSON.stringify(health)}`
    return `  ${acts.map((each) => JSON.stringify(each)).join('\n  ')}${trouble}\n  then ${later / MINUTE_MS} minutes`
  }
  return [JSON.stringify(rest), ...rounds.map(line)].join('\n')
}
