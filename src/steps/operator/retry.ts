import { isFailure } from '../../core/failures.ts'
import { whyAsksNothing, withTrialNow } from '../../core/ledger/feed-block.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { type Failed, isAtRest, type Landed, lastArchive } from '../../core/ledger/ledger.ts'
import { toRetried } from '../../core/ledger/transitions.ts'
import { whyPastKeep } from '../../core/plan/keep.ts'
import { whyNotAskedFor, whyNotAtRest } from '../../core/plan/own-window.ts'
import { hasPassed } from '../../core/plan/plan.ts'
import type { Problem } from '../../core/problems.ts'
import { windowCommand } from '../../core/status/command.ts'
import { adviceOnAttempt } from '../../core/status/failed-window.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import { changeFeedRow, findTypedFeed } from '../ledger/feed-row.ts'
import { readPlan } from '../ledger/plan-row.ts'
import type { Services } from '../services.ts'
import { changedJustNow } from './own-attempt.ts'

export type Retried = { readonly state: 'planned' }

/**
 * Lets the next tick of `provision` ask for a window again, with all its tries, also while its feed is blocked. Only a
 * window that is `landed` or `failed` can be retried; its rows and figures stay until the new report has landed.
 * `acceptEmpty`: a report without rows may land over rows, this once.
 */
export async function retry(
  services: Pick<Services, 'ledger' | 'clock'>,
  feed: string,
  window: Window,
  acceptEmpty: boolean,
): Promise<Retried | Problem> {
  const { ledger, clock } = services
  const id = windowId(window)
  const row = await findTypedFeed(services, feed)
  if ('problem' in row) return row
  const problem = whyAsksNothing(row)
  if (problem !== undefined) return { problem }
  const stored = await ledger.read(feed, id)
  if (!stored) {
    const spans = (await readPlan(services, feed))?.value.spans ?? []
    return { problem: `${feed} ${id} was not asked for yet: ${whyNotAskedFor(clock(), row, spans, window)}` }
  }
  if (isFailure(stored)) return { problem: `${stored.message}; take it out with "forget", and it is asked for anew` }
  const { value: entry, etag } = stored
  if (!isAtRest(entry)) return { problem: `${feed} ${id} ${whyNotAtRest(entry, row)}; "status" shows since when` }
  const past = whyPastKeep(row.feed, window, clock())
  if (past !== undefined) return { problem: `${feed} ${id} ${past}` }
  if (hasPassed(clock(), row, entry)) return { problem: `${feed} ${id} ${passedWords(clock(), row, entry)}` }
  if (entry.lane === 'backfill' && row.backfillPaused)
    return { problem: `${feed} ${id} is history, which is paused: "backfill resume --feed ${feed}" first` }
  const written = await ledger.write(toRetried(entry, clock(), acceptEmpty), etag)
  if (!written) return { problem: changedJustNow(feed, id) }
  if (row.blocked) await changeFeedRow(services, feed, withTrialNow)
  return { state: 'planned' }
}

/** The service would answer with the data of today. What is archived can land again. */
function passedWords(now: Date, row: FeedRow, entry: Landed | Failed): string {
  const { feed, window } = entry
  const instead =
    entry.state === 'failed'
      ? adviceOnAttempt(now, row, entry).command
      : windowCommand(lastArchive(entry) ? 'replay' : 'forget', feed, window)
  return `is a snapshot whose time has passed, and the next one is asked for by itself; type instead: ${instead}`
}
