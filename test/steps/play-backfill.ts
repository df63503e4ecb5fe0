import { timersOf } from '../../cli/backfill/timers.ts'
import { reportName } from '../../src/core/ledger/remote-names.ts'
import { type BackfillView, viewBackfill } from '../../src/core/plan/backfill.ts'
import type { PacingLimits } from '../../src/core/plan/pacing.ts'
import type { Rehearsed } from '../../src/core/plan/rehearsed-feed.ts'
import { MINUTE_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { readBackfill } from '../../src/steps/operator/backfill.ts'
import { provision } from '../../src/steps/provision.ts'
import { rememberFeeds } from '../../src/steps/requesting/remember-feeds.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { reportRequests } from '../setup/insights.ts'
import { quietWorld, type World } from '../setup/world.ts'

const TIMERS = timersOf({})

/** Before this tick it is rehearsed once more. */
const HALFWAY = 6

/** The services of a world in which a request takes a second. */
function slowly({ services, clock }: World): Services {
  const insights: Services['insights'] = (name, account) => {
    const client = services.insights(name, account)
    if ('kind' in client) return client
    return {
      ...client,
      async createReport(request) {
        const creation = await client.createReport(request)
        clock.advance(1000)
        return creation
      },
    }
  }
  return { ...services, insights }
}

const setClock = ({ clock }: World, at: Date) => clock.advance(Math.max(at.getTime() - clock.now().getTime(), 0))

/** Runs both timers at their times, as the Functions host does, until nothing of history is left. Gives when that was. */
async function runTimers(world: World, services: Services, halfway: () => Promise<void>): Promise<Date> {
  let waiting = 1
  let ticks = 0
  let [tick, swept] = [TIMERS.nextTick(world.clock.now()), TIMERS.nextSweep(world.clock.now())]
  for (;;) {
    const isTick = tick <= swept
    setClock(world, isTick ? tick : swept)
    if (isTick) {
      if (++ticks === HALFWAY) await halfway()
      waiting = (await provision(services))?.waiting ?? 0
      tick = TIMERS.nextTick(tick)
    } else {
      await sweep(services)
      await world.drain()
      swept = TIMERS.nextSweep(swept)
      if (waiting === 0 && isDone(await look(world))) return world.clock.now()
    }
  }
}

async function look({ services, clock }: World): Promise<BackfillView> {
  const { accounts } = await readBackfill(services)
  return viewBackfill(clock.now(), accounts, TIMERS, { isInSpan: () => true })
}

const isDone = ({ feeds, requests }: BackfillView) =>
  requests.every(({ priority }) => priority !== 'backfill') && feeds.every(({ underWay }) => underWay === 0)

/** What was asked of the service, in order. */
const posted = ({ simulator }: World) =>
  reportRequests(simulator).map(({ body }) => String((JSON.parse(body) as { ReportName: string }).ReportName))

/** How the reports that were rehearsed are named: those of one window by their attempts. */
function namesOf(requests: readonly Rehearsed[]): readonly string[] {
  const attempts = new Map<string, number>()
  return requests.map(({ feed, window }) => {
    const key = `${feed} ${windowId(window)}`
    const attempt = (attempts.get(key) ?? 0) + 1
    attempts.set(key, attempt)
    return reportName('test', { name: feed }, window, attempt)
  })
}

/** A second rehearsal does not know how often a window was asked for before. */
const withoutAttempts = (names: readonly string[]) => names.map((name) => name.replace(/ \d+$/, ''))

/** What was foreseen and what came: the reports in order by their names, and how long all took. */
export type Played = {
  readonly rehearsed: readonly string[]
  readonly posted: readonly string[]
  /** The same from the sixth tick on, while reports are under way. */
  readonly halfway: { readonly rehearsed: readonly string[]; readonly posted: readonly string[] }
  readonly forecastMs: number
  readonly tookMs: number
  readonly view: BackfillView
}

/**
 * Rehearses a backfill before anything is asked for, and then runs it with the real steps against the simulator, at the
 * times of the timers. Only the clock is moved.
 */
export async function playBackfill(feeds: readonly object[], limits: PacingLimits): Promise<Played> {
  const world = await quietWorld({
    feeds,
    now: '2025-07-10T12:04:00Z',
    simulator: { generationMilliseconds: 6 * MINUTE_MS, rows: 1, profile: 'observed' },
    settings: { limits },
  })
  const services = slowly(world)
  await services.ledger.create()
  await rememberFeeds(services, await services.ledger.appRows())
  const view = await look(world)
  const later: { view?: BackfillView; from: number } = { from: 0 }
  const end = await runTimers(world, services, async () => {
    Object.assign(later, { view: await look(world), from: posted(world).length })
  })
  return {
    halfway: {
      rehearsed: withoutAttempts(namesOf(later.view?.requests ?? [])),
      posted: withoutAttempts(posted(world).slice(later.from)),
    },
    rehearsed: namesOf(view.requests),
    posted: posted(world),
    forecastMs: (view.doneAt?.getTime() ?? 0) - view.at.getTime(),
    tookMs: end.getTime() - view.at.getTime(),
    view,
  }
}
