import { isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { isRemoved, standingRows } from '../../core/ledger/ledger.ts'
import { isPastKeep, keptSince } from '../../core/plan/keep.ts'
import { readableFeeds } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'

/** What a feed loses for good once the app has read its new `keep`: so many windows, with the rows that readers see. */
export type Loss = { readonly feed: string; readonly windows: number; readonly rows: number }

/** Says what goes because `keep` is new or shorter than the app knows it. What goes anyway is not counted. */
export async function findLosses(
  { ledger, clock }: Pick<Services, 'ledger' | 'clock'>,
  feeds: readonly Feed[],
): Promise<readonly Loss[]> {
  const known = readableFeeds(await ledger.appRows())
  const losses: Loss[] = []
  for (const feed of feeds) {
    const before = known.find((row) => row.feed.name === feed.name)?.feed ?? {}
    const loss = await lossOf({ ledger, clock }, feed, before)
    if (loss.windows > 0) losses.push(loss)
  }
  return losses
}

async function lossOf(
  { ledger, clock }: Pick<Services, 'ledger' | 'clock'>,
  feed: Feed,
  before: Pick<Feed, 'keep'>,
): Promise<Loss> {
  const now = clock()
  const since = keptSince(feed, now)
  let [windows, rows] = [0, 0]
  if (!since || since <= (keptSince(before, now) ?? new Date(0))) return { feed: feed.name, windows, rows }
  for await (const { window, value } of ledger.scan(feed.name)) {
    // They are in the order of their windows.
    if (window && window.from >= since) break
    if (!window || isFailure(value) || isRemoved(value)) continue
    if (!isPastKeep(feed, window, now) || isPastKeep(before, window, now)) continue
    windows++
    rows += standingRows(value)
  }
  return { feed: feed.name, windows, rows }
}
