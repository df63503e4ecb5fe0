import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { type Feed, type FeedChoice, NAMES } from './feeds.ts'
import type { History } from './history.ts'
import { dueAt, type Missing, missing, mostYoung, refreshesAnHour, stretchOf, toHour } from './oracle.ts'
import { changeFeeds, play, tick } from './play.ts'
import type { Tally } from './tally.ts'
import {
  figureOf,
  formOf,
  hourText,
  openOf,
  type Place,
  type Restatement,
  type Seen,
  say,
  shownBy,
  sinceOf,
  type World,
  windowsOf,
} from './world.ts'

/** What failed has healed after so long: a week, and a day for an audit. */
const HEALED = 9 * DAY_MS

/** Plays a history, lets the service work again, and gives what breaks a law. */
export async function brokenLaws(history: History, place: Place, tally: Tally): Promise<readonly string[]> {
  const world = await play(history, place, tally)
  await comeToRest(world)
  if (world.wrong.length === 0) await workOn(world)
  return world.wrong
}

/** The feeds of feeds.json that ask. */
const asking = ({ deployment }: World) => deployment.feeds.filter(({ enabled }) => enabled)

/** Once the service works, everything that was due or under way lands, and the windows of each feed cover its time exactly. */
async function comeToRest(world: World): Promise<void> {
  const { clock } = world.deployment
  const quietFrom = nowOf(world)
  const wrongClock = world.history.rounds.some(({ acts }) => acts.some((act) => 'skewMs' in act && act.skewMs !== 0))
  const after = (milliseconds: number) => clock.now().getTime() + milliseconds
  // What a clock which was ahead put to sleep wakes in its time.
  for (const until = after(wrongClock ? HEALED : 0); clock.now().getTime() < until; ) await tick(world, 12 * HOUR_MS)
  const until = after(HEALED)
  do await tick(world, HOUR_MS)
  while (clock.now().getTime() < until && restless(world, quietFrom).length > 0)
  for (const each of restless(world, quietFrom)) say(world, each)
}

/** What was due hours ago and is not asked for, and what is still under way since before it was quiet. */
function restless(world: World, quietFrom: number): readonly string[] {
  const then = nowOf(world) - 12 * HOUR_MS
  const holes = asking(world).flatMap((feed) =>
    missingOf(world, feed, then).map((each) => `${feed.name}: ${textOf(each)}`),
  )
  const others = NAMES.flatMap((name) =>
    windowsOf(world, name)
      .filter((seen) => isRestless(world, name, seen, then, quietFrom))
      .map(({ key, state }) => `${name}: ${key} is still ${state}`),
  )
  return [...holes, ...others]
}

const nowOf = ({ deployment }: World) => deployment.clock.now().getTime()

/** A feed that does not ask finishes only what is under way. What a clock which was ahead asked for waits for its time. */
function isRestless(
  world: World,
  name: string,
  { from, to, state, figures, requestedAt = 0 }: Seen,
  then: number,
  quietFrom: number,
): boolean {
  if (state === 'requesting' || state === 'requested' || state === 'landing') return requestedAt < quietFrom
  if (state === 'landed' || requestedAt > then) return false
  const feed = asking(world).find((each) => each.name === name)
  return !figures && feed !== undefined && dueAt(feed, { from, to }) * HOUR_MS <= then
}

const textOf = ({ from, to, lane }: Missing) => `${hourText(from)} to ${hourText(to)} (${lane}) has no entry`

function missingOf(world: World, feed: Feed, nowMs: number): readonly Missing[] {
  return missing(feed, windowsOf(world, feed.name), sinceOf(world, feed.name) ?? nowMs, nowMs)
}

/** How often the timers fire while a backfill is under way, and afterwards. */
const OFTEN = 30 * MINUTE_MS
const HOURLY = HOUR_MS

/** A restatement is published so long after its time: a report is made, and others may come first. */
const SLACK = 6 * HOUR_MS

/**
 * Old history is asked for beside what is new while the source restates its numbers. Everything is in time: what is new at the
 * next tick, and what is restated within its `every`.
 */
async function workOn(world: World): Promise<void> {
  const { clock } = world.deployment
  // An hour before midnight, when days and weeks are due.
  clock.advance(
    23 * HOUR_MS - (clock.now().getTime() % DAY_MS) + (clock.now().getTime() % DAY_MS > 23 * HOUR_MS ? DAY_MS : 0),
  )
  await tick(world, OFTEN)
  await tick(world, OFTEN)
  const before = cadencesOf(world)
  changeFeeds(world, world.history.feeds.map(withOlderHistory))
  const audits = cadencesOf(world) === before ? 0 : AUDITS
  for (let nth = 0; nth < 8; nth += 1) await tick(world, OFTEN, () => watchLive(world))
  for (let nth = 0; nth < audits; nth += 1) await tick(world, 4 * HOUR_MS, () => watchLive(world))
  const until = clock.now().getTime() + warmUp(world) * HOUR_MS
  while (clock.now().getTime() < until) await tick(world, HOURLY, () => watchLive(world))
  const open = asking(world).flatMap((feed) => restateYoung(world, feed))
  while (open.length > 0 && world.wrong.length === 0) {
    await tick(world, HOURLY, () => watchLive(world))
    const waiting = open.filter((each) => staleOf(world, each).length > 0)
    const late = waiting.filter(({ by }) => by <= clock.now().getTime())
    for (const each of late.flatMap((each) => staleOf(world, each))) say(world, each)
    open.splice(0, open.length, ...waiting)
  }
}

