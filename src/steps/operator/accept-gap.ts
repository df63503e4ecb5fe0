import { isFailure } from '../../core/failures.ts'
import { withAcceptedGap } from '../../core/ledger/feed-row.ts'
import { isGap } from '../../core/ledger/ledger.ts'
import type { Problem } from '../../core/problems.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { changeFeedRow, unknownFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'

export type AcceptedGap = { readonly accepted: true }

/**
 * Lets `complete until` pass a failed window whose rows cannot be had. `status` lists such windows. A later landing of the
 * window counts as any other.
 */
export async function acceptGap(services: Services, feed: string, window: Window): Promise<AcceptedGap | Problem> {
  const id = windowId(window)
  const stored = await services.ledger.read(feed, id)
  if (!stored) return { problem: `${feed} ${id} was never asked for: it is no gap` }
  if (isFailure(stored)) return { problem: stored.message }
  if (!isGap(stored.value)) {
    return {
      problem: `${feed} ${id} is ${stored.value.state}: only a failed window without rows of its whole time is a gap`,
    }
  }
  const changed = await changeFeedRow(services, feed, (row) => withAcceptedGap(row, id))
  return changed ? { accepted: true } : unknownFeed(services, feed)
}
