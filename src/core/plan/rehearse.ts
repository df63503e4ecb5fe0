import type { WakeRules } from '../ledger/wake.ts'
import { DAY_MS } from '../time/durations.ts'
import { earliest } from '../time/instants.ts'
import { windowId } from '../time/window.ts'
import type { RangedFeed } from './feed-history.ts'
import { isSlotTaken, type Pacing, type PacingLimits, type Slot, takeSlot } from './pacing.ts'
import { type Missed, type OpenFeed, openFeed, type Rehearsed } from './rehearsed-feed.ts'
import { inTurns, openTurn } from './turns.ts'

// Plays what an account will ask for, tick by tick, with the functions by which the app decides. Only time is assumed: how
// long a request and a report take, and that every report lands.

/** When the timers of the app run, and how long the service takes for an answer. */
export type Timers = {
  readonly nextTick: (after: Date) => Date
  readonly nextSweep: (after: Date) => Date
  readonly requestMs: number
}

/** What is assumed of time: the timers, and how long the service takes for a report of a feed. */
export type Assumed = Timers & { readonly reportMs: (feed: string) => number }

/** An account as it is now. `feeds` are all that use it, also those that ask for nothing new. */
export type AccountNow = {
  readonly feeds: readonly RangedFeed[]
  readonly pacing: Pacing
  readonly limits: PacingLimits
  readonly rules: WakeRules
}

export type Rehearsal = {
  /** All reports until history is done, in the order in which they are asked for. */
  readonly requests: readonly Rehearsed[]
  readonly missed: readonly Missed[]
  /** History is not done: for so long nothing more of it was asked for. */
  readonly isEndless: boolean
}

/** Where an account asks for no history for so long although some is due, nothing but a change makes it go on. */
const STANDSTILL_MS = 8 * DAY_MS

/** Plays an account from `now` on until its history is done. */
export function rehearse(now: Date, account: AccountNow, assumed: Assumed): Rehearsal {
  const openOf = (known: RangedFeed) => openFeed(known, account, assumed.reportMs(known.row.feed.name), now)
  const feeds = new Map(account.feeds.map((known) => [known.row.feed.name, openOf(known)]))
  const all = [...feeds.values()]
  const requests: Rehearsed[] = []
  let { pacing } = account
  let [last, swept, tick] = [now, now, assumed.nextTick(now)]
  const nextHistory = () => earliest(all.map((feed) => feed.nextHistory(tick)))
  for (let next = nextHistory(); next && tick.getTime() - last.getTime() < STANDSTILL_MS; next = nextHistory()) {
    const change = earliest([next, ...all.map((feed) => feed.nextChange(tick))]) ?? tick
    if (change > tick) {
      // Until then ticks and sweeps do nothing. What waits for its time does not stand still.
      swept = new Date(change.getTime() - 1)
      tick = assumed.nextTick(swept)
      last = tick
    }
    if (next > tick) last = tick
    // A sweep at the time of a tick ends after it.
    for (let sweep = assumed.nextSweep(swept); sweep < tick; sweep = assumed.nextSweep(sweep)) {
      for (const feed of all) feed.sweep(sweep)
      swept = sweep
    }
    const played = playTick(tick, feeds, { ...account, pacing }, assumed.requestMs)
    if (played.requests.some(({ priority }) => priority === 'backfill')) last = tick
    requests.push(...played.requests)
    pacing = played.pacing
    // A timer does not run beside itself.
    tick = assumed.nextTick(played.end)
  }
  const isEndless = nextHistory() !== undefined
  return { requests, missed: all.flatMap(({ missed }) => missed), isEndless }
}

/** What the account asks for in one tick, its pacing afterwards, and when the tick ends. */
function playTick(
  tick: Date,
  feeds: ReadonlyMap<string, OpenFeed>,
  { pacing: before, limits, rules }: AccountNow,
  requestMs: number,
): { readonly requests: readonly Rehearsed[]; readonly pacing: Pacing; readonly end: Date } {
  const requests: Rehearsed[] = []
  let [pacing, at] = [before, tick]
  const isTaken = (slot: Slot) =>
    isSlotTaken(slot, feeds.get(slot.feed)?.entry(slot.window, at), at, rules.adoptAfterMs)
  const { isOver, end } = openTurn()
  const due = [...feeds.values()].flatMap((feed) => feed.due(tick))
  for (const action of inTurns(due, before.served)) {
    const feed = feeds.get(action.row.feed.name)
    if (!feed || isOver(action)) continue
    const entry = feed.requesting(action, at)
    const slot = { feed: entry.feed, window: windowId(action.window), attempt: entry.attempt, at: at.toISOString() }
    const next = takeSlot(pacing, { ...slot, priority: action.priority }, limits, isTaken)
    if (next === 'account') break
    if (typeof next === 'string') {
      end(next, action)
      continue
    }
    pacing = next
    requests.push(feed.request(action, entry, at))
    at = new Date(at.getTime() + requestMs)
  }
  return { requests, pacing, end: at }
}
