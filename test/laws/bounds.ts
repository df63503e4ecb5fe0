import { DAY_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { unhindered } from '../memory/store.ts'
import { type Deployment, LIMITS, openDeployment } from './deployment.ts'
import type { FeedLine } from './feeds.ts'
import { mostCreatedInAnHour } from './laws.ts'
import { type Place, tick } from './play.ts'
import { type Counted, ENDPOINTS, type Endpoint, type Fault, HEALTHY, type Health } from './service.ts'

/** How often the timers fire. */
const EVERY = 30 * MINUTE_MS
const TICKS_A_DAY = DAY_MS / EVERY

const usage: FeedLine = {
  name: 'usage',
  account: 'default',
  window: 'P1D',
  from: '2025-12-15',
  to: '2026-01-01',
  enabled: true,
}
const spare: FeedLine = { ...usage, name: 'spare' }

/** Days of a feed, each with a window. */
const WINDOWS = 17

/** Two feeds of one account. */
const FEEDS: readonly FeedLine[] = [usage, spare]

/** Here most windows, and the newest ones, are those of the first feed. */
const UNEQUAL: readonly FeedLine[] = [{ ...usage, from: '2025-11-24', to: '2026-01-05' }, spare]

/** What an account was asked for on one day, and what it was asked to make on that day and the one before. */
type Day = { readonly created: number; readonly createdLately: number }

/**
 * The most calls of an account in one day. Three tries of a window fail within hours, and it is reopened after 6 and 12
 * hours. A lost answer is looked for five times on its first day, often with others, a report deleted twice on its first days and then with the others hourly, and
 * what a feed needs before it can ask is tried hourly, too.
 */
const BOUNDS: Readonly<Record<Endpoint, (day: Day) => number>> = {
  createReport: () => 9 * FEEDS.length * WINDOWS,
  listReports: ({ createdLately }) => 5 * createdLately + 2,
  execution: ({ created }) => created + LIMITS.maxInFlight * TICKS_A_DAY,
  deleteReport: ({ createdLately }) => 2 * createdLately + 24,
  listQueries: () => 24 * FEEDS.length,
  createQuery: () => 24 * FEEDS.length,
  deleteQuery: () => 24 * FEEDS.length,
  listDatasets: () => 24 * FEEDS.length,
}

const all = (fault: Fault): Health => ({
  ...HEALTHY,
  faults: Object.fromEntries(ENDPOINTS.map((endpoint) => [endpoint, fault])),
})

const failing = (faults: Health['faults']): Health => ({ ...HEALTHY, faults })

/** What goes wrong for as long as a bound is watched. */
export const TROUBLES: Readonly<Record<string, Health>> = {
  'nothing fails': HEALTHY,
  'creates answer 500': failing({ createReport: { status: 500 } }),
  'creates answer 500 and make the report': failing({ createReport: { status: 500, isDone: true } }),
  'creates answer 403': failing({ createReport: { status: 403 } }),
  'creates answer 429': failing({ createReport: { status: 429 } }),
  'answers are lost and look-ups forbidden': failing({ createReport: { status: 500 }, listReports: { status: 403 } }),
  'answers are lost and look-ups fail': failing({ createReport: { status: 500 }, listReports: { status: 500 } }),
  'polls answer 500': failing({ execution: { status: 500 } }),
  'polls answer 429': failing({ execution: { status: 429, retryAfter: '3600' } }),
  'deletions answer 500': failing({ deleteReport: { status: 500 } }),
  'query look-ups answer 500': failing({ listQueries: { status: 500 } }),
  'queries cannot be made': failing({ createQuery: { status: 500 } }),
  'no report is ever ready': { ...HEALTHY, reports: 'stuck' },
  'links are foreign': { ...HEALTHY, areLinksForeign: true },
  'reports are malformed': { ...HEALTHY, reports: 'malformed' },
  'creates answer 401': failing({ createReport: { status: 401 } }),
  'everything answers 401': all({ status: 401 }),
  'creates answer 401 for want of multi-factor': failing({ createReport: { status: 401, message: '900421' } }),
  'everything answers 401 for want of multi-factor': all({ status: 401, message: '900421' }),
  'everything answers 500': all({ status: 500 }),
}

/** Lets the timers fire for some days in such trouble, and gives the bounds that did not hold. */
export async function brokenBounds(health: Health, days: number, place: Place): Promise<readonly string[]> {
  const { calls } = (await work(health, { ticks: days * TICKS_A_DAY, every: EVERY }, place)).service
  return ENDPOINTS.flatMap((endpoint) => beyondBound(calls, endpoint))
}

/** The most reports that are asked for within an hour, while reports are ready as soon as they may be. */
export async function mostInAnHour(health: Health, place: Place): Promise<number> {
  const { calls } = (await work(health, { ticks: 40, every: 4 * MINUTE_MS }, place)).service
  return mostCreatedInAnHour(calls, 'default')
}

/** The day on which an endpoint was called most often beyond its bound; none where it held. */
function beyondBound(calls: readonly Counted[], endpoint: Endpoint): readonly string[] {
  const dayOf = ({ at }: Counted) => Math.floor((at - (calls[0]?.at ?? at)) / DAY_MS)
  const count = (of: Endpoint, day: number) =>
    calls.filter((call) => call.endpoint === of && dayOf(call) === day).length
  const beyond = [...new Set(calls.map(dayOf))].flatMap((day) => {
    const created = count('createReport', day)
    const bound = BOUNDS[endpoint]({ created, createdLately: created + count('createReport', day - 1) })
    const called = count(endpoint, day)
    return called > bound ? [{ called, bound }] : []
  })
  const [worst] = beyond.sort((a, b) => b.called - a.called)
  return worst ? [`${endpoint}: ${worst.called} calls on a day, not ${worst.bound}`] : []
}

/**
 * The trouble that one feed may have alone. What the service says of the account, such as 401 and 429, holds up all of its
 * feeds.
 */
export const OF_ONE_FEED = Object.entries(TROUBLES).filter(([name]) => !/4[02][19]/.test(name))

/** Lets the timers fire for a day while one feed is in trouble, and gives what another one waits for. */
export async function heldUp(health: Health, place: Place): Promise<readonly string[]> {
  const { store } = await work({ ...health, only: usage.name }, { ticks: TICKS_A_DAY, every: EVERY }, place, UNEQUAL)
  const entries = store.lookAtEntries(spare.name)
  const landed = entries.filter(({ state }) => state === 'landed').length
  return landed === WINDOWS ? [] : [`${entries.length} of ${WINDOWS} windows were asked for, ${landed} landed`]
}

type Ticks = { readonly ticks: number; readonly every: number }

async function work(health: Health, { ticks, every }: Ticks, { origin }: Place, lines = FEEDS): Promise<Deployment> {
  const deployment = openDeployment({ lines, snapshots: false }, origin)
  deployment.service.health = health
  const services = deployment.start(unhindered)
  for (let nth = 0; nth < ticks; nth += 1) {
    await tick(services, deployment)
    deployment.clock.advance(every)
  }
  return deployment
}
