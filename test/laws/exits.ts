import { isOpen, type LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { DAY_MS, HOUR_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { LIMITS } from './deployment.ts'
import { DELAY_DAYS, namesOf } from './feeds.ts'
import type { History } from './history.ts'
import { isAtRest, mostCreatedInAnHour, uncoveredDays } from './laws.ts'
import { everyEntry, type Place, type Played, play, thrownOf, workQuietly } from './play.ts'

/** How often the timers fire once the service works again. */
const EVERY = 3 * HOUR_MS

/** Within so long every window has its exit, beside the time that the quota needs. */
const LONGEST = 8 * DAY_MS

/** Plays a history, lets the service work again, and gives the windows that are not at rest in time. */
export async function missingExits(history: History, place: Place): Promise<readonly string[]> {
  const played = await play(history, place)
  const { clock, store } = played.deployment
  const healed = clock.now()
  const known = new Set(everyEntry(store).map(nameOf))
  const until = healed.getTime() + LONGEST + quotaNeeds(known.size + missing(played, healed).length)
  while (restless(played, healed, known).length > 0 && clock.now().getTime() < until) await workQuietly(played, EVERY)
  return [...thrownOf(played), ...restless(played, healed, known), ...tooMany(history, played)]
}

/** A feed may hold half of what is in flight, so it asks for as many reports whenever the timers fire. */
const quotaNeeds = (windows: number) => Math.ceil(windows / (LIMITS.maxInFlight / 2)) * EVERY

const nameOf = ({ feed, window }: LedgerEntry) => `${feed} ${windowId(window)}`

/**
 * What is not at rest of the windows that were due, or had an attempt under way, when the service began to work again. A
 * feed that is disabled or gone is asked nothing new: what is not under way waits for it to come back.
 */
function restless(played: Played, healed: Date, known: ReadonlySet<string>): readonly string[] {
  const asking = new Set(namesOf(played.deployment.feeds))
  const mustRest = (entry: LedgerEntry) => {
    if (isOpen(entry)) return known.has(nameOf(entry)) || dueAt(entry) <= healed.getTime()
    return asking.has(entry.feed) && dueAt(entry) <= healed.getTime()
  }
  const states = everyEntry(played.deployment.store)
    .filter((entry) => !isAtRest(entry) && mustRest(entry))
    .map((entry) => {
      const why = entry.state === 'failed' ? ` ${entry.kind}` : ''
      return `${nameOf(entry)} is still ${entry.state}${why} (${entry.lastError?.message ?? 'without an error'})`
    })
  return [...states, ...missing(played, healed)]
}

const dueAt = ({ window }: LedgerEntry) => window.to.getTime() + DELAY_DAYS * DAY_MS

/** Days that were due and are in no window. */
function missing({ deployment: { feeds, store } }: Played, healed: Date): readonly string[] {
  const asking = feeds.lines.filter(({ enabled }) => enabled)
  return asking.flatMap((line) =>
    uncoveredDays(line, store.lookAtWindows(line.name), healed).map((day) => `${line.name} ${day} not asked for`),
  )
}

/**
 * A tick whose clock is a month ahead forgets the creations of the last hour, and so may the one after it. An instance
 * that was held up for long before its request sends that in another hour than it planned.
 */
function tooMany({ rounds }: History, { deployment }: Played): readonly string[] {
  const acts = rounds.flatMap((round) => round.acts)
  const skewed = acts.filter((act) => 'skewDays' in act && act.skewDays !== 0)
  const bound = LIMITS.maxReportsPerHour * (1 + skewed.length) + acts.filter(({ kind }) => kind === 'provision').length
  return ['default', 'other'].flatMap((account) => {
    const most = mostCreatedInAnHour(deployment.service.calls, account)
    return most > bound ? [`${most} reports of account ${account} in an hour`] : []
  })
}
