import { type Failure, isFailure } from '../../core/failures.ts'
import { type CleanUpRow, cleanUpRowKey } from '../../core/ledger/app-rows.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { hasCome } from '../../core/ledger/wake.ts'
import { DAY_MS, MINUTE_MS } from '../../core/time/durations.ts'
import type { AppRows, Stored } from '../../services/storage/ledger.ts'
import { withdrawReports } from '../ledger/end-attempt.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'

/** A sweep spends no more than this on what it deletes at the service. */
const BUDGET_MS = MINUTE_MS

/** After a deletion that failed an account waits so long, then twice as long each time, up to a day. */
const FIRST_WAIT_MS = 15 * MINUTE_MS

/** An entry whose reports at the service nothing needs any more. */
export type Spare = { readonly row: FeedOutline; readonly entry: Stored<LedgerEntry> }

/**
 * Deletes the reports that nothing needs any more, within a budget of time. The second deletion that fails ends the turn
 * of its account, which waits longer each time: a service that refuses deletions costs a few calls a day.
 */
export async function cleanUp(services: Services, app: AppRows, spare: readonly Spare[]): Promise<void> {
  const until = services.clock().getTime() + BUDGET_MS
  for (const [account, ofAccount] of Map.groupBy(spare, ({ row }) => row.feed.account)) {
    // An account whose turn did not come keeps its waits.
    if (services.clock().getTime() > until) return
    const last = app.get(cleanUpRowKey(account))
    const before = (last?.value ?? { times: 0, at: new Date(0).toISOString() }) as CleanUpRow
    if (!mayCleanUp(before, services.clock())) continue
    const failure = await cleanUpAccount(services, rotated(ofAccount, before.times), until)
    await noteOutcome(services, account, before, last?.etag, failure)
  }
}

function mayCleanUp({ times, at }: CleanUpRow, now: Date): boolean {
  if (times === 0) return true
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(times - 1, 20), DAY_MS)
  return hasCome(new Date(Date.parse(at) + waitMs), now, DAY_MS)
}

async function cleanUpAccount(
  services: Services,
  spare: readonly Spare[],
  until: number,
): Promise<Failure | undefined> {
  let first: Failure | undefined
  for (const { row, entry } of spare) {
    if (services.clock().getTime() > until) return first
    const insights = services.insights(row.feed.account, row.account)
    const failure = isFailure(insights) ? insights : await withdrawReports({ insights, services }, entry)
    // One report that cannot be deleted keeps no other.
    if (failure && first) return failure
    first ??= failure
  }
  return first
}

/** Another one is the first each time, so that those that cannot be deleted do not keep the others. */
function rotated(spare: readonly Spare[], times: number): readonly Spare[] {
  const start = times % spare.length
  return [...spare.slice(start), ...spare.slice(0, start)]
}

async function noteOutcome(
  services: Services,
  account: string,
  { times }: CleanUpRow,
  etag: string | undefined,
  failure: Failure | undefined,
): Promise<void> {
  if (!failure && times === 0) return
  const at = services.clock().toISOString()
  await services.ledger.writeApp(cleanUpRowKey(account), { times: failure ? times + 1 : 0, at }, etag)
  if (!failure) return
  const { kind } = failure
  const message = `account ${account}: reports that nothing needs any more cannot be deleted: ${failure.message}`
  // Which report it was changes from sweep to sweep, and is no news.
  await tellOnce(services, `cleanup~${account}`, { event: 'cleanup.failing', kind, message }, { kind })
}
