import { isFailure } from '../core/failures.ts'
import type { KnownFeed } from '../core/plan/plan.ts'
import { sweepActions } from '../core/plan/sweep.ts'
import { noteEmptyWindows, readKnownFeeds } from './ledger/feed-row.ts'
import { deleteFormerQueries, deleteStrays } from './requesting/strays.ts'
import { carryOut } from './requesting/sweep-actions.ts'
import type { Services } from './services.ts'

/** What one sweep did: how many actions of each kind. */
export type Swept = Readonly<Record<string, number>>

/**
 * Does what no callback does: polls, adopts reports whose answer was lost, ends attempts that took too long, reopens failed
 * windows, and deletes what we left at the service. It may run at any time, twice, or on two instances at once.
 */
export async function sweep(services: Services): Promise<Swept> {
  const known = await readKnownFeeds(services)
  const swept: Record<string, number> = {}
  for (const each of known) {
    for (const kind of await sweepFeed(services, each)) swept[kind] = (swept[kind] ?? 0) + 1
  }
  await deleteStrays(services, known)
  return swept
}

async function sweepFeed(services: Services, known: KnownFeed): Promise<readonly string[]> {
  const { row } = known
  const insights = services.insights(row.feed.account, row.account)
  if (isFailure(insights)) return []
  const job = { row, insights, services }
  const done: string[] = []
  for (const action of sweepActions(services.clock(), known, services.settings)) {
    if (await carryOut(job, action)) done.push(action.kind)
  }
  await deleteFormerQueries(job, known.entries)
  await noteEmptyWindows(services, known)
  return done
}
