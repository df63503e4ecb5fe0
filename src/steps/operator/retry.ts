import { isFailure } from '../../core/failures.ts'
import { isAtRest } from '../../core/ledger/ledger.ts'
import { toRetried } from '../../core/ledger/transitions.ts'
import type { Problem } from '../../core/problems.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import type { Services } from '../services.ts'

export type Retried = { readonly state: 'planned' }

/**
 * Lets the next tick of `provision` ask for a window again, with all its tries. Only a window that is `landed` or
 * `failed` can be retried; its rows and figures stay until the new report has landed. `acceptEmpty`: a report without
 * rows may land over rows, this once.
 */
export async function retry(
  { ledger, clock }: Pick<Services, 'ledger' | 'clock'>,
  feed: string,
  window: Window,
  acceptEmpty: boolean,
): Promise<Retried | Problem> {
  const id = windowId(window)
  const stored = await ledger.read(feed, id)
  if (!stored) return { problem: `${feed} ${id} was never asked for: there is nothing to retry` }
  if (isFailure(stored)) return { problem: stored.message }
  const { value: entry, etag } = stored
  if (!isAtRest(entry))
    return { problem: `${feed} ${id} is ${entry.state}: only what is landed or failed can be retried` }
  const written = await ledger.write(toRetried(entry, clock(), acceptEmpty), etag)
  return written ? { state: 'planned' } : { problem: `${feed} ${id} was changed just now; try again` }
}