/** Another `refresh` counts for a window that has landed once its feed is audited: so many ticks of four hours are a day. */
const AUDITS = 6

const cadencesOf = (world: World) =>
  JSON.stringify(
    asking(world).map(({ name, window, delay, openWindow, refresh }) => [name, window, delay, openWindow, refresh]),
  )

function withOlderHistory(choice: FeedChoice): FeedChoice {
  const back = choice.back + (choice.grain === 'month' ? 200 : 6)
  return { ...choice, back, enabled: true }
}

/** Hours after which every young window of an account has had its turn. */
function warmUp(world: World): number {
  const young = asking(world).flatMap((feed) =>
    windowsOf(world, feed.name).filter((seen) => isYoung(world, feed, seen, 0)),
  )
  return Math.min(Math.ceil(young.length / refreshesAnHour(world.history.limits)), 14)
}

/** Whether a landed window is refreshed for so many more hours; one that still counts as running, where the feed wants that. */
function isYoung({ deployment }: World, { refresh, openWindow }: Feed, { to, figures }: Seen, hours: number): boolean {
  if (!refresh || !figures || (figures.running && !openWindow)) return false
  return toHour(deployment.clock.now().getTime()) + hours < to + refresh.for
}

/**
 * Whether an account has as many young windows as its feeds say. Shorter ones, which a feed had before, are more than
 * `validate` can know of.
 */
function isAsForecast(world: World, account: string): boolean {
  return asking(world)
    .filter((feed) => feed.account === account)
    .every((feed) => {
      const young = windowsOf(world, feed.name).filter((seen) => isYoung(world, feed, seen, 0))
      return young.length <= mostYoung(feed)
    })
}

type Expected = Restatement & { readonly by: number }

/** The source restates each young window of a feed. */
function restateYoung(world: World, feed: Feed): readonly Expected[] {
  const { refresh, account } = feed
  if (!refresh || !isAsForecast(world, account)) return []
  const at = world.deployment.clock.now().getTime()
  const stretch = stretchOf(
    asking(world).filter((each) => each.account === account),
    world.history.limits,
  )
  const within = refresh.every * stretch * HOUR_MS + SLACK
  const young = windowsOf(world, feed.name).filter((seen) => isYoung(world, feed, seen, within / HOUR_MS + 1))
  return young.map(({ from }) => {
    const restatement = { feed: feed.name, span: { from, to: from + 1 }, at }
    world.restatements.push(restatement)
    world.tally.count('restatements')
    world.tally.count('restated windows judged')
    return { ...restatement, by: at + within }
  })
}

/** The windows that hold restated time and do not yet show what the source said then. */
function staleOf(world: World, { feed: name, span, at }: Expected): readonly string[] {
  const feed = formOf(world, name)
  if (!feed) return []
  const holding = windowsOf(world, name).filter((seen) => seen.from < span.to && seen.to > span.from)
  return holding.flatMap((seen) => {
    const shown = shownBy(world, feed, seen)
    const wanted = figureOf(world, name, seen, at)
    if (shown !== undefined && shown >= wanted) return []
    return [`${name}: ${seen.key} shows ${shown}, and not ${wanted}, restated at ${new Date(at).toISOString()}`]
  })
}

/**
 * What is new and due is asked for at this tick, unless what is new alone takes the slot that is kept for it: in the hour, or in
 * flight.
 */
function watchLive(world: World): void {
  const now = world.deployment.clock.now().getTime()
  for (const feed of asking(world)) {
    const open = missingOf(world, feed, now)
    const [late] = open.filter(({ lane }) => lane === 'live')
    const isNewOne = world.postings.some(
      (each) => each.feed === feed.name && each.priority === 'live' && each.at === now,
    )
    if (isNewOne && open.some(({ lane }) => lane === 'backfill')) world.tally.count('new windows beside a backfill')
    if (!late) continue
    const own = world.postings.filter(({ account, priority }) => account === feed.account && priority === 'live')
    const isHourTaken = own.some(({ at }) => at > now - HOUR_MS)
    const isSlotTaken = openOf(world, feed.account).some(({ priority }) => priority === 'live')
    if (!isHourTaken && !isSlotTaken) say(world, `${feed.name}: ${textOf(late)}, and nothing new was asked for`)
  }
}
