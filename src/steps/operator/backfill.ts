import { type Failure, isFailure } from '../../core/failures.ts'
import { type FeedRow, withBackfillPaused } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { withKnownReach } from '../../core/ledger/reach.ts'
import type { RangedFeed } from '../../core/plan/feed-history.ts'
import type { AccountNow } from '../../core/plan/rehearse.ts'
import { type Choice, type LeftOut, setBack, whyNoHistory } from '../../core/plan/set-back.ts'
import type { Problem } from '../../core/problems.ts'
import { type Window, type WindowId, windowId } from '../../core/time/window.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { changeFeedRow, findTypedFeed, readKnownFeed } from '../ledger/feed-row.ts'
import { pacingOf } from '../requesting/pacing-row.ts'
import type { Services } from '../services.ts'

type Means = Pick<Services, 'ledger' | 'clock' | 'settings'>

/** The row of a feed or account that cannot be read. `feeds` are those that it stops. */
export type UnreadableRow = {
  readonly of: 'feed' | 'account'
  readonly feeds: readonly string[]
  readonly failure: Failure
}

/**
 * What a backfill goes by: all feeds, every account with its feeds and quota, and the rows of feeds and accounts that cannot
 * be read.
 */
export type BackfillNow = {
  readonly feeds: readonly RangedFeed[]
  readonly accounts: readonly AccountNow[]
  readonly unreadable: readonly UnreadableRow[]
}

/** Reads all that the ledger knows of the feeds and their accounts. */
export async function readBackfill(services: Means): Promise<BackfillNow> {
  const { ledger, settings } = services
  await ledger.create()
  const app = await ledger.appRows()
  const feeds: RangedFeed[] = []
  const unreadable: UnreadableRow[] = []
  for (const name of app.feeds.keys()) {
    const feed = await readRangedFeed(services, name)
    if (isFailure(feed)) unreadable.push({ of: 'feed', feeds: [name], failure: feed })
    else if (feed) feeds.push(feed)
  }
  const accounts: AccountNow[] = []
  for (const [account, own] of Map.groupBy(feeds, ({ row }) => row.feed.account)) {
    const pacing = pacingOf(app, account)
    const names = own.map(({ row }) => row.feed.name)
    if (isFailure(pacing)) unreadable.push({ of: 'account', feeds: names, failure: pacing })
    else accounts.push({ feeds: own, pacing: pacing.value, limits: settings.limits, rules: settings })
  }
  return { feeds, accounts, unreadable }
}

async function readRangedFeed(services: Means, name: string): Promise<RangedFeed | Failure | undefined> {
  const stored = await services.ledger.readFeed(name)
  if (!stored || isFailure(stored)) return stored
  const row = withKnownReach(stored.value, services.clock())
  return { ...(await readKnownFeed(services, row)), row }
}

/** What became of the windows of a choice: those that are asked for again, and those that stay, with the reason. */
export type SetBack = {
  readonly planned: readonly WindowId[]
  readonly left: readonly LeftOut[]
  readonly unreadable: readonly Failure[]
}

/**
 * Sets windows of a feed back to `planned`, in the lane of history, one conditional write each: what ends in the middle has
 * done a part, and the next run does the rest. An entry that cannot be read is left alone.
 */
export async function setBackWindows(
  services: Pick<Services, 'ledger' | 'clock'>,
  feed: string,
  choice: Choice,
  isInSpan: (window: Window) => boolean,
): Promise<SetBack | Problem> {
  const stored = await findTypedFeed(services, feed)
  if ('problem' in stored) return stored
  const problem = whyNoHistory(stored)
  if (problem !== undefined) return { problem }
  const row = withKnownReach(stored, services.clock())
  const planned: WindowId[] = []
  const left: LeftOut[] = []
  const unreadable: Failure[] = []
  for await (const { value, etag, window } of services.ledger.scan(feed)) {
    if (window && !isInSpan(window)) continue
    if (isFailure(value)) {
      unreadable.push(value)
      continue
    }
    const done = await setBackOne(services, row, choice, { value, etag })
    if (done === 'planned') planned.push(windowId(value.window))
    else if (done) left.push({ feed, window: value.window, why: done.why })
  }
  return { planned, left, unreadable }
}

/** Looks again where somebody else changed the entry meanwhile: the app, or another person. */
async function setBackOne(
  services: Pick<Services, 'ledger' | 'clock'>,
  row: FeedRow,
  choice: Choice,
  { value, etag }: Stored<LedgerEntry>,
): Promise<'planned' | { readonly why: string } | undefined> {
  const next = setBack(choice, row, value, services.clock())
  if (!next || 'why' in next) return next
  if (await services.ledger.write(next, etag)) return 'planned'
  const again = await services.ledger.read(row.feed.name, windowId(value.window))
  if (!again) return { why: 'was taken out just now' }
  return isFailure(again) ? { why: `cannot be read: ${again.message}` } : setBackOne(services, row, choice, again)
}

/** Pauses the history of a feed, or lets it go on. `changed` is false where that was so already. */
export async function pauseBackfill(
  services: Pick<Services, 'ledger'>,
  feed: string,
  isPaused: boolean,
): Promise<{ readonly paused: boolean; readonly changed: boolean } | Problem> {
  const done = await changeFeedRow(services, feed, (row) => withBackfillPaused(row, isPaused))
  if (!done) {
    const stored = await findTypedFeed(services, feed)
    return 'problem' in stored ? stored : pauseBackfill(services, feed, isPaused)
  }
  return { paused: isPaused, changed: done.before !== done.after }
}
