import fc from 'fast-check'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import type { FeedFile, FeedLine } from './feeds.ts'
import type { Actor } from './scheduler.ts'
import { type Fault, HEALTHY, type Health } from './service.ts'

/** What happens to an entry; `delete` is by hand, past the app. */
const ON_ENTRY = ['retry', 'replay', 'poison', 'forget', 'delete'] as const
type OnEntry = (typeof ON_ENTRY)[number]

/** What one of those does that act on a deployment. `nth` picks a window among those that have an entry. */
export type Act =
  | { readonly kind: 'provision' | 'sweep' | 'drain'; readonly skewDays: number; readonly cut?: Actor['cut'] }
  | { readonly kind: 'import'; readonly day: number; readonly days: number }
  | { readonly kind: OnEntry; readonly nth: number }
  | { readonly kind: 'feeds'; readonly file: FeedFile }
  | { readonly kind: 'wait'; readonly milliseconds: number }

/**
 * Acts that run interleaved at each of their calls, while the service is as `health` says. Then the app works so many
 * quiet days with the service as it is, and at last time passes without the app.
 */
export type Round = {
  readonly health: Health
  readonly acts: readonly Act[]
  readonly quietDays: number
  readonly later: number
}

/** `seed` decides whose call proceeds. */
export type History = { readonly file: FeedFile; readonly rounds: readonly Round[]; readonly seed: number }

/** The first day that a feed or an import may name: a Monday. The clock starts on 2026-01-10. */
export const FIRST_DAY = Date.UTC(2025, 11, 15)

const isoDay = (nth: number) => new Date(FIRST_DAY + nth * DAY_MS).toISOString().slice(0, 10)

/** Between them a week begins, and one of them begins within a week. */
const FROM = [isoDay(7), isoDay(0), isoDay(10)] as const
const TO = isoDay(17)

const endless: fc.Arbitrary<FeedLine> = fc.record({
  name: fc.constantFrom('usage', 'usage', 'usage', 'usage', 'usage', 'renamed'),
  account: fc.constant('default' as const),
  window: fc.constantFrom('P1W' as const, 'P1D' as const),
  from: fc.constantFrom(FROM[0], ...FROM),
  enabled: fc.constantFrom(true, true, true, true, false),
})

/** Two of three end. */
const line = fc
  .record({ endless, isEndless: fc.constantFrom(false, false, true) })
  .map(({ endless, isEndless }): FeedLine => (isEndless ? endless : { ...endless, to: TO }))

const SPARE: FeedLine = { name: 'spare', account: 'other', window: 'P1W', from: isoDay(0), to: TO, enabled: true }

/** The feed that changes may be missing; another one of the other account stays as it is. */
const file: fc.Arbitrary<FeedFile> = fc
  .record({ line: fc.option(line, { freq: 6, nil: undefined }), snapshots: fc.boolean() })
  .map(({ line, snapshots }) => ({ lines: [...(line ? [line] : []), SPARE], snapshots }))

/** How far the clock of an instance is ahead. */
const skewDays = fc.constantFrom(0, 0, 0, 30, -30)

const cut = fc.record({
  at: fc.integer({ min: 1, max: 60 }),
  side: fc.constantFrom('before' as const, 'after' as const),
})

/** One in four is killed on the way. */
const timer = (kind: 'provision' | 'sweep' | 'drain'): fc.Arbitrary<Act> => {
  const whole = fc.record({ kind: fc.constant(kind), skewDays })
  const killed = fc.record({ kind: fc.constant(kind), skewDays, cut })
  return fc.oneof({ weight: 3, arbitrary: whole }, { weight: 1, arbitrary: killed })
}

const nth = fc.nat(30)

const changed: fc.Arbitrary<Act> = fc.record({ kind: fc.constant('feeds' as const), file })

const imported: fc.Arbitrary<Act> = fc.record({
  kind: fc.constant('import' as const),
  day: fc.integer({ min: 0, max: 22 }),
  days: fc.constantFrom(1, 2, 7),
})

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: timer('provision') },
  { weight: 2, arbitrary: timer('sweep') },
  { weight: 3, arbitrary: timer('drain') },
  { weight: 2, arbitrary: imported },
  { weight: 3, arbitrary: changed },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom(...ON_ENTRY), nth }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      milliseconds: fc.constantFrom(MINUTE_MS, 6 * MINUTE_MS, 2 * HOUR_MS),
    }),
  },
)

