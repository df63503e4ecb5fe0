import { adviceOn } from '../../src/core/failures.ts'
import { signInAdvice } from '../../src/core/status/accounts.ts'
import type { StatusAnswer, WindowAnswer } from '../../src/core/status/fields.ts'
import { addDuration, type Duration } from '../../src/core/time/durations.ts'
import { parseWindowId, windowId } from '../../src/core/time/window.ts'
import { windowWords } from '../../src/core/time/words.ts'
import type { FeedAnswer, Look } from '../../src/page/cells.ts'

// Answers of the app, made up. Their types are those of the real ones.

export const NOW = '2026-11-26T14:32:10.000Z'

type WindowEntry = FeedAnswer['windows'][number]

const MONTH = { months: 1, days: 0, seconds: 0 }
const DAY = { months: 0, days: 1, seconds: 0 }

/** The windows of so many steps up to an instant, each landed with about as many rows. */
export function landed(to: string, count: number, step: Duration = MONTH, rows = 18_000): readonly WindowEntry[] {
  const windows: WindowEntry[] = []
  for (let at = new Date(to); windows.length < count; ) {
    const from = addDuration(at, step, -1)
    const wobble = 1 + ((windows.length * 37) % 11) / 50
    windows.unshift({ id: windowId({ from, to: at }), state: 'landed', rows: Math.round(rows * wobble), attempt: 1 })
    at = from
  }
  return windows
}

export function days(to: string, count: number, rows = 70): readonly WindowEntry[] {
  return landed(to, count, DAY, rows)
}

const CHANGES: Readonly<
  Record<Exclude<Look, 'unasked' | 'undue' | 'gap'>, Partial<WindowEntry> & { readonly state: WindowEntry['state'] }>
> = {
  landed: { state: 'landed' },
  restated: { state: 'landed', restated: true, attempt: 2 },
  empty: { state: 'landed', mark: 'empty', rows: 0 },
  halved: { state: 'landed', mark: 'halved' },
  outdated: { state: 'landed', mark: 'outdated' },
  running: { state: 'landed', mark: 'running' },
  removed: { state: 'landed', mark: 'removed', removed: true, rows: 0 },
  coming: { state: 'requested' },
  waiting: { state: 'planned', error: 'deadline: the report was never ready' },
  failed: { state: 'failed', error: 'too-many-rejects: 2.1 % of the rows do not fit' },
}

/** The same windows, some of which look otherwise. Places count from the end: 1 is the newest. */
export function marked(
  windows: readonly WindowEntry[],
  looks: Readonly<Record<number, keyof typeof CHANGES>>,
): readonly WindowEntry[] {
  return windows.map((window, at) => {
    const look = looks[windows.length - at]
    if (!look) return window
    const { rows, ...rest } = window
    const keepsRows = !['coming', 'waiting', 'failed'].includes(look)
    return { ...rest, ...(keepsRows && rows !== undefined && { rows }), ...CHANGES[look] }
  })
}

/** Windows up to an instant that are due and that nobody asked for. */
export function gap(to: string, windows: number, step: Duration = MONTH): FeedAnswer['gaps'][number] {
  const from = Array.from({ length: windows }).reduce<Date>((at) => addDuration(at, step, -1), new Date(to))
  const each = step.months > 0 ? `P${step.months}M` : `P${step.days}D`
  return { from: from.toISOString(), to: new Date(to).toISOString(), windows, each }
}

/** A feed that is as it should be, but for what is given. */
export function feedAnswer(name: string, given: Partial<FeedAnswer> = {}): FeedAnswer {
  const windows = given.windows ?? landed('2026-12-01T00:00:00Z', 24)
  const counted = (state: WindowEntry['state']) => windows.filter((window) => window.state === state).length
  const complete = windows.filter(({ state, mark }) => state === 'landed' && mark !== 'running' && mark !== 'outdated')
  return {
    name,
    dataset: 'AzureUsage',
    table: name.replace(/(^|-)./g, (text) => text.slice(-1).toUpperCase()),
    account: 'default',
    enabled: true,
    grain: 'month',
    since: '2024-11-02T08:00:00.000Z',
    states: {
      planned: counted('planned'),
      requesting: counted('requesting'),
      requested: counted('requested'),
      landing: counted('landing'),
      landed: counted('landed'),
      failed: counted('failed'),
    },
    waiting: 0,
    gaps: [],
    complete: complete.length,
    outdated: windows.filter(({ mark }) => mark === 'outdated').length,
    removed: 0,
    earlyBlanks: 0,
    earlierForm: 0,
    withoutFile: 0,
    lateFiles: 0,
    rows: complete.reduce((sum, { rows = 0 }) => sum + rows, 0),
    completeUntil: '2026-11-01T00:00:00.000Z',
    freshUntil: '2026-11-01T00:00:00.000Z',
    dueBy: '2026-12-06T00:00:00.000Z',
    nextDue: '2026-12-05T00:00:00.000Z',
    backfill: { paused: false, left: 0, landed: 0, lately: 0 },
    drift: [],
    emptied: {},
    problems: [],
    resting: [],
    slow: [],
    doubtful: [],
    running: windows
      .filter(({ mark }) => mark === 'running')
      .map(({ id, rows = 0 }) => ({ window: id, asOf: NOW, rows })),
    acceptedGaps: [],
    restated: [],
    notes: [],
    ...given,
    windows,
  }
}

