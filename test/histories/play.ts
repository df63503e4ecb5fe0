import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { callback } from '../../src/steps/callback.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { drain } from '../laws/play.ts'
import { type Actor, interleave, seededChoices } from '../laws/scheduler.ts'
import { HEALTHY } from '../laws/service.ts'
import type { Pass } from '../memory/store.ts'
import { type FeedChoice, feedsFrom } from './feeds.ts'
import type { Act, History, Round, Trigger } from './history.ts'
import { periodEnd, periodStart, toHour } from './oracle.ts'
import { countCalls, type Tally } from './tally.ts'
import { forget, formOf, openWorld, type Place, placeOf, say, type World, watchWindows } from './world.ts'

/** Plays what goes wrong. From then on the service works. */
export async function play(history: History, place: Place, tally: Tally): Promise<World> {
  const world = openWorld(history, place, tally)
  const choose = seededChoices(history.seed)
  for (const round of history.rounds) await playRound(world, round, choose)
  const { service } = world.deployment
  service.health = HEALTHY
  countCalls(tally, service.calls)
  return world
}

async function playRound(world: World, { health, acts, later }: Round, choose: ReturnType<typeof seededChoices>) {
  const { clock, service } = world.deployment
  service.health = health
  const working = new Set<string>()
  const actors = acts.map((act, nth) => ({ ...actorOf(world, act), name: `${act.kind} ${nth + 1}` }))
  world.isJumping = acts.some((act) => 'skewMs' in act && act.skewMs !== 0)
  const onCall = (actor: string, call: string) => {
    working.add(actor.split(' ')[0] ?? '')
    watchWindows(world, call)
  }
  const thrown = await interleave(actors, { clock, choose, onCall })
  for (const { actor, error } of thrown) say(world, `${actor} threw ${error}`)
  if (acts.filter(({ kind }) => kind === 'provision').length > 1) world.tally.count('instances at once')
  if (world.isJumping) forget(world)
  world.isJumping = false
  clock.advance(later)
  world.latest = Math.max(world.latest, clock.now().getTime())
}

function actorOf(world: World, act: Act): Omit<Actor, 'name'> {
  const { deployment, tally } = world
  const { clock } = deployment
  switch (act.kind) {
    case 'feeds':
      return { run: (pass) => pass('feeds.write', async () => changeFeeds(world, act.feeds)) }
    case 'restate':
      return { run: (pass) => pass('restate', async () => restate(world, act.feed, act.back)) }
    case 'wait':
      return { run: (pass) => pass('wait', async () => clock.advance(act.milliseconds)) }
    default: {
      const { kind, skewMs, cut } = act
      const run = (pass: Pass) => {
        const services = deployment.start(pass, skewMs)
        if (skewMs !== 0) tally.count('clocks that jump')
        if (cut) tally.count('killed instances')
        world.latest = Math.max(world.latest, services.clock().getTime() + HOUR_MS)
        return pull(world, kind, services)
      }
      return { run, ...(cut && { cut }) }
    }
  }
}

async function pull(world: World, trigger: Trigger, services: Services): Promise<void> {
  if (trigger === 'provision') await provision(services)
  else if (trigger === 'sweep') await sweep(services)
  else if (trigger === 'callbacks') await callBack(world, services)
  else await drain(world.deployment, services)
}

/** The service calls back for each report whose time has come. */
async function callBack({ callbacks, deployment }: World, services: Services): Promise<void> {
  const now = deployment.clock.now().getTime()
  const due = callbacks.filter(({ at }) => at <= now)
  const waiting = callbacks.filter(({ at }) => at > now)
  callbacks.splice(0, callbacks.length, ...waiting)
  for (const { url, reportId } of due) await callback({ ...placeOf(url), reportId }, services)
}

/** A person changes feeds.json. */
export function changeFeeds(world: World, choices: readonly FeedChoice[]): void {
  const feeds = feedsFrom(choices, Date.parse(world.history.start))
  world.deployment.feeds = feeds
  world.forms.push(...feeds)
  world.tally.count('settings changed')
}

/** The source changes its numbers for the month or day that was so many days ago. */
function restate(world: World, feed: string, back: number): void {
  const at = world.deployment.clock.now().getTime()
  const period = formOf(world, feed)?.grain === 'month' ? 'P1M' : 'P1D'
  const hour = toHour(at - back * DAY_MS)
  world.restatements.push({ feed, at, span: { from: periodStart(hour, period), to: periodEnd(hour, period) } })
  world.tally.count('restatements')
}

/** From one firing of the timers to what they asked for being ready, at the soonest. */
const READY = 5 * MINUTE_MS

/**
 * The timers fire and callbacks come while nothing goes wrong, and then time passes. `afterProvision` looks at what is left
 * to ask for.
 */
export async function tick(world: World, every: number, afterProvision: () => void = () => undefined): Promise<void> {
  const { deployment } = world
  const { clock } = deployment
  world.latest = Math.max(world.latest, clock.now().getTime())
  const watched: Pass = async (call, effect) => {
    const answer = await effect()
    watchWindows(world, call)
    return answer
  }
  const services = deployment.start(watched)
  await land(world, services)
  await provision(services)
  afterProvision()
  clock.advance(READY)
  await land(world, services)
  clock.advance(every - READY)
}

async function land(world: World, services: Services): Promise<void> {
  await callBack(world, services)
  await sweep(services)
  await drain(world.deployment, services)
}