/** Two ticks at once while a person changes the feeds or imports a file are what most of it is about. */
const acts = fc.oneof(
  { weight: 3, arbitrary: fc.array(act, { minLength: 1, maxLength: 5 }) },
  {
    weight: 2,
    arbitrary: fc.tuple(timer('provision'), timer('provision'), fc.oneof(changed, imported), act),
  },
)

const later = fc.constantFrom(MINUTE_MS, 3 * MINUTE_MS, 6 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, 25 * HOUR_MS)

/** Histories in which the service works: everything else may happen. */
export const anyHistory: fc.Arbitrary<History> = histories(
  fc.array(fc.record({ health: fc.constant(HEALTHY), acts, quietDays: fc.constant(0), later }), {
    minLength: 1,
    maxLength: 6,
  }),
)

/** Histories that fast-check prints one act a line. In one of four, the clocks of some instances are wrong. */
function histories(rounds: fc.Arbitrary<readonly Round[]>): fc.Arbitrary<History> {
  const clocks = fc.constantFrom('right', 'right', 'right', 'wrong')
  return fc.record({ file, rounds, seed: fc.integer(), clocks }).map(({ clocks, rounds, file, seed }) => {
    const history: History = { file, seed, rounds: clocks === 'wrong' ? rounds : rounds.map(withRightClocks) }
    return Object.assign(history, { [fc.toStringMethod]: () => textOfHistory(history) })
  })
}

function withRightClocks(round: Round): Round {
  return { ...round, acts: round.acts.map((act) => ('skewDays' in act ? { ...act, skewDays: 0 } : act)) }
}

function textOfHistory({ file, rounds, seed }: History): string {
  const line = ({ health, acts, quietDays, later }: Round) => {
    const trouble = health === HEALTHY ? '' : ` while ${JSON.stringify(health)}`
    return `  ${acts.map((act) => JSON.stringify(act)).join('\n  ')}${trouble}\n  then ${quietDays} days of work and ${later / MINUTE_MS} minutes`
  }
  return [`seed ${seed}, feeds ${JSON.stringify(file)}`, ...rounds.map(line)].join('\n')
}

/** A wait that the service asks for: none, an hour, an instant where seconds are expected, and no number at all. */
const RETRY_AFTER = [undefined, '3600', '1767225600', '9'.repeat(25)] as const

const status = (...statuses: readonly number[]): fc.Arbitrary<Fault> =>
  fc.constantFrom(...statuses.map((each): Fault => ({ status: each })))

const throttling: fc.Arbitrary<Fault> = fc
  .constantFrom(...RETRY_AFTER)
  .map((retryAfter) => (retryAfter === undefined ? { status: 429 } : { status: 429, retryAfter }))

const creating = fc.oneof(
  status(500, 500, 401, 403, 400),
  throttling,
  fc.constant<Fault>({ status: 500, isDone: true }),
)

const FAULTS = {
  createReport: creating,
  listReports: status(403, 500, 401),
  execution: fc.oneof(status(500, 403, 401), throttling),
  deleteReport: status(500),
  listQueries: status(500, 401, 403),
}

const healthWith = (faults: Health['faults']): Health => ({ ...HEALTHY, faults })

/** A service in trouble: one thing fails, or several at once. */
const trouble: fc.Arbitrary<Health> = fc.oneof(
  FAULTS.createReport.map((createReport) => healthWith({ createReport })),
  FAULTS.execution.map((execution) => healthWith({ execution })),
  FAULTS.listQueries.map((listQueries) => healthWith({ listQueries })),
  fc.record({ createReport: creating, listReports: FAULTS.listReports }).map(healthWith),
  fc.record(FAULTS, { requiredKeys: [] }).map(healthWith),
  fc
    .constantFrom<Health['reports']>('stuck', 'empty', 'headless', 'malformed')
    .map((reports) => ({ ...HEALTHY, reports })),
  fc.constant<Health>({ ...HEALTHY, areLinksForeign: true }),
)

/** Histories in which the service fails in any way. Days pass between some rounds, so that retries run out. */
export const anyTroubledHistory: fc.Arbitrary<History> = histories(
  fc.array(
    fc.record({
      health: fc.oneof(fc.constant(HEALTHY), trouble, trouble),
      acts,
      // In a month the waits between retries have grown as long as they get.
      quietDays: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(30) }),
      later: fc.oneof(later, fc.constantFrom(25 * HOUR_MS, 4 * DAY_MS)),
    }),
    { minLength: 2, maxLength: 10 },
  ),
)