/** A status in which nothing needs a person, but for what is given. */
export function statusAnswer(given: Partial<StatusAnswer> = {}): StatusAnswer {
  return {
    v: 1,
    at: NOW,
    version: '0.3.0',
    toDo: [],
    timers: {
      provision: { finishedAt: '2026-11-26T14:30:02.000Z', everySeconds: 900, requested: 3, waiting: 0 },
      sweep: { finishedAt: '2026-11-26T14:31:40.000Z', everySeconds: 300 },
    },
    queue: { messages: 0, poisoned: 0 },
    feedsFrom: { source: 'package', packagedDiffers: false },
    accounts: [account('default')],
    problems: [],
    feeds: [],
    ...given,
  }
}

type AccountAnswer = StatusAnswer['accounts'][number]

export function account(name: string, given: Partial<AccountAnswer> = {}): AccountAnswer {
  return {
    name,
    reports: { lastHour: 14, perHour: 20, inFlight: 3, maxInFlight: 10 },
    credentials: [{ what: 'client-secret', endsAt: '2027-03-02T00:00:00.000Z', daysLeft: 95 }],
    ...given,
  }
}

const MONTHLY = landed('2026-12-01T00:00:00Z', 24)
const DAILY = days('2026-11-24T00:00:00Z', 120)

/** Every feed complete and fresh. */
export function fine(): StatusAnswer {
  return statusAnswer({
    feeds: [
      feedAnswer('azure-usage', {
        windows: marked(MONTHLY, { 1: 'running', 3: 'restated' }),
        restated: [
          {
            window: '20260901T000000Z_20261001T000000Z',
            landedAt: '2026-10-08T03:12:00.000Z',
            moved: [{ name: 'Quantity', before: '1830022.25', after: '1830944.75' }],
          },
        ],
      }),
      feedAnswer('learn', {
        dataset: 'MSLearn',
        grain: 'day',
        windows: DAILY,
        completeUntil: '2026-11-24T00:00:00.000Z',
        freshUntil: '2026-11-24T00:00:00.000Z',
        dueBy: '2026-11-28T00:00:00.000Z',
        nextDue: '2026-11-27T00:00:00.000Z',
      }),
      feedAnswer('office', { dataset: 'OfficeUsage', windows: marked(MONTHLY, { 1: 'running' }) }),
      profile(),
    ],
  })
}

function profile(): FeedAnswer {
  const windows = landed('2026-11-30T00:00:00Z', 17, { months: 0, days: 7, seconds: 0 }, 80)
  const { completeUntil: _, ...feed } = feedAnswer('profile', {
    dataset: 'Profile',
    grain: 'snapshot',
    windows: marked(windows, { 9: 'empty' }),
    latestSnapshot: '20261123T000000Z_20261130T000000Z',
    nextDue: '2026-11-30T00:00:00.000Z',
  })
  return feed
}

