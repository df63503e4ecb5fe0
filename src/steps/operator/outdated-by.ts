import { isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type FeedRow, formNow } from '../../core/ledger/feed-row.ts'
import { isOutdated } from '../../core/ledger/ledger.ts'
import { withKnownReach } from '../../core/ledger/reach.ts'
import { whyNotOffered } from '../../core/plan/set-back.ts'
import type { Services } from '../services.ts'

/** `staying`: those of them that nothing asks for again, because the service may not have their time. */
export type OutdatedBy = { readonly windows: number; readonly staying: number }

/** How many windows whose rows stand are outdated once the app has read a feed that asks for other rows than it knows now. */
export async function countOutdatedBy(
  { ledger, clock }: Pick<Services, 'ledger' | 'clock'>,
  row: FeedRow,
  feed: Feed,
): Promise<OutdatedBy> {
  const now = clock()
  const then = { ...withKnownReach(row, now), feed, form: formNow({ ...row, feed }) }
  let [windows, staying] = [0, 0]
  if (then.form.rowSet === row.form.rowSet) return { windows, staying }
  for await (const { value } of ledger.overview(feed.name)) {
    if (isFailure(value) || !isOutdated(value, then.form)) continue
    windows++
    if (whyNotOffered(then, value, now) !== undefined) staying++
  }
  return { windows, staying }
}
