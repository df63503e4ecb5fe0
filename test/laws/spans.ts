import { HOUR_MS } from '../../src/core/time/durations.ts'
import type { History } from './history.ts'
import { overlapOf, uncoveredDays, unplanned } from './laws.ts'
import { FEEDS, type Place, type Played, play, thrownOf, workQuietly } from './play.ts'

/** Eight days, after which what a wrong clock put to sleep has woken and each audit has run, and a day for the quotas. */
const QUIET_ROUNDS = 9 * 8

/** Plays a history, lets the app work quietly, and gives what is wrong with the windows of its feeds. */
export async function wrongSpans(history: History, place: Place): Promise<readonly string[]> {
  const overlaps: string[] = []
  const played = await play(history, place, (at, actor, call) => {
    // What follows the first one is nobody's fault.
    if (overlaps.length === 0) overlaps.push(...overlapsOf(at, `${call} of ${actor}`))
  })
  for (let round = 0; round < QUIET_ROUNDS && missing(played).length > 0; round += 1) {
    await workQuietly(played, 3 * HOUR_MS)
  }
  return [...overlaps, ...thrownOf(played), ...missing(played), ...more(played)]
}

function overlapsOf({ deployment }: Played, after: string): readonly string[] {
  return FEEDS.flatMap((feed) => {
    const overlap = overlapOf(deployment.store.lookAtWindows(feed))
    return overlap ? [`${feed} ${overlap} overlap after ${after}`] : []
  })
}

/** Days that no window covers. A feed that is disabled or gone is asked nothing new, and so need not be covered. */
function missing({ deployment }: Played): readonly string[] {
  const { clock, store, feeds } = deployment
  const asking = feeds.lines.filter(({ enabled }) => enabled)
  return asking.flatMap((line) =>
    uncoveredDays(line, store.lookAtWindows(line.name), clock.now()).map((day) => `${line.name} ${day} in no window`),
  )
}

/** Windows that nobody planned. */
function more({ deployment, files, imported, latest }: Played): readonly string[] {
  const now = new Date(Math.max(latest.getTime(), deployment.clock.now().getTime()))
  const lines = files.flatMap((file) => file.lines)
  const names = new Set(lines.map(({ name }) => name))
  return [...names].flatMap((name) => {
    const forms = lines.filter((line) => line.name === name)
    const own = imported.filter(({ feed }) => feed === name).map(({ window }) => window)
    return unplanned(deployment.store.lookAtWindows(name), forms, own, now).map((id) => `${name} ${id} not planned`)
  })
}