/** Something of everything, in every state. */
export function troubled(): StatusAnswer {
  const seats = marked(MONTHLY, {
    1: 'coming',
    2: 'failed',
    3: 'restated',
    7: 'halved',
    12: 'outdated',
    22: 'removed',
    23: 'removed',
    24: 'removed',
  })
  const teams = marked(days('2026-11-06T00:00:00Z', 400, 9_000), {
    1: 'failed',
    2: 'waiting',
    30: 'halved',
    31: 'empty',
    200: 'failed',
    201: 'failed',
  })
  const [first] = MONTHLY
  return statusAnswer({
    toDo: [
      {
        kind: 'timer-silent',
        sentence: 'The timer sweep is silent: it last ran at 2026-11-26T13:02Z; what landed stays',
        remedy: 'See in its log whether the app runs, and start it again.',
        command: 'npx partner-insights-sync doctor',
        since: '2026-11-26T13:17:00.000Z',
      },
      {
        kind: 'feed-blocked',
        feed: 'teams-apps',
        sentence: 'teams-apps asks for nothing new: column "AppId" is not in the report; what landed stays',
        remedy: adviceOn('column-missing').remedy,
        command: 'npx partner-insights-sync feeds push',
        since: '2026-11-06T04:11:00.000Z',
      },
      ...[2, 5, 6, 8, 9].map((place) => ({
        kind: 'window-failed' as const,
        feed: 'seats',
        window: MONTHLY.at(-place)?.id ?? '',
        sentence: `${wordsOf(MONTHLY.at(-place)?.id)} of seats failed (too-many-rejects), it has no rows: 2.1 % of the rows do not fit, 0.1 % may`,
        remedy: adviceOn('too-many-rejects').remedy,
        command: `npx partner-insights-sync rejects --feed seats --month ${MONTHLY.at(-place)?.id.slice(0, 4)}-${MONTHLY.at(-place)?.id.slice(4, 6)}`,
        since: '2026-11-16T05:00:00.000Z',
      })),
      {
        kind: 'credential-expiring',
        account: 'emea',
        sentence: 'The client-secret of account emea ends on 8 December 2026, in 12 days',
        remedy: 'Store a new client-secret for the account, then look whether it works.',
        command: 'npx partner-insights-sync doctor',
      },
    ],
    timers: {
      provision: { finishedAt: '2026-11-26T14:30:02.000Z', everySeconds: 900, requested: 3, waiting: 12 },
      sweep: { finishedAt: '2026-11-26T13:02:00.000Z', everySeconds: 300, silentSince: '2026-11-26T13:17:00.000Z' },
    },
    queue: { messages: 4, oldest: '2026-11-26T14:12:00.000Z', poisoned: 1 },
    feedsFrom: { source: 'container', packagedDiffers: true },
    accounts: [
      account('default'),
      account('emea', {
        waitsUntil: '2026-11-26T15:05:00.000Z',
        credentials: [{ what: 'client-secret', endsAt: '2026-12-08T00:00:00.000Z', daysLeft: 12 }],
        refused: {
          kind: 'unauthorized',
          message: 'AADSTS7000222: the secret has expired',
          since: '2026-11-26T09:00:00.000Z',
          triedAt: '2026-11-26T14:30:00.000Z',
          ...signInAdvice('unauthorized', 'emea', 'client-secret'),
          blocks: true,
        },
      }),
    ],
    feeds: [
      ...fine().feeds.slice(0, 1),
      feedAnswer('seats', {
        dataset: 'SeatsSubscriptionsAndRevenue',
        windows: seats,
        completeUntil: '2026-10-01T00:00:00.000Z',
        freshUntil: '2026-10-01T00:00:00.000Z',
        staleSince: '2026-11-15T00:00:00.000Z',
        slow: [
          {
            window: seats.at(-1)?.id ?? '',
            state: 'requested',
            requestedAt: '2026-11-26T11:20:00.000Z',
            until: '2026-11-27T11:20:00.000Z',
          },
        ],
        emptied: { Discount: { windows: 2, from: '2026-08-01T00:00:00.000Z', to: '2026-10-01T00:00:00.000Z' } },
        notes: [
          'November 2026 is requested, asked for at 2026-11-26T11:20Z; the service has until 2026-11-27T11:20Z; "forget" asks for it anew',
          'Column Discount, which had values before, has none in 2 windows from 2026-08-01 to 2026-10-01',
        ],
        restated: [
          {
            window: seats.at(-3)?.id ?? '',
            landedAt: '2026-11-12T03:12:00.000Z',
            moved: [
              { name: 'Revenue', before: '120344.10', after: '121002.75' },
              { name: 'Seats', before: '4012', after: '4020' },
            ],
          },
        ],
      }),
      feedAnswer('teams-apps', {
        dataset: 'TeamsUsage3PApps',
        grain: 'day',
        windows: teams,
        waiting: 20,
        gaps: [gap('2026-11-26T00:00:00Z', 20, DAY)],
        completeUntil: '2026-04-19T00:00:00.000Z',
        freshUntil: '2026-11-04T00:00:00.000Z',
        blocked: {
          kind: 'column-missing',
          message: 'column "AppId" is not in the report',
          at: '2026-11-06T04:11:00.000Z',
          ...adviceOn('column-missing'),
        },
        drift: ['the service no longer lists the column AppId'],
        notes: ['the service no longer lists the column AppId'],
      }),
      feedAnswer('new-feed', {
        dataset: 'MSLearn',
        windows: MONTHLY.slice(-4),
        waiting: 20,
        gaps: [gap(parseWindowId(MONTHLY.at(-4)?.id ?? '')?.from.toISOString() ?? NOW, 20)],
        nextDue: '2026-11-26T14:30:00.000Z',
        backfill: { paused: true, left: 20, landed: 0, lately: 0 },
        notes: ['20 windows of history left'],
        completeUntil: '2026-12-01T00:00:00.000Z',
      }),
      feedAnswer('old-feed', {
        enabled: false,
        dataset: 'OfficeUsage',
        windows: MONTHLY.slice(0, 10),
        acceptedGaps: [first?.id ?? ''],
        notes: ['Accepted gap: December 2024'],
      }),
      profile(),
    ],
  })
}

