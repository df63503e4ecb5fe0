import { isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type FeedRow, formNow } from '../../core/ledger/feed-row.ts'
import { isOutdated } from '../../core/ledger/ledger.ts'
import type { Services } from '../services.ts'

/** How many windows whose rows stand are outdated once the app has read a feed that asks for other rows than it knows now. */
export async function countOutdatedBy({ ledger }: Pick<Services, 'ledger'>, row: FeedRow, feed: Feed): Promise<number> {
  const form = formNow({ ...row, feed })
  let windows = 0
  if (form.rowSet === row.form.rowSet) return windows
  for await (const { value } of ledger.overview(feed.name)) if (!isFailure(value) && isOutdated(value, form)) windows++
  return windows
}
