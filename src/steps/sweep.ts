import { isFailure } from '../core/failures.ts'
import type { Drop } from '../core/ledger/drop.ts'
import type { KnownFeed } from '../core/plan/plan.ts'
import { sweepActions } from '../core/plan/sweep.ts'
import type { Stored } from '../services/storage/ledger-table.ts'
import { auditTables } from './landing/audit-table.ts'
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
    // Drops need no sign-in: an account that cannot sign in keeps no row that nobody sees.
    const done = [...(await sweepFeed(services, each)), ...(await sendDrops(services, each.row.feed.name))]
    for (const kind of done) swept[kind] = (swept[kind] ?? 0) + 1
  }
  await deleteStrays(services, known)
  await auditTables(
    services,
    known.map(({ row }) => row),
  )
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

/** Rows that nobody sees any more are deleted by ingest, which has the time for it. */
async function sendDrops({ ledger, queue, clock }: Services, feed: string): Promise<readonly string[]> {
  const readable = (await ledger.drops(feed)).filter((drop): drop is Stored<Drop> => !isFailure(drop))
  const due = readable.filter(({ value }) => value.wakeAt <= clock())
  for (const { value } of due) await queue.sendDrop({ feed, generation: value.generation })
  return due.map(() => 'drop')
}