function wordsOf(id = ''): string {
  const window = parseWindowId(id)
  return window ? windowWords(window) : ''
}

/** So many feeds by day, each with so many windows, some of which are marked. */
export function manyFeeds(feeds: number, windows: number): StatusAnswer {
  return statusAnswer({
    feeds: Array.from({ length: feeds }, (_, at) =>
      feedAnswer(`feed-${String(at + 1).padStart(2, '0')}`, {
        grain: 'day',
        windows: marked(days('2026-11-25T00:00:00Z', windows), {
          3: 'restated',
          [5 + at]: 'halved',
          [20 + at]: 'empty',
        }),
        completeUntil: '2026-11-25T00:00:00.000Z',
        freshUntil: '2026-11-25T00:00:00.000Z',
      }),
    ),
  })
}

/** What is known of one window that failed after it had landed. */
export function windowAnswer(feed: string, id: string, given: Partial<WindowAnswer> = {}): WindowAnswer {
  const window = parseWindowId(id)
  if (!window) throw new Error(`${id} is no window`)
  return {
    v: 1,
    at: NOW,
    version: '0.3.0',
    feed,
    id,
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    lane: 'live',
    state: 'failed',
    sentence: 'Failed; the rows of an earlier landing remain.',
    attempt: 3,
    tries: 1,
    error: {
      kind: 'too-many-rejects',
      message: '2.1 % of the rows do not fit, 0.1 % may',
      at: '2026-11-16T05:00:00.000Z',
      ...adviceOn('too-many-rejects', { feed: 'seats', window: '--month 2025-03' }),
    },
    figures: {
      attempt: 2,
      origin: 'service',
      reportId: '7c1d6f0e-2f4e-4f0e-9a3c-0d4f6f5a9b11',
      requestedAt: '2026-11-12T03:02:00.000Z',
      landedAt: '2026-11-12T03:12:00.000Z',
      rowsRead: 18_422,
      rowsLanded: 18_420,
      rowsRejected: 2,
      bytes: 2_344_120,
      sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      archive: `${feed}/${id}/2-3f2a1c09.csv.gz`,
      rejects: `${feed}/${id}/2-b7de.rejects.jsonl`,
      table: 'Seats',
      milliseconds: { check: 820, write: 4_310, count: 0 },
      emptyColumns: ['Discount'],
    },
    totals: [
      { name: 'Revenue', before: '120344.10', sum: '121002.75' },
      { name: 'Seats', sum: '4020' },
    ],
    attempts: [
      {
        attempt: 3,
        at: '2026-11-16T05:00:00.000Z',
        requestedAt: '2026-11-16T04:40:00.000Z',
        seconds: 1_200,
        outcome: 'too-many-rejects',
        correlationId: 'b1a7c1de-77d1-4b0a-8f3e-2f7f1f1f0c55',
        archive: `${feed}/${id}/3-77aa.csv`,
      },
      {
        attempt: 2,
        at: '2026-11-12T03:12:00.000Z',
        requestedAt: '2026-11-12T03:02:00.000Z',
        seconds: 600,
        outcome: 'landed',
        rows: 18_420,
      },
      {
        attempt: 1,
        at: '2026-11-05T03:09:00.000Z',
        requestedAt: '2026-11-05T03:02:00.000Z',
        seconds: 420,
        outcome: 'landed',
        rows: 18_110,
      },
    ],
    commands: [
      `npx partner-insights-sync rejects --feed ${feed} --month 2026-10`,
      `npx partner-insights-sync retry ${feed} --month 2026-10`,
    ],
    ...given,
  }
}
