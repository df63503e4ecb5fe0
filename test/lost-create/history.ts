import fc from 'fast-check'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Durations of these deployments and of the service, in milliseconds. */
export const ADOPT_AFTER = 5 * MINUTE
export const REPORT_DEADLINE = 24 * 60 * MINUTE
export const POLL_EVERY = MINUTE
export const MAX_TRIES = 3
/** How long the service makes a report, and how long the app waits for an answer to its request. */
export const GENERATION = 2 * MINUTE
export const CALL_LIMIT = MINUTE

export type Act = 'provision' | 'sweep' | 'both'

/** What another instance does while a request is on its way, before the report is made or before the answer comes. */
export type Meanwhile = { readonly side: 'before' | 'after'; readonly later: number; readonly act: Act }

const LOSSES = ['status', 'dropped', 'unreadable', 'timed out'] as const

export type Loss = (typeof LOSSES)[number]

/** What becomes of one request for a report. */
export type Creation = {
  readonly made: boolean
  /** How its answer is lost; undefined when it arrives. */
  readonly loss: Loss | undefined
  /** `failing`: it is ready, and its file cannot land. */
  readonly report: 'good' | 'stuck' | 'failing'
  /** How long after the report was made the service calls back: early, once, twice, late, or not at all. */
  readonly calls: readonly number[]
  /** Each of them comes twice, first with the id of another report. */
  readonly isMisnamed: boolean
  /** How long after the report was made the service itself deletes it; undefined when it does not. */
  readonly removedAfter: number | undefined
  readonly meanwhile: Meanwhile | undefined
  /** A report of somebody else that stands beside it. */
  readonly foreign: 'longer name' | 'other query' | undefined
}

export type History = {
  readonly feeds: number
  /** Months of each feed. */
  readonly windows: number
  /** How many look-ups find no report that runs at once, whatever stands at the service. */
  readonly unlisted: number
  readonly partialNames: boolean
  /** The setting DELETE_REPORTS. */
  readonly deleteReports: boolean
  /** How many deletions the service refuses at first. */
  readonly undeleted: number
  readonly creations: readonly Creation[]
  /** What becomes of every later request. Unless it is `good`, no window can land any more. */
  readonly afterwards: keyof typeof AFTERWARDS
  readonly steps: readonly { readonly later: number; readonly act: Act }[]
}

const ALONE = {
  loss: undefined,
  calls: [],
  isMisnamed: false,
  removedAfter: undefined,
  meanwhile: undefined,
  foreign: undefined,
}

export const AFTERWARDS = {
  good: { ...ALONE, made: true, report: 'good' },
  'never made': { ...ALONE, made: false, loss: 'dropped', report: 'good' },
  stuck: { ...ALONE, made: true, report: 'stuck' },
} as const satisfies Readonly<Record<string, Creation>>

const act = fc.constantFrom<Act>('provision', 'sweep', 'both', 'both')

const around = (...limits: readonly number[]) => limits.flatMap((limit) => [limit - 1, limit, limit + 1])

const later = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 1, SECOND, ...around(POLL_EVERY, GENERATION)) },
  { weight: 4, arbitrary: fc.constantFrom(...around(ADOPT_AFTER)) },
  { weight: 2, arbitrary: fc.constantFrom(...around(REPORT_DEADLINE)) },
)

/** The app gives up a request long before ADOPT_AFTER: a report is never made later than that. */
const meanwhile = fc.oneof(
  fc.record({ side: fc.constant('before' as const), later: fc.constantFrom(0, SECOND, CALL_LIMIT), act }),
  fc.record({ side: fc.constant('after' as const), later, act }),
)

const calls = fc.constantFrom<readonly number[]>(
  ...[[], [], [GENERATION], [GENERATION, GENERATION], [0, GENERATION], [0]],
  ...[
    [GENERATION, REPORT_DEADLINE],
    [ADOPT_AFTER, 2 * ADOPT_AFTER, REPORT_DEADLINE + ADOPT_AFTER],
  ],
)

const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const anyCreation: fc.Arbitrary<Creation> = fc
  .record({
    loss: fc.constantFrom(...LOSSES, undefined, undefined),
    isLostBefore: fc.constantFrom(false, false, true),
    report: fc.constantFrom<Creation['report']>('good', 'good', 'good', 'good', 'stuck', 'failing'),
    calls,
    isMisnamed: fc.constantFrom(false, false, false, true),
    removedAfter: rarely(fc.constantFrom(0, GENERATION, ADOPT_AFTER + MINUTE)),
    meanwhile: rarely(meanwhile),
    foreign: rarely(fc.constantFrom('longer name', 'other query')),
  })
  .map(({ isLostBefore, ...rest }) => ({ ...rest, made: rest.loss === undefined || !isLostBefore }))

/** The service calls back before its own answer is there, and the report is not ready yet. */
const overtaken: fc.Arbitrary<Creation> = fc
  .tuple(anyCreation, fc.constantFrom(0, 1, SECOND, GENERATION - 1), act)
  .map(([creation, later, act]) => ({
    ...creation,
    made: true,
    loss: undefined,
    calls: [0, GENERATION],
    meanwhile: { side: 'after', later, act },
  }))

const creation = fc.oneof({ weight: 9, arbitrary: anyCreation }, { weight: 1, arbitrary: overtaken })

const several = {
  feeds: fc.constantFrom(1, 1, 1, 2),
  windows: fc.constantFrom(1, 1, 1, 2, 2, 3),
  afterwards: fc.constant('good' as const),
}

/** When no request can succeed, several windows would fail and be tried again in turns for ever: there is one. */
const hopeless = {
  feeds: fc.constant(1),
  windows: fc.constant(1),
  afterwards: fc.constantFrom('never made' as const, 'stuck' as const),
}

const common = {
  unlisted: fc.constantFrom(0, 0, Number.POSITIVE_INFINITY, 1, 2),
  partialNames: fc.boolean(),
  deleteReports: fc.boolean(),
  undeleted: fc.constantFrom(0, 0, 1, 2),
  creations: fc.array(creation, { minLength: 1, maxLength: 4 }),
  steps: fc.array(fc.record({ later, act }), { maxLength: 5 }),
}

/** Everything that may happen to the requests of a deployment, as a plan that plays the same each time. */
export const anyHistory: fc.Arbitrary<History> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ ...common, ...several }) },
  { weight: 1, arbitrary: fc.record({ ...common, ...hopeless }) },
)
