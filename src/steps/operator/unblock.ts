import { unblocked } from '../../core/ledger/feed-block.ts'
import type { Problem } from '../../core/problems.ts'
import { changeFeedRow, unknownFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'

/** Ends the block of a feed now: it is asked for at the next tick, with its failed windows that do not heal with time. */
export async function unblock(services: Services, feed: string): Promise<{ readonly unblocked: true } | Problem> {
  const now = services.clock()
  const changed = await changeFeedRow(services, feed, (row) => unblocked(row, now))
  if (!changed) return unknownFeed(services, feed)
  if (changed.before.refused) return { problem: `${changed.before.blocked?.message}: only feeds.json ends this block` }
  if (!changed.before.blocked) return { problem: `feed ${feed} is not blocked` }
  services.emit({ event: 'feed.unblocked', feed })
  return { unblocked: true }
}
